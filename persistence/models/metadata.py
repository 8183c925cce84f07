"""Organisations, keys, projects, tables, columns, sessions and indexes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from persistence.models.base import (
    identity_column,
    ids_column,
    json_column,
    now_column,
    time_column,
)


class OrganizationRow(SQLModel, table=True):
    __tablename__ = "organization"

    id: UUID = Field(primary_key=True)
    number: int = identity_column()
    name: str
    created_at: datetime = now_column()


class ApiKeyRow(SQLModel, table=True):
    """`hash` is SHA-256 of the whole key: the secret part is 256 random bits, so no slow hash is
    needed. A key with `project_ids` or `table_ids` reaches those alone."""

    __tablename__ = "api_key"

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id", index=True)
    name: str
    prefix: str = Field(unique=True)
    hash: bytes
    role: str
    project_ids: list[UUID] | None = ids_column()
    table_ids: list[UUID] | None = ids_column()
    expires_at: datetime | None = time_column()
    last_used_at: datetime | None = time_column()
    revoked_at: datetime | None = time_column()
    created_by: str
    created_at: datetime = now_column()


class ProjectRow(SQLModel, table=True):
    __tablename__ = "project"

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id", index=True)
    name: str
    description: str | None = None
    status: str = Field(default="active")
    created_at: datetime = now_column()
    updated_at: datetime = now_column()


class TableRow(SQLModel, table=True):
    """A user's table. `number` names its PostgreSQL table; `next_column` is the next column number
    to give out."""

    __tablename__ = "user_table"
    __table_args__ = (
        Index(
            "ix_user_table_list",
            "organization_id",
            text("updated_at DESC"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("ix_user_table_project", "project_id"),
    )

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id")
    number: int = identity_column()
    project_id: UUID | None = Field(default=None, foreign_key="project.id")
    name: str
    description: str | None = None
    source: str = Field(default="manual")
    template_id: UUID | None = None
    next_column: int = Field(default=1)
    created_at: datetime = now_column()
    updated_at: datetime = now_column()
    deleted_at: datetime | None = time_column()
    dropped_at: datetime | None = time_column()


class ColumnRow(SQLModel, table=True):
    """`tracked` says that cells may have stored states although nothing computes the column."""

    __tablename__ = "table_column"
    __table_args__ = (
        Index(
            "ux_table_column_key",
            "table_id",
            "key",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        UniqueConstraint("table_id", "number", name="ux_table_column_number"),
        Index(
            "ix_table_column_target",
            text("lower(config ->> 'targetTableId')"),
            postgresql_where=text("type = 'relation' AND deleted_at IS NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id")
    table_id: UUID = Field(foreign_key="user_table.id")
    number: int
    key: str
    label: str
    type: str
    position: int
    required: bool = Field(default=False)
    default_value: str | None = None
    config: dict[str, Any] | None = json_column()
    computed_by: str | None = None
    tool: dict[str, Any] | None = json_column()
    tracked: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    created_at: datetime = now_column()
    updated_at: datetime = now_column()
    deleted_at: datetime | None = time_column()


class SessionRow(SQLModel, table=True):
    """A named group of rows of one table."""

    __tablename__ = "table_session"

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id")
    table_id: UUID = Field(foreign_key="user_table.id", index=True)
    name: str
    created_at: datetime = now_column()
    updated_at: datetime = now_column()


class IndexRow(SQLModel, table=True):
    """An index that a user asked for. `status` moves from building to ready, or to failed with
    `error`."""

    __tablename__ = "column_index"

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id")
    table_id: UUID = Field(foreign_key="user_table.id", index=True)
    column_number: int
    status: str
    error: str | None = None
    created_at: datetime = now_column()
