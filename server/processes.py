"""One child process: how it is started, known to be ready, restarted and stopped."""

import asyncio
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from persistence.child_environment import bare_environment

_log = structlog.get_logger(__name__)

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_HEALTHY_AFTER = 10.0  # seconds alive; then the next failure counts as the first again
_POLL = 0.01


class ProcessFailed(Exception):
    """A child did not become ready. The text is one sentence for the operator."""


async def at_once() -> bool:
    """For children that nobody waits for."""
    return True


async def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What to run.

    `command` is asked before every start and must tie the child to this process (see
    `persistence.launcher`); `before` clears the way for a start, `ready` tells when others may
    rely on the child. `log` takes the output; None leaves it on our own stderr. `environment` is
    all that the child gets of one.
    """

    name: str
    command: Callable[[], Sequence[str]]
    ready: Callable[[], Awaitable[bool]] = at_once
    before: Callable[[], Awaitable[None]] = _nothing
    stop_signal: signal.Signals = signal.SIGTERM
    force_signal: signal.Signals = signal.SIGKILL
    stop_seconds: float = 15
    start_seconds: float = 60
    log: Path | None = None
    environment: Mapping[str, str] = field(default_factory=bare_environment)
    pass_fds: tuple[int, ...] = ()


class ManagedProcess:
    """A child that is started again whenever it ends without being told to."""

    def __init__(self, spec: ProcessSpec) -> None:
        self.spec = spec
        self.restarts = 0
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The id of the running child."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def launch(self) -> None:
        """Start the child and do not wait for it; `until_ready` comes next."""
        await self.spec.before()
        await self._spawn()

    async def start(self) -> None:
        """Start the child and wait until it is ready."""
        await self.launch()
        await self.until_ready()

    async def until_ready(self) -> None:
        """Wait until the child is ready, and keep it running from then on.

        Raises `ProcessFailed` when it ends or is not ready within `start_seconds` from now.
        """
        process = self._process
        assert process is not None, "launch comes first"
        begun = time.monotonic()
        while not await self.spec.ready():
            if process.returncode is not None:
                raise ProcessFailed(f"{self.spec.name} ended at its start: {self._last_words()}")
            if time.monotonic() - begun > self.spec.start_seconds:
                raise ProcessFailed(
                    f"{self.spec.name} was not ready within {self.spec.start_seconds:.0f} s: "
                    f"{self._last_words()}"
                )
            await asyncio.sleep(_POLL)
        self._keeper = asyncio.create_task(self._keep(process, begun))

    async def _spawn(self) -> asyncio.subprocess.Process:
        with ExitStack() as stack:
            log = self.spec.log
            output = stack.enter_context(log.open("ab")) if log else None
            # A session of its own: Ctrl-C in the terminal must reach us alone, to stop in order.
            self._process = await asyncio.create_subprocess_exec(
                *self.spec.command(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(self.spec.environment),
                pass_fds=self.spec.pass_fds,
                start_new_session=True,
            )
        return self._process

    async def _keep(self, process: asyncio.subprocess.Process, begun: float) -> None:
        pause = 0.0
        while True:
            code = await process.wait()
            pause = 0.0 if time.monotonic() - begun > _HEALTHY_AFTER else pause
            if await self._told_to_stop(within=pause):
                return
            _log.warning("process ended", process=self.spec.name, code=code, paused=pause)
            pause = min(max(pause * 2, _FIRST_PAUSE), _LONGEST_PAUSE)
            begun = time.monotonic()
            try:
                await self.spec.before()
                process = await self._spawn()
            except Exception:
                # No memory, a full disk: as if it had ended again. Giving up would be for ever.
                _log.exception("process cannot be started", process=self.spec.name)
                await self._told_to_stop(within=pause)
                continue
            self.restarts += 1
            if self._stopping.is_set():
                await self._end(process)

    async def _told_to_stop(self, within: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), within)
        return self._stopping.is_set()

    def _last_words(self) -> str:
        if self.spec.log is None:
            return "see its lines above"
        lines = self.spec.log.read_text(errors="replace").strip().splitlines()
        errors = [line for line in lines[-20:] if "FATAL:" in line or "PANIC:" in line]
        return [*(lines or ["it wrote no log"]), *errors][-1]

    async def stop(self) -> None:
        """Ask the child to stop, wait, and force it after `stop_seconds`."""
        self._stopping.set()
        if self._process is not None:
            await self._end(self._process)
        if self._keeper is not None:
            await self._keeper

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        if process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(self.spec.stop_signal)
        try:
            await asyncio.wait_for(process.wait(), self.spec.stop_seconds)
        except TimeoutError:
            _log.warning("process does not stop", process=self.spec.name)
            with suppress(ProcessLookupError):
                process.send_signal(self.spec.force_signal)
            await process.wait()


class ProcessGroup:
    """Children that are stopped in the reverse order of their adding."""

    def __init__(self) -> None:
        self.members: list[ManagedProcess] = []

    def add(self, spec: ProcessSpec) -> ManagedProcess:
        """One more child, not started yet. The last one added is stopped first."""
        member = ManagedProcess(spec)
        self.members.append(member)
        return member

    async def stop(self) -> None:
        """Stop all, the last started first."""
        while self.members:
            await self.members[-1].stop()
            self.members.pop()
