"""How many cells of a table stand where."""

from collections.abc import Sequence

from domain.cells import CellCount, CellStatus
from domain.columns import Column, TableShape
from domain.errors import StructureMoved
from persistence.engine import Pool
from persistence.fetching import fetch
from persistence.status_sql import status_sql


async def count_cells(
    pool: Pool, shape: TableShape, columns: Sequence[Column]
) -> Sequence[CellCount]:
    """The counts of the columns in their order, statuses without cells left out; one statement.
    Each column is a join of all rows with its states: about 0.1 s for 100,000 rows. Raises
    `StructureMoved`, and `TooLarge` when it would take longer than a statement may."""
    parts = " UNION ALL ".join(_counts(shape, column) for column in columns)
    text = (
        "SELECT found.number, found.status, found.count FROM table_clock c LEFT JOIN LATERAL ("
        f"{parts}) AS found ON TRUE"
        " WHERE c.table_id = $1 AND c.organization_id = $2 AND c.columns_version = $3"
    )
    arguments = [shape.id, shape.organization_id, shape.columns_version]
    records = await fetch(pool, text, arguments)
    if not records:
        raise StructureMoved
    counts = {(r["number"], r["status"]): r["count"] for r in records if r["number"] is not None}
    return [
        CellCount(column, status, counts[column.number, status])
        for column in columns
        for status in CellStatus
        if (column.number, status) in counts
    ]


def _counts(shape: TableShape, column: Column) -> str:
    join, state = "", "NULL::text"
    if column.stateful:
        state = "s.status"
        join = (
            f" LEFT JOIN cell_state s ON s.table_id = '{shape.id}' AND s.row_id = t.id"
            f" AND s.column_number = {column.number}"
        )
    status = status_sql(shape, column, "t", state)
    return (
        f"SELECT {column.number} AS number, {status} AS status, count(*) AS count"
        f" FROM {shape.sql_name} AS t{join} GROUP BY 2"
    )
