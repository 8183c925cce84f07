"""Classifiers: they tell what a document is, and which schema reads it. That it is nothing that
they know is an answer too."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from domain import access, checks
from domain.access import Viewer
from domain.documents import Unreadable
from domain.entities import File, FileStatus, Unset
from domain.errors import Conflict, ErrorCode, NotFound, Problem, invalid
from domain.extraction_commands import ClassifierCreate, ClassifierUpdate
from domain.extraction_ports import Unextractable
from domain.extraction_records import (
    Classification,
    Classifier,
    ClassifierRoute,
    ExtractionSchema,
)
from domain.extraction_rules import MAX_SCHEMAS, label_problems, text_problems
from domain.extraction_tables import provider_problems
from domain.ports import Storage
from domain.rejections import show
from domain.tables import project_problems
from domain.tool_ports import Engines, TryLater

MAX_ROUTES = 100
MAX_ROUTE_TEXT = 2_000
MAX_ROUTE_EXAMPLES = 20
MAX_EXAMPLE = 20_000
#: Below it no kind fits, unless a classifier says otherwise.
DEFAULT_THRESHOLD = 0.5


async def list_classifiers(viewer: Viewer, storage: Storage) -> list[Classifier]:
    """The classifiers of the organisation, oldest first; for a key with a scope those that lead to
    schemas inside alone."""
    access.require(viewer, "classifiers")
    return await storage.classifiers.list_all(viewer.organization_id)


async def get_classifier(viewer: Viewer, storage: Storage, classifier_id: UUID) -> Classifier:
    """One classifier. Raises `NotFound`."""
    access.require(viewer, "classifier")
    return await _existing(viewer, storage, classifier_id)


async def create_classifier(
    viewer: Viewer, storage: Storage, command: ClassifierCreate
) -> Classifier:
    """Make a classifier. Raises `Invalid` with every problem."""
    access.require(viewer, "classifierCreate")
    fields: dict[str, Any] = {
        "name": command.name,
        "threshold": command.threshold,
        "provider": command.provider,
        "model": command.model,
        "project_id": command.project_id,
    }
    problems = await _field_problems(viewer, storage, fields)
    problems += await _route_problems(viewer, storage, command.routes)
    checks.refuse(problems)
    made = await storage.classifiers.create(
        viewer.organization_id, viewer.actor, command, MAX_SCHEMAS
    )
    if made is None:
        raise invalid(ErrorCode.TOO_MANY, f"An organization has at most {MAX_SCHEMAS} classifiers")
    return made


async def update_classifier(
    viewer: Viewer, storage: Storage, classifier_id: UUID, command: ClassifierUpdate
) -> Classifier:
    """Change a classifier. Raises `NotFound`, and `Invalid` with every problem."""
    access.require(viewer, "classifierUpdate")
    await _existing(viewer, storage, classifier_id)
    changes = command.given()
    problems = await _field_problems(viewer, storage, changes)
    if not isinstance(command.routes, Unset):
        problems += await _route_problems(viewer, storage, command.routes)
    checks.refuse(problems)
    changed = await storage.classifiers.update(
        viewer.organization_id, viewer.actor, classifier_id, changes
    )
    return _found(changed)


async def delete_classifier(viewer: Viewer, storage: Storage, classifier_id: UUID) -> None:
    """Delete a classifier. Its schemas stay. Raises `NotFound`."""
    access.require(viewer, "classifierDelete")
    await _existing(viewer, storage, classifier_id)
    if not await storage.classifiers.delete(viewer.organization_id, viewer.actor, classifier_id):
        raise NotFound("Classifier")


async def classify(
    viewer: Viewer, storage: Storage, engines: Engines, classifier_id: UUID, file_id: UUID
) -> Classification:
    """What a document is; its `schema_id` is None when it is nothing that the classifier knows.
    What a model costs is paid for.

    Raises `NotFound`, `Invalid` for a file that cannot be read, and `Conflict` when its bytes are
    not there yet, no schema is left to choose from, or the provider wants to be left alone."""
    access.require(viewer, "documentClassify")
    classifier = await _existing(viewer, storage, classifier_id)
    file = await storage.files.get(viewer.organization_id, file_id)
    if file is None:
        raise NotFound("File")
    if file.status is FileStatus.UPLOADING:
        raise Conflict("The file has not been uploaded yet")
    try:
        return await classified(storage, engines, classifier, file, viewer.actor)
    except Unreadable as error:
        raise invalid(ErrorCode.INVALID, str(error), "fileId") from None
    except Unextractable as error:
        raise Conflict(str(error)) from None
    except TryLater as later:
        raise Conflict(f"Try again in {later.seconds:.0f} seconds: {later.reason}") from None


async def classified(
    storage: Storage, engines: Engines, classifier: Classifier, file: File, actor: str
) -> Classification:
    """What a document is, for whoever checked the right before. Schemas that were deleted are not
    among the answers; paused ones are, because they tell best what a document is not.

    Raises `Unreadable`, `Unextractable` and `TryLater`."""
    schemas = await _schemas(storage, classifier)
    if not schemas:
        raise Unextractable(f"All schemas of the classifier {show(classifier.name)} were deleted")
    living = {schema.id for schema in schemas}
    routes = tuple(route for route in classifier.routes if route.schema_id in living)
    document = await engines.documents.document(file)
    answer = await engines.classifier.classify(
        replace(classifier, routes=routes), schemas, file, document, actor
    )
    if answer.confidence < classifier.threshold:
        return replace(answer, schema_id=None)
    return answer


async def _schemas(storage: Storage, classifier: Classifier) -> list[ExtractionSchema]:
    """The schemas that there still are, in the order of the routes."""
    wanted = [route.schema_id for route in classifier.routes]
    found = await storage.extraction_schemas.by_ids(classifier.organization_id, wanted)
    return [found[schema_id] for schema_id in wanted if schema_id in found]


async def _existing(viewer: Viewer, storage: Storage, classifier_id: UUID) -> Classifier:
    return _found(await storage.classifiers.get(viewer.organization_id, classifier_id))


def _found(classifier: Classifier | None) -> Classifier:
    if classifier is None:
        raise NotFound("Classifier")
    return classifier


async def _field_problems(
    viewer: Viewer, storage: Storage, fields: dict[str, Any]
) -> list[Problem]:
    problems = text_problems(fields)
    if not problems and fields.get("provider") is not None:
        problems += await provider_problems(storage, viewer.organization_id, fields["provider"])
    threshold = fields.get("threshold", DEFAULT_THRESHOLD)
    if threshold is None or not (math.isfinite(threshold) and 0 <= threshold <= 1):
        message = "threshold is from 0 to 1"
        problems.append(Problem(ErrorCode.OUT_OF_RANGE, message, ("threshold",)))
    return problems + await project_problems(viewer, storage, fields.get("project_id"))


async def _route_problems(
    viewer: Viewer, storage: Storage, routes: Sequence[ClassifierRoute]
) -> list[Problem]:
    if not 1 <= len(routes) <= MAX_ROUTES:
        message = f"routes leads to 1 to {MAX_ROUTES} schemas"
        return [Problem(ErrorCode.OUT_OF_RANGE, message, ("routes",))]
    wanted = [route.schema_id for route in routes]
    known = await storage.extraction_schemas.by_ids(viewer.organization_id, wanted)
    problems: list[Problem] = []
    seen: set[UUID] = set()
    for place, route in enumerate(routes):
        path = ("routes", str(place))
        if route.schema_id not in known:
            message = "Extraction schema not found"
            problems.append(Problem(ErrorCode.NOT_FOUND, message, (*path, "schemaId")))
        elif route.schema_id in seen:
            message = "a classifier leads to a schema once"
            problems.append(Problem(ErrorCode.DUPLICATE, message, (*path, "schemaId")))
        seen.add(route.schema_id)
        problems += _route_text_problems(route, path)
    return problems


def _route_text_problems(route: ClassifierRoute, path: tuple[str, ...]) -> list[Problem]:
    problems = checks.text_problems("description", route.description, 0, MAX_ROUTE_TEXT, *path)
    problems += label_problems(route.labels, path)
    if len(route.examples) > MAX_ROUTE_EXAMPLES:
        message = f"examples holds at most {MAX_ROUTE_EXAMPLES} texts"
        return [*problems, Problem(ErrorCode.TOO_MANY, message, (*path, "examples"))]
    for index, example in enumerate(route.examples):
        problems += checks.text_problems(str(index), example, 1, MAX_EXAMPLE, *path, "examples")
    return problems
