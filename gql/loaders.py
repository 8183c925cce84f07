"""Batch reads of metadata, straight from storage: one statement for each level of a query.

Ids given to a loader belong to something that was authorised before; every statement is scoped by
the organisation all the same."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from typing import TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader

from domain.chart_records import Chart
from domain.columns import Column
from domain.entities import File, Project, Session, Table
from domain.extraction_records import ExtractionJob, ExtractionSchema, ReviewRow
from domain.extraction_tables import SchemaNow, look_at
from domain.trigger_records import Trigger
from domain.webhook_records import Attempt
from domain.workflow_records import Workflow, WorkflowRun, WorkflowStep
from persistence.storage import PostgresStorage

Item = TypeVar("Item")
Read = Callable[[UUID, Sequence[UUID]], Awaitable[Mapping[UUID, Item]]]


class Loaders:
    """The loaders of one request. Each is made when it is first used."""

    def __init__(self, storage: PostgresStorage, organization_id: UUID) -> None:
        self._storage = storage
        self._organization_id = organization_id

    @cached_property
    def projects(self) -> "DataLoader[UUID, Project | None]":
        return self._one(self._storage.projects.by_ids)

    @cached_property
    def tables(self) -> "DataLoader[UUID, Table | None]":
        return self._one(self._storage.tables.by_ids)

    @cached_property
    def files(self) -> "DataLoader[UUID, File | None]":
        return self._one(self._storage.files.by_ids)

    @cached_property
    def triggers(self) -> "DataLoader[UUID, Trigger | None]":
        return self._one(self._storage.triggers.by_ids)

    @cached_property
    def triggers_of_table(self) -> DataLoader[UUID, list[Trigger]]:
        return self._many(self._storage.triggers.of_tables)

    @cached_property
    def columns(self) -> "DataLoader[UUID, Column | None]":
        return self._one(self._storage.columns.by_ids)

    @cached_property
    def workflows(self) -> "DataLoader[UUID, Workflow | None]":
        return self._one(self._storage.workflows.by_ids)

    @cached_property
    def workflow_runs(self) -> "DataLoader[UUID, WorkflowRun | None]":
        return self._one(self._storage.workflow_runs.by_ids)

    @cached_property
    def steps_of_run(self) -> DataLoader[UUID, list[WorkflowStep]]:
        return self._many(self._storage.workflow_runs.steps_of)

    @cached_property
    def attempts_of_delivery(self) -> DataLoader[UUID, list[Attempt]]:
        return self._many(self._storage.webhook_deliveries.attempts)

    @cached_property
    def tables_of_project(self) -> DataLoader[UUID, list[Table]]:
        return self._many(self._storage.tables.of_projects)

    @cached_property
    def columns_of_table(self) -> DataLoader[UUID, list[Column]]:
        return self._many(self._storage.columns.of_tables)

    @cached_property
    def sessions_of_table(self) -> DataLoader[UUID, list[Session]]:
        return self._many(self._storage.tables.sessions_of)

    @cached_property
    def charts_of_table(self) -> DataLoader[UUID, list[Chart]]:
        return self._many(self._storage.charts.of_tables)

    @cached_property
    def extraction_schemas(self) -> "DataLoader[UUID, ExtractionSchema | None]":
        return self._one(self._storage.extraction_schemas.by_ids)

    @cached_property
    def schemas_now(self) -> DataLoader[ExtractionSchema, SchemaNow]:
        async def load(schemas: list[ExtractionSchema]) -> Sequence[SchemaNow]:
            return await look_at(self._storage, self._organization_id, schemas)

        return DataLoader(load_fn=load)

    @cached_property
    def extraction_jobs(self) -> "DataLoader[UUID, ExtractionJob | None]":
        return self._one(self._storage.extraction_jobs.by_ids)

    @cached_property
    def extraction_of_row(self) -> "DataLoader[tuple[UUID, UUID], ReviewRow | None]":
        """By table and row."""

        async def load(rows: list[tuple[UUID, UUID]]) -> Sequence[ReviewRow | None]:
            found = await self._storage.extracted_rows.by_rows(self._organization_id, rows)
            return [found.get(row) for row in rows]

        return DataLoader(load_fn=load)

    def _one(self, read: Read[Item]) -> "DataLoader[UUID, Item | None]":
        async def load(ids: list[UUID]) -> Sequence[Item | None]:
            found = await read(self._organization_id, ids)
            return [found.get(id_) for id_ in ids]

        return DataLoader(load_fn=load)

    def _many(self, read: Read[list[Item]]) -> DataLoader[UUID, list[Item]]:
        async def load(ids: list[UUID]) -> Sequence[list[Item]]:
            found = await read(self._organization_id, ids)
            return [found.get(id_, []) for id_ in ids]

        return DataLoader(load_fn=load)
