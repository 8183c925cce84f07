"""The words of runs."""

from enum import Enum

import strawberry


@strawberry.enum(description="Which cells of the chosen rows a run fills.")
class RunMode(Enum):
    MISSING = strawberry.enum_value(
        "missing", description="Those that nothing was put into: INITIALIZED and READY."
    )
    STALE = strawberry.enum_value("stale", description="Those whose inputs changed: STALE.")
    ERRORS = strawberry.enum_value("errors", description="Those that failed: ERROR.")
    ALL = strawberry.enum_value("all", description="All that no run holds.")


@strawberry.enum(description="Where a run stands.")
class RunStatus(Enum):
    QUEUED = strawberry.enum_value("queued", description="Its cells wait, or are being queued.")
    RUNNING = strawberry.enum_value("running", description="Cells are being filled.")
    PAUSED = strawberry.enum_value(
        "paused", description="It begins no further cells until somebody resumes it."
    )
    COMPLETED = strawberry.enum_value(
        "completed", description="Every cell that it took is resolved."
    )
    PARTIAL = strawberry.enum_value(
        "partial", description="Some cells are resolved, others not: `reasons` and `error` say why."
    )
    FAILED = strawberry.enum_value("failed", description="No cell could be filled.")
    CANCELLED = strawberry.enum_value("cancelled", description="Somebody stopped it.")


@strawberry.enum(description="Why a run did not resolve all of its cells.")
class RunReason(Enum):
    ERRORS = strawberry.enum_value("errors", description="Cells failed: see `failedCells`.")
    BUDGET = strawberry.enum_value("budget", description="The budget allowed no more.")
    STALE = strawberry.enum_value(
        "stale", description="Inputs changed while values were made of them."
    )
