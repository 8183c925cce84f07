"""What a read of rows wants, as a neutral tree. Faces build it; `persistence.read_sql` compiles it
to SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from domain.cells import CellStatus, virtual_status
from domain.columns import Column, ComputedBy, TableShape
from domain.filters import Filter, Sort
from domain.paging import PageRequest


class RowPart(Enum):
    """What can be shown of a row besides its cells."""

    ID = "id"
    TABLE_ID = "tableId"
    SESSION_ID = "sessionId"
    VERSION = "version"
    POSITION = "position"
    DATA = "data"
    CREATED_BY = "createdBy"
    CREATED_AT = "createdAt"
    UPDATED_AT = "updatedAt"


class CellPart(Enum):
    """What can be shown of a cell."""

    ID = "id"
    ROW_ID = "rowId"
    STATUS = "status"
    VALUE = "value"
    ERROR = "error"
    PROGRESS = "progress"
    UPDATED_AT = "updatedAt"
    ATTEMPT = "attempt"
    CONFIDENCE = "confidence"
    RUN_ID = "runId"
    INPUT_TOKENS = "inputTokens"
    OUTPUT_TOKENS = "outputTokens"
    COST = "cost"
    RAW = "raw"


@dataclass(frozen=True, slots=True)
class Literal:
    """JSON text that is the same in every row."""

    json: str


@dataclass(frozen=True, slots=True)
class ProducerSelection:
    """Who made a cell's value, as an object: (name in the answer, name in the record) pairs."""

    parts: tuple[tuple[str, str | Literal], ...]


@dataclass(frozen=True, slots=True)
class CitationsSelection:
    """Where a cell's value was found, as a list of objects of such pairs."""

    parts: tuple[tuple[str, str | Literal], ...]


CellField = CellPart | Literal | ProducerSelection | CitationsSelection


@dataclass(frozen=True, slots=True)
class CellSelection:
    """One cell as an object: (name in the answer, part) pairs in the order asked for.

    `literals` differ by column, so they are given for each column that is selected."""

    column_number: int
    parts: tuple[tuple[str, CellField], ...]


@dataclass(frozen=True, slots=True)
class CellsSelection:
    """A list of cells of a row."""

    cells: tuple[CellSelection, ...]


RowField = RowPart | Literal | CellSelection | CellsSelection


@dataclass(frozen=True, slots=True)
class RowSelection:
    """A row as a JSON object: (name in the answer, field) pairs in the order asked for."""

    fields: tuple[tuple[str, RowField], ...]


@dataclass(frozen=True, slots=True)
class OffsetPage:
    """A page by number, for the REST dialect that asks for it."""

    limit: int
    offset: int


@dataclass(frozen=True, slots=True)
class RowsQuery:
    """A page of rows: which, in what order, and what to show. `wants_total` counts all rows that
    match. `session_id` keeps the rows of one session. `as_of` is the revision whose rows are read;
    None reads them as they are now."""

    selection: RowSelection | None  # None: records, for what the compiled form cannot show
    page: PageRequest | OffsetPage
    filter: Filter | None = None
    sorts: tuple[Sort, ...] = ()
    search: str | None = None
    wants_total: bool = False
    wants_cursors: bool = False
    as_of: int | None = None
    session_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class RowRecord:
    """A row with its values as JSON texts, in the order of the shape's columns; None is null.

    `extra` is the JSON text of keys without a column. `states` maps column numbers to stored cell
    states."""

    id: UUID
    table_id: UUID
    session_id: UUID
    version: int
    position: int
    created_by: str
    created_at: datetime
    updated_at: datetime
    values: Sequence[str | None]
    extra: str | None
    states: dict[int, "CellState"]


@dataclass(frozen=True, slots=True)
class CellState:
    """The stored state of a cell. `producer` and `citations` are the records of those names as
    mappings; `cost` is in US dollars."""

    status: str
    error: str | None
    progress: float | None
    updated_at: datetime
    attempt: int = 0
    producer: Mapping[str, Any] | None = None
    confidence: float | None = None
    citations: Sequence[Mapping[str, Any]] = ()
    run_id: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: Decimal | None = None
    raw: str | None = None


def cell_status(shape: TableShape, record: RowRecord, column: Column) -> CellStatus:
    """Where a cell of a row stands: what is stored of it, else what follows from the values."""
    state = record.states.get(column.number) if column.stateful else None
    stored = CellStatus(state.status) if state else None
    if column.computed_by is ComputedBy.EXTERNAL:
        return stored or CellStatus.INITIALIZED
    if stored not in (None, CellStatus.INITIALIZED, CellStatus.READY):
        return stored
    keys = [each.key for each in shape.columns]
    values = dict(zip(keys, record.values, strict=True))
    inputs = column.tool.inputs if column.tool else ()
    return virtual_status(
        filled=values[column.key] is not None,
        inputs_filled=bool(inputs) and all(values.get(key) is not None for key in inputs),
    )


@dataclass(frozen=True, slots=True)
class RowsPage:
    """A page. `revision` and `row_count` of the table and the rows come from one snapshot.

    `rows` holds one JSON text per row for a query with a selection, else records. `cursors` stand
    beside the rows when asked for. `has_more` tells of rows beyond the page in the direction of
    reading."""

    revision: int
    row_count: int
    rows: Sequence[str] | Sequence[RowRecord]
    cursors: Sequence[str]
    has_more: bool
    total: int | None
