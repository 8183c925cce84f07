"""What the inputs of tools weigh, so that a batch never holds more of them than fits.

A text may have a megabyte and a batch five hundred rows: read at once they took longer than a
transaction may last, again and again, and the run stood still for ever."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from domain.columns import Column, ColumnType, TableShape
from domain.run_ports import Filled
from persistence.engine import Pool
from persistence.fetching import fetch

#: Their size is known without reading them.
_TEXTS = frozenset({ColumnType.TEXT, ColumnType.URL, ColumnType.EMAIL, ColumnType.SELECT})
_READ = frozenset({ColumnType.JSON, ColumnType.MULTI_SELECT})
#: Rows of a statement that has to read values.
_ROWS = 100


async def weigh_rows(
    pool: Pool, shape: TableShape, row_ids: Sequence[UUID], columns: Filled
) -> Mapping[UUID, int]:
    """About the bytes that the inputs of these tools have in each row that is there; empty when
    none of them can be large. Raises `StructureMoved`."""
    inputs = _large_inputs(shape, columns)
    if not inputs:
        return {}
    sizes = " + ".join(f"coalesce(octet_length({_text(each)}), 0)" for each in inputs)
    text = f"SELECT t.id, {sizes} AS weight FROM {shape.sql_name} AS t WHERE t.id = ANY($1)"
    step = _ROWS if any(each.type in _READ for each in inputs) else max(1, len(row_ids))
    found: dict[UUID, int] = {}
    for start in range(0, len(row_ids), step):
        records = await fetch(pool, text, [list(row_ids[start : start + step])])
        found |= {record["id"]: record["weight"] for record in records}
    return found


def _large_inputs(shape: TableShape, columns: Filled) -> list[Column]:
    """The stored columns that the tools read, themselves or through formulas, and that may hold
    much."""
    numbers: set[int] = set()
    for key in dict.fromkeys(key for _, tool in columns for key in tool.inputs):
        column = shape.columns_by_key.get(key)
        if column is not None:
            numbers |= {column.number, *(column.computation.inputs if column.computation else ())}
    return [
        each
        for each in shape.columns
        if each.number in numbers and each.stored and each.type in _TEXTS | _READ
    ]


def _text(column: Column) -> str:
    return f"t.{column.sql_name}" + ("::text" if column.type in _READ else "")
