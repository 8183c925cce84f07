"""The sandbox for programs of users: a pool of worker processes of pydantic-monty.

A program never runs in our process, nor in CPython. The interpreter has no files, no network, no
environment, no other processes and no pauses; it counts time, memory and depth itself, and its
process is killed when it does not stop by itself. A dead worker is replaced."""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, aclosing, contextmanager
from pathlib import Path
from shlex import quote
from tempfile import TemporaryDirectory
from threading import Event, Lock
from typing import Any

import structlog
from pydantic_monty import Monty
from pydantic_monty._binary import find_monty_binary

from processing.sandbox_program import Fault, Result
from processing.sandbox_sessions import Run, problem

#: What one row may take, unless told otherwise, and at most.
SECONDS = 0.5
MOST_SECONDS = 2.0

#: Rows of one run, and what their values may weigh together.
_MOST_ROWS = 500
_MOST_WEIGHT = 4_000_000
#: After its time is over, a worker has so long to say so before it is killed.
_GRACE_SECONDS = 0.5
_SESSIONS_OF_A_WORKER = 500

_Row = Mapping[str, Any]


_log = structlog.get_logger()


class SandboxClosed(Exception):
    """Nothing runs any more: the process ends."""


class PythonSandbox:
    """Runs programs. One for a process; its workers start with the first program."""

    def __init__(self, *, processes: int = 2, seconds: float = SECONDS) -> None:
        self._processes = processes
        self._seconds = min(seconds, MOST_SECONDS)
        self._lock = Lock()
        self._closing = Event()
        self._stack = ExitStack()
        self._started: tuple[Monty, ThreadPoolExecutor] | None = None

    async def start(self) -> None:
        """Make the pool now rather than with the first program."""
        await asyncio.to_thread(self._start)

    async def close(self) -> None:
        """End the workers. What runs ends with the row that it is at."""
        self._closing.set()
        await asyncio.to_thread(self._stop)

    async def check(self, code: str) -> str | None:
        """What the sandbox has against a program before it sees a row: something that it does not
        know, or what goes wrong when the program is read. None when there is nothing. Raises
        `SandboxClosed`."""
        pool, threads = self._start()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(threads, problem, pool, code, self._seconds)

    async def run(self, code: str, row: _Row) -> Result:
        """What a program gives for one row."""
        found: list[Result] = []
        async for results in self.results(code, [row]):
            found += results
        return found[0] if found else Fault("Not run: the sandbox was closed")

    async def results(self, code: str, rows: Sequence[_Row]) -> AsyncGenerator[Sequence[Result]]:
        """What a program gives for each row, in order, some at a time as they come; fewer when the
        sandbox is closed meanwhile. Nothing lasts from one run of at most 500 rows to the next."""
        for part in _parts(rows):
            async with aclosing(self._part(code, part)) as found:
                async for results in found:
                    yield results

    async def _part(self, code: str, rows: Sequence[_Row]) -> AsyncGenerator[Sequence[Result]]:
        try:
            pool, threads = self._start()
        except SandboxClosed:
            return
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[Sequence[Result]] = asyncio.Queue()
        left = Event()

        def emit(results: Sequence[Result]) -> None:
            if not left.is_set():
                loop.call_soon_threadsafe(queue.put_nowait, results)

        def stopped() -> bool:
            return left.is_set() or self._closing.is_set()

        run = Run(pool, code, rows, self._seconds, emit, stopped)
        try:
            more = True
            while more:
                try:
                    work = loop.run_in_executor(threads, run.work)
                except RuntimeError:  # the sandbox was closed since
                    return
                work.add_done_callback(lambda _: queue.put_nowait(()))
                while results := await queue.get():
                    yield results
                more = not work.cancelled() and await work
        finally:
            left.set()

    def _start(self) -> tuple[Monty, ThreadPoolExecutor]:
        with self._lock:
            if self._closing.is_set():
                raise SandboxClosed("The sandbox is closed")
            if self._started is None:
                # The blocking pool with threads of ours, not the asynchronous one: a cancelled
                # call of that one never ends, and its threads abort an interpreter that exits
                # while they tell it something.
                pool = Monty(
                    binary_path=self._stack.enter_context(bare_interpreter()),
                    min_processes=0,
                    max_processes=self._processes,
                    max_checkouts_per_worker=_SESSIONS_OF_A_WORKER,
                    feed_duration_limit_grace=_GRACE_SECONDS,
                )
                threads = ThreadPoolExecutor(self._processes, "sandbox")
                self._started = self._stack.enter_context(pool), threads
            return self._started

    def _stop(self) -> None:
        with self._lock:
            if self._started is not None:
                self._started[1].shutdown(wait=True, cancel_futures=True)
                self._stack.close()
                self._started = None


@contextmanager
def bare_interpreter() -> Iterator[str]:
    """The interpreter's program, started without our environment.

    The pool hands all of that to its workers, and has no way to say otherwise. The programs of
    users cannot read it; but whoever breaks out of the interpreter should find nothing there. So
    the pool starts a script of one line, which takes two milliseconds."""
    found = find_monty_binary()
    with TemporaryDirectory(prefix="tablecast-sandbox-") as folder:
        script = Path(folder, "monty")
        script.write_text(f'#!/bin/sh\nexec env -i {quote(found)} "$@"\n')
        script.chmod(0o700)
        if os.access(script, os.X_OK):
            yield str(script)
            return
        _log.warning("sandbox_inherits_environment", reason=f"no programs run from {folder}")
        yield found


def _parts(rows: Sequence[_Row]) -> Iterator[Sequence[_Row]]:
    """Rows that go to a worker together: its memory has to hold them."""
    begin, weight = 0, 0
    for index, row in enumerate(rows):
        own = _weight(row)
        if index > begin and (weight + own > _MOST_WEIGHT or index - begin >= _MOST_ROWS):
            yield rows[begin:index]
            begin, weight = index, 0
        weight += own
    if begin < len(rows):
        yield rows[begin:]


def _weight(value: Any) -> int:
    """About the bytes that a value takes."""
    if isinstance(value, str):
        return 16 + len(value)
    if isinstance(value, Mapping):
        return 16 + sum(16 + len(key) + _weight(each) for key, each in value.items())
    if isinstance(value, list | tuple):
        return 16 + sum(map(_weight, value))
    return 16
