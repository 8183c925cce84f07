"""`tablecast up`: PostgreSQL, Valkey, web and worker as children of one process."""

import asyncio
import fcntl
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from persistence import launcher, migrate
from persistence.embedded import EmbeddedPostgres, answers, end_former, make_data_folder
from server import bootstrap, valkey
from server.bootstrap import Bootstrap
from server.processes import ProcessGroup, ProcessSpec
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


def _ourselves(*arguments: str) -> list[str]:
    # SIGKILL when we are killed: the web's copy of the listening socket must not block the port.
    line = [sys.executable, "-m", "server.cli", *arguments]
    return launcher.command(line, death_signal=signal.SIGKILL)


@dataclass
class Supervisor:
    """The whole installation on one machine. `say` tells the operator what happens."""

    settings: Settings
    say: Callable[[str], None]
    group: ProcessGroup = field(default_factory=ProcessGroup)

    async def start(self, listener: socket.socket) -> Bootstrap:
        """Start everything in order; returns when the web answers.

        Raises `ProcessFailed`, `EmbeddedError` or `ConfigurationError` with a sentence.
        """
        settings = await self._start_stores()
        self.say("Bringing the database up to date")
        await asyncio.to_thread(migrate.upgrade, settings.database_url or "")
        made = await bootstrap.prepare(settings)
        await self._start_programs(settings, listener)
        return made

    async def _start_stores(self) -> Settings:
        settings = self.settings
        found: dict[str, str] = {}
        server = EmbeddedPostgres(settings.postgres_folder)
        if settings.database_url is None:
            self.say("Starting PostgreSQL")
            await self.group.start(postgres_spec(server))
            found["database_url"] = server.url()
        if settings.redis_url is None:
            self.say("Starting Valkey")
            server.make_socket_folder()
            await self.group.start(valkey_spec(server.socket_folder, settings.data / "valkey.log"))
            found["redis_url"] = valkey.url(server.socket_folder)
        return settings.model_copy(update=found)

    async def _start_programs(self, settings: Settings, listener: socket.socket) -> None:
        addresses = {
            "DATABASE_URL": settings.database_url or "",
            "REDIS_URL": settings.redis_url or "",
            "TABLECAST_DATA": str(settings.data),
        }
        fd = listener.fileno()

        async def web_ready() -> bool:
            return await answers_http(listener)

        self.say("Starting the web server and the worker")
        for number in range(settings.web_processes):
            spec = ProcessSpec(
                f"web {number + 1}" if settings.web_processes > 1 else "web",
                lambda: _ourselves("serve", "--listen-fd", str(fd)),
                ready=web_ready,
                stop_seconds=settings.shutdown_seconds + 5,
                environment=addresses,
                pass_fds=(fd,),
            )
            await self.group.start(spec)
        await self.group.start(
            ProcessSpec(
                "worker",
                lambda: _ourselves("worker"),
                stop_seconds=settings.shutdown_seconds + 5,
                environment=addresses,
            )
        )


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
            await supervisor.group.stop()
    say("Stopped")


def welcome(settings: Settings, made: Bootstrap) -> str:
    """What a newcomer needs: addresses, the key, one REST and one GraphQL line to try."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{'localhost' if settings.host in ('0.0.0.0', '::') else host}:{settings.port}"  # noqa: S104
    key = made.api_key
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
