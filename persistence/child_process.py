"""Processes of ours that read the files of strangers, seen from the one that starts them.

Such a process is a module of ours, started anew for each file. It knows no keys and no addresses,
and it dies, with all that it started, when nobody wants more of its output."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_MESSAGE_BYTES = 2_000
_OUTPUT_BYTES = 262_144
_ROOT = Path(__file__).parent.parent
#: What is kept of our environment: nothing that a hostile file could want.
_KEPT = ("PYTHONPATH",)

#: Exit codes of a process that took too much processor time, or was killed.
OUT_OF_TIME = (-signal.SIGXCPU, -signal.SIGKILL)


class ChildFailed(Exception):
    """The process did not end well: its exit code, and the start of what it said."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


async def output(
    module: str,
    arguments: Sequence[str],
    scratch: Path,
    environment: Mapping[str, str] | None = None,
) -> AsyncGenerator[bytes]:
    """What `python -m module arguments` writes, in pieces. `scratch` is a folder for its errors.

    Raises `ChildFailed` behind the last piece. Time is bounded by whoever iterates."""
    # A library that runs out of memory writes pages; a file takes them and never blocks the writer.
    with (scratch / "errors").open("w+b") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *arguments,
            cwd=_ROOT,
            env=_environment() | dict(environment or {}),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
        try:
            while piece := await _output(process).read(_OUTPUT_BYTES):
                yield piece
            code = await process.wait()
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        if code != 0:
            errors.seek(0)
            raise ChildFailed(code, errors.read(_MESSAGE_BYTES).decode(errors="replace"))


def _output(process: asyncio.subprocess.Process) -> asyncio.StreamReader:
    if process.stdout is None:
        raise RuntimeError("The process has no output")
    return process.stdout


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {"PYTHONUTF8": "1", "RUST_BACKTRACE": "0"} | kept
