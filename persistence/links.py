"""Relations followed backwards: for each of several rows the rows of a table that hold its id."""

from collections.abc import Sequence
from itertools import groupby
from uuid import UUID

from domain.columns import Column, TableShape
from domain.errors import StructureMoved
from domain.selection import OffsetPage, RowsPage, RowsQuery
from persistence.fetching import fetch
from persistence.filter_sql import Params, operand
from persistence.keyset_sql import compile_page, open_page, order_by
from persistence.read_sql import states_join
from persistence.row_pages import (
    CLOCK,
    Source,
    clock_params,
    page_of,
    select_list,
    shows_states,
)
from persistence.row_sql import column_names


async def read_links(
    connection: Source,
    shape: TableShape,
    column: Column,
    targets: Sequence[UUID],
    query: RowsQuery,
) -> list[RowsPage]:
    """One page of rows for each target, in the order of the targets, by one statement. A target
    has a scan of the column's GIN index of its own, so the cost is that of the rows found.

    Raises `StructureMoved` when the shape is old, `Invalid` for a bad cursor."""
    if not targets:
        return []
    params = clock_params(shape)
    text = links_statement(shape, column, targets, query, params)
    records = await fetch(connection, text, params.values)
    if not records:
        raise StructureMoved
    return [
        page_of(shape, query, list(found))
        for _, found in groupby(records, key=lambda record: record["target"])
    ]


def links_statement(
    shape: TableShape,
    column: Column,
    targets: Sequence[UUID],
    query: RowsQuery,
    params: Params,
) -> str:
    """The text of `read_links`; values go to `params`, which begin with those of the clock."""
    if isinstance(query.page, OffsetPage):
        raise TypeError("links have no pages by number")
    wanted = params.add(list(targets), "uuid[]")
    holders = f"FROM {shape.sql_name} AS h WHERE {operand(column, 'h')} @> ARRAY[w.id]"
    total = f", (SELECT count(*) {holders}) AS total" if query.wants_total else ""
    # OFFSET 0 keeps the limit of the page outside. Seen together with it, PostgreSQL walks all rows
    # by position, since it expects to meet enough holders of an unknown id soon.
    source = f"(SELECT {', '.join(column_names(shape, 'h'))} {holders} OFFSET 0)"
    page = compile_page(open_page(query.sorts, query.page), source, "TRUE", params)
    if shows_states(shape, query.selection):
        names = ", ".join(column_names(shape, "t"))
        order = order_by(query.sorts, backward=query.page.backward)
        page = f"FROM (SELECT {names} {page}) AS t {states_join(shape, 't')} ORDER BY {order}"
    return (
        f"SELECT w.target, c.revision, c.row_count{total}, p.* FROM table_clock c"
        f" CROSS JOIN unnest({wanted}) WITH ORDINALITY AS w(id, target)"
        f" LEFT JOIN LATERAL (SELECT {select_list(shape, query.selection)} {page}) p ON TRUE"
        f" WHERE {CLOCK} ORDER BY w.target, p.position, p.id"
    )
