"""The command line: `tablecast up`, `serve`, `worker`, `migrate`, `key …`, `schema …`."""

import asyncio
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
import uvicorn
from rich.console import Console

from domain.access import Role, Scope
from domain.errors import DomainError
from persistence.embedded import EmbeddedError
from server import attach, observe, supervisor
from server.guards import require_own_rooms
from server.processes import ProcessFailed
from server.settings import ConfigurationError, Settings, load

app = typer.Typer(
    help="Self-hosted live tables.", no_args_is_help=True, pretty_exceptions_enable=False
)
key_app = typer.Typer(help="API keys.", no_args_is_help=True)
schema_app = typer.Typer(help="The schema files in the repository.", no_args_is_help=True)
app.add_typer(key_app, name="key")
app.add_typer(schema_app, name="schema")

_StartFd = Annotated[int | None, typer.Option(hidden=True)]

_console = Console(stderr=True, highlight=False)


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Turn expected failures into a sentence and exit code 1; anything else keeps its traceback."""
    try:
        yield
    except (ConfigurationError, EmbeddedError, ProcessFailed, DomainError) as error:
        for line in str(error).splitlines():
            _console.print(f"tablecast: {line}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None


def _load(module: str) -> Any:
    """A module of ours that only some commands need, by name as uvicorn takes the app.

    All of them together take two seconds to import, which `up` and each of its children would pay.
    """
    return import_module(module)


def _configured() -> Settings:
    settings = load()
    observe.configure(settings.log_level, settings.log_format)
    require_own_rooms()
    return settings


def _export(settings: Settings) -> None:
    """Hand the settings to the app, which uvicorn builds by name, perhaps in other processes."""
    os.environ["HOST"], os.environ["PORT"] = settings.host, str(settings.port)
    os.environ["TABLECAST_DATA"] = str(settings.data)
    os.environ["DATABASE_URL"] = settings.database_url or ""
    os.environ["REDIS_URL"] = settings.redis_url or ""
    os.environ["TABLECAST_OPEN"] = "true" if settings.open else "false"


def _server_options(settings: Settings) -> dict[str, Any]:
    return {
        "app": "server.app:create_app",
        "factory": True,
        "host": settings.host,
        "port": settings.port,
        "loop": "uvloop",
        "http": "httptools",
        "ws": "websockets-sansio",
        "ws_per_message_deflate": False,
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": settings.shutdown_seconds,
    }


@app.command()
def up() -> None:
    """Run everything on this machine: PostgreSQL, Valkey, web and worker."""
    with _clear_errors():
        asyncio.run(supervisor.run(_configured(), _say))


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  the answer of the command


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (PORT).")] = None,
    workers: Annotated[int, typer.Option(min=1, help="How many processes share the port.")] = 1,
    open_: Annotated[
        bool, typer.Option("--open", help="Serve without keys; loopback addresses only.")
    ] = False,
    listen_fd: _StartFd = None,
    start_fd: _StartFd = None,
) -> None:
    """Run the web server against a running database and Redis."""
    with _clear_errors():
        given = {"host": host, "port": port, "open": open_ or None}
        settings = _configured()
        settings = settings.model_copy(update={k: v for k, v in given.items() if v is not None})
        settings.require_loopback()
        if listen_fd is None:
            settings = attach.running(settings)
            _export(settings)
            uvicorn.run(**_server_options(settings), workers=workers)
        else:
            attach.end_with_parent()
            config = uvicorn.Config(**_server_options(settings))
            config.load()
            attach.wait_for_start(start_fd)
            uvicorn.Server(config).run(sockets=[socket.socket(fileno=listen_fd)])


@app.command()
def worker(start_fd: _StartFd = None) -> None:
    """Run background work against a running database and Redis."""
    with _clear_errors():
        settings = _configured()
        attach.end_with_parent()
        program = _load("processing.worker")
        attach.wait_for_start(start_fd)
        program.main(attach.running(settings))


@app.command(hidden=True)
def prepare(start_fd: _StartFd = None) -> None:
    """Bring the database up to date and make the first key, for `up`; prints JSON."""
    with _clear_errors():
        settings = _configured()
        migrations, bootstrap = _load("persistence.migrate"), _load("server.bootstrap")
        attach.wait_for_start(start_fd)
        migrations.upgrade(settings.database_url)
        made = asyncio.run(bootstrap.prepare(settings))
        _say(json.dumps({"api_key": made.api_key}))


@contextmanager
def _database() -> Iterator[Settings]:
    """A database that answers and is up to date: a key may be the first thing somebody makes."""
    with _clear_errors(), attach.database(_configured()) as settings:
        with _console.status("Bringing the database up to date"):
            _load("persistence.migrate").upgrade(settings.database_url)
        yield settings


@app.command()
def migrate() -> None:
    """Bring the database up to date."""
    with _database():
        _console.print("The database is up to date.")


@app.command()
def doctor(
    deep: Annotated[bool, typer.Option("--deep", help="Also read all rows.")] = False,
) -> None:
    """Examine the installation; exit code 1 when something has failed."""
    with _clear_errors(), attach.database(_configured()) as settings:
        program = _load("server.doctor")
        findings = asyncio.run(program.examine(settings, deep=deep))
    for finding in findings:
        _say(f"{finding.verdict.value:<8}{finding.check}: {finding.told}")
    if any(finding.verdict is program.Verdict.FAILED for finding in findings):
        raise typer.Exit(1)


@app.command()
def reseal() -> None:
    """Seal all secrets with the first key of TABLECAST_SECRET_KEY."""
    with _database() as settings:
        _say(asyncio.run(_load("server.resealing").reseal(settings)))


@key_app.command("create")
def key_create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    role: Annotated[Role, typer.Option(help="What the key may do.")] = Role.EDITOR,
    expires: Annotated[datetime | None, typer.Option(help="When it ends (UTC).")] = None,
    project: Annotated[
        list[UUID] | None, typer.Option(help="A project that it reaches, instead of all.")
    ] = None,
    table: Annotated[
        list[UUID] | None, typer.Option(help="A table that it reaches, instead of all.")
    ] = None,
) -> None:
    """Make a key and print it. It is shown this once."""
    scope = Scope(frozenset(project or ()), frozenset(table or ())) if project or table else None
    with _database() as settings:
        _say(asyncio.run(_load("server.keys").create(settings, name, role, expires, scope)))


@key_app.command("list")
def key_list() -> None:
    """List the keys: id, prefix, name, role, last use."""
    with _database() as settings:
        for line in asyncio.run(_load("server.keys").list_(settings)):
            _say(line)


@key_app.command("revoke")
def key_revoke(key: Annotated[str, typer.Argument(help="The key's id or prefix.")]) -> None:
    """End a key now. Open subscriptions of the key end within two seconds."""
    with _database() as settings:
        _say(asyncio.run(_load("server.keys").revoke(settings, key)))


@schema_app.command("export")
def schema_export(
    path: Annotated[Path, typer.Option(help="The folder to write to.")] = Path(),
    check: Annotated[bool, typer.Option("--check", help="Only compare; exit 1 if old.")] = False,
) -> None:
    """Write the GraphQL schema and the OpenAPI documents, or check that they are current."""
    documents = _load("server.documents")
    if not check:
        documents.export(path)
        return
    differences = documents.check(path)
    for line in differences:
        _console.print(line, markup=False, soft_wrap=True)
    if differences:
        _console.print("Run `tablecast schema export` and commit what it writes.", markup=False)
        raise typer.Exit(1)


def main() -> None:
    """The entry point of `tablecast`."""
    app()


if __name__ == "__main__":
    main()
