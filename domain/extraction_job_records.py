"""What people ask of extraction jobs and reviews, and what storage is given of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from domain.extraction_records import ExtractedCell, ExtractionJob, JobStatus
from domain.row_writes import PreparedRow
from domain.tool_records import Producer, Usage


@dataclass(frozen=True, slots=True)
class JobSearch:
    """Which jobs: of a file, of a schema, in these states. `before` is the id of the last one that
    you have."""

    file_id: UUID | None = None
    schema_id: UUID | None = None
    statuses: Sequence[JobStatus] | None = None
    before: UUID | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some jobs, the newest first."""

    jobs: Sequence[ExtractionJob]
    has_more: bool


@dataclass(frozen=True, slots=True)
class StartedJob:
    """The job of a file: one that was made, or the one that reads it already."""

    job: ExtractionJob
    is_new: bool


@dataclass(frozen=True, slots=True)
class FoundRow:
    """A row that was read, ready to be stored. `values` are those of its cells, and defaults of
    columns that the schema does not read. `parent_id` is the row that it belongs to."""

    prepared: PreparedRow
    cells: Mapping[int, ExtractedCell]
    parent_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class SegmentResult:
    """What a part of a document gave: rows by table. `producer` and `usage` say who read it and
    what that took, `missing` what is not there. `children` are the tables whose rows belong to
    those of another one, by that."""

    segment: int
    rows: Mapping[UUID, Sequence[FoundRow]]
    producer: Producer
    usage: Usage
    missing: str | None = None
    children: Mapping[UUID, Sequence[UUID]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RowExample:
    """What the correction of a value teaches: `text` is what the document prints in the row,
    `before` what was read, `after` what is right."""

    row_id: UUID
    column_number: int
    text: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class TableReview:
    """What a person decided on the rows of a file in one table. All other rows of the file in this
    table are accepted as they are."""

    deleted: Sequence[UUID] = ()
    updated: Sequence[PreparedRow] = ()
    added: Sequence[PreparedRow] = ()
    examples: Sequence[RowExample] = ()
