"""The vocabulary of the change log: what can happen to a table, and what an entry says."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class ChangeKind(StrEnum):
    """Kinds of entries in a table's log. Few on purpose."""

    ROWS_ADDED = "rows_added"
    ROWS_CHANGED = "rows_changed"
    ROWS_DELETED = "rows_deleted"
    CELLS_CHANGED = "cells_changed"
    COLUMNS_CHANGED = "columns_changed"
    TABLE_CHANGED = "table_changed"
    TABLE_DELETED = "table_deleted"


class OrganizationChangeKind(StrEnum):
    """Kinds of entries in an organisation's log."""

    PROJECT_CREATED = "project_created"
    TABLE_CREATED = "table_created"
    TABLE_UPDATED = "table_updated"
    TABLE_DELETED = "table_deleted"
    COLUMNS_CHANGED = "columns_changed"
    SESSION_CREATED = "session_created"
    KEY_CREATED = "key_created"
    KEY_REVOKED = "key_revoked"
    TRIGGER_CREATED = "trigger_created"
    TRIGGER_UPDATED = "trigger_updated"
    TRIGGER_DELETED = "trigger_deleted"
    WORKFLOW_CREATED = "workflow_created"
    WORKFLOW_UPDATED = "workflow_updated"
    WORKFLOW_DELETED = "workflow_deleted"
    TEMPLATE_CREATED = "template_created"
    TEMPLATE_DELETED = "template_deleted"
    WEBHOOK_CREATED = "webhook_created"
    WEBHOOK_UPDATED = "webhook_updated"
    WEBHOOK_DELETED = "webhook_deleted"
    PROVIDER_CREATED = "provider_created"
    PROVIDER_UPDATED = "provider_updated"
    PROVIDER_DELETED = "provider_deleted"
    SECRET_SET = "secret_set"  # noqa: S105  a kind of change
    SECRET_DELETED = "secret_deleted"  # noqa: S105  a kind of change
    SCHEMA_CREATED = "schema_created"
    SCHEMA_UPDATED = "schema_updated"
    SCHEMA_DELETED = "schema_deleted"
    CLASSIFIER_CREATED = "classifier_created"
    CLASSIFIER_UPDATED = "classifier_updated"
    CLASSIFIER_DELETED = "classifier_deleted"
    DOCUMENT_EXTRACTED = "document_extracted"
    DOCUMENT_REVIEWED = "document_reviewed"


class CauseKind(StrEnum):
    """Why a change was made."""

    MUTATION = "mutation"
    IMPORT = "import"
    ROLLBACK = "rollback"
    TRIGGER = "trigger"
    WORKFLOW = "workflow"
    TEMPLATE = "template"
    RUN = "run"
    DEPENDENT = "dependent"
    EXTRACTION = "extraction"
    REVIEW = "review"


#: A write that a trigger's workflow makes is one deeper than the write that fired the trigger.
#: What lies this deep fires nothing any more.
MAX_DEPTH = 5


@dataclass(frozen=True, slots=True)
class Cause:
    """Why, and which run of it (the import's id, for example).

    `depth` counts the triggers, and the steps from table to table, that led here. A change that
    follows from one of another table names that by `table_id` and `revision`. `skip_triggers` is
    the writer's wish that none fires; it stays in the log."""

    kind: CauseKind = CauseKind.MUTATION
    id: str | None = None
    depth: int = 0
    skip_triggers: bool = False
    table_id: str | None = None
    revision: int | None = None

    def as_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"kind": self.kind.value}
        if self.id:
            told["id"] = self.id
        if self.depth:
            told["depth"] = self.depth
        if self.skip_triggers:
            told["triggers"] = "skip"
        if self.table_id:
            told["table"] = self.table_id
            told["revision"] = self.revision
        return told


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of a table's log. Ids and values of rows stand in the row versions of the same
    revision."""

    table_id: UUID
    revision: int
    kind: ChangeKind
    actor: str
    cause: dict[str, Any]
    at: datetime
    rows_added: int = 0
    rows_changed: int = 0
    rows_deleted: int = 0
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OrganizationChange:
    """One entry of an organisation's log. `subject_id` names the project, table or key that it is
    about."""

    organization_id: UUID
    revision: int
    kind: OrganizationChangeKind
    actor: str
    at: datetime
    subject_id: UUID
    details: dict[str, Any] = field(default_factory=dict)
