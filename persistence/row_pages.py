"""Reading rows: pages with revision and row count of the same snapshot, and rows by id."""

from collections.abc import Sequence
from typing import TypeAlias
from uuid import UUID

import asyncpg

from domain.columns import TableShape
from domain.errors import StructureMoved
from domain.filters import Sort
from domain.history_records import refuse_revision
from domain.numbers import loads
from domain.paging import encode_cursor
from domain.selection import (
    OffsetPage,
    RowRecord,
    RowSelection,
    RowsPage,
    RowsQuery,
)
from persistence.engine import Connection, Pool
from persistence.fetching import fetch
from persistence.filter_sql import Params, compile_filter, compile_search
from persistence.keyset_sql import compile_page, key_selects, open_page, order_by
from persistence.past_rows import count_as_of, halves_as_of, rows_as_of, states_as_of
from persistence.read_sql import (
    STATES,
    record_columns,
    row_json,
    state_of,
    states_join,
    uses_states,
)
from persistence.row_sql import column_names
from persistence.statements import statements

Source: TypeAlias = "Connection | Pool"

#: Finds the clock only for the shape's own version of the columns: no row means that the shape is
#: old.
CLOCK = "c.table_id = $1 AND c.organization_id = $2 AND c.columns_version = $3"


async def read_page(connection: Source, shape: TableShape, query: RowsQuery) -> RowsPage:
    """One page in one statement. Raises `StructureMoved` when the shape is old, `Invalid` for a
    bad cursor and for a revision that the log does not cover."""
    params = clock_params(shape)
    text = _page_statement(shape, query, params)
    records = await fetch(connection, text, params.values)
    if not records:
        raise StructureMoved
    if query.as_of is not None:
        refuse_revision(query.as_of, records[0]["pruned_to"], records[0]["last_revision"])
    return page_of(shape, query, records)


async def read_by_id(
    connection: Source,
    shape: TableShape,
    row_ids: Sequence[UUID],
    selection: RowSelection | None,
) -> Sequence[str | RowRecord | None]:
    """The rows in the order of the ids, None for those that are not there. Raises
    `StructureMoved`."""
    params = clock_params(shape)
    # The inner SELECT hides how many ids there are. PostgreSQL would else plan anew every time, as
    # for one id that looks cheaper than the plan it keeps: four times the work of reading a row.
    wanted = f"ARRAY(SELECT unnest({params.add(list(row_ids), 'uuid[]')}))"
    text = (
        f"SELECT c.revision, c.row_count, p.* FROM table_clock c LEFT JOIN LATERAL ("
        f"SELECT {select_list(shape, selection)} FROM {shape.sql_name} AS t"
        f"{_states(shape, selection)} WHERE t.id = ANY({wanted})) p ON TRUE WHERE {CLOCK}"
    )
    records = await fetch(connection, text, params.values)
    if not records:
        raise StructureMoved
    found = {record["id"]: _row(shape, selection, record) for record in records if record["id"]}
    return [found.get(row_id) for row_id in row_ids]


def _states(shape: TableShape, selection: RowSelection | None) -> str:
    return f" {states_join(shape, 't')}" if shows_states(shape, selection) else ""


def clock_params(shape: TableShape) -> Params:
    return Params(shape.id, shape.organization_id, shape.columns_version)


def _page_statement(shape: TableShape, query: RowsQuery, params: Params) -> str:
    """Clock and page joined, so that both come from one snapshot; an empty page still shows the
    clock."""
    past = params.add(query.as_of, "bigint") if query.as_of is not None else None
    source = shape.sql_name if past is None else rows_as_of(shape, past)
    where = _condition(shape, query, params)
    total = ""
    if query.wants_total:
        total = f", (SELECT count(*) FROM {source} AS t WHERE {where}) AS total"
    keys = key_selects(query.sorts) if query.wants_cursors else []
    select = ", ".join([select_list(shape, query.selection), *keys])
    page = _from(shape, query, past, where, params)
    if shows_states(shape, query.selection):
        states = states_join(shape, "t") if past is None else states_as_of(shape, "t", past)
        backward = not isinstance(query.page, OffsetPage) and query.page.backward
        order = order_by(query.sorts, backward=backward)
        names = ", ".join(column_names(shape, "t"))
        page = f"FROM (SELECT {names} {page}) AS t {states} ORDER BY {order}"
    return (
        f"SELECT {_clock(past)}{total}, p.* FROM table_clock c"
        f" LEFT JOIN LATERAL (SELECT {select} {page}) p ON TRUE WHERE {CLOCK}"
    )


def _clock(past: str | None) -> str:
    """Revision and count of rows that belong to the page; of the past also what the log covers."""
    if past is None:
        return "c.revision, c.row_count"
    return (
        f"{past} AS revision, {count_as_of(past)} AS row_count,"
        " c.revision AS last_revision, c.pruned_to"
    )


def _from(shape: TableShape, query: RowsQuery, past: str | None, where: str, params: Params) -> str:
    if past is not None:
        return _past_page(shape, query, past, where, params)
    if isinstance(query.page, OffsetPage):
        return _offset_page(shape, query.page, query.sorts, where, params)
    return compile_page(open_page(query.sorts, query.page), shape.sql_name, where, params)


def _past_page(shape: TableShape, query: RowsQuery, past: str, where: str, params: Params) -> str:
    """A page of each half of the past, and the page among those: each half finds its own in order,
    with the indexes that it has."""
    if not isinstance(query.page, OffsetPage):
        page = open_page(query.sorts, query.page)
        names = ", ".join(column_names(shape, "t"))
        halves = [
            f"(SELECT {names} {compile_page(page, f'({half})', where, params)})"
            for half in halves_as_of(shape, past)
        ]
        order = order_by(query.sorts, backward=query.page.backward)
        limit = params.add(query.page.fetch, "bigint")
        return f"FROM ({' UNION ALL '.join(halves)}) AS t ORDER BY {order} LIMIT {limit}"
    source = rows_as_of(shape, past)
    limit = params.add(query.page.limit + 1, "bigint")
    offset = params.add(query.page.offset, "bigint")
    order = order_by(query.sorts)
    return f"FROM {source} AS t WHERE {where} ORDER BY {order} LIMIT {limit} OFFSET {offset}"


def _offset_page(
    shape: TableShape, page: OffsetPage, sorts: tuple[Sort, ...], where: str, params: Params
) -> str:
    """The ids of the page are found first, so that rows passed over are never read whole."""
    limit, offset = params.add(page.limit + 1, "bigint"), params.add(page.offset, "bigint")
    order = order_by(sorts)
    ids = (
        f"SELECT t.id FROM {shape.sql_name} AS t WHERE {where}"
        f" ORDER BY {order} LIMIT {limit} OFFSET {offset}"
    )
    return f"FROM ({ids}) AS found JOIN {shape.sql_name} AS t ON t.id = found.id ORDER BY {order}"


def _condition(shape: TableShape, query: RowsQuery, params: Params) -> str:
    parts = []
    if query.filter is not None:
        parts.append(f"({compile_filter(query.filter, params)})")
    if query.search:
        parts.append(compile_search(shape, query.search, params))
    if query.session_id is not None:
        parts.append(f"t.session_id = {params.add(query.session_id, 'uuid')}")
    return " AND ".join(parts) or "TRUE"


def shows_states(shape: TableShape, selection: RowSelection | None) -> bool:
    return bool(shape.stateful_columns) and (selection is None or uses_states(selection))


def select_list(shape: TableShape, selection: RowSelection | None) -> str:
    purpose = ("select", selection)
    return statements.get(shape, purpose, lambda: _build_select_list(shape, selection))


def _build_select_list(shape: TableShape, selection: RowSelection | None) -> str:
    if selection is not None:
        return f"t.id, t.position, {row_json(shape, selection, 't')} AS json"
    states = f", {STATES}::text AS states" if shape.stateful_columns else ""
    return f"t.id, t.position, {record_columns(shape, 't')}{states}"


def _row(
    shape: TableShape, selection: RowSelection | None, record: asyncpg.Record
) -> str | RowRecord:
    if selection is not None:
        return str(record["json"])
    states = loads((record.get("states") if shape.stateful_columns else None) or "{}")
    return RowRecord(
        id=record["id"],
        table_id=shape.id,
        session_id=record["session_id"],
        version=record["version"],
        position=record["position"],
        created_by=record["created_by"],
        created_at=record["created_at"],
        updated_at=record["updated_at"],
        values=record["vals"],
        extra=record["extra"],
        states={int(number): state_of(state) for number, state in states.items()},
    )


def page_of(shape: TableShape, query: RowsQuery, records: Sequence[asyncpg.Record]) -> RowsPage:
    head = records[0]
    found = [record for record in records if record["id"] is not None]
    limit = query.page.limit
    has_more = len(found) > limit
    found = found[:limit]
    if not isinstance(query.page, OffsetPage) and query.page.backward:
        found.reverse()
    cursors = []
    if query.wants_cursors:
        names = [f"k{index}" for index in range(len(query.sorts))]
        cursors = [
            encode_cursor(
                query.sorts, [record[name] for name in names], record["position"], record["id"]
            )
            for record in found
        ]
    return RowsPage(
        revision=head["revision"],
        row_count=head["row_count"],
        rows=[_row(shape, query.selection, record) for record in found],  # type: ignore[arg-type]
        cursors=cursors,
        has_more=has_more,
        total=head["total"] if query.wants_total else None,
    )
