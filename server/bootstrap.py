"""The first start: an organisation, a key to begin with, and data to look at."""

import os
from dataclasses import dataclass
from pathlib import Path

from domain import keys
from domain.access import Role
from domain.entities import Organization
from domain.keys import ApiKeyCreate
from persistence import organizations
from persistence.blobs import Blobs
from persistence.engine import Database
from persistence.storage import PostgresStorage
from server import demonstration
from server.keys import Operator
from server.settings import Settings

_BOOTSTRAP = "bootstrap"
_FIRST = "first key"


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What the first start made. `api_key` is an admin key that works, None when the operator
    manages keys himself and has revoked ours."""

    organization: Organization
    api_key: str | None


async def prepare(settings: Settings) -> Bootstrap:
    """Make sure that the organisation, the key and, on the first start, the demo data are there.

    Needs a migrated database. Safe at every start: what is there stays as it is."""
    async with Database.connect(settings.database_url or "", pool_size=4) as database:
        first_start = await organizations.default(database) is None
        organization = await organizations.ensure_default(database)
        blobs = Blobs.open(settings.blob_place)
        # No web process runs yet that could be woken.
        storage = PostgresStorage(
            database, lambda kind, subject, revision: None, blobs, settings.secret_box()
        )
        operator = Operator(organization.id, Role.ADMIN)
        api_key = await _ensure_key(settings, storage, operator)
        if first_start and settings.demo:
            await demonstration.load(storage, operator)
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
