"""Words of extraction jobs and reviews."""

from enum import Enum
from typing import Any

import strawberry


def _word(value: str, description: str) -> Any:
    return strawberry.enum_value(value, description=description)


@strawberry.enum(description="Where an extraction job stands.")
class ExtractionStatus(Enum):
    QUEUED = _word("queued", "Waits for a worker.")
    RUNNING = _word("running", "The document is being read.")
    COMPLETED = _word("completed", "Everything was read that the document was found to hold.")
    PARTIAL = _word("partial", "Rows are there, and something is missing; its parts say what.")
    FAILED = _word("failed", "Nothing was read; see `error`.")
    CANCELLED = _word("cancelled", "It was stopped on request; what was read stays.")


@strawberry.enum(description="Where a part of a document stands in a job.")
class ExtractionPartStatus(Enum):
    QUEUED = _word("queued", "It has not been read yet.")
    DONE = _word("done", "It was read and stored.")
    MISSING = _word("missing", "It has fewer rows than it should, or none.")


@strawberry.enum(description="Whether a person has accepted an extracted row.")
class ReviewStatus(Enum):
    PENDING = _word("PENDING", "Nobody has yet.")
    ACCEPTED = _word("ACCEPTED", "Somebody has, as it was or corrected.")
