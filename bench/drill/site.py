"""The installation under drill: PostgreSQL, Valkey, two web processes and a worker, in a temporary
folder, each as its own process that comes back when it is killed."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil

from domain import keys
from persistence import launcher
from persistence.embedded import EmbeddedPostgres
from server import valkey
from server.processes import ManagedProcess, ProcessSpec, at_once
from server.supervisor import postgres_spec, valkey_spec

WEBS = ("web A", "web B")


class Site:
    """All processes. PostgreSQL runs as in production (fsync on); everything listens on loopback or
    on Unix sockets in the folder, and ends with this process."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o711)  # the user that PostgreSQL runs as has to reach its folder
        self.folder = folder
        self.postgres = EmbeddedPostgres(folder / "postgres")
        self.postgres.make_socket_folder()
        self.sockets = self.postgres.socket_folder
        self.ports = {name: _free_port() for name in WEBS}
        self.api_key = keys.new_secret()
        self._environment = {
            "DATABASE_URL": self.postgres.url(),
            "REDIS_URL": valkey.url(self.sockets),
            "TABLECAST_DATA": str(folder),
            "TABLECAST_API_KEY": self.api_key,
            "TABLECAST_DEMO": "false",
            "TABLECAST_LOG_LEVEL": "warning",
        }
        self._processes: dict[str, ManagedProcess] = {}

    @property
    def database_url(self) -> str:
        """The address of the database, for reading the truth."""
        return self.postgres.url()

    async def start(self) -> None:
        """Start everything in order and wait until it is ready."""
        await self.raise_("postgres")
        await self.raise_("valkey")
        prepared = await asyncio.create_subprocess_exec(
            *self._ourselves("prepare"),
            env=os.environ | self._environment,
            stdout=subprocess.DEVNULL,
        )
        if await prepared.wait() != 0:
            raise SystemExit("The database of the drill could not be prepared; see above.")
        await asyncio.gather(*(self.raise_(name) for name in (*WEBS, "worker")))

    async def stop(self) -> None:
        """Stop everything, the stores last."""
        for name in ("worker", *WEBS, "valkey", "postgres"):
            process = self._processes.pop(name, None)
            if process is not None:
                await process.stop()

    async def raise_(self, name: str) -> None:
        """Start a process and keep it running from then on."""
        process = self._processes[name] = ManagedProcess(self._spec(name))
        await process.start()

    async def hold_down(self, name: str) -> None:
        """End a process with SIGKILL and keep it down until `raise_`."""
        await self._processes.pop(name).stop()

    def pid(self, name: str) -> int | None:
        """The id of the process, None in the moment between its end and its restart."""
        process = self._processes.get(name)
        return process.pid if process else None

    async def kill(self, *names: str) -> None:
        """End processes with SIGKILL and wait until they are ready again: they are started again at
        once, as `tablecast up` does."""
        former = {name: self.pid(name) for name in names}
        for pid in former.values():
            _signal(pid, signal.SIGKILL)
        await asyncio.gather(*(self._ready(name, pid) for name, pid in former.items()))

    async def freeze(self, name: str, seconds: float) -> None:
        """Stop a process and its children from running, without ending them, and let them go on:
        meanwhile connections stay open and say nothing."""
        frozen = [psutil.Process(self.pid(name))]
        frozen += frozen[0].children(recursive=True)
        try:
            for process in frozen:
                _signal(process.pid, signal.SIGSTOP)
            await asyncio.sleep(seconds)
        finally:
            for process in frozen:
                _signal(process.pid, signal.SIGCONT)

    def cut_listeners(self) -> int:
        """Cut every connection on which a process listens to Valkey; how many there were."""
        answer = self._ask_valkey(b"CLIENT KILL TYPE pubsub\r\n")
        return int(answer[1:]) if answer.startswith(b":") else 0

    def valkey_version(self) -> str:
        """The version of the running Valkey."""
        found = re.search(rb"valkey_version:(\S+)", self._ask_valkey(b"INFO server\r\n"))
        return found[1].decode() if found else "of an unknown version"

    def _ask_valkey(self, question: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(5)
            connection.connect(str(self.sockets / "valkey.sock"))
            connection.sendall(question)
            return connection.recv(4096)

    async def _ready(self, name: str, former: int | None) -> None:
        spec = self._spec(name)
        async with asyncio.timeout(spec.start_seconds):
            while True:
                if self.pid(name) not in (None, former) and await spec.ready():
                    return
                await asyncio.sleep(0.02)

    def memory(self) -> dict[str, int]:
        """Resident bytes of the web processes and the worker, of those that run."""
        found: dict[str, int] = {}
        for name in (*WEBS, "worker"):
            with suppress(psutil.Error, TypeError):
                found[name] = psutil.Process(self.pid(name)).memory_info().rss
        return found

    def _spec(self, name: str) -> ProcessSpec:
        if name == "postgres":
            return replace(postgres_spec(self.postgres), stop_signal=signal.SIGINT)
        if name == "valkey":
            spec = valkey_spec(self.sockets, self.folder / "valkey.log")
            return replace(spec, stop_signal=signal.SIGKILL)
        if name == "worker":
            return self._program(name, ["worker"], at_once)
        port = self.ports[name]
        return self._program(name, ["serve", "--port", str(port)], lambda: answers_http(port))

    def _program(
        self, name: str, arguments: list[str], ready: Callable[[], Awaitable[bool]]
    ) -> ProcessSpec:
        return ProcessSpec(
            name,
            lambda: self._ourselves(*arguments),
            ready=ready,
            log=self.folder / f"{name.replace(' ', '-')}.log",
            environment=self._environment,
            stop_seconds=15,  # as the supervisor: what a web may finish, and some more
            start_seconds=120,
        )

    def _ourselves(self, *arguments: str) -> list[str]:
        line = [sys.executable, "-m", "server.cli", *arguments]
        return launcher.command(line, death_signal=signal.SIGKILL)


async def answers_http(port: int) -> bool:
    """Whether GET /health/ready on the port says 200."""
    request = b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(request)
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


def _signal(pid: int | None, number: signal.Signals) -> None:
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
