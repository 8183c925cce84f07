"""The processes of a bench: PostgreSQL, Valkey, tablecast's web server and the limit."""

import asyncio
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import psutil

from bench.limit import Statements
from persistence import embedded, launcher
from persistence.embedded import EmbeddedPostgres
from server import valkey
from server.settings import Settings

#: 1,000 subscribers are as many open files in a server and in the load.
_OPEN_FILES = 8192


class Servers:
    """All processes, in a temporary folder. PostgreSQL runs as safely as in production (fsync on);
    it and everything else ends with this process."""

    def __init__(
        self,
        *,
        max_upload_bytes: int = 50_000_000,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, _OPEN_FILES), most))
        self.folder = Path(tempfile.mkdtemp(prefix="tcb-"))
        self.postgres = EmbeddedPostgres(self.folder / "postgres")
        self.settings = Settings(
            data=self.folder,
            database_url=self.postgres.url(),
            redis_url=valkey.url(self.folder),
            demo=False,
            port=free_port(),
            log_level="warning",
            max_upload_bytes=max_upload_bytes,
        )
        self.limit_port = free_port()
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._more = environment or {}

    async def start_stores(self) -> None:
        """Start PostgreSQL and Valkey."""
        self.folder.chmod(0o711)  # the user that PostgreSQL runs as has to reach its folder
        self.postgres.start()
        self._spawn("valkey", valkey.command(self.folder), {})
        await _until(lambda: valkey.answers(self.folder))

    async def start_tablecast(self) -> None:
        """Start one web process, as `tablecast serve` does."""
        port = self.settings.port
        line = [sys.executable, "-m", "server.cli", "serve", "--port", str(port)]
        self._spawn("tablecast", _tied(line), self._environment())
        await self._until_it_serves("tablecast", port, "/health/ready")

    def start_worker(self, name: str = "worker") -> None:
        """Start one worker, as `tablecast worker` does."""
        line = [sys.executable, "-m", "server.cli", "worker"]
        self._spawn(name, _tied(line), self._environment())

    def kill(self, name: str) -> None:
        """End a child with SIGKILL, as a crash of the machine would."""
        self._children[name].kill()
        self._children[name].wait()

    def process(self, name: str) -> psutil.Process:
        """A child."""
        return psutil.Process(self._children[name].pid)

    async def start_program(self, name: str, module: list[str], port: int, path: str) -> None:
        """Start a Python module with its arguments, and wait until it serves this path."""
        self._spawn(name, _tied([sys.executable, "-m", *module]), {})
        await self._until_it_serves(name, port, path)

    def _environment(self) -> dict[str, str]:
        settings = self.settings
        return {
            "DATABASE_URL": settings.database_url or "",
            "REDIS_URL": settings.redis_url or "",
            "TABLECAST_DATA": str(settings.data),
            "TABLECAST_LOG_LEVEL": settings.log_level,
            "TABLECAST_MAX_UPLOAD_BYTES": str(settings.max_upload_bytes),
            **self._more,
        }

    def memory(self, name: str) -> int:
        """Bytes that a child and its children hold now."""
        process = self.process(name)
        return sum(map(_resident, [process, *process.children(recursive=True)]))

    async def start_limit(self, statements: Statements) -> None:
        """Start the limit on the same server program with the same options."""
        file = self.folder / "statements.json"
        file.write_text(json.dumps(asdict(statements)))
        line = [sys.executable, "-m", "uvicorn", "--factory", "bench.limit:Limit"]
        line += [
            "--log-level",
            "warning",
            "--port",
            str(self.limit_port),
            "--loop",
            "uvloop",
            "--http",
            "httptools",
        ]
        line += ["--ws", "websockets-sansio", "--ws-per-message-deflate", "false"]
        line += ["--no-access-log", "--no-server-header"]
        self._spawn("limit", _tied(line), {"BENCH_STATEMENTS": str(file)})
        await self._until_it_serves("limit", self.limit_port, "/")

    def cpu_seconds(self) -> dict[str, float]:
        """CPU time used so far, in user and kernel mode: tablecast, limit, postgres."""
        live = embedded.postmaster(self.postgres.data)
        assert live is not None
        postmaster = psutil.Process(live.pid)
        found = {"postgres": sum(map(_cpu, [postmaster, *postmaster.children(recursive=True)]))}
        for name in ("tablecast", "limit"):
            found[name] = _cpu(psutil.Process(self._children[name].pid))
        return found

    def stop(self) -> None:
        """Stop everything and remove the folder."""
        for child in reversed(self._children.values()):
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _spawn(self, name: str, line: list[str], environment: Mapping[str, str]) -> None:
        with open(self.folder / f"{name}.log", "wb") as log:
            self._children[name] = subprocess.Popen(
                line, stdout=log, stderr=log, env={**os.environ, **environment}
            )

    async def _until_it_serves(self, name: str, port: int, path: str) -> None:
        try:
            await _until(lambda: _answers(port, path))
        except TimeoutError:
            words = (self.folder / f"{name}.log").read_text(errors="replace")
            raise SystemExit(f"{name} does not serve: {words[-3000:]}") from None


def _tied(line: list[str]) -> list[str]:
    return launcher.command(line, death_signal=signal.SIGKILL)


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


async def _until(ready: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while True:
            if await asyncio.to_thread(ready):
                return
            await asyncio.sleep(0.02)
