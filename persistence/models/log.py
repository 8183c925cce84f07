"""The two kinds of log, the clocks that order them, and the stored state of cells."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Numeric, text
from sqlmodel import Field, SQLModel

from persistence.models.base import big_column, json_column, now_column, time_column

# Clocks are updated by every write: room on the page keeps those updates HOT, eager vacuum keeps
# the page small.
_CLOCK_STORAGE = {
    "postgresql_with": {
        "fillfactor": "50",
        "autovacuum_vacuum_threshold": "200",
        "autovacuum_vacuum_scale_factor": "0",
    }
}


class TableClockRow(SQLModel, table=True):
    """One row per table: locked first by every write. `columns_version` dates the cached shape of
    the table; `pruned_to` is the last revision that retention removed from the log."""

    __tablename__ = "table_clock"
    __table_args__ = (_CLOCK_STORAGE,)

    table_id: UUID = Field(primary_key=True)
    organization_id: UUID
    revision: int = big_column()
    row_count: int = big_column()
    next_position: int = big_column()
    columns_version: int = Field(default=1)
    pruned_to: int = big_column()
    last_at: datetime = now_column()


class OrganizationClockRow(SQLModel, table=True):
    __tablename__ = "organization_clock"
    __table_args__ = (_CLOCK_STORAGE,)

    organization_id: UUID = Field(primary_key=True)
    revision: int = big_column()
    pruned_to: int = big_column()
    last_at: datetime = now_column()


class ChangeRow(SQLModel, table=True):
    __tablename__ = "change"

    table_id: UUID = Field(primary_key=True)
    revision: int = big_column(primary_key=True)
    organization_id: UUID
    kind: str
    actor: str
    cause: dict[str, Any] = json_column(nullable=False)
    at: datetime = now_column()
    rows_added: int = Field(default=0)
    rows_changed: int = Field(default=0)
    rows_deleted: int = Field(default=0)
    details: dict[str, Any] | None = json_column()


class OrganizationChangeRow(SQLModel, table=True):
    __tablename__ = "organization_change"

    organization_id: UUID = Field(primary_key=True)
    revision: int = big_column(primary_key=True)
    kind: str
    actor: str
    at: datetime = now_column()
    subject_id: UUID
    details: dict[str, Any] | None = json_column()


class RowVersionRow(SQLModel, table=True):
    """A row as it was after one change (before it, for a deletion). `data` maps `c<number>` to the
    value and `_extra` to keys without a column; a missing key is null."""

    __tablename__ = "row_version"
    __table_args__ = (
        Index("ix_row_version_revision", "table_id", "revision"),
        # An export in the order of the table finds here what was deleted since it began.
        Index(
            "ix_row_version_deleted",
            "table_id",
            "position",
            "row_id",
            postgresql_where=text("action = 'delete'"),
        ),
    )

    table_id: UUID = Field(primary_key=True)
    row_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    revision: int = big_column()
    action: str
    position: int = big_column()
    session_id: UUID
    created_by: str
    created_at: datetime = now_column()
    updated_at: datetime = now_column()
    data: dict[str, Any] = json_column(nullable=False)


class CellStateRow(SQLModel, table=True):
    """What is known of one cell that a tool, an enrichment or an outside worker fills. A missing
    row means that nobody has touched it.

    `run_id` is the last run that took it; `previous` the status to go back to when that run lets go
    of it, and `before` the whole state as it was before. `outdated` says that something changed
    which a calculation under way has read, here or elsewhere. `inputs_hash` is of what the value
    was made from, `raw` its text before it was read."""

    __tablename__ = "cell_state"
    __table_args__ = (
        Index(
            "ix_cell_state_run",
            "run_id",
            "status",
            postgresql_where=text("run_id IS NOT NULL"),
        ),
        Index("ix_cell_state_status", "table_id", "status", "column_number"),
    )

    table_id: UUID = Field(primary_key=True)
    row_id: UUID = Field(primary_key=True)
    column_number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    status: str
    error: str | None = None
    progress: float | None = None
    updated_at: datetime = now_column()
    run_id: UUID | None = None
    previous: str | None = None
    before: dict[str, Any] | None = json_column()
    attempt: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    outdated: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    inputs_hash: str | None = None
    producer: dict[str, Any] | None = json_column()
    confidence: float | None = None
    citations: list[dict[str, Any]] | None = json_column()
    raw: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: Decimal | None = Field(default=None, sa_type=Numeric, nullable=True)


class CellChangeRow(SQLModel, table=True):
    """A move of one cell's status, in the revision that made it."""

    __tablename__ = "cell_change"
    __table_args__ = (Index("ix_cell_change_revision", "table_id", "revision"),)

    table_id: UUID = Field(primary_key=True)
    row_id: UUID = Field(primary_key=True)
    column_number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    revision: int = big_column(primary_key=True)
    previous: str
    status: str
    error: str | None = None
    progress: float | None = None
    at: datetime | None = time_column()
