"""The real PostgreSQL and Valkey of one test run, shared by all its processes."""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import psutil

from persistence.embedded import UNSAFE_OPTIONS, EmbeddedPostgres
from server import valkey

#: Where files are kept in memory, and what has to be free there and in memory besides: databases
#: take some hundred megabytes, and writing them to a disk a tenth of the time of all tests.
_MEMORY = Path("/dev/shm")
_FREE_THERE, _FREE_MEMORY = 4_000_000_000, 8_000_000_000
_OPTIONS = {
    **UNSAFE_OPTIONS,
    "max_connections": "400",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


def _place() -> Path | None:
    """The folder for temporary files: in memory if there is enough of it."""
    if not _MEMORY.is_dir() or shutil.disk_usage(_MEMORY).free < _FREE_THERE:
        return None
    return _MEMORY if psutil.virtual_memory().available > _FREE_MEMORY else None


class Services:
    """Both servers in a temporary folder. They end with the process that started them."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tct-", dir=_place()))
        self.postgres = EmbeddedPostgres(self.folder / "pg", _OPTIONS)
        self.valkey: subprocess.Popen[bytes] | None = None

    def start(self) -> dict[str, str]:
        """Start both; the addresses by name."""
        redis_url = self._start_valkey()
        self.postgres.start()
        return {"postgres": self.postgres.url("postgres"), "redis": redis_url}

    def _start_valkey(self) -> str:
        with open(self.folder / "valkey.log", "wb") as log:
            self.valkey = subprocess.Popen(valkey.command(self.folder), stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while not valkey.answers(self.folder):
            if time.monotonic() > deadline or self.valkey.poll() is not None:
                raise RuntimeError((self.folder / "valkey.log").read_text())
        return valkey.url(self.folder)

    def stop(self) -> None:
        """Stop both and remove the folder."""
        if self.valkey is not None:
            self.valkey.kill()
            self.valkey.wait()
        self.postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
