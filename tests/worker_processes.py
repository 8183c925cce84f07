"""Workers in processes of their own, which can be killed.

They are copies of a process that has loaded all that a worker needs, which takes two seconds of
processor time. How the command itself starts is shown by the tests of the supervisor."""

import os
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

from server import cli

#: How to start a process that has loaded all of this already.
SPAWNING = get_context("forkserver")
SPAWNING.set_forkserver_preload(["server.cli", "processing.worker"])


class WorkerProcess:
    """`tablecast worker`."""

    def __init__(self, database_url: str, redis_url: str, folder: Path, **more: str) -> None:
        environment = {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "TABLECAST_DATA": str(folder),
        }
        self._process = SPAWNING.Process(target=_run, args=(environment | more,), daemon=True)
        self._process.start()

    def kill(self) -> None:
        """End it with SIGKILL, as a crash of the machine would."""
        self._process.kill()
        self._process.join()

    def terminate(self) -> None:
        """Ask it to stop, without waiting."""
        with suppress(ProcessLookupError):
            self._process.terminate()

    def stop(self) -> int | None:
        """Ask it to stop; its exit code, None when it does not within 30 seconds."""
        self.terminate()
        self._process.join(30)
        return self._process.exitcode


def _run(environment: dict[str, str]) -> None:
    os.environ.update(environment)
    cli.app(["worker"])
