"""Use cases of extraction, and what the first organisation owns of it, for the tests of rights."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from domain import (
    classifiers,
    extraction,
    extraction_examples,
    extraction_jobs,
    files,
    reviews,
)
from domain.access import Viewer
from domain.documents import Document, Unreadable
from domain.entities import File
from domain.extraction_commands import (
    ClassifierCreate,
    ClassifierUpdate,
    ExamplesAdd,
    ExampleValue,
    FieldDraft,
    SchemaCreate,
    SchemaFromTable,
    SchemaUpdate,
    TableDraft,
)
from domain.extraction_job_records import JobSearch
from domain.extraction_records import ClassifierRoute, TableCorrections
from domain.files import FileUpload
from persistence.storage import PostgresStorage
from tests.worlds import World


@dataclass(frozen=True)
class OwnedExtraction:
    """What the first organisation owns of extraction."""

    schema: UUID
    example: UUID
    classifier: UUID
    paper: UUID
    job: UUID


class Owner(Protocol):
    """What the first organisation owns."""

    @property
    def project(self) -> UUID: ...

    @property
    def table(self) -> UUID: ...

    @property
    def file(self) -> UUID: ...

    @property
    def extraction(self) -> OwnedExtraction: ...


class _NoDocuments:
    """Engines that can read nothing."""

    @property
    def documents(self) -> "_NoDocuments":
        return self

    async def document(self, file: File) -> Document:
        raise Unreadable("Nothing can be read here")


_ENGINES: Any = _NoDocuments()


def _schema(o: Owner) -> SchemaCreate:
    return SchemaCreate("S", [TableDraft(o.table, fields=[FieldDraft("name")])])


def _classifier(o: Owner) -> ClassifierCreate:
    return ClassifierCreate("C", [ClassifierRoute(o.extraction.schema)], 0.5)


def _example(o: Owner) -> ExamplesAdd:
    return ExamplesAdd(o.extraction.schema, o.table, "x", [ExampleValue("name", "x")])


async def own_extraction(world: World, table_id: UUID) -> OwnedExtraction:
    """A schema of the table with an example, and a classifier that leads to it."""
    viewer, storage = world.viewer, world.storage
    draft = TableDraft(table_id, fields=[FieldDraft("name")])
    schema = await extraction.create_schema(viewer, storage, SchemaCreate("S", [draft]))
    command = ExamplesAdd(schema.id, table_id, "x", [ExampleValue("name", "x")])
    [example] = await extraction_examples.add_examples(viewer, storage, command)
    routes = [ClassifierRoute(schema.id)]
    classifier = await classifiers.create_classifier(
        viewer, storage, ClassifierCreate("C", routes, 0.5)
    )
    paper = await files.upload_file(viewer, storage, FileUpload("paper.txt", _chunks()))
    [job] = await extraction_jobs.start(viewer, storage, schema.id, [paper.id])
    return OwnedExtraction(schema.id, example.id, classifier.id, paper.id, job.id)


async def _chunks() -> AsyncIterator[bytes]:
    yield b"x"


async def _jobs(v: Viewer, s: PostgresStorage, _o: Owner) -> list[Any]:
    return list((await extraction_jobs.list_jobs(v, s, JobSearch())).jobs)


async def _job_count(v: Viewer, s: PostgresStorage, _o: Owner) -> list[Any]:
    return [1] * await extraction_jobs.count_jobs(v, s, JobSearch())


CALLS: dict[str, Callable[[Viewer, PostgresStorage, Any], Awaitable[Any]]] = {
    "list_schemas": lambda v, s, o: extraction.list_schemas(v, s),
    "get_schema": lambda v, s, o: extraction.get_schema(v, s, o.extraction.schema),
    "schema_versions": lambda v, s, o: extraction.schema_versions(
        v, s, o.extraction.schema, None, 1
    ),
    "create_schema": lambda v, s, o: extraction.create_schema(v, s, _schema(o)),
    "create_schema_from_table": lambda v, s, o: extraction.create_schema_from_table(
        v, s, SchemaFromTable(o.table)
    ),
    "update_schema": lambda v, s, o: extraction.update_schema(
        v, s, o.extraction.schema, SchemaUpdate(name="N")
    ),
    "list_examples": lambda v, s, o: extraction_examples.list_examples(
        v, s, o.extraction.schema, 1
    ),
    "add_examples": lambda v, s, o: extraction_examples.add_examples(v, s, _example(o)),
    "delete_example": lambda v, s, o: extraction_examples.delete_example(
        v, s, o.extraction.example
    ),
    "list_classifiers": lambda v, s, o: classifiers.list_classifiers(v, s),
    "get_classifier": lambda v, s, o: classifiers.get_classifier(v, s, o.extraction.classifier),
    "create_classifier": lambda v, s, o: classifiers.create_classifier(v, s, _classifier(o)),
    "update_classifier": lambda v, s, o: classifiers.update_classifier(
        v, s, o.extraction.classifier, ClassifierUpdate(name="N")
    ),
    "classify": lambda v, s, o: classifiers.classify(
        v, s, _ENGINES, o.extraction.classifier, o.file
    ),
    "start": lambda v, s, o: extraction_jobs.start(v, s, o.extraction.schema, [o.extraction.paper]),
    "job": lambda v, s, o: extraction_jobs.job(v, s, o.extraction.job),
    "latest_job": lambda v, s, o: extraction_jobs.latest_job(v, s, o.extraction.paper),
    "list_jobs": _jobs,
    "count_jobs": _job_count,
    "job_steps": lambda v, s, o: extraction_jobs.job_steps(v, s, o.extraction.job),
    "watch_job": lambda v, s, o: extraction_jobs.watch_job(v, s, o.extraction.job),
    "rerun": lambda v, s, o: extraction_jobs.rerun(v, s, o.extraction.job),
    "cancel": lambda v, s, o: extraction_jobs.cancel(v, s, o.extraction.job),
    "extracted_rows": lambda v, s, o: reviews.extracted_rows(v, s, o.extraction.paper),
    "accept_all": lambda v, s, o: reviews.accept_all(v, s, o.extraction.paper),
    "submit": lambda v, s, o: reviews.submit(
        v, s, o.extraction.paper, {o.table: TableCorrections()}
    ),
    "delete_classifier": lambda v, s, o: classifiers.delete_classifier(
        v, s, o.extraction.classifier
    ),
    "delete_schema": lambda v, s, o: extraction.delete_schema(v, s, o.extraction.schema),
}
EMPTY_FOR_OTHERS = {"list_schemas", "list_classifiers", "list_jobs", "count_jobs"}
#: What refuses with `Invalid`, because what it names is in its input.
NAMES_OTHERS = {
    "create_schema": "Table not found",
    "create_classifier": "Extraction schema not found",
}
