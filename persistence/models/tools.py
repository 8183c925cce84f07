"""Runs of tools, models of other companies, and what must stay secret."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    String,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlmodel import Field, SQLModel

from persistence.models.base import big_column, json_column, now_column, time_column


def money_column() -> Any:
    """US dollars, exact."""
    return Field(
        default=Decimal(0),
        sa_type=Numeric,
        nullable=False,
        sa_column_kwargs={"server_default": text("0")},
    )


class CellRunRow(SQLModel, table=True):
    """One run of tools over cells. `columns` are numbers; `tool` is set when the run brings its own
    tool instead of the columns'. `after_position` says how far its cells are queued, until
    `prepared`.

    `reserved_*` is what batches under way may still spend: spent and reserved together never exceed
    the budget."""

    __tablename__ = "cell_run"
    __table_args__ = (
        Index("ix_cell_run_table", "table_id", "id"),
        Index("ix_cell_run_organization", "organization_id", "id"),
        Index(
            "ix_cell_run_active",
            "organization_id",
            postgresql_where=text("status IN ('queued', 'running')"),
        ),
    )

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id")
    table_id: UUID
    name: str | None = None
    status: str
    mode: str
    columns: list[int] = Field(sa_type=ARRAY(Integer), nullable=False)
    tool: dict[str, Any] | None = json_column()
    selection: dict[str, Any] = json_column(nullable=False)
    cause: dict[str, Any] = json_column(nullable=False)
    budget_cost: Decimal | None = Field(default=None, sa_type=Numeric, nullable=True)
    budget_tokens: int | None = None
    budget_rows: int | None = None
    use_cache: bool = Field(default=True)
    batch_rows: int | None = None
    prepared: bool = Field(default=False)
    after_position: int = big_column()
    next_batch: int = Field(default=1)
    rows_total: int = big_column()
    cells_total: int = big_column()
    cells_resolved: int = big_column()
    cells_failed: int = big_column()
    cells_stale: int = big_column()
    cells_skipped: int = big_column()
    cells_cached: int = big_column()
    cells_left: int = big_column()
    cells_dropped: int = big_column()
    over_budget: bool = Field(default=False)
    input_tokens: int = big_column()
    output_tokens: int = big_column()
    cost: Decimal = money_column()
    unpriced: bool = Field(default=False)
    reserved_tokens: int = big_column()
    reserved_cost: Decimal = money_column()
    revision: int = big_column()
    error: str | None = None
    undone_by: str | None = None
    undone_at: datetime | None = time_column()
    created_by: str
    created_at: datetime = now_column()
    updated_at: datetime = now_column()
    started_at: datetime | None = time_column()
    finished_at: datetime | None = time_column()


class CellBatchRow(SQLModel, table=True):
    """Rows of a run that one job fills. What it has reserved stays reserved when its worker dies,
    until it runs again."""

    __tablename__ = "cell_batch"

    run_id: UUID = Field(primary_key=True, foreign_key="cell_run.id")
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    row_ids: list[UUID] = Field(sa_type=ARRAY(Uuid), nullable=False)
    status: str = Field(default="queued")
    attempt: int = Field(default=0)
    reserved_tokens: int = big_column()
    reserved_cost: Decimal = money_column()
    updated_at: datetime = now_column()


class ToolCacheRow(SQLModel, table=True):
    """An answer that was paid for, by the SHA-256 of everything that was asked."""

    __tablename__ = "tool_cache"
    __table_args__ = (Index("ix_tool_cache_created", "created_at"),)

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    inputs_hash: str = Field(primary_key=True)
    answer: dict[str, Any] = json_column(nullable=False)
    created_at: datetime = now_column()


class ProviderRow(SQLModel, table=True):
    """A company or server that runs models. `api_key` is sealed."""

    __tablename__ = "provider"
    __table_args__ = (
        Index(
            "ux_provider_name",
            "organization_id",
            "name",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id")
    name: str
    kind: str
    base_url: str | None = None
    api_key: bytes | None = Field(default=None, sa_type=LargeBinary, nullable=True)
    model: str
    settings: dict[str, Any] = json_column(nullable=False)
    is_default: bool = Field(default=False)
    created_by: str
    created_at: datetime = now_column()
    updated_at: datetime = now_column()
    deleted_at: datetime | None = time_column()


class SecretRow(SQLModel, table=True):
    """A named secret for headers of requests; `value` is sealed. It goes to `hosts` alone."""

    __tablename__ = "secret"
    __table_args__ = (UniqueConstraint("organization_id", "name", name="ux_secret_name"),)

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id")
    name: str
    hosts: list[str] = Field(sa_type=ARRAY(String), nullable=False)
    value: bytes
    created_by: str
    created_at: datetime = now_column()
    updated_at: datetime = now_column()


class EnrichmentRow(SQLModel, table=True):
    """An enrichment: a plan for one column, and the run that carries it out. Its id is what the
    Tables API calls a workflow."""

    __tablename__ = "enrichment"
    __table_args__ = (Index("ix_enrichment_table", "table_id", "id"),)

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id")
    project_id: UUID | None = None
    table_id: UUID
    column_number: int
    run_id: UUID | None = None
    name: str
    plan: dict[str, Any] = json_column(nullable=False)
    rows_queued: int = big_column()
    created_by: str
    created_at: datetime = now_column()
    updated_at: datetime = now_column()
