"""The first start: an organisation, a key to begin with, and data to look at."""

import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from domain import files, imports, keys, projects, tables
from domain.access import Role, Viewer
from domain.columns import ColumnType
from domain.entities import Organization, ProjectCreate, TableCreate, TableSource
from domain.files import FileUpload
from domain.imports import ImportStart
from domain.inference import MappingEntry
from domain.keys import ApiKeyCreate
from persistence import organizations
from persistence.blobs import Blobs
from persistence.engine import Database
from persistence.storage import PostgresStorage
from server.keys import Operator
from server.settings import Settings

_BOOTSTRAP = "bootstrap"
_FIRST = "first key"
_DEMO = Path(__file__).parent / "demo"
_DEMO_PROJECT = "Flights 2013"

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What the first start made. `api_key` is an admin key that works, None when the operator
    manages keys himself and has revoked ours."""

    organization: Organization
    api_key: str | None


@dataclass(frozen=True, slots=True)
class _DemoTable:
    """A file of the demo folder and the columns that it becomes: header → label and type."""

    file: str
    name: str
    description: str
    columns: Mapping[str, tuple[str, ColumnType]]


_N, _T = ColumnType.NUMBER, ColumnType.TEXT
_DEMO_TABLES = (
    _DemoTable(
        "planes.csv",
        "Planes",
        "The planes of these flights that are registered in the United States",
        {
            "tailnum": ("Tail number", _T),
            "year": ("Year built", _N),
            "manufacturer": ("Manufacturer", _T),
            "model": ("Model", _T),
            "engines": ("Engines", _N),
            "seats": ("Seats", _N),
            "engine": ("Kind of engine", _T),
        },
    ),
    _DemoTable(
        "flights.csv",
        "Flights",
        "3,000 of the flights that left New York in 2013",
        {
            "time_hour": ("Scheduled hour", ColumnType.DATETIME),
            "carrier": ("Carrier", _T),
            "flight": ("Flight", _N),
            "tailnum": ("Tail number", _T),
            "origin": ("From", _T),
            "dest": ("To", _T),
            "dep_delay": ("Departure delay (min)", _N),
            "arr_delay": ("Arrival delay (min)", _N),
            "air_time": ("Air time (min)", _N),
            "distance": ("Distance (mi)", _N),
        },
    ),
)


async def prepare(settings: Settings) -> Bootstrap:
    """Make sure that the organisation, the key and, on the first start, the demo data are there.

    Needs a migrated database. Safe at every start: what is there stays as it is."""
    async with Database.connect(settings.database_url or "", pool_size=4) as database:
        first_start = await organizations.default(database) is None
        organization = await organizations.ensure_default(database)
        blobs = Blobs.open(settings.blob_place)
        # No web process runs yet that could be woken.
        storage = PostgresStorage(database, lambda kind, subject, revision: None, blobs)
        operator = Operator(organization.id, Role.ADMIN)
        api_key = await _ensure_key(settings, storage, operator)
        if first_start and settings.demo:
            await _load_demo(storage, operator)
    return Bootstrap(organization, api_key)


async def _ensure_key(
    settings: Settings, storage: PostgresStorage, operator: Operator
) -> str | None:
    """The operator's key from the environment, else the one in the data folder."""
    if settings.api_key is not None:
        secret = settings.api_key.get_secret_value()
        new = keys.sealed(secret, ApiKeyCreate(_BOOTSTRAP, Role.ADMIN))
        await storage.keys.install(operator.organization_id, operator.actor, new)
        return secret
    kept = _read_key(settings.key_file)
    if kept is not None and await _works(storage, kept):
        return kept
    if await _has_admin_key(storage, operator):
        return None
    secret = keys.new_secret()
    new = keys.sealed(secret, ApiKeyCreate(_FIRST, Role.ADMIN))
    # The file first: a key that nobody knows would lock the operator out.
    _write_key(settings.key_file, secret)
    await storage.keys.create(operator.organization_id, operator.actor, new)
    return secret


async def _works(storage: PostgresStorage, secret: str) -> bool:
    found = await storage.keys.find_by_prefix(keys.prefix_of(secret))
    return found is not None and found.hash == keys.hash_of(secret) and keys.is_working(found.key)


async def _has_admin_key(storage: PostgresStorage, operator: Operator) -> bool:
    found = await keys.list_keys(operator, storage)
    return any(key.role is Role.ADMIN and keys.is_working(key) for key in found)


def _read_key(path: Path) -> str | None:
    try:
        return path.read_text().strip() or None
    except FileNotFoundError:
        return None


def _write_key(path: Path, secret: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w") as file:
        file.write(secret + "\n")
    partial.rename(path)


async def _load_demo(storage: PostgresStorage, viewer: Viewer) -> None:
    project = await projects.create_project(viewer, storage, ProjectCreate(_DEMO_PROJECT))
    for demo in _DEMO_TABLES:
        command = TableCreate(demo.name, demo.description, project.id, TableSource.IMPORTED)
        made = await tables.create_table(viewer, storage, command)
        upload = FileUpload(demo.file, _chunks((_DEMO / demo.file).read_bytes()))
        file = await files.upload_file(viewer, storage, upload)
        mapping = [
            MappingEntry(header, label, type_) for header, (label, type_) in demo.columns.items()
        ]
        start = ImportStart(made.table.id, file.id, mapping)
        done = await imports.start_import(viewer, storage, start)
        _log.info("demo data loaded", table=demo.name, rows=done.rows_imported)


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content
