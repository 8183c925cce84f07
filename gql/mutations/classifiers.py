"""Mutations on classifiers, and classifying."""

from collections.abc import Sequence
from typing import Annotated, Any

import strawberry

from domain import classifiers
from domain import extraction_records as records
from domain.extraction_commands import ClassifierCreate, ClassifierUpdate
from gql.context import Info, given_id
from gql.types.classifiers import Classification, Classifier
from gql.types.errors import EXPECTED, UserError, user_errors


@strawberry.input(description="One kind of document, and the schema that reads it.")
class ClassifierRouteInput:
    schema_id: strawberry.ID = strawberry.field(description="The schema.")
    description: str | None = strawberry.field(
        default=None,
        description="What such documents are; 2,000 characters. What the schema says counts too.",
    )
    labels: list[str] = strawberry.field(
        default_factory=list, description="Words that such documents print, at most 50."
    )
    examples: list[str] = strawberry.field(
        default_factory=list, description="Texts of such documents, at most 20."
    )


@strawberry.input(description="A classifier to be made.")
class ClassifierCreateInput:
    name: str = strawberry.field(description="1 to 256 characters.")
    routes: list[ClassifierRouteInput] = strawberry.field(
        description="The kinds of documents that it shall know, 1 to 100."
    )
    threshold: float = strawberry.field(
        default=classifiers.DEFAULT_THRESHOLD,
        description="From 0 to 1: what it is less sure of is nothing that it knows.",
    )
    provider: str | None = strawberry.field(
        default=None,
        description="Who tells: the name of a provider, or `rules`. Without it the default "
        "provider, or the rules engine when there is none.",
    )
    model: str | None = strawberry.field(
        default=None, description="The model; the provider's own without it."
    )
    project_id: strawberry.ID | None = strawberry.field(
        default=None, description="The project that it shall belong to."
    )


@strawberry.input(description="What to change of a classifier. What is absent stays, null clears.")
class ClassifierUpdateInput:
    classifier_id: strawberry.ID = strawberry.field(description="The classifier.")
    name: strawberry.Maybe[str | None] = strawberry.field(
        description="1 to 256 characters; null is refused."
    )
    routes: strawberry.Maybe[list[ClassifierRouteInput]] = strawberry.field(
        description="The kinds that it shall know, in place of the old ones."
    )
    threshold: strawberry.Maybe[float] = strawberry.field(description="From 0 to 1.")
    provider: strawberry.Maybe[str | None] = strawberry.field(description="Who tells.")
    model: strawberry.Maybe[str | None] = strawberry.field(description="The model.")
    project_id: strawberry.Maybe[strawberry.ID | None] = strawberry.field(
        description="The project; null takes it out of its project."
    )


@strawberry.input(description="A classifier to be deleted. Its schemas stay.")
class ClassifierDeleteInput:
    classifier_id: strawberry.ID = strawberry.field(description="The classifier.")


@strawberry.input(description="A document that shall be classified.")
class DocumentClassifyInput:
    classifier_id: strawberry.ID = strawberry.field(description="Who shall tell.")
    file_id: strawberry.ID = strawberry.field(description="The file.")


@strawberry.type(description="The answer of mutations on a classifier.")
class ClassifierPayload:
    classifier: Classifier | None = strawberry.field(description="The classifier as it stands.")
    errors: list[UserError] = strawberry.field(description="Why nothing was done.")


@strawberry.type(description="The answer of `classifierDelete`.")
class ClassifierDeletePayload:
    deleted_id: strawberry.ID | None = strawberry.field(description="The id of the classifier.")
    errors: list[UserError] = strawberry.field(description="Why it is still there.")


@strawberry.type(description="The answer of `documentClassify`.")
class DocumentClassifyPayload:
    classification: Classification | None = strawberry.field(
        description="What the document is. Without a schema in it, it is nothing that the "
        "classifier knows."
    )
    errors: list[UserError] = strawberry.field(description="Why nobody can tell.")


@strawberry.type
class ClassifierMutations:
    @strawberry.mutation(description="Make a classifier.")
    async def classifier_create(
        self,
        info: Info,
        input: Annotated[ClassifierCreateInput, strawberry.argument(description="What to make.")],
    ) -> ClassifierPayload | None:
        command = ClassifierCreate(
            input.name,
            _routes(input.routes),
            input.threshold,
            input.provider,
            input.model,
            given_id(input.project_id) if input.project_id is not None else None,
        )
        context = info.context
        try:
            made = await classifiers.create_classifier(context.viewer, context.storage, command)
        except EXPECTED as error:
            return ClassifierPayload(classifier=None, errors=user_errors(error))
        return ClassifierPayload(classifier=Classifier.of(made), errors=[])

    @strawberry.mutation(description="Change a classifier.")
    async def classifier_update(
        self,
        info: Info,
        input: Annotated[ClassifierUpdateInput, strawberry.argument(description="What to change.")],
    ) -> ClassifierPayload | None:
        context = info.context
        try:
            changed = await classifiers.update_classifier(
                context.viewer, context.storage, given_id(input.classifier_id), _update(input)
            )
        except EXPECTED as error:
            return ClassifierPayload(classifier=None, errors=user_errors(error))
        return ClassifierPayload(classifier=Classifier.of(changed), errors=[])

    @strawberry.mutation(description="Delete a classifier. Its schemas stay.")
    async def classifier_delete(
        self,
        info: Info,
        input: Annotated[ClassifierDeleteInput, strawberry.argument(description="Which one.")],
    ) -> ClassifierDeletePayload | None:
        context = info.context
        try:
            await classifiers.delete_classifier(
                context.viewer, context.storage, given_id(input.classifier_id)
            )
        except EXPECTED as error:
            return ClassifierDeletePayload(deleted_id=None, errors=user_errors(error))
        return ClassifierDeletePayload(deleted_id=input.classifier_id, errors=[])

    @strawberry.mutation(
        description="Tell what a document is and which schema reads it. Nothing is stored; what a "
        "model costs is paid for."
    )
    async def document_classify(
        self,
        info: Info,
        input: Annotated[DocumentClassifyInput, strawberry.argument(description="Which one.")],
    ) -> DocumentClassifyPayload | None:
        context = info.context
        try:
            told = await classifiers.classify(
                context.viewer,
                context.storage,
                context.engines,
                given_id(input.classifier_id),
                given_id(input.file_id),
            )
        except EXPECTED as error:
            return DocumentClassifyPayload(classification=None, errors=user_errors(error))
        return DocumentClassifyPayload(classification=Classification.of(told), errors=[])


def _routes(routes: Sequence[ClassifierRouteInput]) -> list[records.ClassifierRoute]:
    return [
        records.ClassifierRoute(
            given_id(route.schema_id, place),
            route.description,
            tuple(route.labels),
            tuple(route.examples),
        )
        for place, route in enumerate(routes)
    ]


def _update(input: ClassifierUpdateInput) -> ClassifierUpdate:
    changes: dict[str, Any] = {
        name: given.value
        for name in ("name", "threshold", "provider", "model")
        if (given := getattr(input, name)) is not None
    }
    if input.routes is not None:
        changes["routes"] = _routes(input.routes.value)
    if input.project_id is not None:
        chosen = input.project_id.value
        changes["project_id"] = given_id(chosen) if chosen is not None else None
    return ClassifierUpdate(**changes)
