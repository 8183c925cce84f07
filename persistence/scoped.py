"""Storage as a key with a scope sees it: what lies outside does not exist.

Use cases need not know of scopes. All that belongs to a table is reached through the table's shape
or record, so hiding tables hides rows, history and all else; what has an id of its own is looked up
here with its table."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlmodel import col

from domain.access import Scope
from domain.chart_records import Chart
from domain.columns import Column, TableShape
from domain.enrichment_records import Enrichment
from domain.entities import (
    File,
    Import,
    ImportRejection,
    Project,
    Table,
    TableCreate,
    TableSearch,
    TableWithColumns,
)
from domain.errors import ErrorCode, invalid
from domain.extraction_commands import NewExample, NewSchema, SchemaChange, SchemaVersions
from domain.extraction_records import Classifier, Example, ExtractionJob, ExtractionSchema
from domain.rollback_records import RollbackRun, RowConflict
from domain.row_writes import PreparedRow
from domain.run_records import Run
from persistence.charts import Charts
from persistence.classifiers import Classifiers
from persistence.columns import Columns
from persistence.enrichment import Enrichments
from persistence.extraction import ExtractionSchemas
from persistence.extraction_jobs import ExtractionJobs
from persistence.files import Files
from persistence.imports import Imports
from persistence.models import FileRow
from persistence.projects import Projects
from persistence.rollbacks import Rollbacks
from persistence.runs import Runs
from persistence.tables import Tables

_OUTSIDE = "This key makes and keeps tables in its own projects only"


class ScopedProjects(Projects):
    """The projects of a scope."""

    def __init__(self, whole: Projects, scope: Scope) -> None:
        super().__init__(whole._database, whole._wake)
        self._scope = scope

    async def list_all(self, organization_id: UUID) -> list[Project]:
        found = await super().list_all(organization_id)
        return [project for project in found if project.id in self._scope.project_ids]

    async def by_ids(self, organization_id: UUID, ids_: Sequence[UUID]) -> dict[UUID, Project]:
        inside = [project_id for project_id in ids_ if project_id in self._scope.project_ids]
        return await super().by_ids(organization_id, inside)


class ScopedTables(Tables):
    """The tables of a scope: those named, and those of its projects."""

    def __init__(self, whole: Tables, scope: Scope) -> None:
        super().__init__(whole._database, whole._shapes, whole._wake)
        self._scope = scope

    async def shape(self, organization_id: UUID, table_id: UUID) -> TableShape | None:
        return self._visible_shape(await super().shape(organization_id, table_id))

    async def shape_by_number(self, organization_id: UUID, number: int) -> TableShape | None:
        return self._visible_shape(await super().shape_by_number(organization_id, number))

    async def search(self, organization_id: UUID, search: TableSearch) -> list[Table]:
        return self._visible(await super().search(organization_id, search))

    async def by_ids(self, organization_id: UUID, table_ids: Sequence[UUID]) -> dict[UUID, Table]:
        found = await super().by_ids(organization_id, table_ids)
        return {table.id: table for table in self._visible(found.values())}

    async def of_projects(
        self, organization_id: UUID, project_ids: Sequence[UUID]
    ) -> dict[UUID, list[Table]]:
        found = await super().of_projects(organization_id, project_ids)
        return {project_id: self._visible(tables) for project_id, tables in found.items()}

    async def create(
        self,
        organization_id: UUID,
        actor: str,
        command: TableCreate,
        rows: Callable[[TableShape], Sequence[PreparedRow]] | None = None,
    ) -> TableWithColumns:
        if command.project_id not in self._scope.project_ids:
            raise invalid(ErrorCode.REQUIRED, _OUTSIDE, "projectId")
        return await super().create(organization_id, actor, command, rows)

    async def update(
        self, organization_id: UUID, actor: str, table_id: UUID, changes: Mapping[str, Any]
    ) -> Table | None:
        if "project_id" in changes and not self._scope.covers(table_id, changes["project_id"]):
            raise invalid(ErrorCode.REQUIRED, _OUTSIDE, "projectId")
        return await super().update(organization_id, actor, table_id, changes)

    async def delete(self, organization_id: UUID, actor: str, table_id: UUID) -> bool:
        if await self.get(organization_id, table_id) is None:
            return False
        return await super().delete(organization_id, actor, table_id)

    def _visible_shape(self, shape: TableShape | None) -> TableShape | None:
        if shape is None or not self._scope.covers(shape.id, shape.project_id):
            return None
        return shape

    def _visible(self, tables: Any) -> list[Table]:
        return [table for table in tables if self._scope.covers(table.id, table.project_id)]


class ScopedColumns(Columns):
    """Columns of tables that were looked up before. An id of a column does not tell its table, so
    none is found by its id."""

    def __init__(self, whole: Columns) -> None:
        super().__init__(whole._database, whole._shapes, whole._wake)

    async def by_ids(self, organization_id: UUID, column_ids: Sequence[UUID]) -> dict[UUID, Column]:
        return {}


class ScopedCharts(Charts):
    """Charts of the tables of a scope."""

    def __init__(self, whole: Charts, tables: ScopedTables) -> None:
        super().__init__(whole._database, whole._wake)
        self._tables = tables

    async def get(self, organization_id: UUID, chart_id: UUID) -> Chart | None:
        chart = await super().get(organization_id, chart_id)
        if chart is None or await self._tables.shape(organization_id, chart.table_id) is None:
            return None
        return chart


class ScopedRollbacks(Rollbacks):
    """Rollbacks of the tables of a scope."""

    def __init__(self, whole: Rollbacks, tables: ScopedTables) -> None:
        super().__init__(whole._database, whole._wake)
        self._tables = tables

    async def get(self, organization_id: UUID, run_id: UUID) -> RollbackRun | None:
        run = await super().get(organization_id, run_id)
        if run is None or await self._tables.shape(organization_id, run.table_id) is None:
            return None
        return run

    async def conflicts(
        self, organization_id: UUID, run_id: UUID, after: UUID | None, limit: int
    ) -> list[RowConflict]:
        if await self.get(organization_id, run_id) is None:
            return []
        return await super().conflicts(organization_id, run_id, after, limit)


class ScopedRuns(Runs):
    """Runs over the tables of a scope."""

    def __init__(self, whole: Runs, tables: ScopedTables) -> None:
        super().__init__(whole._database, whole._wake)
        self._tables = tables

    async def get(self, organization_id: UUID, run_id: UUID) -> Run | None:
        run = await super().get(organization_id, run_id)
        if run is None or await self._tables.shape(organization_id, run.table_id) is None:
            return None
        return run


class ScopedEnrichments(Enrichments):
    """Enrichments of the tables of a scope."""

    def __init__(self, whole: Enrichments, tables: ScopedTables) -> None:
        self._pool = whole._pool
        self._tables = tables

    async def get(self, organization_id: UUID, enrichment_id: UUID) -> Enrichment | None:
        found = await super().get(organization_id, enrichment_id)
        if found is None or await self._tables.shape(organization_id, found.table_id) is None:
            return None
        return found


class ScopedExtractionSchemas(ExtractionSchemas):
    """Schemas whose tables all lie inside a scope."""

    def __init__(self, whole: ExtractionSchemas, tables: ScopedTables, scope: Scope) -> None:
        super().__init__(whole._database, whole._wake)
        self._tables = tables
        self._scope = scope

    async def list_all(self, organization_id: UUID) -> list[ExtractionSchema]:
        return await self._visible(organization_id, await super().list_all(organization_id))

    async def by_ids(
        self, organization_id: UUID, schema_ids: Sequence[UUID]
    ) -> dict[UUID, ExtractionSchema]:
        found = await super().by_ids(organization_id, schema_ids)
        visible = await self._visible(organization_id, list(found.values()))
        return {schema.id: schema for schema in visible}

    async def versions(
        self, organization_id: UUID, schema_id: UUID, before: int | None, limit: int
    ) -> SchemaVersions:
        if await self.get(organization_id, schema_id) is None:
            return SchemaVersions([], has_more=False)
        return await super().versions(organization_id, schema_id, before, limit)

    async def create(
        self, organization_id: UUID, actor: str, new: NewSchema, most: int
    ) -> ExtractionSchema | None:
        if new.making and new.project_id not in self._scope.project_ids:
            raise invalid(ErrorCode.REQUIRED, _OUTSIDE, "projectId")
        return await super().create(organization_id, actor, new, most)

    async def update(
        self, organization_id: UUID, actor: str, schema_id: UUID, change: SchemaChange
    ) -> ExtractionSchema | None:
        schema = await self.get(organization_id, schema_id)
        if schema is None:
            return None
        project_id = change.fields.get("project_id", schema.project_id)
        if change.making and project_id not in self._scope.project_ids:
            raise invalid(ErrorCode.REQUIRED, _OUTSIDE, "projectId")
        return await super().update(organization_id, actor, schema_id, change)

    async def delete(self, organization_id: UUID, actor: str, schema_id: UUID) -> bool:
        if await self.get(organization_id, schema_id) is None:
            return False
        return await super().delete(organization_id, actor, schema_id)

    async def examples(self, organization_id: UUID, schema_id: UUID, limit: int) -> list[Example]:
        if await self.get(organization_id, schema_id) is None:
            return []
        return await super().examples(organization_id, schema_id, limit)

    async def add_examples(
        self, organization_id: UUID, actor: str, schema_id: UUID, new: Sequence[NewExample]
    ) -> list[Example] | None:
        if await self.get(organization_id, schema_id) is None:
            return None
        return await super().add_examples(organization_id, actor, schema_id, new)

    async def example(self, organization_id: UUID, example_id: UUID) -> Example | None:
        found = await super().example(organization_id, example_id)
        if found is None or await self.get(organization_id, found.schema_id) is None:
            return None
        return found

    async def _visible(
        self, organization_id: UUID, schemas: Sequence[ExtractionSchema]
    ) -> list[ExtractionSchema]:
        named = {table.table_id for schema in schemas for table in schema.tables}
        inside = await self._tables.by_ids(organization_id, list(named))
        return [
            schema for schema in schemas if all(each.table_id in inside for each in schema.tables)
        ]


class ScopedClassifiers(Classifiers):
    """Classifiers that lead to schemas inside a scope alone."""

    def __init__(self, whole: Classifiers, schemas: ScopedExtractionSchemas) -> None:
        super().__init__(whole._database, whole._wake)
        self._schemas = schemas

    async def list_all(self, organization_id: UUID) -> list[Classifier]:
        return await self._visible(organization_id, await super().list_all(organization_id))

    async def get(self, organization_id: UUID, classifier_id: UUID) -> Classifier | None:
        found = await super().get(organization_id, classifier_id)
        visible = await self._visible(organization_id, [found] if found is not None else [])
        return visible[0] if visible else None

    async def _visible(
        self, organization_id: UUID, classifiers: Sequence[Classifier]
    ) -> list[Classifier]:
        named = {route.schema_id for each in classifiers for route in each.routes}
        inside = await self._schemas.by_ids(organization_id, list(named))
        return [
            each for each in classifiers if all(route.schema_id in inside for route in each.routes)
        ]


class ScopedExtractionJobs(ExtractionJobs):
    """Jobs of the schemas of a scope."""

    def __init__(self, whole: ExtractionJobs, schemas: ScopedExtractionSchemas) -> None:
        super().__init__(whole._database, whole._wake)
        self._schemas = schemas

    async def by_ids(
        self, organization_id: UUID, job_ids: Sequence[UUID]
    ) -> dict[UUID, ExtractionJob]:
        found = await super().by_ids(organization_id, job_ids)
        inside = set(await self._visible(organization_id) or ())
        return {job_id: job for job_id, job in found.items() if job.schema_id in inside}

    async def _visible(self, organization_id: UUID) -> Sequence[UUID] | None:
        return [each.id for each in await self._schemas.list_all(organization_id)]


class ScopedFiles(Files):
    """The files that the key itself uploaded."""

    def __init__(self, whole: Files, actor: str) -> None:
        super().__init__(whole._database, whole._store)
        self._actor = actor

    async def get(self, organization_id: UUID, file_id: UUID) -> File | None:
        file = await super().get(organization_id, file_id)
        return file if file is not None and file.created_by == self._actor else None

    async def by_ids(self, organization_id: UUID, file_ids: Sequence[UUID]) -> dict[UUID, File]:
        found = await super().by_ids(organization_id, file_ids)
        return {id_: file for id_, file in found.items() if file.created_by == self._actor}

    async def page(
        self, organization_id: UUID, search: str | None, after: UUID | None, limit: int
    ) -> Sequence[File]:
        own = col(FileRow.created_by) == self._actor
        return await self._page(organization_id, search, after, limit, own)

    async def delete(self, organization_id: UUID, file_id: UUID) -> bool:
        if await self.get(organization_id, file_id) is None:
            return False
        return await super().delete(organization_id, file_id)


class ScopedImports(Imports):
    """Imports into the tables of a scope."""

    def __init__(self, whole: Imports, tables: ScopedTables) -> None:
        super().__init__(whole._database, whole._wake)
        self._tables = tables

    async def get(self, organization_id: UUID, import_id: UUID) -> Import | None:
        run = await super().get(organization_id, import_id)
        if run is None or await self._tables.shape(organization_id, run.table_id) is None:
            return None
        return run

    async def rejections(
        self, organization_id: UUID, import_id: UUID, after_line: int, limit: int
    ) -> list[ImportRejection]:
        if await self.get(organization_id, import_id) is None:
            return []
        return await super().rejections(organization_id, import_id, after_line, limit)
