"""Queries of runs."""

from typing import Annotated

import strawberry

from domain import run_previews, run_records, runs
from domain.errors import NotFound
from domain.run_records import CellsRun
from gql.context import Info, given_id
from gql.mutations.runs import given_selection
from gql.types.filters import RowFilter
from gql.types.run_words import RunMode
from gql.types.runs import Run, RunEstimate


@strawberry.type
class RunQueries:
    @strawberry.field(description="A run of tools over cells, by its id.")
    async def run(
        self,
        info: Info,
        id: Annotated[
            strawberry.ID, strawberry.argument(description="The id; null for one unknown.")
        ],
    ) -> Run | None:
        try:
            found = await runs.read_run(info.context.viewer, info.context.storage, given_id(id))
        except NotFound:
            return None
        return Run.of(found)

    @strawberry.field(
        description="What a run over these cells would take, before it is begun. It counts all "
        "rows that match."
    )
    async def run_estimate(
        self,
        info: Info,
        table_id: Annotated[strawberry.ID, strawberry.argument(description="The table.")],
        columns: Annotated[
            list[str] | None,
            strawberry.argument(description="Keys of columns with a tool; all without it."),
        ] = None,
        filter: Annotated[
            RowFilter | None, strawberry.argument(description="Only rows that match.")
        ] = None,
        rows: Annotated[
            list[strawberry.ID] | None,
            strawberry.argument(description="Only these rows; not together with `filter`."),
        ] = None,
        mode: Annotated[
            RunMode, strawberry.argument(description="Which of their cells.")
        ] = RunMode.MISSING,
    ) -> RunEstimate:
        context = info.context
        command = CellsRun(
            given_id(table_id),
            columns,
            given_selection(filter, rows),
            run_records.RunMode(mode.value),
        )
        found = await run_previews.estimate_run(
            context.viewer, context.storage, context.tools, command
        )
        return RunEstimate.of(found)
