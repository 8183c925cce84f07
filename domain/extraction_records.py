"""Extraction as records: schemas that say what to read out of documents, jobs that do it, and what
they found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.columns import Column, TableShape
from domain.documents import Box
from domain.errors import Conflict
from domain.selection import RowRecord
from domain.tool_records import Producer, Usage


class SchemaStatus(StrEnum):
    """A paused schema takes no documents."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"


class SchemaType(StrEnum):
    """What a schema is for: trying out, or daily work. It changes nothing in how it works."""

    MODEL = "MODEL"
    PRODUCTION = "PRODUCTION"


class Repeats(StrEnum):
    """How many rows of a table one document gives."""

    ONE = "ONE"
    MANY = "MANY"
    #: As many as the document turns out to hold.
    FOUND = "FOUND"


@dataclass(frozen=True, slots=True)
class SchemaField:
    """What a schema says of one column beyond its type and label. `hint` helps to find it,
    `labels` are other words that documents print beside it. `date_format` says how ambiguous dates
    are meant: `EU` is day first, `US` month first. `is_key` marks the columns that tell one row
    from another; `excluded` ones are not read at all. By its `key` a column is found again that got
    another type, and another number with it."""

    number: int
    description: str | None = None
    hint: str | None = None
    labels: tuple[str, ...] = ()
    is_key: bool = False
    excluded: bool = False
    date_format: str | None = None
    unit: str | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class SchemaTable:
    """A table that a schema fills. The first one of a schema is its primary one; all others have a
    `parent_id`, the table to whose rows theirs belong."""

    table_id: UUID
    fields: tuple[SchemaField, ...] = ()
    parent_id: UUID | None = None
    description: str | None = None
    repeats: Repeats = Repeats.FOUND


@dataclass(frozen=True, slots=True)
class ExtractionSchema:
    """What to read out of documents, and into which tables. Each change makes a new `version`; a
    job keeps the one that it began with.

    Without `provider` the organisation's default one reads, or the rules engine when there is none;
    the provider `rules` always means the rules engine."""

    id: UUID
    organization_id: UUID
    project_id: UUID | None
    name: str
    description: str | None
    instructions: str | None
    status: SchemaStatus
    type: SchemaType
    provider: str | None
    model: str | None
    version: int
    tables: tuple[SchemaTable, ...]
    created_by: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Example:
    """What people corrected in a document, or showed: later extractions see it. `text` is the part
    of the document around the value, `before` what was read, `after` what is right. `file_id` names
    the document, if it is stored."""

    id: UUID
    schema_id: UUID
    table_id: UUID
    column_number: int
    file_id: UUID | None
    text: str
    before: str | None
    after: str | None
    created_by: str
    created_at: datetime


class JobStatus(StrEnum):
    """Where a job stands. `partial`: something is missing, and `segments` say what."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


#: Jobs that still hold their file: a second one has to wait.
UNENDED = frozenset({JobStatus.QUEUED, JobStatus.RUNNING})


class SegmentStatus(StrEnum):
    """Where a part of a job stands. `missing`: it has fewer rows than it should, or none."""

    QUEUED = "queued"
    DONE = "done"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a document that is read for itself: pages `first_page` to `last_page`, for the
    tables `table_ids`. `expected` is how many rows it should give, counted from the tables and
    pages of the document; None when nothing tells. `produced` counts those that it gave. `reason`
    says what is missing."""

    number: int
    name: str
    first_page: int
    last_page: int
    table_ids: tuple[UUID, ...]
    expected: int | None = None
    produced: int = 0
    status: SegmentStatus = SegmentStatus.QUEUED
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ExtractionJob:
    """One reading of one file. `revision` counts its steps. `rerun_of` names the job whose missing
    segments it reads again. `engine` says who read: a provider's name, or `rules`."""

    id: UUID
    organization_id: UUID
    schema_id: UUID
    schema_version: int
    file_id: UUID
    status: JobStatus
    revision: int
    segments: tuple[Segment, ...]
    pages: int | None
    rows: int
    engine: str | None
    input_tokens: int
    output_tokens: int
    cost: Decimal
    attempt: int
    error: str | None
    rerun_of: UUID | None
    created_by: str
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    #: When the last row of the file was accepted, after this job.
    reviewed_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        return self.status not in UNENDED

    @property
    def missing(self) -> tuple[Segment, ...]:
        """The parts of which something is missing."""
        return tuple(each for each in self.segments if each.status is SegmentStatus.MISSING)


@dataclass(frozen=True, slots=True)
class JobStep:
    """One step of a job, and where it stood after it. `segment` is set for the end of a part."""

    job_id: UUID
    revision: int
    status: JobStatus
    segment: int | None
    rows: int
    message: str | None
    at: datetime


class AlreadyRunning(Conflict):
    """The file is being read. `existing` is the job that does it."""

    def __init__(self, existing: ExtractionJob) -> None:
        super().__init__("A processing job for this file is already in progress")
        self.existing = existing


@dataclass(frozen=True, slots=True)
class DocumentCitation:
    """Where in its file a value stands: `text` as it is printed there."""

    page: int
    box: Box | None
    text: str


@dataclass(frozen=True, slots=True)
class ExtractedCell:
    """What was read for one cell. `raw` is the text as it is printed, `value` what the column
    stores. A text that the column cannot hold leaves the cell empty, with `error`."""

    raw: str | None
    value: Any = None
    confidence: float | None = None
    citation: DocumentCitation | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ExtractedRow:
    """A row that was read. `cells` are by column number; missing ones are empty. `parent` is the
    place of its parent among the parent table's rows of the same segment; None means the last one
    that the job has found so far."""

    table_id: UUID
    cells: Mapping[int, ExtractedCell]
    parent: int | None = None
    page: int | None = None


@dataclass(frozen=True, slots=True)
class SegmentFound:
    """What reading a segment gave. With `missing` the job becomes partial: a sentence for people
    that says what is not there."""

    rows: Sequence[ExtractedRow]
    producer: Producer
    usage: Usage = field(default_factory=Usage)
    missing: str | None = None


class ReviewStatus(StrEnum):
    """Whether a person has accepted an extracted row."""

    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """Where a row came from, and whether it was accepted. `index` counts the rows of its table in
    the file from 0."""

    table_id: UUID
    row_id: UUID
    schema_id: UUID
    file_id: UUID
    job_id: UUID
    parent_row_id: UUID | None
    index: int
    status: ReviewStatus
    reviewed_by: str | None
    reviewed_at: datetime | None


@dataclass(frozen=True, slots=True)
class FoundValue:
    """A cell as it stands now. `value` is in the form of its column's type. `raw` is the text as it
    is printed in the file; None when a person wrote the value since, or when nothing was found."""

    value: Any
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class FileRow:
    """A row of a file as it stands now, by column number. `record` is the row itself."""

    review: ReviewRow
    cells: Mapping[int, FoundValue]
    record: RowRecord


@dataclass(frozen=True, slots=True)
class FileTable:
    """A table with its rows that came from one file, in the order of the file. `columns` are all
    live columns in their order."""

    table_id: UUID
    columns: tuple[Column, ...]
    rows: Sequence[FileRow]
    shape: TableShape


@dataclass(frozen=True, slots=True)
class TableCorrections:
    """Corrections of the rows of one file in one table. Values are as a client gives them to rows,
    unchecked: an object by column key, or by column number."""

    deleted: Sequence[UUID] = ()
    updated: Mapping[UUID, Any] = field(default_factory=dict)
    added: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class ReviewSummary:
    """What a review did. `pending` rows of the file are left."""

    rows_accepted: int
    rows_deleted: int
    rows_updated: int
    rows_added: int
    table_ids: tuple[UUID, ...]
    pending: int


@dataclass(frozen=True, slots=True)
class ClassifierRoute:
    """One kind of document, and the schema that reads it. `labels` are words that such documents
    print; `examples` texts of some."""

    schema_id: UUID
    description: str | None = None
    labels: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Classifier:
    """Sends documents to the schema that fits. Below `threshold` (0 to 1) none does."""

    id: UUID
    organization_id: UUID
    project_id: UUID | None
    name: str
    threshold: float
    provider: str | None
    model: str | None
    routes: tuple[ClassifierRoute, ...]
    created_by: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Classification:
    """What a document is. `schema_id` None: none of the classifier's kinds. `scores` are by schema,
    the best one first."""

    file_id: UUID
    classifier_id: UUID
    schema_id: UUID | None
    confidence: float
    scores: Sequence[tuple[UUID, float]]
    producer: Producer
    usage: Usage = field(default_factory=Usage)
