"""What use cases of extraction need of storage. `persistence` implements it.

Every method takes the organisation and never reaches beyond it. Each writing method is one
transaction with its entries of the log."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from domain.columns import TableShape
from domain.extraction_commands import (
    ClassifierCreate,
    NewExample,
    NewSchema,
    SchemaChange,
    SchemaVersions,
)
from domain.extraction_job_records import (
    JobPage,
    JobSearch,
    SegmentResult,
    StartedJob,
    TableReview,
)
from domain.extraction_records import (
    Classifier,
    Example,
    ExtractionJob,
    ExtractionSchema,
    JobStep,
    ReviewRow,
    ReviewSummary,
    Segment,
)


class SchemaStore(Protocol):
    """Schemas, their versions and their examples. Deleted schemas do not exist."""

    async def list_all(self, organization_id: UUID) -> list[ExtractionSchema]:
        """Oldest first."""

    async def get(self, organization_id: UUID, schema_id: UUID) -> ExtractionSchema | None: ...

    async def by_ids(
        self, organization_id: UUID, schema_ids: Sequence[UUID]
    ) -> dict[UUID, ExtractionSchema]:
        """Those that there are, by id."""

    async def at_version(
        self, organization_id: UUID, schema_id: UUID, version: int
    ) -> ExtractionSchema | None:
        """A schema as it was; None when it was deleted since."""

    async def versions(
        self, organization_id: UUID, schema_id: UUID, before: int | None, limit: int
    ) -> SchemaVersions:
        """The newest first; `before` gives those below that version."""

    async def create(
        self, organization_id: UUID, actor: str, new: NewSchema, most: int
    ) -> ExtractionSchema | None:
        """None when there are `most` already. New tables are made in the same transaction."""

    async def update(
        self, organization_id: UUID, actor: str, schema_id: UUID, change: SchemaChange
    ) -> ExtractionSchema | None:
        """One version more, or the same one when nothing is different; None when it is gone.
        Raises `Invalid` when it is at another version than the one that is expected."""

    async def delete(self, organization_id: UUID, actor: str, schema_id: UUID) -> bool:
        """False when it was gone."""

    async def examples(self, organization_id: UUID, schema_id: UUID, limit: int) -> list[Example]:
        """The newest first."""

    async def add_examples(
        self, organization_id: UUID, actor: str, schema_id: UUID, new: Sequence[NewExample]
    ) -> list[Example] | None:
        """None when the schema is gone. The oldest ones make room for more than
        `domain.extraction_rules.MAX_EXAMPLES`."""

    async def example(self, organization_id: UUID, example_id: UUID) -> Example | None: ...

    async def delete_example(self, organization_id: UUID, actor: str, example: Example) -> bool:
        """False when it was gone."""


class ClassifierStore(Protocol):
    """Classifiers. Deleted ones do not exist."""

    async def list_all(self, organization_id: UUID) -> list[Classifier]:
        """Oldest first."""

    async def get(self, organization_id: UUID, classifier_id: UUID) -> Classifier | None: ...

    async def create(
        self, organization_id: UUID, actor: str, command: ClassifierCreate, most: int
    ) -> Classifier | None:
        """None when there are `most` already."""

    async def update(
        self, organization_id: UUID, actor: str, classifier_id: UUID, changes: Mapping[str, Any]
    ) -> Classifier | None:
        """None when it is gone."""

    async def delete(self, organization_id: UUID, actor: str, classifier_id: UUID) -> bool:
        """False when it was gone."""


class JobStore(Protocol):
    """Extraction jobs. Each step of one is an entry of its log, which can be followed."""

    async def start(
        self,
        organization_id: UUID,
        actor: str,
        schema: ExtractionSchema,
        file_ids: Sequence[UUID],
    ) -> Sequence[StartedJob]:
        """A job for each file, in their order; a file that is being read keeps the one it has.
        Raises `NotFound` for a file that is gone."""

    async def rerun(self, actor: str, old: ExtractionJob) -> StartedJob:
        """A job that reads the missing segments of an ended one."""

    async def get(self, organization_id: UUID, job_id: UUID) -> ExtractionJob | None: ...

    async def latest(self, organization_id: UUID, file_id: UUID) -> ExtractionJob | None: ...

    async def page(self, organization_id: UUID, search: JobSearch) -> JobPage: ...

    async def count(self, organization_id: UUID, search: JobSearch) -> int: ...

    async def steps(self, job_id: UUID, after: int, limit: int) -> Sequence[JobStep]: ...

    async def cancel(self, organization_id: UUID, job_id: UUID) -> ExtractionJob | None:
        """None when it had ended."""

    async def begin(self, job_id: UUID) -> ExtractionJob | None:
        """Take up a queued or interrupted job; None when it is not to be run."""

    async def give_back(self, job_id: UUID) -> None:
        """The attempt that was begun last does not count: it ended as it should."""

    async def plan(
        self, job: ExtractionJob, engine: str, pages: int, segments: Sequence[Segment]
    ) -> ExtractionJob | None:
        """Keep what is to be read; the first plan of a job holds. None when it has ended."""

    async def parents(
        self, job: ExtractionJob, segment: int, shapes: Sequence[TableShape]
    ) -> Mapping[UUID, UUID]:
        """By table, the last row of the file that stands before a segment and is still there; those
        without any are missing. Raises `StructureMoved`."""

    async def write(
        self, job: ExtractionJob, shapes: Sequence[TableShape], result: SegmentResult
    ) -> ExtractionJob | None:
        """Store a segment's rows in all its tables, what is known of their cells, and its end, all
        or nothing; nothing when it was stored before. None when the job has ended. Raises
        `StructureMoved`."""

    async def finish(self, job: ExtractionJob, error: str | None) -> ExtractionJob | None:
        """End a job as its segments tell, or as failed when there is an error without any row; with
        its entry in the organisation's log. None when it had ended."""


class ReviewStore(Protocol):
    """Where rows of files came from, and whether people have accepted them."""

    async def tables(self, organization_id: UUID, file_id: UUID) -> Sequence[UUID]:
        """The tables that have had rows of a file."""

    async def printed(
        self, organization_id: UUID, schema_id: UUID, file_id: UUID, table_id: UUID
    ) -> Mapping[int, Sequence[Mapping[int, str]]]:
        """The printed texts of the rows of a file in a table, by part and by column number: those
        of its last reading by a schema, and of parts that were read again since."""

    async def living(
        self, shapes: Sequence[TableShape], file_id: UUID
    ) -> Mapping[UUID, Sequence[ReviewRow]]:
        """The rows of a file that are still there, by table (each of them), in the order of the
        file. Raises `StructureMoved`."""

    async def review(
        self,
        organization_id: UUID,
        actor: str,
        file_id: UUID,
        shapes: Sequence[TableShape],
        reviews: Mapping[UUID, TableReview],
    ) -> ReviewSummary:
        """Carry out reviews by table, and tell the organisation's log when no row of the file, in
        none of the tables `shapes`, is pending any more: once for each reading of the file.

        Raises `Conflict` when the file was never read or is being read, and `StructureMoved`."""
