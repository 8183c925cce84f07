"""Firings of triggers: looking at them and having them done again."""

from collections.abc import Collection
from uuid import UUID

from domain import access
from domain.access import Viewer
from domain.errors import Conflict, ErrorCode, NotFound, invalid
from domain.ports import Storage
from domain.tables import shape_of
from domain.trigger_records import Firing, FiringPage, FiringStatus, Replayed, Trigger

MAX_PAGE = 100
#: Firings that one call queues again.
MAX_REPLAYED = 5_000
REPLAYABLE = frozenset({FiringStatus.FAILED, FiringStatus.SKIPPED})

_WAITING = (FiringStatus.QUEUED, FiringStatus.RUNNING)


async def list_firings(
    viewer: Viewer,
    storage: Storage,
    trigger_id: UUID,
    status: FiringStatus | None,
    after: UUID | None,
    limit: int,
) -> FiringPage:
    """Firings of a trigger, the newest first, behind `after`; 1 to 100.

    Raises `NotFound` and `Invalid`."""
    access.require(viewer, "firings")
    await _trigger(viewer, storage, trigger_id)
    if not 0 <= limit <= MAX_PAGE:
        raise invalid(ErrorCode.OUT_OF_RANGE, f"first must be 0 to {MAX_PAGE}", "first")
    return await storage.firings.page(viewer.organization_id, trigger_id, status, after, limit)


async def count_firings(
    viewer: Viewer, storage: Storage, trigger_id: UUID, status: FiringStatus | None
) -> int:
    """How many firings a trigger has. Raises `NotFound`."""
    access.require(viewer, "firings")
    await _trigger(viewer, storage, trigger_id)
    return await storage.firings.count(viewer.organization_id, trigger_id, status)


async def get_firing(viewer: Viewer, storage: Storage, firing_id: UUID) -> Firing:
    """One firing. Raises `NotFound`."""
    access.require(viewer, "firing")
    return await _existing(viewer, storage, firing_id)


async def replay_firing(viewer: Viewer, storage: Storage, firing_id: UUID) -> Firing:
    """Do a firing again, with the same input and the trigger's action as it is now, also when the
    trigger is paused. It becomes a firing of its own.

    Raises `NotFound`, and `Conflict` for one that has not ended yet or never had a row."""
    access.require(viewer, "firingReplay")
    firing = await _existing(viewer, storage, firing_id)
    if firing.status in _WAITING:
        raise Conflict("The firing has not ended yet")
    if firing.row_id is None:
        raise Conflict("The condition failed before any row was looked at; there is no input")
    return await storage.firings.replay(firing)


async def replay_firings(
    viewer: Viewer, storage: Storage, trigger_id: UUID, statuses: Collection[FiringStatus]
) -> Replayed:
    """Do all firings of a trigger again that failed, or were skipped, and were not replayed yet; at
    most 5,000 a call, the oldest first. Raises `NotFound` and `Invalid`."""
    access.require(viewer, "firingsReplay")
    await _trigger(viewer, storage, trigger_id)
    if not statuses or not REPLAYABLE.issuperset(statuses):
        raise invalid(ErrorCode.INVALID, "Only failed and skipped firings are replayed", "statuses")
    return await storage.firings.replay_all(
        viewer.organization_id, trigger_id, statuses, MAX_REPLAYED
    )


async def _trigger(viewer: Viewer, storage: Storage, trigger_id: UUID) -> Trigger:
    trigger = await storage.triggers.get(viewer.organization_id, trigger_id)
    if trigger is None:
        raise NotFound("Trigger")
    try:
        await shape_of(viewer, storage, trigger.table_id)
    except NotFound:
        raise NotFound("Trigger") from None
    return trigger


async def _existing(viewer: Viewer, storage: Storage, firing_id: UUID) -> Firing:
    firing = await storage.firings.get(viewer.organization_id, firing_id)
    if firing is None:
        raise NotFound("Firing")
    try:
        await shape_of(viewer, storage, firing.table_id)
    except NotFound:
        raise NotFound("Firing") from None
    return firing
