"""The root of subscriptions. Resolvers check rights and say what is followed; transports follow
it."""

from collections.abc import AsyncGenerator, Sequence
from typing import Annotated, Any, cast

import strawberry

from domain import charts, filters, imports, runs, watching, workflow_runs
from domain.errors import ErrorCode, invalid
from domain.workflow_records import RunChange
from gql.chart_stream import ChartFollower
from gql.context import Info, given_id
from gql.feeds import Event, Feed
from gql.job_stream import follow_job
from gql.run_stream import RunFollower
from gql.table_events import status_events, table_events
from gql.types.chart_events import ChartEvent
from gql.types.events import (
    CellStatusEvent,
    OrganizationChanged,
    OrganizationEvent,
    StreamStarted,
    TableEvent,
)
from gql.types.extraction_jobs import JobProgress
from gql.types.filters import RowFilter, raw_filter
from gql.types.imports import Import, ImportProgress
from gql.types.runs import RunProgress
from gql.types.vocabulary import CellStatus
from gql.types.workflow_events import WorkflowEvent, WorkflowRunChanged
from persistence.change_log import OrganizationEntry, TableEntry
from realtime.events import Started
from realtime.log import Topic

_After = Annotated[
    int | None,
    strawberry.argument(
        description="The last revision that you have: everything behind it is sent. Without it "
        "the stream begins now."
    ),
]
_TableId = Annotated[strawberry.ID, strawberry.argument(description="The table.")]


def _checked(after: int | None) -> int | None:
    """A revision to resume behind. Raises `Invalid`."""
    if after is not None and after < 0:
        raise invalid(ErrorCode.OUT_OF_RANGE, "after must not be negative", "after")
    return after


async def _started(started: Started) -> Event:
    return StreamStarted.of(started)


@strawberry.type(description="What can be followed, over a websocket.")
class Subscription:
    @strawberry.subscription(
        description="Every change of a table, in order, none lost and none twice."
    )
    async def table_changed(
        self,
        info: Info,
        table_id: _TableId,
        after: _After = None,
        filter: Annotated[
            RowFilter | None,
            strawberry.argument(description="Only rows that match, before or after a change."),
        ] = None,
    ) -> AsyncGenerator[TableEvent, None]:
        context = info.context
        shape = await watching.watch_table(context.viewer, context.storage, given_id(table_id))
        raw = raw_filter(filter) if filter else None
        if raw is not None:
            filters.bind(shape, raw)  # refuse it now rather than at the first change

        async def events(entries: Sequence[TableEntry]) -> list[Any]:
            watching.require_in_scope(context.viewer, entries[-1].shape)
            bound = filters.bind(entries[-1].shape, raw) if raw is not None else None
            return await table_events(context.storage.log, bound, entries)

        return _stream(Feed(Topic("table", shape.id), _checked(after), _started, events))

    @strawberry.subscription(
        description="Moves of cells from one status to another, those of one change in one event."
    )
    async def cell_status_changed(
        self,
        info: Info,
        table_id: _TableId,
        after: _After = None,
        statuses: Annotated[
            list[CellStatus] | None,
            strawberry.argument(description="Only moves to one of these; all without it."),
        ] = None,
        columns: Annotated[
            list[str] | None,
            strawberry.argument(description="The keys of columns; all without it."),
        ] = None,
    ) -> AsyncGenerator[CellStatusEvent, None]:
        context = info.context
        shape = await watching.watch_cells(context.viewer, context.storage, given_id(table_id))
        wanted = None if statuses is None else frozenset(str(each.value) for each in statuses)
        keys = None if columns is None else frozenset(columns)

        async def events(entries: Sequence[TableEntry]) -> list[Any]:
            watching.require_in_scope(context.viewer, entries[-1].shape)
            return status_events(entries, wanted, keys)

        return _stream(Feed(Topic("table", shape.id), _checked(after), _started, events))

    @strawberry.subscription(
        description="Changes of the organisation: projects, tables, columns, sessions, keys, "
        "triggers, workflows, templates."
    )
    async def organization_changed(
        self, info: Info, after: _After = None
    ) -> AsyncGenerator[OrganizationEvent, None]:
        organization_id = await watching.watch_organization(info.context.viewer)

        async def events(entries: Sequence[OrganizationEntry]) -> list[Any]:
            return [OrganizationChanged.of(entry.change) for entry in entries]

        return _stream(
            Feed(Topic("organization", organization_id), _checked(after), _started, events)
        )

    @strawberry.subscription(
        description="What the runs of a workflow do: each start, each attempt at a step, each end; "
        "in order, none lost and none twice."
    )
    async def workflow_run_changed(
        self,
        info: Info,
        workflow_id: Annotated[strawberry.ID, strawberry.argument(description="The workflow.")],
        after: _After = None,
    ) -> AsyncGenerator[WorkflowEvent, None]:
        context = info.context
        workflow = await workflow_runs.watch_runs(
            context.viewer, context.storage, given_id(workflow_id)
        )

        async def events(entries: Sequence[RunChange]) -> list[Any]:
            return [WorkflowRunChanged.of(entry) for entry in entries]

        return _stream(Feed(Topic("workflow", workflow.id), _checked(after), _started, events))

    @strawberry.subscription(
        description="How an import gets on: where it stands, then each step, until it ends."
    )
    async def import_progress(
        self,
        info: Info,
        import_id: Annotated[strawberry.ID, strawberry.argument(description="The import.")],
    ) -> AsyncGenerator[ImportProgress, None]:
        context = info.context
        found = await imports.import_progress(context.viewer, context.storage, given_id(import_id))

        async def now(revision: int) -> ImportProgress:
            run = await imports.import_progress(context.viewer, context.storage, found.id)
            return ImportProgress(revision=revision, run=Import.of(run))

        async def begin(started: Started) -> Event:
            return await now(started.revision)

        async def events(entries: Sequence[TableEntry]) -> list[Any]:
            ours = [entry for entry in entries if entry.change.cause.get("id") == str(found.id)]
            return [await now(ours[-1].revision)] if ours else []

        feed = Feed(Topic("table", found.table_id), None, begin, events, _is_over)
        return _stream(feed)

    @strawberry.subscription(
        description="How a run gets on: where it stands, then its steps, at most four a second, "
        "until it has ended."
    )
    async def run_progress(
        self,
        info: Info,
        run_id: Annotated[strawberry.ID, strawberry.argument(description="The run.")],
    ) -> AsyncGenerator[RunProgress, None]:
        context = info.context
        found = await runs.run_progress(context.viewer, context.storage, given_id(run_id))
        return _stream(RunFollower(context.viewer, context.storage, found).feed())

    @strawberry.subscription(
        description="How an extraction job gets on: where it stands, then each step, until it has "
        "ended."
    )
    async def job_progress(
        self,
        info: Info,
        job_id: Annotated[strawberry.ID, strawberry.argument(description="The job.")],
    ) -> AsyncGenerator[JobProgress, None]:
        context = info.context
        return _stream(await follow_job(context.viewer, context.storage, given_id(job_id)))

    @strawberry.subscription(
        description="A live chart: its points, then what each change of the table does to them. "
        "Points that cannot be told one by one come whole, at most once a second."
    )
    async def chart_changed(
        self,
        info: Info,
        chart_id: Annotated[strawberry.ID, strawberry.argument(description="The chart.")],
        after: Annotated[
            int | None,
            strawberry.argument(
                description="The revision of the points that you have: when they are still those "
                "of now, they are not sent again."
            ),
        ] = None,
    ) -> AsyncGenerator[ChartEvent, None]:
        context = info.context
        chart = await charts.watch_chart(context.viewer, context.storage, given_id(chart_id))
        follower = await ChartFollower.open(context.viewer, context.storage, chart.id)
        return _stream(follower.feed(_checked(after)))


def _is_over(event: Event) -> bool:
    return cast("ImportProgress", event).run.is_over


def _stream(feed: Feed) -> AsyncGenerator[Any, None]:
    """Strawberry reads the annotation; the transport that runs the operation takes the feed."""
    return cast("AsyncGenerator[Any, None]", feed)
