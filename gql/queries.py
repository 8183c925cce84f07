"""The root of queries."""

from typing import Annotated

import strawberry

from domain import (
    access,
    ids,
    imports,
    keys,
    projects,
    rollbacks,
    tables,
    template_records,
    templates,
)
from domain.entities import TableSearch
from domain.errors import ErrorCode, NotFound, invalid
from domain.template_records import TemplateSearch
from gql import lookups
from gql.chart_queries import ChartQueries
from gql.compiled.rows import row_selector
from gql.context import Info, given_id
from gql.enrichment_queries import EnrichmentQueries
from gql.extraction_job_queries import ExtractionJobQueries
from gql.extraction_queries import ExtractionQueries
from gql.file_queries import FileQueries
from gql.provider_queries import ProviderQueries
from gql.run_queries import RunQueries
from gql.trigger_queries import TriggerQueries
from gql.types.cells import Cell
from gql.types.imports import Import
from gql.types.keys import ApiKey
from gql.types.node import Node
from gql.types.projects import Project
from gql.types.rollbacks import Rollback
from gql.types.rows import Row, spliced_row
from gql.types.tables import Table
from gql.types.templates import Template
from gql.types.vocabulary import TableSource, TemplateCategory, TemplateScope
from gql.webhook_queries import WebhookQueries
from gql.workflow_queries import WorkflowQueries

#: Longest list of ids in `nodes`.
MAX_NODES = 100

_Id = Annotated[strawberry.ID, strawberry.argument(description="The id; null for one unknown.")]


@strawberry.type(description="What can be read.")
class Query(
    TriggerQueries,
    ChartQueries,
    WorkflowQueries,
    ProviderQueries,
    WebhookQueries,
    EnrichmentQueries,
    ExtractionQueries,
    FileQueries,
    RunQueries,
    ExtractionJobQueries,
):
    @strawberry.field(description="Every project, oldest first.")
    async def projects(self, info: Info) -> list[Project]:
        found = await projects.list_projects(info.context.viewer, info.context.storage)
        return [Project.of(project) for project in found]

    @strawberry.field(description="A project by its id.")
    async def project(self, info: Info, id: _Id) -> Project | None:
        return await lookups.find_project(info.context, id)

    @strawberry.field(description="The tables that match, the last updated first.")
    async def tables(
        self,
        info: Info,
        project_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only tables of this project.")
        ] = None,
        source: Annotated[
            TableSource | None, strawberry.argument(description="Only tables that came from here.")
        ] = None,
        search: Annotated[
            str | None,
            strawberry.argument(
                description="Only tables with this text in name or description, in any case."
            ),
        ] = None,
    ) -> list[Table]:
        project = ids.parse(project_id) if project_id is not None else None
        if project_id is not None and project is None:
            access.require(info.context.viewer, "tables")
            return []
        wanted = TableSearch(project, str(source.value) if source else None, search)
        found = await tables.list_tables(info.context.viewer, info.context.storage, wanted)
        return [Table.of(table) for table in found]

    @strawberry.field(description="A table by its id.")
    async def table(self, info: Info, id: _Id) -> Table | None:
        return await lookups.find_table(info.context, id)

    @strawberry.field(description="The templates that match, by name.")
    async def templates(
        self,
        info: Info,
        category: Annotated[
            TemplateCategory | None, strawberry.argument(description="Only templates for this.")
        ] = None,
        scope: Annotated[
            TemplateScope | None,
            strawberry.argument(description="Only those of the system, or of users."),
        ] = None,
    ) -> list[Template]:
        search = TemplateSearch(
            template_records.TemplateCategory(category.value) if category else None,
            template_records.TemplateScope(scope.value) if scope else None,
        )
        found = await templates.list_templates(info.context.viewer, info.context.storage, search)
        return [Template.of(template) for template in found]

    @strawberry.field(description="A template by its id.")
    async def template(self, info: Info, id: _Id) -> Template | None:
        try:
            found = await templates.get_template(
                info.context.viewer, info.context.storage, given_id(id)
            )
        except NotFound:
            return None
        return Template.of(found)

    @strawberry.field(description="A row by its id, whatever its table.")
    async def row(self, info: Info, id: _Id) -> Row | None:
        access.require(info.context.viewer, "row")
        row_id = ids.parse(id)
        if row_id is None:
            return None
        select = row_selector(info.context.executor, info._raw_info.field_nodes)
        found = await lookups.find_row(info.context, row_id, select)
        return spliced_row(found) if isinstance(found, str) else found

    @strawberry.field(description="A cell by its id.")
    async def cell(self, info: Info, id: _Id) -> Cell | None:
        return await lookups.find_cell(info.context, id)

    @strawberry.field(
        description="Whatever has this id: a project, table, column, row, cell or chart."
    )
    async def node(self, info: Info, id: _Id) -> Node | None:
        return await lookups.find_node(info.context, id)

    @strawberry.field(description="What has these ids, in their order; null for one unknown.")
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="At most 100 ids.")],
    ) -> list[Node | None]:
        if len(ids) > MAX_NODES:
            raise invalid(ErrorCode.TOO_MANY, f"nodes takes at most {MAX_NODES} ids", "ids")
        return await lookups.find_nodes(info.context, ids)

    @strawberry.field(name="import", description="An import by its id.")
    async def import_(self, info: Info, id: _Id) -> Import | None:
        try:
            run = await imports.get_import(info.context.viewer, info.context.storage, given_id(id))
        except NotFound:
            return None
        return Import.of(run)

    @strawberry.field(description="A rollback that runs in the background, by its id.")
    async def rollback(self, info: Info, id: _Id) -> Rollback | None:
        try:
            run = await rollbacks.get_rollback(
                info.context.viewer, info.context.storage, given_id(id)
            )
        except NotFound:
            return None
        return Rollback.of(run)

    @strawberry.field(description="Every API key, revoked ones too, oldest first. For admins.")
    async def api_keys(self, info: Info) -> list[ApiKey]:
        found = await keys.list_keys(info.context.viewer, info.context.storage)
        return [ApiKey.of(key) for key in found]
