"""Endpoints of webhooks in storage, and the cursors of the logs that they follow.

A log has a cursor of the relay while an endpoint follows it. Where an endpoint begins in a log that
was there before it, `webhook_start` says; a table that is made later it follows from its first
revision on. All changes of endpoints are ordered by the organisation's clock, as the making of
tables is: no table falls between."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain import ids
from domain.changes import OrganizationChangeKind
from domain.webhook_events import WebhookDialect
from domain.webhook_records import Replay, ReplayCreate, Webhook, WebhookCreate, WebhookStatus
from persistence.engine import Database, run_sql
from persistence.models import WebhookEndpointRow
from persistence.secret_box import SecretBox
from persistence.unit_of_work import OrganizationWrite, Wake, write_organization
from persistence.webhook_relay import CONSUMER
from persistence.webhook_replays import find_replay, store_replay

_FOLLOWED = """
SELECT c.table_id, c.revision FROM table_clock c
JOIN user_table t ON t.id = c.table_id AND t.deleted_at IS NULL
WHERE t.organization_id = :organization
  AND (CAST(:tables AS uuid[]) IS NULL OR c.table_id = ANY(CAST(:tables AS uuid[])))
UNION ALL
SELECT organization_id, revision FROM organization_clock WHERE organization_id = :organization
"""
_START = f"""
INSERT INTO webhook_start (endpoint_id, table_id, revision)
SELECT :endpoint, f.table_id, f.revision FROM ({_FOLLOWED}) AS f
WHERE CAST(:known AS uuid[]) IS NULL OR f.table_id <> ALL(CAST(:known AS uuid[]))
ON CONFLICT (endpoint_id, table_id) DO UPDATE SET revision = excluded.revision
"""
_BEGIN_CURSORS = f"""
INSERT INTO relay_cursor (consumer, table_id, organization_id, revision)
SELECT '{CONSUMER}', f.table_id, :organization, f.revision FROM ({_FOLLOWED}) AS f
ON CONFLICT DO NOTHING
"""
#: Before the endpoint itself, as the relay does, which then perhaps tells a fault on it. A cursor
#: that is at work is waited for.
_LOCK_CURSORS = f"""
SELECT FROM relay_cursor
WHERE consumer = '{CONSUMER}' AND organization_id = :organization ORDER BY table_id FOR UPDATE
"""
_END_CURSORS = f"""
DELETE FROM relay_cursor c
WHERE c.consumer = '{CONSUMER}' AND c.organization_id = :organization AND NOT EXISTS (
  SELECT FROM webhook_endpoint e
  WHERE e.organization_id = :organization AND e.deleted_at IS NULL
    AND (c.table_id = :organization OR e.table_ids IS NULL OR c.table_id = ANY(e.table_ids)))
"""


class Webhooks:
    """The `WebhookStore` port."""

    def __init__(self, database: Database, wake: Wake, box: SecretBox) -> None:
        self._database = database
        self._wake = wake
        self._box = box

    async def list_all(self, organization_id: UUID) -> list[Webhook]:
        """Oldest first."""
        statement = (
            select(WebhookEndpointRow)
            .where(
                WebhookEndpointRow.organization_id == organization_id,
                col(WebhookEndpointRow.deleted_at).is_(None),
            )
            .order_by(col(WebhookEndpointRow.id))
        )
        async with self._database.read() as session:
            return [entity(row) for row in await session.exec(statement)]

    async def get(self, organization_id: UUID, webhook_id: UUID) -> Webhook | None:
        """None for one that was deleted too."""
        async with self._database.read() as session:
            row = await _row(session, organization_id, webhook_id)
            return entity(row) if row is not None else None

    async def create(
        self, organization_id: UUID, actor: str, command: WebhookCreate, secret: str, most: int
    ) -> Webhook | None:
        """It begins behind the present revision of every log."""
        webhook_id = ids.new_id(ids.Kind.WEBHOOK)
        sealed = self._box.seal(organization_id, purpose(webhook_id), secret)
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            count = select(func.count()).where(
                WebhookEndpointRow.organization_id == organization_id,
                col(WebhookEndpointRow.deleted_at).is_(None),
            )
            if (await session.exec(count)).one() >= most:
                return None
            row = _new_row(write, webhook_id, command, sealed)
            session.add(row)
            await session.flush()
            await _start(session, row, known=None)
            await _begin_cursors(session, row)
            # Viewers read this log. URLs are for editors: many are secrets themselves.
            details = {"dialect": row.dialect, "eventTypes": row.event_types}
            await write.log(OrganizationChangeKind.WEBHOOK_CREATED, row.id, details)
        self._wake("organization", organization_id, write.revision)
        return entity(row)

    async def update(
        self, organization_id: UUID, actor: str, webhook_id: UUID, changes: Mapping[str, Any]
    ) -> Webhook | None:
        """What was wrong with the filter is forgotten: the next change tells it."""

        async def work(session: AsyncSession, row: WebhookEndpointRow) -> None:
            before = row.table_ids
            if "table_ids" in changes:
                await run_sql(session, _LOCK_CURSORS, organization=organization_id)
            for name, value in changes.items():
                setattr(row, name, value)
            row.error = None
            await session.flush()
            if "table_ids" in changes:
                if before is not None:
                    await _start(session, row, known=[*before, organization_id])
                await _begin_cursors(session, row)
                await run_sql(session, _END_CURSORS, organization=organization_id)

        return await self._change(organization_id, actor, webhook_id, sorted(changes), work)

    async def rotate(
        self, organization_id: UUID, actor: str, webhook_id: UUID, secret: str, until: datetime
    ) -> Webhook | None:
        """Of three secrets at once the oldest ends."""

        async def work(_: AsyncSession, row: WebhookEndpointRow) -> None:
            row.previous_secret, row.previous_until = row.secret, until
            row.secret = self._box.seal(organization_id, purpose(webhook_id), secret)

        return await self._change(organization_id, actor, webhook_id, ["secret"], work)

    async def enable(self, organization_id: UUID, actor: str, webhook_id: UUID) -> Webhook | None:
        """It begins anew behind the present revision of every log."""

        async def work(session: AsyncSession, row: WebhookEndpointRow) -> None:
            if row.status == WebhookStatus.ACTIVE:
                return
            row.status = WebhookStatus.ACTIVE.value
            row.disabled_reason = row.disabled_at = row.failing_since = row.probe_at = None
            row.failures = 0
            await session.flush()
            await _start(session, row, known=None)
            await _begin_cursors(session, row)

        return await self._change(organization_id, actor, webhook_id, ["status"], work)

    async def verify(
        self, organization_id: UUID, actor: str, webhook_id: UUID, url: str
    ) -> Webhook | None:
        """It begins behind the present revision, as a new one does. With another URL meanwhile it
        stays as it is."""

        async def work(session: AsyncSession, row: WebhookEndpointRow) -> None:
            if row.url != url or row.verified_at is not None:
                return
            row.verified_at = row.updated_at
            await session.flush()
            await _start(session, row, known=None)

        return await self._change(organization_id, actor, webhook_id, ["verifiedAt"], work)

    async def disable(
        self, organization_id: UUID, actor: str, webhook_id: UUID, reason: str
    ) -> Webhook | None:
        """The first reason stays."""

        async def work(_: AsyncSession, row: WebhookEndpointRow) -> None:
            if row.status == WebhookStatus.ACTIVE:
                row.status = WebhookStatus.DISABLED.value
                row.disabled_reason = reason
                row.disabled_at = row.updated_at

        return await self._change(organization_id, actor, webhook_id, ["status"], work)

    async def delete(self, organization_id: UUID, actor: str, webhook_id: UUID) -> bool:
        """Its secrets are gone at once, its deliveries some time later: there may be a million."""

        async def work(session: AsyncSession, row: WebhookEndpointRow) -> None:
            await run_sql(session, _LOCK_CURSORS, organization=organization_id)
            row.deleted_at = row.updated_at
            row.secret, row.previous_secret = b"", None
            await session.flush()
            await run_sql(session, "DELETE FROM webhook_start WHERE endpoint_id = :id", id=row.id)
            await run_sql(session, _END_CURSORS, organization=organization_id)

        kind = OrganizationChangeKind.WEBHOOK_DELETED
        return await self._change(organization_id, actor, webhook_id, [], work, kind) is not None

    async def replay(
        self, organization_id: UUID, webhook_id: UUID, command: ReplayCreate
    ) -> Replay:
        """Raises `NotFound` for the table, and `Invalid` for revisions that its log lacks."""
        return await store_replay(self._database.pool, organization_id, webhook_id, command)

    async def get_replay(self, organization_id: UUID, replay_id: UUID) -> Replay | None:
        """How far it has come."""
        return await find_replay(self._database.pool, organization_id, replay_id)

    async def _change(
        self,
        organization_id: UUID,
        actor: str,
        webhook_id: UUID,
        fields: Sequence[str],
        work: Any,
        kind: OrganizationChangeKind = OrganizationChangeKind.WEBHOOK_UPDATED,
    ) -> Webhook | None:
        """One change of an endpoint with its log entry; None when there is no such endpoint."""
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            row = await _row(session, organization_id, webhook_id)
            if row is None:
                return None
            row.updated_at = write.at
            await work(session, row)
            await session.flush()
            await write.log(kind, webhook_id, {"fields": list(fields)} if fields else None)
        self._wake("organization", organization_id, write.revision)
        return entity(row)


def purpose(webhook_id: UUID) -> str:
    """What the secrets of an endpoint are sealed for."""
    return f"webhook:{webhook_id}"


async def _row(
    session: AsyncSession, organization_id: UUID, webhook_id: UUID
) -> WebhookEndpointRow | None:
    statement = select(WebhookEndpointRow).where(
        WebhookEndpointRow.id == webhook_id,
        WebhookEndpointRow.organization_id == organization_id,
        col(WebhookEndpointRow.deleted_at).is_(None),
    )
    return (await session.exec(statement)).one_or_none()


async def _start(
    session: AsyncSession, row: WebhookEndpointRow, known: Sequence[UUID] | None
) -> None:
    """Begin at the present revision in all logs that it follows but those that are known to it."""
    await run_sql(
        session,
        _START,
        endpoint=row.id,
        organization=row.organization_id,
        tables=row.table_ids,
        known=known,
    )


async def _begin_cursors(session: AsyncSession, row: WebhookEndpointRow) -> None:
    """A cursor for each log that it follows, where there is none yet."""
    organization_id = row.organization_id
    await run_sql(session, _BEGIN_CURSORS, organization=organization_id, tables=row.table_ids)


def _new_row(
    write: OrganizationWrite, webhook_id: UUID, command: WebhookCreate, sealed: bytes
) -> WebhookEndpointRow:
    return WebhookEndpointRow(
        id=webhook_id,
        organization_id=write.organization_id,
        dialect=command.dialect.value,
        url=command.url,
        description=command.description,
        event_types=list(command.event_types),
        table_ids=list(command.table_ids) if command.table_ids is not None else None,
        filter=command.filter,
        columns=list(command.columns) if command.columns is not None else None,
        details={"schemaId": str(command.schema_id)} if command.schema_id else None,
        secret=sealed,
        status=WebhookStatus.ACTIVE.value,
        created_by=write.actor,
        created_at=write.at,
        updated_at=write.at,
    )


def entity(row: WebhookEndpointRow) -> Webhook:
    """The record that other rooms see."""
    return Webhook(
        id=row.id,
        organization_id=row.organization_id,
        dialect=WebhookDialect(row.dialect),
        url=row.url,
        description=row.description,
        event_types=row.event_types,
        table_ids=row.table_ids,
        filter=row.filter,
        columns=row.columns,
        status=WebhookStatus(row.status),
        disabled_reason=row.disabled_reason,
        disabled_at=row.disabled_at,
        failing_since=row.failing_since,
        error=row.error,
        previous_until=row.previous_until if row.previous_secret else None,
        schema_id=UUID(row.details["schemaId"]) if row.details else None,
        verified_at=row.verified_at,
        created_by=row.created_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
