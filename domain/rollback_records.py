"""Going back: what is to be undone, what came of it, and which rows were left alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

#: More rows than this become a job. They take 0.6 s, for which everybody who writes to the table
#: waits; 100,000 take 4.7 s, and no transaction may live longer than five.
INLINE_ROWS = 10_000
#: Rows of one transaction of a job: it holds the table's clock for about 0.15 s.
CHUNK_ROWS = 2_000
#: Conflicts that an answer lists; the others are counted.
MOST_CONFLICTS = 1_000


class RollbackKind(StrEnum):
    """What a rollback of many rows undoes."""

    REVISION = "revision"
    IMPORT = "import"
    ACTOR = "actor"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class Undo:
    """The changes to undo: those of the revisions behind `after`, up to `until`, that were made by
    `actor`, by the import or by the run, if one is named, in these rows, if any are named."""

    kind: RollbackKind
    after: int
    until: int
    actor: str | None = None
    import_id: UUID | None = None
    row_ids: tuple[UUID, ...] | None = None
    run_id: UUID | None = None

    @property
    def subject(self) -> str:
        """What the cause of the rollback names: the import, the run, the actor or the revision."""
        return str(self.import_id or self.run_id or self.actor or self.after)

    def as_json(self) -> dict[str, Any]:
        """For storage with a run."""
        return {
            "kind": self.kind.value,
            "after": self.after,
            "until": self.until,
            "actor": self.actor,
            "importId": str(self.import_id) if self.import_id else None,
            "runId": str(self.run_id) if self.run_id else None,
            "rowIds": [str(each) for each in self.row_ids] if self.row_ids is not None else None,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Undo":
        """What `as_json` told."""
        row_ids, run_id = told["rowIds"], told.get("runId")
        return cls(
            RollbackKind(told["kind"]),
            told["after"],
            told["until"],
            told["actor"],
            UUID(told["importId"]) if told["importId"] else None,
            tuple(UUID(each) for each in row_ids) if row_ids is not None else None,
            UUID(run_id) if run_id else None,
        )


class ConflictReason(StrEnum):
    """Why a row was left alone."""

    CHANGED = "changed"
    DELETED = "deleted"
    LOG_PRUNED = "log_pruned"


@dataclass(frozen=True, slots=True)
class RowConflict:
    """A row that was left alone, and the first later change that is in the way."""

    row_id: UUID
    revision: int
    actor: str
    reason: ConflictReason


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What one transaction of a rollback did. `revision` is the table's afterwards; `seen` counts
    the rows that were looked at and `last` is the last of them."""

    revision: int
    rows_deleted: int = 0
    rows_changed: int = 0
    rows_restored: int = 0
    conflicts: Sequence[RowConflict] = ()
    seen: int = 0
    last: UUID | None = None


class RollbackStatus(StrEnum):
    """States of a rollback that runs as a job."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RollbackRun:
    """A rollback of many rows as a job, with its progress. `after_row` is the last row that it has
    looked at."""

    id: UUID
    organization_id: UUID
    table_id: UUID
    undo: Undo
    force: bool
    status: RollbackStatus
    rows_total: int
    rows_seen: int
    rows_deleted: int
    rows_changed: int
    rows_restored: int
    conflict_count: int
    after_row: UUID | None
    revision: int
    error: str | None
    created_by: str
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class RowTarget:
    """The version whose data a row shall have; `column` narrows it to one cell, by number.

    Version None is the last one before the row was deleted."""

    row_id: UUID
    version: int | None
    column: int | None = None
