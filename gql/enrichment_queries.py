"""Queries of enrichments."""

from typing import Annotated

import strawberry

from domain import enrichment as use_cases
from domain import ids
from domain.enrichment_records import DEFAULT_RUNS
from domain.errors import ErrorCode, NotFound, invalid
from gql.context import Info, given_id
from gql.types.enrichment import Enrichment

_Id = Annotated[strawberry.ID, strawberry.argument(description="The id; null for one unknown.")]


@strawberry.type
class EnrichmentQueries:
    @strawberry.field(description="An enrichment by its id.")
    async def enrichment(self, info: Info, id: _Id) -> Enrichment | None:
        context = info.context
        try:
            found = await use_cases.get_enrichment(context.viewer, context.storage, given_id(id))
        except NotFound:
            return None
        return Enrichment.of(found)

    @strawberry.field(description="The enrichments of a table, the newest first.")
    async def enrichment_runs(
        self,
        info: Info,
        table_id: Annotated[strawberry.ID, strawberry.argument(description="The table.")],
        first: Annotated[int, strawberry.argument(description="How many, 1 to 10.")] = DEFAULT_RUNS,
        before: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only those older than this one.")
        ] = None,
    ) -> list[Enrichment]:
        place = ids.parse(before) if before is not None else None
        if before is not None and place is None:
            raise invalid(ErrorCode.INVALID, "before is the id of an enrichment", "before")
        context = info.context
        found = await use_cases.list_enrichments(
            context.viewer, context.storage, given_id(table_id), place, first
        )
        return [Enrichment.of(each) for each in found]
