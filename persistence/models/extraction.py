"""Extraction: schemas and their versions, jobs and their steps, classifiers, extracted rows."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from persistence.models.base import big_column, json_column, now_column, time_column
from persistence.models.tools import money_column


class ExtractionSchemaRow(SQLModel, table=True):
    """What to read out of documents. `tables` is the definition that holds now; each version is
    kept whole in `extraction_schema_version`."""

    __tablename__ = "extraction_schema"
    __table_args__ = (Index("ix_extraction_schema_organization", "organization_id", "id"),)

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id")
    project_id: UUID | None = None
    name: str
    description: str | None = None
    instructions: str | None = None
    status: str
    type: str
    provider: str | None = None
    model: str | None = None
    version: int = Field(default=1)
    tables: list[dict[str, Any]] = json_column(nullable=False)
    created_by: str
    created_at: datetime = now_column()
    updated_at: datetime = now_column()
    deleted_at: datetime | None = time_column()


class ExtractionSchemaVersionRow(SQLModel, table=True):
    """A schema as it was from one change to the next."""

    __tablename__ = "extraction_schema_version"

    schema_id: UUID = Field(primary_key=True, foreign_key="extraction_schema.id")
    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    definition: dict[str, Any] = json_column(nullable=False)
    created_by: str
    created_at: datetime = now_column()


class ExtractionExampleRow(SQLModel, table=True):
    """What people corrected in a document, or showed."""

    __tablename__ = "extraction_example"
    __table_args__ = (Index("ix_extraction_example_schema", "schema_id", "id"),)

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id")
    schema_id: UUID = Field(foreign_key="extraction_schema.id")
    table_id: UUID
    column_number: int
    file_id: UUID | None = None
    text: str
    before: str | None = None
    after: str | None = None
    created_by: str
    created_at: datetime = now_column()


class ExtractionJobRow(SQLModel, table=True):
    """One reading of one file. `revision` counts its steps, which stand in `extraction_step`; the
    job's row is locked by each of them, behind the clocks of tables. `reviewed_at` is when the last
    row of the file was accepted that was there after it."""

    __tablename__ = "extraction_job"
    __table_args__ = (
        Index("ix_extraction_job_organization", "organization_id", "id"),
        Index("ix_extraction_job_file", "file_id", "id"),
        Index(
            "ux_extraction_job_active",
            "file_id",
            unique=True,
            postgresql_where=text("status IN ('queued', 'running')"),
        ),
    )

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id")
    schema_id: UUID
    schema_version: int
    file_id: UUID
    status: str
    revision: int = big_column()
    segments: list[dict[str, Any]] = json_column(nullable=False)
    pages: int | None = None
    rows: int = big_column()
    engine: str | None = None
    input_tokens: int = big_column()
    output_tokens: int = big_column()
    cost: Decimal = money_column()
    attempt: int = Field(default=0)
    error: str | None = None
    rerun_of: UUID | None = None
    created_by: str
    created_at: datetime = now_column()
    updated_at: datetime = now_column()
    started_at: datetime | None = time_column()
    finished_at: datetime | None = time_column()
    reviewed_at: datetime | None = time_column()


class ExtractionStepRow(SQLModel, table=True):
    """One step of a job: where it stood after it. Revisions have no holes."""

    __tablename__ = "extraction_step"

    job_id: UUID = Field(primary_key=True, foreign_key="extraction_job.id")
    revision: int = big_column(primary_key=True)
    status: str
    segment: int | None = None
    rows: int = big_column()
    message: str | None = None
    at: datetime = now_column()


class ExtractedRowRow(SQLModel, table=True):
    """Where a row of a user's table came from, and whether a person has accepted it. It stays when
    the row is deleted; who reads it joins the living rows."""

    __tablename__ = "extracted_row"
    __table_args__ = (
        Index("ix_extracted_row_file", "file_id", "table_id", "index_in_file"),
        Index(
            "ix_extracted_row_pending",
            "file_id",
            postgresql_where=text("review_status = 'PENDING'"),
        ),
    )

    table_id: UUID = Field(primary_key=True)
    row_id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id")
    schema_id: UUID
    file_id: UUID
    job_id: UUID
    segment: int
    parent_row_id: UUID | None = None
    index_in_file: int
    review_status: str
    reviewed_by: str | None = None
    reviewed_at: datetime | None = time_column()


class ClassifierRow(SQLModel, table=True):
    """Sends documents to the schema that fits."""

    __tablename__ = "classifier"
    __table_args__ = (Index("ix_classifier_organization", "organization_id", "id"),)

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id")
    project_id: UUID | None = None
    name: str
    threshold: float
    provider: str | None = None
    model: str | None = None
    routes: list[dict[str, Any]] = json_column(nullable=False)
    created_by: str
    created_at: datetime = now_column()
    updated_at: datetime = now_column()
    deleted_at: datetime | None = time_column()
