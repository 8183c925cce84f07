"""History: entries of a table or a row, states in the past, and what differs between two states."""

from uuid import UUID

from domain import access, checks
from domain.access import Viewer
from domain.columns import TableShape
from domain.errors import ErrorCode, invalid
from domain.history_records import (
    MAX_ACTOR,
    MAX_ENTRIES,
    AsOf,
    DiffPage,
    DiffPlace,
    HistoryPage,
    HistoryPlace,
    HistoryQuery,
    read_place,
    refuse_revision,
)
from domain.ports import Storage
from domain.tables import on_table

#: Revisions are counted by 64 bits.
_MOST_REVISION = 2**63 - 1


async def read_history(
    viewer: Viewer, storage: Storage, table_id: UUID, query: HistoryQuery
) -> HistoryPage:
    """Versions of rows, the newest first; those of deleted rows too.

    An unknown row has no history. Raises `NotFound` for the table and `Invalid`."""
    access.require(viewer, "history")
    _check_limit(query.limit)
    checks.refuse(checks.text_problems("actor", query.actor, 0, MAX_ACTOR))
    place = HistoryPlace(*read_place(query.after)) if query.after is not None else None

    async def work(shape: TableShape) -> HistoryPage:
        return await storage.history.entries(shape, query, place)

    return await on_table(viewer, storage, table_id, work)


async def revision_as_of(viewer: Viewer, storage: Storage, table_id: UUID, as_of: AsOf) -> int:
    """The revision that `RowsQuery.as_of` takes to read the table as it was.

    A moment stands for the last revision that was committed by then; 0 is the table before it was
    made. Raises `NotFound`, and `Invalid` for a revision or moment that the log does not cover, or
    when not exactly one of both is given."""
    access.require(viewer, "rows")

    async def work(shape: TableShape) -> int:
        return await _revision(storage, shape, as_of, "asOf")

    return await on_table(viewer, storage, table_id, work)


async def diff_rows(
    viewer: Viewer,
    storage: Storage,
    table_id: UUID,
    start: AsOf,
    end: AsOf | None,
    limit: int,
    after: str | None = None,
) -> DiffPage:
    """The rows that differ between two states of a table, in its order; `end` None is now.

    `end` may lie before `start`: then it tells what going back would change. A cursor is good for
    the two revisions of its page. Raises `NotFound` and `Invalid`."""
    access.require(viewer, "diff")
    _check_limit(limit)
    place = DiffPlace(*read_place(after)) if after is not None else None

    async def work(shape: TableShape) -> DiffPage:
        first = await _revision(storage, shape, start, "from")
        if end is None:
            last = (await storage.history.covered(shape))[1]
        else:
            last = await _revision(storage, shape, end, "to")
        return await storage.history.diff(shape, (first, last), limit, place)

    return await on_table(viewer, storage, table_id, work)


async def _revision(storage: Storage, shape: TableShape, as_of: AsOf, name: str) -> int:
    if (as_of.revision is None) is (as_of.at is None):
        raise invalid(ErrorCode.INVALID, f"{name} takes a revision or a moment", name)
    pruned_to, last = await storage.history.covered(shape)
    if as_of.revision is not None:
        if not 0 <= as_of.revision <= _MOST_REVISION:
            raise invalid(ErrorCode.OUT_OF_RANGE, "A revision is 0 or more", name)
        refuse_revision(as_of.revision, pruned_to, last, name)
        return as_of.revision
    assert as_of.at is not None
    found = await storage.history.revision_at(shape, as_of.at)
    if found is None:
        raise invalid(ErrorCode.LOG_PRUNED, "The log is not kept that long", name)
    return found


def _check_limit(limit: int) -> None:
    if not 0 <= limit <= MAX_ENTRIES:
        message = f"first must be from 0 to {MAX_ENTRIES}, not {limit}"
        raise invalid(ErrorCode.OUT_OF_RANGE, message, "first")
