"""The real PostgreSQL and Valkey of one test run, shared by all its processes."""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from persistence.embedded import UNSAFE_OPTIONS, EmbeddedPostgres
from server import valkey


class Services:
    """Both servers in a temporary folder. They end with the process that started them."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tct-"))
        self.postgres = EmbeddedPostgres(
            self.folder / "pg", {**UNSAFE_OPTIONS, "max_connections": "400"}
        )
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
