"""Rollbacks as jobs, without a worker."""

from datetime import UTC, datetime
from uuid import UUID

from domain import ids
from domain.rollback_records import RollbackKind, RollbackRun, RollbackStatus, Undo
from tests.worlds import World


async def queued(world: World, table_id: UUID, undo: Undo | None = None) -> RollbackRun:
    """A run that waits for its worker; by default it undoes everything."""
    now = datetime.now(UTC)
    new = RollbackRun(
        id=ids.new_id(ids.Kind.ROLLBACK),
        organization_id=world.viewer.organization_id,
        table_id=table_id,
        undo=undo or Undo(RollbackKind.REVISION, 1, 1),
        force=False,
        status=RollbackStatus.QUEUED,
        rows_total=0,
        rows_seen=0,
        rows_deleted=0,
        rows_changed=0,
        rows_restored=0,
        conflict_count=0,
        after_row=None,
        revision=0,
        error=None,
        created_by=world.viewer.actor,
        created_at=now,
        updated_at=now,
        finished_at=None,
    )
    return await world.storage.rollbacks.queue(new)
