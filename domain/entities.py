"""What the product is made of besides columns and rows, as plain records, and the commands that
make or change them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.access import Role, Scope
from domain.columns import Column, NewColumn
from domain.tool_records import Tool


@dataclass(frozen=True, slots=True)
class Organization:
    """A tenant. Nothing crosses its border."""

    id: UUID
    number: int
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret. `prefix` is the visible start of the key."""

    id: UUID
    organization_id: UUID
    name: str
    prefix: str
    role: Role
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    created_by: str
    created_at: datetime
    scope: Scope | None = None


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """What storage keeps of a new key: never the key itself."""

    name: str
    prefix: str
    hash: bytes
    role: Role
    expires_at: datetime | None
    scope: Scope | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """A group of tables of one organisation."""

    id: UUID
    organization_id: UUID
    name: str
    description: str | None
    status: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ProjectCreate:
    name: str
    description: str | None = None


class TableSource(StrEnum):
    """Where a table came from."""

    MANUAL = "manual"
    IMPORTED = "imported"
    AGENT = "agent"
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True)
class Table:
    """A table's metadata with the figures of its clock."""

    id: UUID
    organization_id: UUID
    number: int
    project_id: UUID | None
    name: str
    description: str | None
    source: str
    template_id: UUID | None
    row_count: int
    revision: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TableSearch:
    """Which tables to list. Conditions are joined with AND; `search` looks into name and
    description, as a substring in any case."""

    project_id: UUID | None = None
    source: str | None = None
    search: str | None = None


@dataclass(frozen=True, slots=True)
class TableCreate:
    name: str
    description: str | None = None
    project_id: UUID | None = None
    source: TableSource = TableSource.MANUAL
    columns: Sequence[NewColumn] = ()
    template_id: UUID | None = None


class Unset(StrEnum):
    """Marks a field that an update leaves as it is."""

    UNSET = "UNSET"


UNSET = Unset.UNSET


@dataclass(frozen=True, slots=True)
class TableUpdate:
    """What to change; `UNSET` leaves a field, None clears it."""

    name: str | Unset | None = UNSET
    description: str | Unset | None = UNSET
    project_id: UUID | Unset | None = UNSET


@dataclass(frozen=True, slots=True)
class ColumnUpdate:
    """What to change of a column; `UNSET` leaves a field. The key and the type never change."""

    label: str | Unset | None = UNSET
    required: bool | Unset | None = UNSET
    default_value: str | Unset | None = UNSET
    config: Mapping[str, Any] | Unset | None = UNSET
    tool: Tool | Unset | None = UNSET


def set_fields(update: TableUpdate | ColumnUpdate) -> dict[str, Any]:
    """The fields of an update that are set, by name."""
    fields = ((name, getattr(update, name)) for name in update.__slots__)
    return {name: value for name, value in fields if value is not UNSET}


@dataclass(frozen=True, slots=True)
class TableWithColumns:
    """A table and its live columns in order."""

    table: Table
    columns: Sequence[Column]


@dataclass(frozen=True, slots=True)
class Session:
    """A named group of rows of one table."""

    id: UUID
    table_id: UUID
    name: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ColumnIndex:
    """A PostgreSQL index on one column, asked for by a user. `status` is building, ready or
    failed."""

    id: UUID
    table_id: UUID
    column_number: int
    status: str
    error: str | None
    created_at: datetime


class FileStatus(StrEnum):
    """Whether the bytes of a file are there."""

    UPLOADING = "uploading"
    UPLOADED = "uploaded"


@dataclass(frozen=True, slots=True)
class File:
    """An uploaded file. The bytes stand in the blob store under `storage_key`; files of an
    organisation with the same bytes share them.

    One that is still `uploading` has an address and no bytes yet. `schema_id` and `classifier_id`
    say what it was announced for."""

    id: UUID
    organization_id: UUID
    name: str
    mime_type: str
    size: int
    sha256: str
    storage_key: str
    task_id: str | None
    created_by: str
    created_at: datetime
    status: FileStatus = FileStatus.UPLOADED
    schema_id: UUID | None = None
    classifier_id: UUID | None = None


class ImportStatus(StrEnum):
    """States of an import. A cancelled or failed one can be resumed where it stopped."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Import:
    """One import of a file into a table, with its progress. `revision` is the table's after the
    last chunk."""

    id: UUID
    organization_id: UUID
    table_id: UUID
    file_id: UUID
    import_key: str | None
    status: ImportStatus
    plan: Mapping[str, Any]
    bytes_total: int
    byte_offset: int
    next_line: int
    rows_imported: int
    rows_updated: int
    rows_skipped: int
    revision: int
    error: str | None
    created_by: str
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class ImportRejection:
    """A row of a file that was not imported. `line` counts the header as 1."""

    line: int
    error: str
    record: Sequence[str]
