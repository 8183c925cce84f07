"""Charts and templates: what is kept of how tables look and how they are made."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from persistence.models.base import json_column, now_column


class ChartRow(SQLModel, table=True):
    __tablename__ = "chart"
    __table_args__ = (Index("ix_chart_table", "table_id"),)

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id")
    table_id: UUID = Field(foreign_key="user_table.id")
    name: str
    config: dict[str, Any] = json_column(nullable=False)
    created_by: str
    created_at: datetime = now_column()
    updated_at: datetime = now_column()


class TemplateRow(SQLModel, table=True):
    """A template that a user saved. Those of the system stand in the code."""

    __tablename__ = "template"
    __table_args__ = (Index("ix_template_organization", "organization_id"),)

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id")
    name: str
    description: str | None = None
    category: str
    icon: str | None = None
    columns: list[dict[str, Any]] = json_column(nullable=False)
    sample_data: list[dict[str, Any]] = json_column(nullable=False)
    created_by: str
    created_at: datetime = now_column()
    updated_at: datetime = now_column()
