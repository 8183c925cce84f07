"""Webhooks as plain records: endpoints, deliveries and their attempts, and the commands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.entities import UNSET, Unset
from domain.webhook_events import WebhookDialect


class WebhookStatus(StrEnum):
    """A disabled endpoint is told nothing, and what happens meanwhile only a replay tells it."""

    ACTIVE = "active"
    DISABLED = "disabled"


class DeliveryStatus(StrEnum):
    """Where a delivery stands. A dead one is not tried again unless somebody asks for it."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


class ReplayStatus(StrEnum):
    """Where a replay stands."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where events go. `table_ids` None follows all tables, also later ones. `filter` is JSON as
    `domain.trigger_conditions` reads it; `columns` are keys.

    One of dialect LIMAI follows the documents of `schema_id`, None means of all schemas, and no
    tables. It is told nothing before `verified_at`.

    `failing_since` is the first failure after the last success. `error` says why the filter cannot
    be decided any more: nothing is told meanwhile. Until `previous_until` an older secret signs
    too."""

    id: UUID
    organization_id: UUID
    dialect: WebhookDialect
    url: str
    description: str | None
    event_types: Sequence[str]
    table_ids: Sequence[UUID] | None
    filter: Any
    columns: Sequence[str] | None
    status: WebhookStatus
    disabled_reason: str | None
    disabled_at: datetime | None
    failing_since: datetime | None
    error: str | None
    previous_until: datetime | None
    schema_id: UUID | None
    verified_at: datetime | None
    created_by: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class WebhookCreate:
    """An endpoint to be made. `filter` and `columns` need exactly one table, `schema_id` the
    dialect LIMAI."""

    url: str
    event_types: Sequence[str]
    table_ids: Sequence[UUID] | None = None
    filter: Any = None
    columns: Sequence[str] | None = None
    dialect: WebhookDialect = WebhookDialect.NATIVE
    description: str | None = None
    schema_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class WebhookUpdate:
    """What to change; `UNSET` leaves a field, None clears it where that is allowed."""

    url: str | Unset = UNSET
    event_types: Sequence[str] | Unset = UNSET
    table_ids: Sequence[UUID] | Unset | None = UNSET
    filter: Any = UNSET
    columns: Sequence[str] | Unset | None = UNSET
    description: str | Unset | None = UNSET

    def given(self) -> dict[str, Any]:
        """The fields that are set, by name."""
        fields = ((name, getattr(self, name)) for name in self.__slots__)
        return {name: value for name, value in fields if value is not UNSET}


@dataclass(frozen=True, slots=True)
class WebhookSecret:
    """An endpoint with its new secret, which is told this once."""

    webhook: Webhook
    secret: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one endpoint. Its id is the message's id on every attempt.

    `subject_id` is the row, or the table when it is about no row; a delivery waits for those before
    it with the same subject. `attempt` counts the attempts, `failures` those that failed since the
    schedule began; `next_at` is when the next one is due. `replay_id` names the replay that made
    it. `merged` counts later events of the row that it tells of besides."""

    id: UUID
    webhook_id: UUID
    event_type: str
    table_id: UUID | None
    subject_id: UUID | None
    revision: int
    body: str
    status: DeliveryStatus
    attempt: int
    failures: int
    next_at: datetime | None
    merged: int
    replay_id: UUID | None
    error: str | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Some deliveries of an endpoint, the newest first."""

    deliveries: Sequence[Delivery]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request and what came back. Signatures in `request_headers` are masked. `response_body`
    is the beginning of it."""

    delivery_id: UUID
    number: int
    request_headers: Mapping[str, str]
    status_code: int | None
    response_headers: Mapping[str, str] | None
    response_body: str | None
    error: str | None
    duration_ms: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Replay:
    """Events of a range of a table's revisions that are told once more. `revision` is the last one
    that was looked at."""

    id: UUID
    webhook_id: UUID
    table_id: UUID
    from_revision: int
    to_revision: int
    revision: int
    deliveries: int
    status: ReplayStatus
    error: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ReplayCreate:
    """A replay to be made, both revisions included."""

    table_id: UUID
    from_revision: int
    to_revision: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A delivery whose turn has come, with where it goes and all secrets that sign it. No secret
    can be read any more when `secrets` is empty."""

    delivery: Delivery
    url: str
    dialect: WebhookDialect
    secrets: Sequence[str]
