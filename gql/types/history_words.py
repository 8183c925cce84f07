"""The enums of history and rollbacks. Their Python values are the domain's own words."""

from enum import Enum
from typing import Any

import strawberry


def _word(value: str, description: str) -> Any:
    return strawberry.enum_value(value, description=description)


@strawberry.enum(description="What an entry of history did to its row.")
class HistoryAction(Enum):
    CREATE = _word("create", "The row was added.")
    UPDATE = _word("update", "Values changed.")
    DELETE = _word("delete", "The row was deleted.")
    ROLLBACK = _word("rollback", "A rollback did it; `change` says what.")


@strawberry.enum(description="What became of a row.")
class RowChangeKind(Enum):
    CREATE = _word("create", "It was added, or made again.")
    UPDATE = _word("update", "Values changed.")
    DELETE = _word("delete", "It was deleted.")


@strawberry.enum(description="How a row differs between two states of a table.")
class RowDiffKind(Enum):
    ADDED = _word("added", "It is in the second one only.")
    REMOVED = _word("removed", "It is in the first one only.")
    CHANGED = _word("changed", "It is in both, with other values.")


@strawberry.enum(description="What a rollback of many rows undoes.")
class RollbackKind(Enum):
    REVISION = _word("revision", "Everything behind a revision.")
    IMPORT = _word("import", "An import.")
    ACTOR = _word("actor", "What one actor did.")
    RUN = _word("run", "A run of tools over cells.")


@strawberry.enum(description="Where a rollback stands that runs in the background.")
class RollbackStatus(Enum):
    QUEUED = _word("queued", "Waits for a worker.")
    RUNNING = _word("running", "Rows go back.")
    COMPLETED = _word("completed", "All rows were looked at.")
    FAILED = _word("failed", "It stopped at an error; what went back stays so.")


@strawberry.enum(description="Why a rollback left a row alone.")
class RollbackConflictReason(Enum):
    CHANGED = _word("changed", "Somebody changed the same values, or a row to be deleted, later.")
    DELETED = _word("deleted", "Somebody deleted the row later.")
    LOG_PRUNED = _word("log_pruned", "What it was before is no longer kept.")
