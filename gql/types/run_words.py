"""The words of runs."""

from enum import Enum
from typing import Any

import strawberry


def _word(value: str, description: str) -> Any:
    return strawberry.enum_value(value, description=description)


@strawberry.enum(description="Which cells of the chosen rows a run fills.")
class RunMode(Enum):
    MISSING = _word("missing", "Those that nothing was put into: INITIALIZED and READY.")
    STALE = _word("stale", "Those whose inputs changed: STALE.")
    ERRORS = _word("errors", "Those that failed: ERROR.")
    ALL = _word("all", "All that no run holds.")


@strawberry.enum(description="Where a run stands.")
class RunStatus(Enum):
    QUEUED = _word("queued", "Its cells wait, or are being queued.")
    RUNNING = _word("running", "Cells are being filled.")
    PAUSED = _word("paused", "It begins no further cells until somebody resumes it.")
    COMPLETED = _word("completed", "Every cell that it took is resolved.")
    PARTIAL = _word(
        "partial", "Some cells are resolved, others not: `reasons` and `error` say why."
    )
    FAILED = _word("failed", "No cell could be filled.")
    CANCELLED = _word("cancelled", "Somebody stopped it.")


@strawberry.enum(description="Why a run did not resolve all of its cells.")
class RunReason(Enum):
    ERRORS = _word("errors", "Cells failed: see `failedCells`.")
    BUDGET = _word("budget", "The budget allowed no more.")
    STALE = _word("stale", "Inputs changed while values were made of them.")
