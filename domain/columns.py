"""Columns and the shape of a table, as every room sees them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain.tool_graph import ToolGraph, tool_graph
from domain.tool_records import Tool

if TYPE_CHECKING:
    from domain.formula_nodes import Computation


class ColumnType(StrEnum):
    """The types of columns. `domain.values` holds what each accepts and how it is compared."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    SELECT = "select"
    URL = "url"
    EMAIL = "email"
    MULTI_SELECT = "multi_select"
    JSON = "json"
    FILE = "file"
    MEASUREMENT = "measurement"
    RELATION = "relation"
    COMPUTED = "computed"


#: Types whose values are lists and objects.
MADE_OF_PARTS = frozenset(
    {ColumnType.RELATION, ColumnType.MULTI_SELECT, ColumnType.JSON, ColumnType.FILE}
)


class ComputedBy(StrEnum):
    """Who fills a column's cells when it is not a person: an outside worker that reports through
    `cellsReport`, or the column's tool."""

    EXTERNAL = "EXTERNAL"
    TOOL = "TOOL"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `number` is unique in the table for ever; `key` never changes; `label` may."""

    id: UUID
    number: int
    key: str
    label: str
    type: ColumnType
    position: int
    required: bool = False
    default_value: str | None = None
    config: Mapping[str, Any] | None = None
    computed_by: ComputedBy | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    #: What fills the cells; set exactly when `computed_by` is TOOL.
    tool: Tool | None = None
    #: Whether cells may have stored states although nothing computes the column: it was the target
    #: of an enrichment, or a schema of extraction fills it.
    tracked: bool = False
    #: How a computed column's values are made; attached when a shape is loaded, None without a
    #: formula and for all other types. Not compared: it follows from config and the other columns.
    computation: "Computation | None" = field(default=None, compare=False, repr=False)

    @property
    def sql_name(self) -> str:
        """Name of the column in storage and key in stored row images: `c<number>`."""
        return f"c{self.number}"

    @property
    def options(self) -> tuple[str, ...]:
        """Allowed values of a select; empty when none are configured (then any text is
        accepted)."""
        options = (self.config or {}).get("options") or ()
        return tuple(options)

    @property
    def stateful(self) -> bool:
        """Whether cells of this column may have stored states."""
        return self.computed_by is not None or self.tracked

    @property
    def stored(self) -> bool:
        """Whether cells of this column hold written values. Computed ones do not."""
        return self.type is not ColumnType.COMPUTED


@dataclass(frozen=True)
class TableShape:
    """What reading and writing rows needs to know of a table. Cached; `columns_version` tells when
    it is old."""

    id: UUID
    organization_id: UUID
    organization_number: int
    number: int
    columns_version: int
    columns: tuple[Column, ...]  # live ones, in position order
    first_session_id: UUID
    project_id: UUID | None = None
    columns_by_key: Mapping[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns_by_key", {column.key: column for column in self.columns})

    @cached_property
    def columns_by_label(self) -> Mapping[str, Column]:
        """Columns by lower-cased label; the first one wins when labels repeat."""
        found: dict[str, Column] = {}
        for column in self.columns:
            found.setdefault(column.label.lower(), column)
        return found

    @cached_property
    def columns_by_number(self) -> Mapping[int, Column]:
        return {column.number: column for column in self.columns}

    @property
    def stateful_columns(self) -> tuple[Column, ...]:
        """Columns whose cells may have stored states."""
        return tuple(column for column in self.columns if column.stateful)

    @cached_property
    def tool_graph(self) -> ToolGraph:
        """Which tool columns depend on which columns of this table."""
        return tool_graph(self.columns)

    @property
    def recomputed_columns(self) -> tuple[Column, ...]:
        """Computed columns that depend on time or on other rows: a row's change does not tell what
        becomes of them."""
        return tuple(
            column
            for column in self.columns
            if column.computation is not None and column.computation.volatile
        )

    @property
    def sql_name(self) -> str:
        """Qualified name of the users' table in PostgreSQL."""
        return f"org_{self.organization_number}.t{self.number}"


@dataclass(frozen=True, slots=True)
class NewColumn:
    """A column to be made. Its number and id are given by storage; position None means at the
    end."""

    key: str
    label: str
    type: ColumnType
    position: int | None = None
    required: bool = False
    default_value: str | None = None
    config: Mapping[str, Any] | None = None
    computed_by: ComputedBy | None = None
    tool: Tool | None = None
    tracked: bool = False
