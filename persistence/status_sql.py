"""The status of a cell as SQL: what is stored, else what follows from values."""

from domain.cells import CellStatus
from domain.columns import Column, ComputedBy, TableShape
from persistence.formula_sql import column_value

INITIALIZED = f"'{CellStatus.INITIALIZED}'"
READY = f"'{CellStatus.READY}'"
RESOLVED = f"'{CellStatus.RESOLVED}'"


def status_sql(shape: TableShape, column: Column, alias: str, state: str) -> str:
    """The status of a cell as a text, in lower case. `alias` names the row (live, or an image of
    it), `state` is the stored status: null when nothing is stored.

    A cell of an outside worker has what was reported. Any other one that is stored as initialized
    or ready, or not at all, has the status that follows from its value and its inputs."""
    if column.computed_by is ComputedBy.EXTERNAL:
        return f"coalesce({state}, {INITIALIZED})"
    virtual = virtual_status_sql(shape, column, alias)
    return f"coalesce({written_status_sql(state)}, {virtual})" if column.stateful else virtual


def written_status_sql(state: str) -> str:
    """A stored status that counts, null for those that follow from values."""
    return f"nullif(nullif({state}, {INITIALIZED}), {READY})"


def virtual_status_sql(shape: TableShape, column: Column, alias: str) -> str:
    """The status without a stored one: a value is resolved, an empty cell is ready when all inputs
    of its tool are there."""
    filled = f"{column_value(column, alias)} IS NOT NULL"
    ready = _ready(shape, column, alias)
    between = f" WHEN {ready} THEN {READY}" if ready else ""
    return f"CASE WHEN {filled} THEN {RESOLVED}{between} ELSE {INITIALIZED} END"


def _ready(shape: TableShape, column: Column, alias: str) -> str:
    """Whether all inputs have values; empty when they cannot have."""
    if column.tool is None:
        return ""
    inputs = [shape.columns_by_key.get(key) for key in column.tool.inputs]
    values = [f"{column_value(each, alias)} IS NOT NULL" for each in inputs if each is not None]
    return " AND ".join(values) if len(values) == len(inputs) else ""
