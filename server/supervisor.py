"""`tablecast up`: PostgreSQL, Valkey, web and worker as children of one process."""

import asyncio
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from persistence import launcher
from persistence.embedded import EmbeddedPostgres, answers, end_former, make_data_folder
from server import valkey
from server.processes import ProcessFailed, ProcessGroup, ProcessSpec, at_once
from server.settings import ConfigurationError, Settings

_READY_REQUEST = b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def sole_owner(data: Path) -> Iterator[None]:
    """Hold the data folder; a second supervisor on it is refused with `ConfigurationError`."""
    make_data_folder(data)
    with (data / "up.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(
                f"Another tablecast already runs on {data}: stop it, or set TABLECAST_DATA to "
                f"another folder."
            ) from None
        yield


def listen(host: str, port: int) -> socket.socket:
    """The web server's socket. The supervisor keeps it, so requests wait while a web restarts."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"Port {port} on {host} cannot be used ({error.strerror}): stop what listens there, or "
            f"set PORT to another number."
        ) from None
    listener.listen(2048)
    return listener


async def answers_http(listener: socket.socket) -> bool:
    """Whether GET /health/ready behind the listener says 200."""
    host, port = listener.getsockname()[:2]
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(_READY_REQUEST)
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except OSError:
        return False


def postgres_spec(server: EmbeddedPostgres) -> ProcessSpec:
    """The embedded PostgreSQL as a child."""

    async def before() -> None:
        # A temporary server of `tablecast key` ends by itself; one that a killed supervisor left
        # behind is stopped. Only then is the folder ours.
        await asyncio.to_thread(end_former, server.data)
        await asyncio.to_thread(server.prepare)

    async def ready() -> bool:
        return await asyncio.to_thread(answers, server.socket_folder)

    return ProcessSpec(
        "postgres",
        server.command,
        ready=ready,
        before=before,
        stop_signal=signal.SIGINT,
        force_signal=signal.SIGQUIT,
        log=server.log,
    )


def valkey_spec(folder: Path, log: Path) -> ProcessSpec:
    """The embedded Valkey as a child, its socket in `folder`."""

    async def before() -> None:
        await asyncio.to_thread(valkey.end_former, folder)

    async def ready() -> bool:
        return await asyncio.to_thread(valkey.answers, folder)

    return ProcessSpec(
        "valkey", lambda: valkey.command(folder), ready=ready, before=before, log=log
    )


class Gate:
    """Holds children back until it is opened: they read from `fd` and wait for the end of file.

    So they can load their modules, which is most of their start, while others get ready.
    """

    def __init__(self) -> None:
        self.fd, self._held = os.pipe()

    def open(self) -> None:
        """Let all children go, those that are started later too."""
        if self._held >= 0:
            os.close(self._held)
            self._held = -1

    def close(self) -> None:
        """Give the descriptors back."""
        self.open()
        os.close(self.fd)


def _ourselves(*arguments: str) -> list[str]:
    # SIGKILL when we are killed: the web's copy of the listening socket must not block the port.
    line = [sys.executable, "-m", "server.cli", *arguments]
    return launcher.command(line, death_signal=signal.SIGKILL)


class Supervisor:
    """The whole installation on one machine. `say` tells the operator what happens."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self.settings = settings
        self.say = say
        self.group = ProcessGroup()
        self._server = EmbeddedPostgres(settings.postgres_folder)
        self._database_ready = Gate()
        self._prepared = Gate()

    async def start(self, listener: socket.socket) -> str | None:
        """Start everything in order; returns the API key to show when the web answers.

        Raises `ProcessFailed`, `EmbeddedError` or `ConfigurationError` with a sentence.
        """
        stores = [self.group.add(spec) for spec in self._stores()]
        programs = [self.group.add(spec) for spec in self._programs(listener)]
        preparing = asyncio.create_task(self._prepare())
        try:
            for program in programs:
                await program.launch()
            for store in stores:
                self.say(f"Starting {store.spec.name}")
                await store.start()
            self.say("Bringing the database up to date")
            self._database_ready.open()
            key = await preparing
        finally:
            preparing.cancel()
            await asyncio.wait({preparing})
        self.say("Starting the web server and the worker")
        self._prepared.open()
        for program in programs:
            await program.until_ready()
        return key

    async def stop(self) -> None:
        """Stop everything in reverse order."""
        await self.group.stop()
        self._database_ready.close()
        self._prepared.close()

    def _stores(self) -> Iterator[ProcessSpec]:
        settings = self.settings
        if settings.database_url is None:
            yield postgres_spec(self._server)
        if settings.redis_url is None:
            self._server.make_socket_folder()
            yield valkey_spec(self._server.socket_folder, settings.data / "valkey.log")

    def _programs(self, listener: socket.socket) -> Iterator[ProcessSpec]:
        async def web_ready() -> bool:
            return await answers_http(listener)

        processes = self.settings.web_processes
        for number in range(1, processes + 1):
            name = "web" if processes == 1 else f"web {number}"
            arguments = ["serve", "--listen-fd", str(listener.fileno())]
            yield self._program(name, arguments, web_ready, listener.fileno())
        yield self._program("worker", ["worker"], at_once)

    def _program(
        self, name: str, arguments: list[str], ready: Callable[[], Awaitable[bool]], *fds: int
    ) -> ProcessSpec:
        gate = self._prepared.fd
        return ProcessSpec(
            name,
            lambda: _ourselves(*arguments, "--start-fd", str(gate)),
            ready=ready,
            stop_seconds=self.settings.shutdown_seconds + 5,
            environment=self._environment(),
            pass_fds=(gate, *fds),
        )

    def _environment(self) -> dict[str, str]:
        """Our own programs read their settings from it."""
        settings, folder = self.settings, self._server.socket_folder
        return {
            **os.environ,
            "DATABASE_URL": settings.database_url or self._server.url(),
            "REDIS_URL": settings.redis_url or valkey.url(folder),
            "TABLECAST_DATA": str(settings.data),
        }

    async def _prepare(self) -> str | None:
        """Migrations and the first key, in a process that gives its 100 MB back afterwards."""
        gate = self._database_ready.fd
        process = await asyncio.create_subprocess_exec(
            *_ourselves("prepare", "--start-fd", str(gate)),
            stdout=subprocess.PIPE,
            env=self._environment(),
            pass_fds=(gate,),
            start_new_session=True,
        )
        try:
            output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise ProcessFailed("The database could not be brought up to date; see above.")
        key = json.loads(output.splitlines()[-1])["api_key"]
        return key if isinstance(key, str) else None


async def run(settings: Settings, say: Callable[[str], None]) -> None:
    """Start everything, say where it is, and stop in reverse order on SIGINT, SIGTERM or SIGHUP."""
    os.umask(0o077)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    with ExitStack() as stack:
        stack.enter_context(sole_owner(settings.data))
        listener = stack.enter_context(listen(settings.host, settings.port))
        supervisor = Supervisor(settings, say)
        told = asyncio.create_task(stop.wait())
        starting = asyncio.create_task(supervisor.start(listener))
        try:
            await asyncio.wait({told, starting}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                say(welcome(settings, starting.result()))
                await told
            say("Stopping")
        finally:
            starting.cancel()
            await asyncio.wait({starting})
            await supervisor.stop()
    say("Stopped")


def welcome(settings: Settings, key: str | None) -> str:
    """What a newcomer needs: addresses, the key, one REST and one GraphQL line to try."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{'localhost' if settings.host in ('0.0.0.0', '::') else host}:{settings.port}"  # noqa: S104
    bearer = f" -H 'Authorization: Bearer {key or '<your key>'}'"
    query = '{"query":"{ tables { id name rowCount } }"}'
    lines = [
        "",
        f"  tablecast   {url}",
        f"  GraphiQL    {url}/graphql",
        f"  API key     {key or 'made earlier; `tablecast key create` makes another'}",
        "",
        "  Try:",
        f"  curl{bearer} {url}/api/tables",
        f"  curl{bearer} -H 'Content-Type: application/json' -d '{query}' {url}/graphql",
        "",
        "  Ctrl-C stops everything.",
        "",
    ]
    return "\n".join(lines)
