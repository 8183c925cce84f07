"""Storage of API keys. Only hashes are kept."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, or_, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain import ids
from domain.access import Role, Scope
from domain.changes import OrganizationChangeKind
from domain.entities import ApiKey, NewApiKey
from domain.errors import Conflict
from persistence import unit_of_work
from persistence.engine import Database
from persistence.models import ApiKeyRow
from persistence.unit_of_work import OrganizationWrite, Wake

#: How exact `last_used_at` is: a busy key costs one small update in this time.
USE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key with the hash that a presented one must have."""

    key: ApiKey
    hash: bytes


class Keys:
    """Keys of all organisations; every method but `find_by_prefix` is scoped to one."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake

    async def list_all(self, organization_id: UUID) -> list[ApiKey]:
        """Every key, oldest first."""
        statement = (
            select(ApiKeyRow)
            .where(ApiKeyRow.organization_id == organization_id)
            .order_by(col(ApiKeyRow.created_at), col(ApiKeyRow.id))
        )
        async with self._database.read() as session:
            return [_record(row) for row in await session.exec(statement)]

    async def create(self, organization_id: UUID, actor: str, key: NewApiKey) -> ApiKey:
        """Store a new key."""
        async with self._write(organization_id, actor) as log:
            row = await _insert(log.session, organization_id, actor, key)
            await log.log(OrganizationChangeKind.KEY_CREATED, row.id, _details(row))
        return _record(row)

    async def revoke(self, organization_id: UUID, actor: str, key_id: UUID) -> ApiKey | None:
        """Revoke a key; None when there is none. `Conflict` for the last working admin key."""
        # The clock is locked first, so two revocations cannot each spare the other's key.
        async with self._write(organization_id, actor) as log:
            row = await _get(log.session, organization_id, key_id)
            if row is not None and row.revoked_at is None:
                await _require_another_admin(log.session, organization_id, key_id)
                await _revoke(log.session, [row])
                await log.log(OrganizationChangeKind.KEY_REVOKED, key_id, _details(row))
        return _record(row) if row is not None else None

    async def install(self, organization_id: UUID, actor: str, key: NewApiKey) -> ApiKey:
        """Make an operator's own key work, in place of the one that had its name before."""
        async with self._write(organization_id, actor) as log:
            statement = select(ApiKeyRow).where(
                ApiKeyRow.organization_id == organization_id, ApiKeyRow.name == key.name
            )
            named = list(await log.session.exec(statement))
            old = [row for row in named if row.hash != key.hash and row.revoked_at is None]
            await _revoke(log.session, old)
            for each in old:
                await log.log(OrganizationChangeKind.KEY_REVOKED, each.id, _details(each))
            row = next((row for row in named if row.hash == key.hash), None)
            if row is None or row.revoked_at is not None:
                row = await _restore(log.session, row) or await _insert(
                    log.session, organization_id, actor, key
                )
                await log.log(OrganizationChangeKind.KEY_CREATED, row.id, _details(row))
        return _record(row)

    async def find_by_prefix(self, prefix: str) -> StoredKey | None:
        """The key with this visible part, in whatever state; the caller compares hash and dates."""
        async with self._database.read() as session:
            row = (
                await session.exec(select(ApiKeyRow).where(ApiKeyRow.prefix == prefix))
            ).one_or_none()
        return StoredKey(_record(row), row.hash) if row is not None else None

    @asynccontextmanager
    async def _write(self, organization_id: UUID, actor: str) -> AsyncIterator[OrganizationWrite]:
        async with (
            self._database.transaction() as session,
            unit_of_work.write_organization(session, organization_id, actor) as log,
        ):
            before = log.revision
            yield log
        if log.revision != before:
            self._wake("organization", organization_id, log.revision)

    async def touch(self, key_id: UUID) -> None:
        """Note that a key was used, at most once in `USE_SECONDS`. Not logged as a change."""
        before = func.now() - timedelta(seconds=USE_SECONDS)
        statement = (
            update(ApiKeyRow)
            .where(
                col(ApiKeyRow.id) == key_id,
                or_(col(ApiKeyRow.last_used_at).is_(None), col(ApiKeyRow.last_used_at) < before),
            )
            .values(last_used_at=func.clock_timestamp())
        )
        async with self._database.transaction() as session:
            await session.exec(statement)


async def _insert(
    session: AsyncSession, organization_id: UUID, actor: str, key: NewApiKey
) -> ApiKeyRow:
    row = ApiKeyRow(
        id=ids.new_id(ids.Kind.API_KEY),
        organization_id=organization_id,
        name=key.name,
        prefix=key.prefix,
        hash=key.hash,
        role=key.role.value,
        project_ids=sorted(key.scope.project_ids) if key.scope else None,
        table_ids=sorted(key.scope.table_ids) if key.scope else None,
        expires_at=key.expires_at,
        created_by=actor,
    )
    session.add(row)
    await session.flush()
    await session.refresh(row)
    return row


async def _get(session: AsyncSession, organization_id: UUID, key_id: UUID) -> ApiKeyRow | None:
    statement = select(ApiKeyRow).where(
        ApiKeyRow.id == key_id, ApiKeyRow.organization_id == organization_id
    )
    return (await session.exec(statement)).one_or_none()


async def _revoke(session: AsyncSession, rows: Sequence[ApiKeyRow]) -> None:
    for row in rows:
        row.revoked_at = func.clock_timestamp()  # type: ignore[assignment]  # an SQL expression
        session.add(row)
    await session.flush()
    for row in rows:
        await session.refresh(row)


async def _restore(session: AsyncSession, row: ApiKeyRow | None) -> ApiKeyRow | None:
    if row is not None:
        row.revoked_at = None
        session.add(row)
        await session.flush()
    return row


async def _require_another_admin(
    session: AsyncSession, organization_id: UUID, key_id: UUID
) -> None:
    """Refuse when `key_id` is a working admin key and no other one is left."""
    working = select(ApiKeyRow.id).where(
        ApiKeyRow.organization_id == organization_id,
        ApiKeyRow.role == Role.ADMIN.value,
        col(ApiKeyRow.revoked_at).is_(None),
        or_(
            col(ApiKeyRow.expires_at).is_(None),
            col(ApiKeyRow.expires_at) > func.clock_timestamp(),
        ),
    )
    if list(await session.exec(working)) == [key_id]:
        raise Conflict("The last working admin key cannot be revoked; make another one first")


def _details(row: ApiKeyRow) -> dict[str, str]:
    return {"name": row.name, "prefix": row.prefix, "role": row.role}


def _record(row: ApiKeyRow) -> ApiKey:
    return ApiKey(
        id=row.id,
        organization_id=row.organization_id,
        name=row.name,
        prefix=row.prefix,
        role=Role(row.role),
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
        created_by=row.created_by,
        created_at=row.created_at,
        scope=_scope(row),
    )


def _scope(row: ApiKeyRow) -> Scope | None:
    if row.project_ids is None and row.table_ids is None:
        return None
    return Scope(frozenset(row.project_ids or ()), frozenset(row.table_ids or ()))
