"""Queries of schemas of extraction and of classifiers."""

from typing import Annotated

import strawberry

from domain import classifiers, extraction
from domain.errors import NotFound
from domain.extraction_commands import SchemaSearch
from domain.extraction_records import SchemaStatus
from gql.context import Info, given_id
from gql.types.classifiers import Classifier
from gql.types.extraction import ExtractionSchema, ExtractionSchemaStatus

_Id = Annotated[strawberry.ID, strawberry.argument(description="The id; null for one unknown.")]


@strawberry.type
class ExtractionQueries:
    @strawberry.field(
        description="The schemas of extraction that match, oldest first; an organisation has at "
        "most 500."
    )
    async def extraction_schemas(
        self,
        info: Info,
        project_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only those of this project.")
        ] = None,
        table_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only those that fill it.")
        ] = None,
        status: Annotated[
            ExtractionSchemaStatus | None, strawberry.argument(description="Only these.")
        ] = None,
    ) -> list[ExtractionSchema]:
        search = SchemaSearch(
            given_id(project_id) if project_id is not None else None,
            given_id(table_id) if table_id is not None else None,
            SchemaStatus(status.value) if status is not None else None,
        )
        context = info.context
        found = await extraction.list_schemas(context.viewer, context.storage, search)
        return [ExtractionSchema.of(each) for each in found]

    @strawberry.field(description="A schema of extraction by its id.")
    async def extraction_schema(self, info: Info, id: _Id) -> ExtractionSchema | None:
        context = info.context
        try:
            found = await extraction.get_schema(context.viewer, context.storage, given_id(id))
        except NotFound:
            return None
        return ExtractionSchema.of(found)

    @strawberry.field(description="The classifiers of the organisation, oldest first, at most 500.")
    async def classifiers(self, info: Info) -> list[Classifier]:
        found = await classifiers.list_classifiers(info.context.viewer, info.context.storage)
        return [Classifier.of(each) for each in found]

    @strawberry.field(description="A classifier by its id.")
    async def classifier(self, info: Info, id: _Id) -> Classifier | None:
        context = info.context
        try:
            found = await classifiers.get_classifier(context.viewer, context.storage, given_id(id))
        except NotFound:
            return None
        return Classifier.of(found)
