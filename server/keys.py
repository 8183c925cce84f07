"""API keys from the command line: whoever can reach the database may manage them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from domain import ids, keys
from domain.access import Role, Scope, Viewer
from domain.entities import ApiKey
from domain.errors import DomainError
from persistence import organizations
from persistence.engine import Database
from persistence.storage import PostgresStorage
from server.settings import ConfigurationError, Settings


@dataclass(frozen=True, slots=True)
class Operator(Viewer):
    """The person at the machine. The log names him so; he has no key."""

    @property
    def actor(self) -> str:
        return "operator"


async def create(
    settings: Settings, name: str, role: Role, expires: datetime | None, scope: Scope | None = None
) -> str:
    """Make a key in the default organisation; the key itself. An expiry without a zone is UTC.

    Raises `ConfigurationError` with the sentence to show."""
    if expires is not None and expires.tzinfo is None:
        expires = expires.replace(tzinfo=UTC)
    async with _storage(settings) as (storage, operator):
        command = keys.ApiKeyCreate(name, role, expires, scope)
        made = await keys.create_key(operator, storage, command)
    return made.secret


async def list_(settings: Settings) -> list[str]:
    """One line a key: id, prefix, role, state, last use, name."""
    async with _storage(settings) as (storage, operator):
        found = await keys.list_keys(operator, storage)
    return [_line(key) for key in found]


async def revoke(settings: Settings, key: str) -> str:
    """End the key with this id or prefix; a sentence about it. Raises `ConfigurationError`."""
    async with _storage(settings) as (storage, operator):
        key_id = ids.parse(key) or await _by_prefix(storage, operator, key)
        revoked = await keys.revoke_key(operator, storage, key_id)
    return f"The key {revoked.prefix} ({revoked.name}) is revoked."


async def _by_prefix(storage: PostgresStorage, operator: Operator, prefix: str) -> UUID:
    for key in await keys.list_keys(operator, storage):
        if key.prefix == prefix:
            return key.id
    raise ConfigurationError(f"No key has the id or the prefix {prefix}.")


@asynccontextmanager
async def _storage(settings: Settings) -> AsyncIterator[tuple[PostgresStorage, Operator]]:
    async with Database.connect(settings.database_url or "", pool_size=2) as database:
        organization = await organizations.default(database)
        if organization is None:
            organization = await organizations.ensure_default(database)
        # Web processes hear of it from the organisation's log within a second.
        storage = PostgresStorage(database, lambda kind, subject, revision: None)
        try:
            yield storage, Operator(organization.id, Role.ADMIN)
        except DomainError as error:
            raise ConfigurationError(f"{error}.") from None


def _line(key: ApiKey) -> str:
    used = key.last_used_at.strftime("%Y-%m-%d %H:%M") if key.last_used_at else "never used"
    return f"{key.id}  {key.prefix}  {key.role.value:<6}  {_state(key)}  {used}  {key.name}"


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is not None and key.expires_at <= datetime.now(UTC):
        return "expired"
    return "works  "
