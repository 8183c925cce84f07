"""Classifiers, and what they say of documents."""

from dataclasses import asdict
from datetime import datetime

import strawberry

from domain import extraction_records as records
from gql.context import Info
from gql.types.extraction import ExtractionSchema
from gql.types.producers import Producer
from gql.types.projects import Project


@strawberry.type(description="One kind of document, and the schema that reads it.")
class ClassifierRoute:
    record: strawberry.Private[records.ClassifierRoute]
    schema_id: strawberry.ID = strawberry.field(description="The id of the schema.")
    description: str | None = strawberry.field(description="What such documents are.")
    labels: list[str] = strawberry.field(description="Words that such documents print.")
    examples: list[str] = strawberry.field(description="Texts of such documents.")

    @strawberry.field(description="The schema; null when it was deleted: then nothing leads here.")
    async def schema(self, info: Info) -> ExtractionSchema | None:
        found = await info.context.loaders.extraction_schemas.load(self.record.schema_id)
        return ExtractionSchema.of(found) if found else None

    @classmethod
    def of(cls, route: records.ClassifierRoute) -> "ClassifierRoute":
        return cls(
            record=route,
            schema_id=strawberry.ID(str(route.schema_id)),
            description=route.description,
            labels=list(route.labels),
            examples=list(route.examples),
        )


@strawberry.type(description="Tells what documents are, and which schema reads them.")
class Classifier:
    record: strawberry.Private[records.Classifier]
    id: strawberry.ID = strawberry.field(description="The id of the classifier.")
    name: str = strawberry.field(description="What people call it, 1 to 256 characters.")
    threshold: float = strawberry.field(
        description="From 0 to 1: what it is less sure of is nothing that it knows."
    )
    provider: str | None = strawberry.field(
        description="Who tells: the name of a provider, or `rules`; null: the default provider, "
        "or the rules engine when there is none."
    )
    model: str | None = strawberry.field(description="The model; null: the provider's own.")
    routes: list[ClassifierRoute] = strawberry.field(description="The kinds that it knows.")
    created_by: str = strawberry.field(description="Who made it: the id of an API key.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")

    @strawberry.field(description="The project that it belongs to.")
    async def project(self, info: Info) -> Project | None:
        project_id = self.record.project_id
        found = await info.context.loaders.projects.load(project_id) if project_id else None
        return Project.of(found) if found else None

    @classmethod
    def of(cls, classifier: records.Classifier) -> "Classifier":
        return cls(
            record=classifier,
            id=strawberry.ID(str(classifier.id)),
            name=classifier.name,
            threshold=classifier.threshold,
            provider=classifier.provider,
            model=classifier.model,
            routes=[ClassifierRoute.of(route) for route in classifier.routes],
            created_by=classifier.created_by,
            created_at=classifier.created_at,
            updated_at=classifier.updated_at,
        )


@strawberry.type(description="How well one kind fits a document.")
class ClassificationScore:
    schema_id: strawberry.ID = strawberry.field(description="The schema of the kind.")
    score: float = strawberry.field(description="From 0 to 1.")


@strawberry.type(description="What a document is.")
class Classification:
    record: strawberry.Private[records.Classification]
    file_id: strawberry.ID = strawberry.field(description="The document.")
    classifier_id: strawberry.ID = strawberry.field(description="Who said it.")
    confidence: float = strawberry.field(description="How sure it is of the best kind, 0 to 1.")
    scores: list[ClassificationScore] = strawberry.field(
        description="How well each kind fits, the best one first."
    )
    producer: Producer = strawberry.field(description="The model or engine that told.")

    @strawberry.field(
        description="The schema that reads it; null: it is nothing that the classifier knows."
    )
    async def schema(self, info: Info) -> ExtractionSchema | None:
        schema_id = self.record.schema_id
        loader = info.context.loaders.extraction_schemas
        found = await loader.load(schema_id) if schema_id else None
        return ExtractionSchema.of(found) if found else None

    @classmethod
    def of(cls, told: records.Classification) -> "Classification":
        return cls(
            record=told,
            file_id=strawberry.ID(str(told.file_id)),
            classifier_id=strawberry.ID(str(told.classifier_id)),
            confidence=told.confidence,
            scores=[
                ClassificationScore(schema_id=strawberry.ID(str(schema_id)), score=score)
                for schema_id, score in told.scores
            ],
            producer=Producer.of(asdict(told.producer)),
        )
