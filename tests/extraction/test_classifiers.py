"""Classifiers: which schema reads a document, and that none does."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import classifiers, extraction, files
from domain.access import Role, Scope, Viewer
from domain.classifiers import classify
from domain.documents import Document, Unreadable
from domain.entities import File, FileStatus
from domain.errors import Conflict, ErrorCode, Invalid, NotFound
from domain.extraction_commands import (
    ClassifierCreate,
    ClassifierUpdate,
    SchemaCreate,
    SchemaUpdate,
    TableDraft,
)
from domain.extraction_ports import Unextractable
from domain.extraction_records import (
    Classification,
    Classifier,
    ClassifierRoute,
    ExtractionSchema,
    SchemaStatus,
)
from domain.files import FileUpload
from domain.tool_ports import TryLater
from domain.tool_records import Producer, ProducerKind
from persistence.blobs import Blobs
from persistence.storage import PostgresStorage
from tests.worlds import World, open_world

PRODUCER = Producer(ProducerKind.RULES, "me")


@pytest.fixture(scope="module")
async def world(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    async with open_world(postgres_url) as opened:
        blobs = Blobs.open(tmp_path_factory.mktemp("files"))
        opened.storage = PostgresStorage(opened.database, lambda *_: None, blobs)
        yield opened


@dataclass
class Judge:
    """Engines that find every document equally like the first schema, and raise what is there."""

    confidence: float = 0.9
    error: Exception | None = None
    asked: list[tuple[Classifier, Sequence[ExtractionSchema]]] = field(default_factory=list)

    @property
    def documents(self) -> "Judge":
        return self

    @property
    def classifier(self) -> "Judge":
        return self

    async def document(self, file: File) -> Document:
        if isinstance(self.error, Unreadable):
            raise self.error
        return Document(file.mime_type, ())

    async def classify(
        self,
        classifier: Classifier,
        schemas: Sequence[ExtractionSchema],
        file: File,
        document: Document,
        actor: str,
    ) -> Classification:
        self.asked.append((classifier, schemas))
        if self.error is not None:
            raise self.error
        scores = [(schema.id, self.confidence) for schema in schemas]
        return Classification(
            file.id, classifier.id, schemas[0].id, self.confidence, scores, PRODUCER
        )


def _engines(judge: Judge) -> Any:
    return judge


async def _schema(world: World, name: str = "S") -> ExtractionSchema:
    command = SchemaCreate(name, [TableDraft(await world.table("a"))])
    return await extraction.create_schema(world.viewer, world.storage, command)


async def _classifier(world: World, *schemas: ExtractionSchema, **more: Any) -> Classifier:
    routes = [ClassifierRoute(schema.id) for schema in schemas]
    command = ClassifierCreate("C", routes, **{"threshold": 0.5, **more})
    return await classifiers.create_classifier(world.viewer, world.storage, command)


async def _file(world: World) -> File:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"Invoice 1"

    return await files.upload_file(world.viewer, world.storage, FileUpload("a.txt", chunks()))


async def _told(world: World, subject: UUID) -> list[str]:
    records = await world.database.pool.fetch(
        "SELECT kind FROM organization_change WHERE subject_id = $1 ORDER BY revision", subject
    )
    return [record["kind"] for record in records]


async def test_made_changed_and_deleted(world: World) -> None:
    bills, letters = await _schema(world, "Bills"), await _schema(world, "Letters")
    route = ClassifierRoute(bills.id, "Bills", ("Invoice", "Total"), ("Invoice 7\nTotal 12",))
    command = ClassifierCreate(
        "Post", [route, ClassifierRoute(letters.id)], 0.3, provider="rules", model="m"
    )
    made = await classifiers.create_classifier(world.viewer, world.storage, command)
    assert await classifiers.get_classifier(world.viewer, world.storage, made.id) == made
    assert (made.threshold, made.routes) == (0.3, (route, ClassifierRoute(letters.id)))
    change = ClassifierUpdate(name="Mail", routes=[route], model=None, threshold=1)
    changed = await classifiers.update_classifier(world.viewer, world.storage, made.id, change)
    assert (changed.name, changed.routes, changed.model) == ("Mail", (route,), None)
    assert (changed.threshold, changed.provider) == (1.0, "rules")
    same = await classifiers.update_classifier(
        world.viewer, world.storage, made.id, ClassifierUpdate(name="Mail")
    )
    assert same == changed
    assert made.id in {
        each.id for each in await classifiers.list_classifiers(world.viewer, world.storage)
    }
    await classifiers.delete_classifier(world.viewer, world.storage, made.id)
    with pytest.raises(NotFound, match="Classifier not found"):
        await classifiers.get_classifier(world.viewer, world.storage, made.id)
    assert await _told(world, made.id) == [
        "classifier_created",
        "classifier_updated",
        "classifier_deleted",
    ]


async def test_every_problem_is_told_with_its_path(world: World) -> None:
    schema = await _schema(world)
    routes = [
        ClassifierRoute(schema.id, "x" * 2_001, ("",)),
        ClassifierRoute(schema.id, examples=("x",) * 21),
        ClassifierRoute(uuid4(), examples=(" ",)),
    ]
    command = ClassifierCreate(" ", routes, float("nan"), project_id=uuid4())
    with pytest.raises(Invalid) as caught:
        await classifiers.create_classifier(world.viewer, world.storage, command)
    assert [(each.code, ".".join(each.path)) for each in caught.value.problems] == [
        (ErrorCode.REQUIRED, "name"),
        (ErrorCode.OUT_OF_RANGE, "threshold"),
        (ErrorCode.NOT_FOUND, "projectId"),
        (ErrorCode.TOO_LONG, "routes.0.description"),
        (ErrorCode.REQUIRED, "routes.0.labels.0"),
        (ErrorCode.DUPLICATE, "routes.1.schemaId"),
        (ErrorCode.TOO_MANY, "routes.1.examples"),
        (ErrorCode.NOT_FOUND, "routes.2.schemaId"),
        (ErrorCode.REQUIRED, "routes.2.examples.0"),
    ]
    made = await _classifier(world, schema)
    for change, path in (
        (ClassifierUpdate(name=None), "name"),
        (ClassifierUpdate(threshold=None), "threshold"),
        (ClassifierUpdate(threshold=1.1), "threshold"),
        (ClassifierUpdate(routes=[]), "routes"),
        (ClassifierUpdate(provider="nobody"), "provider"),
    ):
        with pytest.raises(Invalid) as caught:
            await classifiers.update_classifier(world.viewer, world.storage, made.id, change)
        assert [".".join(each.path) for each in caught.value.problems] == [path]


async def test_a_document_has_the_best_kind_or_none(world: World) -> None:
    bills, letters = await _schema(world), await _schema(world)
    classifier = await _classifier(world, letters, bills, threshold=0.6)
    file = await _file(world)
    judge = Judge(0.6)
    call = (world.viewer, world.storage, _engines(judge), classifier.id, file.id)
    told = await classify(*call)
    assert (told.schema_id, told.confidence) == (letters.id, 0.6)
    assert judge.asked == [(classifier, [letters, bills])]
    judge.confidence = 0.59
    told = await classify(*call)
    assert (told.schema_id, told.confidence) == (None, 0.59)
    assert told.scores == [(letters.id, 0.59), (bills.id, 0.59)]


async def test_deleted_schemas_are_no_answers_and_paused_ones_are(world: World) -> None:
    bills, letters = await _schema(world), await _schema(world)
    classifier = await _classifier(world, bills, letters)
    file, judge = await _file(world), Judge()
    paused = SchemaUpdate(status=SchemaStatus.PAUSED)
    letters = await extraction.update_schema(world.viewer, world.storage, letters.id, paused)
    await extraction.delete_schema(world.viewer, world.storage, bills.id)
    call = (world.viewer, world.storage, _engines(judge), classifier.id, file.id)
    assert (await classify(*call)).schema_id == letters.id
    left = replace(classifier, routes=(ClassifierRoute(letters.id),))
    assert judge.asked == [(left, [letters])]
    await extraction.delete_schema(world.viewer, world.storage, letters.id)
    with pytest.raises(Conflict, match='All schemas of the classifier "C" were deleted'):
        await classify(*call)


async def test_why_nobody_can_tell(world: World) -> None:
    classifier, file = await _classifier(world, await _schema(world)), await _file(world)
    for error, kind, text in (
        (Unreadable("The file is encrypted"), Invalid, "The file is encrypted"),
        (Unextractable("The document has no text"), Conflict, "The document has no text"),
        (TryLater("too many requests", 7), Conflict, "Try again in 7 seconds: too many requests"),
    ):
        engines = _engines(Judge(error=error))
        with pytest.raises(kind, match=text):
            await classify(world.viewer, world.storage, engines, classifier.id, file.id)
    engines = _engines(Judge())
    with pytest.raises(NotFound, match="File not found"):
        await classify(world.viewer, world.storage, engines, classifier.id, uuid4())
    with pytest.raises(NotFound, match="Classifier not found"):
        await classify(world.viewer, world.storage, engines, uuid4(), file.id)
    coming = replace(file, id=uuid4(), status=FileStatus.UPLOADING, created_at=datetime.now(UTC))
    await world.storage.files.add(coming)
    with pytest.raises(Conflict, match="has not been uploaded yet"):
        await classify(world.viewer, world.storage, engines, classifier.id, coming.id)


async def test_a_key_with_a_scope_sees_those_that_lead_inside_alone(world: World) -> None:
    mine, others = await _schema(world), await _schema(world)
    inside, across = await _classifier(world, mine), await _classifier(world, mine, others)
    scope = Scope(frozenset(), frozenset([mine.tables[0].table_id]))
    viewer = Viewer(world.viewer.organization_id, Role.EDITOR, uuid4(), scope=scope)
    storage = world.storage.seen_by(viewer)
    assert await classifiers.list_classifiers(viewer, storage) == [inside]
    with pytest.raises(NotFound):
        await classifiers.delete_classifier(viewer, storage, across.id)
    outwards = ClassifierUpdate(routes=[ClassifierRoute(others.id)])
    with pytest.raises(Invalid, match="Extraction schema not found"):
        await classifiers.update_classifier(viewer, storage, inside.id, outwards)
