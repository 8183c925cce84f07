"""What people ask for when they make or change schemas, their examples and classifiers, and what
storage is given of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain.columns import ColumnType
from domain.entities import UNSET, TableCreate, Unset
from domain.extraction_records import (
    ClassifierRoute,
    ExtractionSchema,
    Repeats,
    SchemaStatus,
    SchemaTable,
    SchemaType,
)


@dataclass(frozen=True, slots=True)
class FieldDraft:
    """What shall be said of one column, named by its key. `label`, `type` and `config` are for
    columns of a new table only; without them the label is the key, and the type text."""

    key: str
    description: str | None = None
    hint: str | None = None
    labels: Sequence[str] = ()
    is_key: bool = False
    excluded: bool = False
    date_format: str | None = None
    unit: str | None = None
    label: str | None = None
    type: ColumnType | None = None
    config: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class TableDraft:
    """A table that a schema shall fill: an existing one by `table_id`, or a new one of this `name`.

    `parent` is the place of its parent in the list of tables, before its own; without it the first
    table is meant, which has none itself. `fields` None means every column that can be read; those
    of a new table have to be given."""

    table_id: UUID | None = None
    name: str | None = None
    description: str | None = None
    parent: int | None = None
    repeats: Repeats = Repeats.FOUND
    fields: Sequence[FieldDraft] | None = None


@dataclass(frozen=True, slots=True)
class SchemaCreate:
    """A schema to be made. New tables belong to its project."""

    name: str
    tables: Sequence[TableDraft]
    description: str | None = None
    instructions: str | None = None
    status: SchemaStatus = SchemaStatus.ACTIVE
    type: SchemaType = SchemaType.MODEL
    provider: str | None = None
    model: str | None = None
    project_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class SchemaFromTable:
    """A schema to be made of a table as it is, with those tables as its children. Without a name it
    has the table's."""

    table_id: UUID
    child_ids: Sequence[UUID] = ()
    name: str | None = None
    type: SchemaType = SchemaType.MODEL


@dataclass(frozen=True, slots=True)
class SchemaUpdate:
    """What to change; `UNSET` leaves a field, None clears it where that is allowed. `tables` take
    the place of the old ones. With `expected_version` nothing is changed unless the schema is at
    that version."""

    name: str | Unset | None = UNSET
    description: str | Unset | None = UNSET
    instructions: str | Unset | None = UNSET
    status: SchemaStatus | Unset | None = UNSET
    type: SchemaType | Unset | None = UNSET
    provider: str | Unset | None = UNSET
    model: str | Unset | None = UNSET
    project_id: UUID | Unset | None = UNSET
    tables: Sequence[TableDraft] | Unset = UNSET
    expected_version: int | None = None

    def given(self) -> dict[str, Any]:
        """The fields to change, by name, without the tables."""
        names = [name for name in self.__slots__ if name not in ("tables", "expected_version")]
        fields = ((name, getattr(self, name)) for name in names)
        return {name: value for name, value in fields if value is not UNSET}


@dataclass(frozen=True, slots=True)
class SchemaSearch:
    """Which schemas to list. Conditions are joined with AND."""

    project_id: UUID | None = None
    table_id: UUID | None = None
    status: SchemaStatus | None = None

    def matches(self, schema: ExtractionSchema) -> bool:
        return (
            self.project_id in (None, schema.project_id)
            and self.status in (None, schema.status)
            and self.table_id in (None, *(table.table_id for table in schema.tables))
        )


@dataclass(frozen=True, slots=True)
class NewSchema:
    """A checked schema as storage keeps it. The tables of `making` are made with it, under these
    ids and in this order."""

    name: str
    tables: tuple[SchemaTable, ...]
    description: str | None
    instructions: str | None
    status: SchemaStatus
    type: SchemaType
    provider: str | None
    model: str | None
    project_id: UUID | None
    making: Mapping[UUID, TableCreate] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """A checked change of a schema: fields by name, `tables` among them. The tables of `making` are
    made with it."""

    fields: Mapping[str, Any]
    expected_version: int | None = None
    making: Mapping[UUID, TableCreate] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SchemaVersion:
    """A schema as it was from one change to the next. `schema.updated_at` is the time of the
    change, `changed_by` who made it."""

    schema: ExtractionSchema
    changed_by: str

    @property
    def number(self) -> int:
        return self.schema.version


@dataclass(frozen=True, slots=True)
class SchemaVersions:
    """Some versions, the newest first."""

    versions: Sequence[SchemaVersion]
    has_more: bool


@dataclass(frozen=True, slots=True)
class ExampleValue:
    """The right value of one column for the text of an example; None: there is none in it."""

    key: str
    after: str | None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class ExamplesAdd:
    """A text of a document with what is right to be read from it, one example a column. `file_id`
    names the document, if it is stored."""

    schema_id: UUID
    table_id: UUID
    text: str
    values: Sequence[ExampleValue]
    file_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class NewExample:
    """A checked example as storage keeps it."""

    table_id: UUID
    column_number: int
    text: str
    after: str | None
    before: str | None = None
    file_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ClassifierCreate:
    """A classifier to be made."""

    name: str
    routes: Sequence[ClassifierRoute]
    threshold: float
    provider: str | None = None
    model: str | None = None
    project_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ClassifierUpdate:
    """What to change; `UNSET` leaves a field, None clears it where that is allowed. `routes` take
    the place of the old ones."""

    name: str | Unset | None = UNSET
    routes: Sequence[ClassifierRoute] | Unset = UNSET
    threshold: float | Unset | None = UNSET
    provider: str | Unset | None = UNSET
    model: str | Unset | None = UNSET
    project_id: UUID | Unset | None = UNSET

    def given(self) -> dict[str, Any]:
        """The fields that are set, by name."""
        fields = ((name, getattr(self, name)) for name in self.__slots__)
        return {name: value for name, value in fields if value is not UNSET}
