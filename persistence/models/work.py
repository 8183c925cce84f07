"""Files, imports, and requests that must not be carried out twice."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from persistence.models.base import big_column, json_column, now_column, time_column


class FileRow(SQLModel, table=True):
    """A file. The bytes stand in the blob store under `storage_key`; files of an organisation with
    the same bytes share them. One whose bytes are still to come is `uploading`, and belongs to the
    schema or classifier that was asked for its address."""

    __tablename__ = "file"
    __table_args__ = (
        Index("ix_file_bytes", "organization_id", "sha256"),
        Index("ix_file_uploading", "created_at", postgresql_where=text("status = 'uploading'")),
    )

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id", index=True)
    name: str
    mime_type: str
    size: int = big_column()
    sha256: str
    storage_key: str
    task_id: str | None = None
    status: str = Field(default="uploaded", sa_column_kwargs={"server_default": text("'uploaded'")})
    schema_id: UUID | None = None
    classifier_id: UUID | None = None
    created_by: str
    created_at: datetime = now_column()


class ImportRow(SQLModel, table=True):
    """One import. `byte_offset` and `next_line` say where it goes on; they move in the transaction
    of each chunk."""

    __tablename__ = "import_run"
    __table_args__ = (
        Index(
            "ux_import_run_key",
            "organization_id",
            "import_key",
            unique=True,
            postgresql_where=text("import_key IS NOT NULL"),
        ),
        Index("ix_import_run_table", "table_id"),
    )

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id")
    table_id: UUID
    file_id: UUID
    import_key: str | None = None
    status: str
    plan: dict[str, Any] = json_column(nullable=False)
    bytes_total: int = big_column()
    byte_offset: int = big_column()
    next_line: int = big_column(default=2)
    rows_imported: int = big_column()
    rows_updated: int = big_column()
    rows_skipped: int = big_column()
    revision: int = big_column()
    error: str | None = None
    created_by: str
    created_at: datetime = now_column()
    updated_at: datetime = now_column()
    finished_at: datetime | None = time_column()


class ImportRejectionRow(SQLModel, table=True):
    """A row of a file that was not imported, and why."""

    __tablename__ = "import_rejection"

    import_id: UUID = Field(primary_key=True, foreign_key="import_run.id")
    line: int = big_column(primary_key=True)
    error: str
    record: list[str] = json_column(nullable=False)


class IdempotencyRow(SQLModel, table=True):
    """A request that its sender may repeat. `committed` moves in the transaction of its writes, so
    that a repeat never writes twice; `answer` is what the first one was told. `claim` names the
    running request that may write."""

    __tablename__ = "idempotency"
    __table_args__ = (
        Index("ix_idempotency_created", "created_at"),
        UniqueConstraint("claim", name="ux_idempotency_claim"),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    actor: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    digest: str
    claim: UUID
    committed: bool = Field(default=False)
    answer: dict[str, Any] | None = json_column()
    created_at: datetime = now_column()


class RollbackRow(SQLModel, table=True):
    """A rollback of many rows as a job. `after_row` is the last row that it has looked at; it moves
    in the transaction of each step."""

    __tablename__ = "rollback_run"
    __table_args__ = (Index("ix_rollback_run_table", "table_id"),)

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id")
    table_id: UUID
    undo: dict[str, Any] = json_column(nullable=False)
    force: bool
    status: str
    rows_total: int = big_column()
    rows_seen: int = big_column()
    rows_deleted: int = big_column()
    rows_changed: int = big_column()
    rows_restored: int = big_column()
    conflict_count: int = big_column()
    after_row: UUID | None = None
    revision: int = big_column()
    error: str | None = None
    created_by: str
    created_at: datetime = now_column()
    updated_at: datetime = now_column()
    finished_at: datetime | None = time_column()


class RollbackConflictRow(SQLModel, table=True):
    """A row that a rollback left alone, and the later change that was in the way."""

    __tablename__ = "rollback_conflict"

    run_id: UUID = Field(primary_key=True, foreign_key="rollback_run.id")
    row_id: UUID = Field(primary_key=True)
    revision: int = big_column()
    actor: str
    reason: str
