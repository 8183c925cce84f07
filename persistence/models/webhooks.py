"""Webhooks: endpoints, deliveries and their attempts, replays."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Identity, Index, String, text
from sqlmodel import Field, SQLModel

from persistence.models.base import big_column, ids_column, json_column, now_column, time_column


class WebhookEndpointRow(SQLModel, table=True):
    """Where events go. Secrets are sealed; the previous one signs too until `previous_until`.
    `failing_since` is the first failure after the last success, `failures` counts them. After many,
    one request is sent at `probe_at` to see whether it is back. `error` says why the filter cannot
    be decided."""

    __tablename__ = "webhook_endpoint"
    __table_args__ = (Index("ix_webhook_endpoint_organization", "organization_id"),)

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id")
    dialect: str
    url: str
    description: str | None = None
    event_types: list[str] = Field(sa_type=ARRAY(String), nullable=False)
    table_ids: list[UUID] | None = ids_column()
    filter: Any = json_column()
    columns: list[str] | None = Field(default=None, sa_type=ARRAY(String), nullable=True)
    details: dict[str, Any] | None = json_column()
    secret: bytes
    previous_secret: bytes | None = None
    previous_until: datetime | None = time_column()
    status: str
    disabled_reason: str | None = None
    disabled_at: datetime | None = time_column()
    verified_at: datetime | None = time_column()
    failing_since: datetime | None = time_column()
    failures: int = Field(default=0)
    probe_at: datetime | None = time_column()
    error: str | None = None
    created_by: str
    created_at: datetime = now_column()
    updated_at: datetime = now_column()
    deleted_at: datetime | None = time_column()


class WebhookStartRow(SQLModel, table=True):
    """From where on an endpoint is told of a table that was there before it, or of the
    organisation: behind this revision."""

    __tablename__ = "webhook_start"
    __table_args__ = (Index("ix_webhook_start_table", "table_id"),)

    endpoint_id: UUID = Field(primary_key=True)
    table_id: UUID = Field(primary_key=True)
    revision: int = big_column()


class WebhookDeliveryRow(SQLModel, table=True):
    """One event for one endpoint. Its id is the message's id on every attempt. Deliveries of the
    same `subject_id` (a row, or a table) go out in the order of their numbers, one at a time.

    `attempt` counts the requests, `failures` those since somebody last asked for a new start.
    `next_at` is when it may be taken; while a worker has it, when another one may."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        Index(
            "ix_webhook_delivery_queue",
            "endpoint_id",
            "subject_id",
            "number",
            postgresql_where=text("status = 'pending'"),
        ),
        Index(
            "ix_webhook_delivery_due",
            "endpoint_id",
            "next_at",
            "number",
            postgresql_where=text("status = 'pending'"),
        ),
        Index("ix_webhook_delivery_endpoint", "endpoint_id", "id"),
    )

    id: UUID = Field(primary_key=True)
    number: int = Field(
        default=None, sa_type=BigInteger, sa_column_args=[Identity(always=True)], nullable=False
    )
    organization_id: UUID = Field(foreign_key="organization.id")
    endpoint_id: UUID = Field(foreign_key="webhook_endpoint.id")
    event_type: str
    table_id: UUID | None = None
    subject_id: UUID | None = None
    revision: int = big_column()
    body: str
    status: str
    attempt: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    failures: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    merged: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    next_at: datetime | None = time_column()
    leased_until: datetime | None = time_column()
    replay_id: UUID | None = None
    error: str | None = None
    created_at: datetime = now_column()
    finished_at: datetime | None = time_column()


class WebhookAttemptRow(SQLModel, table=True):
    """One request of a delivery, and what came back."""

    __tablename__ = "webhook_attempt"

    delivery_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    endpoint_id: UUID
    status_code: int | None = None
    request_headers: dict[str, str] = json_column(nullable=False)
    response_headers: dict[str, str] | None = json_column()
    response_body: str | None = None
    error: str | None = None
    duration_ms: float
    at: datetime = now_column()


class WebhookReplayRow(SQLModel, table=True):
    """Events of a range of revisions that are told again. `revision` and `after_row` are a cursor
    as the relay's."""

    __tablename__ = "webhook_replay"
    __table_args__ = (Index("ix_webhook_replay_endpoint", "endpoint_id"),)

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id")
    endpoint_id: UUID
    table_id: UUID
    from_revision: int = big_column()
    to_revision: int = big_column()
    revision: int = big_column()
    after_row: UUID | None = None
    deliveries: int = big_column()
    status: str
    error: str | None = None
    created_at: datetime = now_column()
    finished_at: datetime | None = time_column()
