"""Rows: reading pages, adding, updating and deleting."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from domain import access, ids
from domain.access import Viewer
from domain.changes import Cause
from domain.columns import TableShape
from domain.errors import ErrorCode, Invalid, NotFound, Problem, invalid
from domain.file_values import name_files
from domain.ports import Storage
from domain.row_values import RowChecker
from domain.row_writes import PreparedRow, Written
from domain.selection import RowRecord, RowSelection, RowsPage, RowsQuery
from domain.tables import on_table

RowsQueryFor = Callable[[TableShape], RowsQuery]
SelectionFor = Callable[[TableShape], RowSelection | None]

#: Turns the data of a row as a client names its columns into values by column key. It is given the
#: shape that the row is checked with. Raises `Invalid`, or `StructureMoved` to see a fresh shape.
Naming = Callable[[TableShape, Mapping[str, Any]], Mapping[str, Any]]

_ASKED_FOR = Cause()

#: Most rows in one request.
MAX_ROWS = 1000


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row as a client gives it: values by column key. `created_by` replaces the key as author.

    `id` is for what makes its row only once, however often it is done."""

    data: Mapping[str, Any]
    created_by: str | None = None
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class RowsAdd:
    table_id: UUID
    rows: Sequence[NewRow]
    session_id: UUID | None = None
    naming: Naming | None = None


@dataclass(frozen=True, slots=True)
class RowChange:
    """New values of one row. `version` is the one that the writer saw; None writes over any."""

    id: UUID
    data: Mapping[str, Any]
    version: int | None = None


@dataclass(frozen=True, slots=True)
class RowsUpdate:
    """`merge` changes the given keys only; `replace` empties all others."""

    table_id: UUID
    rows: Sequence[RowChange]
    mode: Literal["merge", "replace"]
    naming: Naming | None = None


async def read_rows(
    viewer: Viewer, storage: Storage, table_id: UUID, query: RowsQueryFor
) -> RowsPage:
    """A page of rows with revision and row count of the same snapshot.

    `query` makes the query from the table's shape, so that a fresh shape is used when columns
    moved.
    Raises `NotFound`, also for a session that is not of the table, and `Invalid` (unknown columns,
    bad values, a cursor of another sort)."""
    access.require(viewer, "rows")

    async def work(shape: TableShape) -> RowsPage:
        asked = query(shape)
        if asked.session_id is not None:
            await _session(storage, shape, asked.session_id)
        return await storage.rows.page(shape, asked)

    return await on_table(viewer, storage, table_id, work)


async def read_rows_by_id(
    viewer: Viewer,
    storage: Storage,
    table_id: UUID,
    row_ids: Sequence[UUID],
    selection: SelectionFor,
) -> Sequence[str | RowRecord | None]:
    """Rows in the order of the ids; None for each one that does not exist. Raises `NotFound` for
    the table."""
    access.require(viewer, "row")

    async def work(shape: TableShape) -> Sequence[str | RowRecord | None]:
        return await storage.rows.by_id(shape, row_ids, selection(shape))

    return await on_table(viewer, storage, table_id, work)


async def add_rows(
    viewer: Viewer, storage: Storage, command: RowsAdd, cause: Cause = _ASKED_FOR
) -> Written:
    """Add 1 to 1,000 rows in one revision, all or none. Raises `NotFound`, or `Invalid` with every
    problem, or `Conflict` for a row with an id of its own that was added before."""
    access.require(viewer, "rowsAdd")
    check_count(len(command.rows))

    async def work(shape: TableShape) -> Written:
        session_id, prepared = await rows_to_add(storage, shape, command)
        return await storage.rows.insert(shape, viewer.actor, cause, session_id, prepared)

    return await on_table(viewer, storage, command.table_id, work)


async def update_rows(
    viewer: Viewer, storage: Storage, command: RowsUpdate, cause: Cause = _ASKED_FOR
) -> Written:
    """Update 1 to 1,000 rows in one revision, all or none.

    Raises `NotFound` for the table, `Invalid` with every problem (unknown rows too), and `Conflict`
    with both versions when a row changed since the writer saw it."""
    access.require(viewer, "rowsUpdate")
    check_count(len(command.rows))
    refuse_repeats([row.id for row in command.rows])

    async def work(shape: TableShape) -> Written:
        prepared = await rows_to_update(storage, shape, command)
        write = storage.rows.merge if command.mode == "merge" else storage.rows.replace
        return await write(shape, viewer.actor, cause, prepared)

    return await on_table(viewer, storage, command.table_id, work)


async def delete_rows(
    viewer: Viewer, storage: Storage, table_id: UUID, row_ids: Sequence[UUID]
) -> Written:
    """Delete 1 to 1,000 rows in one revision. Ids that are not there are passed over; `row_ids` of
    the answer names those that were deleted. No row found: no revision is used. Raises
    `NotFound`."""
    access.require(viewer, "rowsDelete")
    check_count(len(row_ids), "rowIds")

    async def work(shape: TableShape) -> Written:
        return await storage.rows.delete(shape, viewer.actor, Cause(), row_ids)

    return await on_table(viewer, storage, table_id, work)


async def rows_to_add(
    storage: Storage, shape: TableShape, command: RowsAdd
) -> tuple[UUID, list[PreparedRow]]:
    """The session and the checked rows of a command, with their ids. Raises what `add_rows`
    does."""
    session_id = await _session(storage, shape, command.session_id)
    checker = RowChecker.of(shape)
    problems: list[Problem] = []
    checked = [
        checker.for_add(_by_key(command.naming, shape, row.data), index, problems)
        for index, row in enumerate(command.rows)
    ]
    await name_files(storage, shape, checked, problems)
    if problems:
        raise Invalid(problems)
    fresh = ids.new_ids(ids.Kind.ROW, len(checked), shape.number)
    return session_id, [
        PreparedRow(given.id or row_id, values, given.created_by)
        for row_id, values, given in zip(fresh, checked, command.rows, strict=True)
    ]


async def rows_to_update(
    storage: Storage, shape: TableShape, command: RowsUpdate
) -> list[PreparedRow]:
    """The checked rows of a command. Raises `Invalid` with every problem."""
    checker = RowChecker.of(shape)
    problems: list[Problem] = []
    check = checker.for_merge if command.mode == "merge" else checker.for_replace
    prepared = [
        PreparedRow(
            row.id,
            check(_by_key(command.naming, shape, row.data), index, problems),
            version=row.version,
        )
        for index, row in enumerate(command.rows)
    ]
    await name_files(storage, shape, [row.values for row in prepared], problems)
    if problems:
        raise Invalid(problems)
    return prepared


def _by_key(naming: Naming | None, shape: TableShape, data: Mapping[str, Any]) -> Mapping[str, Any]:
    return data if naming is None else naming(shape, data)


async def _session(storage: Storage, shape: TableShape, session_id: UUID | None) -> UUID:
    if session_id is None:
        return shape.first_session_id
    if not await storage.tables.has_session(shape, session_id):
        raise NotFound("Session")
    return session_id


def check_count(count: int, name: str = "rows") -> None:
    """Raises `Invalid` for more rows than a request takes, and for none."""
    if not 1 <= count <= MAX_ROWS:
        raise invalid(ErrorCode.OUT_OF_RANGE, f"{name} takes 1 to {MAX_ROWS} items", name)


def refuse_repeats(row_ids: Sequence[UUID]) -> None:
    """Raises `Invalid` for a row that is named twice."""
    first: dict[UUID, int] = {}
    problems = []
    for index, row_id in enumerate(row_ids):
        if first.setdefault(row_id, index) != index:
            message = f"rows[{index}] names the same row as rows[{first[row_id]}]"
            path = ("rows", str(index), "id")
            problems.append(Problem(ErrorCode.DUPLICATE, message, path, index))
    if problems:
        raise Invalid(problems)
