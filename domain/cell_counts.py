"""How many cells of a table stand where."""

from collections.abc import Sequence
from uuid import UUID

from domain import access
from domain.access import Viewer
from domain.cells import CellCount
from domain.columns import TableShape
from domain.errors import ErrorCode, Invalid, Problem
from domain.ports import Storage
from domain.tables import on_table

#: Columns of one request.
MAX_COLUMNS = 100


async def count_cells(
    viewer: Viewer, storage: Storage, table_id: UUID, keys: Sequence[str] | None
) -> Sequence[CellCount]:
    """Counts of the cells by column and status. Without keys of the columns that something fills.

    Raises `NotFound`, `Invalid` for unknown columns and more than 100, and `TooLarge`."""
    access.require(viewer, "cellCounts")

    async def work(shape: TableShape) -> Sequence[CellCount]:
        if keys is None:
            columns = list(shape.stateful_columns)
        else:
            columns = [shape.columns_by_key[key] for key in _known(shape, keys)]
        return await storage.rows.count_cells(shape, columns[:MAX_COLUMNS]) if columns else []

    return await on_table(viewer, storage, table_id, work)


def _known(shape: TableShape, keys: Sequence[str]) -> Sequence[str]:
    """The keys, each once. Raises `Invalid`."""
    if len(keys) > MAX_COLUMNS:
        message = f"columns takes at most {MAX_COLUMNS} keys"
        raise Invalid([Problem(ErrorCode.TOO_MANY, message, ("columns",))])
    problems = [
        Problem(ErrorCode.UNKNOWN_COLUMN, f"Unknown column: {key}", ("columns", str(index)))
        for index, key in enumerate(keys)
        if key not in shape.columns_by_key
    ]
    if problems:
        raise Invalid(problems)
    return list(dict.fromkeys(keys))
