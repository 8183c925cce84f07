"""Every use case: a role that is too low is refused, and what belongs to others does not exist."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain import (
    aggregates,
    cell_counts,
    cell_reports,
    charts,
    column_editing,
    column_types,
    enrichment,
    exports,
    files,
    firings,
    history,
    import_errors,
    imports,
    keys,
    links,
    named_secrets,
    projects,
    providers,
    rollbacks,
    row_batches,
    rows,
    run_previews,
    run_rows,
    runs,
    tables,
    tasks,
    templates,
    tool_programs,
    triggers,
    watching,
    webhook_deliveries,
    webhook_verification,
    webhooks,
    workflow_runs,
    workflows,
)
from domain.access import OPERATIONS, Role, Viewer
from domain.aggregation import Function, RawAggregation, RawMetric, bind_aggregation
from domain.cell_reports import CellsReport, RawReport
from domain.chart_records import ChartCreate, ChartUpdate
from domain.column_type_records import ColumnTypeChange
from domain.columns import ColumnType, ComputedBy, NewColumn
from domain.enrichment_records import EnrichmentRequest, EnrichmentStart
from domain.entities import ColumnUpdate, ProjectCreate, TableCreate, TableSearch, TableUpdate
from domain.errors import Conflict, Forbidden, Invalid, NotFound
from domain.export_formats import ExportFormat
from domain.exports import ExportRequest
from domain.files import FileSearch, FileUpload
from domain.history_records import AsOf, HistoryQuery
from domain.imports import ImportStart
from domain.keys import ApiKeyCreate
from domain.paging import page_request
from domain.provider_records import (
    ProviderCheck,
    ProviderCreate,
    ProviderKind,
    ProviderUpdate,
    SecretSet,
)
from domain.rollbacks import RowsRollback
from domain.rows import NewRow, RowChange, RowsAdd, RowsUpdate
from domain.run_previews import RunPreview
from domain.run_records import CellsRun
from domain.selection import RowsQuery
from domain.system_templates import SYSTEM_TEMPLATES
from domain.task_records import TaskCreate, TaskSearch, TaskUpdate
from domain.template_records import TemplateScope, TemplateSearch, template_json
from domain.templates import TableFromTemplate, TemplateSave
from domain.tool_records import AiTool
from domain.tools import make_tool
from domain.trigger_records import (
    ActionType,
    FiringStatus,
    TriggerCreate,
    TriggerEvent,
    TriggerUpdate,
)
from domain.webhook_records import ReplayCreate, WebhookCreate, WebhookUpdate
from domain.workflow_records import WorkflowCreate, WorkflowSearch, WorkflowUpdate
from persistence.blobs import Blobs
from persistence.secret_box import SecretBox
from persistence.storage import PostgresStorage
from processing.documents.reading import DocumentReader
from processing.documents.source import StoredDocuments
from processing.sandbox import PythonSandbox
from tests.domain import extraction_calls
from tests.domain.extraction_calls import OwnedExtraction, own_extraction
from tests.history.running import queued
from tests.rules.source import sources_of
from tests.rules.test_rights import use_cases
from tests.runs.running import CountingTools
from tests.worlds import World, open_world


@dataclass(frozen=True)
class Owned:
    """What the first organisation owns."""

    project: UUID
    table: UUID
    column: UUID
    session: UUID
    row: UUID
    file: UUID
    run: UUID
    key: UUID
    chart: UUID
    template: UUID
    trigger: UUID
    firing: UUID
    task: UUID
    workflow: UUID
    workflow_run: UUID
    rollback: UUID
    cell_run: UUID
    enrichment: UUID
    provider: UUID
    webhook: UUID
    delivery: UUID
    replay: UUID
    extraction: OwnedExtraction


Call = Callable[[Viewer, PostgresStorage, Owned], Awaitable[Any]]


class _Tester:
    """Asks nobody."""

    async def check(self, organization_id: UUID, name: str) -> ProviderCheck:
        return ProviderCheck(None, 0)


async def _chunks() -> AsyncIterator[bytes]:
    yield b"name\nx\n"


async def _tasks(v: Viewer, s: PostgresStorage, _owned: Owned) -> list[Any]:
    return list((await tasks.list_tasks(v, s, TaskSearch(), None, 9)).tasks)


async def _task_count(v: Viewer, s: PostgresStorage, _owned: Owned) -> list[Any]:
    return [1] * await tasks.count_tasks(v, s, TaskSearch())


async def _workflows(v: Viewer, s: PostgresStorage, _owned: Owned) -> list[Any]:
    return list((await workflows.list_workflows(v, s, WorkflowSearch(), None, 9)).workflows)


async def _workflow_count(v: Viewer, s: PostgresStorage, _owned: Owned) -> list[Any]:
    return [1] * await workflows.count_workflows(v, s, WorkflowSearch())


def _run(table_id: UUID) -> CellsRun:
    """A run that brings its own tool."""
    return CellsRun(table_id, ["name"], tool=make_tool(AiTool("{{worker}}")))


def _query(_shape: object) -> RowsQuery:
    return RowsQuery(selection=None, page=page_request(maximum=10))


_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
STEPS = {
    "pattern": "sequence",
    "steps": [{"id": "a", "kind": "task_create", "title": "T"}],
}

_CHART = {"type": "bar", "xColumn": "name", "aggregation": "count"}
_COUNT = RawAggregation(metrics=[RawMetric(Function.COUNT)])

#: One call a use case, by the function's name. Lists are told apart: they answer, but with nothing.
CALLS: dict[str, Call] = {
    "list_projects": lambda v, s, o: projects.list_projects(v, s),
    "get_project": lambda v, s, o: projects.get_project(v, s, o.project),
    "create_project": lambda v, s, o: projects.create_project(v, s, ProjectCreate("P")),
    "list_tables": lambda v, s, o: tables.list_tables(v, s, TableSearch()),
    "get_table": lambda v, s, o: tables.get_table(v, s, o.table),
    "create_table": lambda v, s, o: tables.create_table(
        v, s, TableCreate("T", project_id=o.project)
    ),
    "update_table": lambda v, s, o: tables.update_table(v, s, o.table, TableUpdate(name="N")),
    "delete_table": lambda v, s, o: tables.delete_table(v, s, o.table),
    "open_export": lambda v, s, o: exports.open_export(
        v, s, ExportRequest(o.table, ExportFormat.CSV)
    ),
    "check_programs": lambda v, s, o: tool_programs.check_programs(v, PythonSandbox(), {}),
    "create_session": lambda v, s, o: tables.create_session(v, s, o.table, None),
    "add_column": lambda v, s, o: column_editing.add_column(
        v, s, o.table, NewColumn("new", "New", ColumnType.TEXT)
    ),
    "update_column": lambda v, s, o: column_editing.update_column(
        v, s, o.table, o.column, ColumnUpdate(label="L")
    ),
    "delete_column": lambda v, s, o: column_editing.delete_column(v, s, o.table, o.column),
    "preview_column_type": lambda v, s, o: column_types.preview_column_type(
        v, s, o.table, ColumnTypeChange(o.column, ColumnType.JSON)
    ),
    "change_column_type": lambda v, s, o: column_types.change_column_type(
        v, s, o.table, ColumnTypeChange(o.column, ColumnType.JSON)
    ),
    "restore_column": lambda v, s, o: column_types.restore_column(v, s, o.table, o.column, None),
    "deleted_columns": lambda v, s, o: column_types.deleted_columns(v, s, o.table),
    "reorder_columns": lambda v, s, o: column_editing.reorder_columns(
        v, s, o.table, [str(o.column)]
    ),
    "create_index": lambda v, s, o: column_editing.create_index(v, s, o.table, o.column),
    "read_rows": lambda v, s, o: rows.read_rows(v, s, o.table, _query),
    "read_rows_by_id": lambda v, s, o: rows.read_rows_by_id(v, s, o.table, [o.row], lambda _: None),
    "read_linked_from": lambda v, s, o: links.read_linked_from(
        v, s, o.table, "link", [o.row], _query
    ),
    "aggregate_rows": lambda v, s, o: aggregates.aggregate_rows(
        v, s, o.table, lambda shape: bind_aggregation(shape, _COUNT)
    ),
    "count_cells": lambda v, s, o: cell_counts.count_cells(v, s, o.table, None),
    "list_charts": lambda v, s, o: charts.list_charts(v, s, o.table),
    "get_chart": lambda v, s, o: charts.get_chart(v, s, o.chart),
    "create_chart": lambda v, s, o: charts.create_chart(v, s, ChartCreate(o.table, "C", _CHART)),
    "update_chart": lambda v, s, o: charts.update_chart(v, s, o.chart, ChartUpdate(name="N")),
    "chart_state": lambda v, s, o: charts.chart_state(v, s, o.chart),
    "watch_chart": lambda v, s, o: charts.watch_chart(v, s, o.chart),
    "delete_chart": lambda v, s, o: charts.delete_chart(v, s, o.chart),
    "add_rows": lambda v, s, o: rows.add_rows(v, s, RowsAdd(o.table, [NewRow({})])),
    "add_good_rows": lambda v, s, o: row_batches.add_good_rows(
        v, s, RowsAdd(o.table, [NewRow({})])
    ),
    "update_good_rows": lambda v, s, o: row_batches.update_good_rows(
        v, s, RowsUpdate(o.table, [RowChange(o.row, {})], "merge")
    ),
    "update_rows": lambda v, s, o: rows.update_rows(
        v, s, RowsUpdate(o.table, [RowChange(o.row, {})], "merge")
    ),
    "delete_rows": lambda v, s, o: rows.delete_rows(v, s, o.table, [o.row]),
    "report_cells": lambda v, s, o: cell_reports.report_cells(
        v, s, CellsReport(o.table, [RawReport(str(o.row), "worker", "queued")])
    ),
    "start_run": lambda v, s, o: runs.start_run(v, s, CellsRun(o.table)),
    "read_run": lambda v, s, o: runs.read_run(v, s, o.cell_run),
    "run_progress": lambda v, s, o: runs.run_progress(v, s, o.cell_run),
    "runs_of_table": lambda v, s, o: runs.runs_of_table(v, s, o.table),
    "failed_cells": lambda v, s, o: runs.failed_cells(v, s, o.cell_run),
    "preview_run": lambda v, s, o: run_previews.preview_run(
        v, s, CountingTools(), RunPreview(o.table, "name", _run(o.table).tool)
    ),
    "estimate_run": lambda v, s, o: run_previews.estimate_run(v, s, CountingTools(), _run(o.table)),
    "pause_run": lambda v, s, o: runs.pause_run(v, s, o.cell_run),
    "resume_run": lambda v, s, o: runs.resume_run(v, s, o.cell_run),
    "stop_run": lambda v, s, o: runs.stop_run(v, s, o.cell_run),
    "retry_run": lambda v, s, o: runs.retry_run(v, s, o.cell_run),
    "add_rows_and_run": lambda v, s, o: run_rows.add_rows_and_run(
        v, s, RowsAdd(o.table, [NewRow({})])
    ),
    "fill_rows": lambda v, s, o: run_rows.fill_rows(v, s, o.table, [o.row]),
    "update_rows_and_run": lambda v, s, o: run_rows.update_rows_and_run(
        v, s, RowsUpdate(o.table, [RowChange(o.row, {})], "merge")
    ),
    "upload_file": lambda v, s, o: files.upload_file(v, s, FileUpload("a.csv", _chunks())),
    "get_file": lambda v, s, o: files.get_file(v, s, o.file),
    "read_file": lambda v, s, o: files.read_file(v, s, o.file),
    "delete_file": lambda v, s, o: files.delete_file(v, s, o.file),
    "begin_upload": lambda v, s, o: files.begin_upload(v, s, "a.pdf"),
    "list_files": lambda v, s, o: files.list_files(v, s, FileSearch()),
    "draw_page": lambda v, s, o: files.draw_page(
        v, s, StoredDocuments(s.files, DocumentReader()), o.file, 1
    ),
    "preview_import": lambda v, s, o: imports.preview_import(v, s, o.table, o.file),
    "start_import": lambda v, s, o: imports.start_import(v, s, ImportStart(o.table, o.file)),
    "get_import": lambda v, s, o: imports.get_import(v, s, o.run),
    "import_progress": lambda v, s, o: imports.import_progress(v, s, o.run),
    "plan_enrichment": lambda v, s, o: enrichment.plan_enrichment(
        v, s, EnrichmentRequest(o.table, "name")
    ),
    "start_enrichment": lambda v, s, o: enrichment.start_enrichment(v, s, _enrichment(o.table)),
    "get_enrichment": lambda v, s, o: enrichment.get_enrichment(v, s, o.enrichment),
    "list_enrichments": lambda v, s, o: enrichment.list_enrichments(v, s, o.table, None, 5),
    "watch_table": lambda v, s, o: watching.watch_table(v, s, o.table),
    "watch_cells": lambda v, s, o: watching.watch_cells(v, s, o.table),
    "watch_organization": lambda v, s, o: watching.watch_organization(v),
    "import_rejections": lambda v, s, o: imports.import_rejections(v, s, o.run),
    "import_error_file": lambda v, s, o: import_errors.import_error_file(v, s, o.run),
    "finished_import": lambda v, s, o: imports.finished_import(v, s, o.run),
    "cancel_import": lambda v, s, o: imports.cancel_import(v, s, o.run),
    "resume_import": lambda v, s, o: imports.resume_import(v, s, o.run),
    "read_history": lambda v, s, o: history.read_history(v, s, o.table, HistoryQuery(10)),
    "revision_as_of": lambda v, s, o: history.revision_as_of(v, s, o.table, AsOf(1)),
    "diff_rows": lambda v, s, o: history.diff_rows(v, s, o.table, AsOf(1), None, 10),
    "roll_back_row": lambda v, s, o: rollbacks.roll_back_row(v, s, o.row, 1),
    "roll_back_cell": lambda v, s, o: rollbacks.roll_back_cell(v, s, o.row, "name", 1),
    "restore_row": lambda v, s, o: rollbacks.restore_row(v, s, o.row),
    "roll_back_rows": lambda v, s, o: rollbacks.roll_back_rows(v, s, RowsRollback(o.table, 1)),
    "roll_back_import": lambda v, s, o: rollbacks.roll_back_import(v, s, o.run),
    "roll_back_run": lambda v, s, o: rollbacks.roll_back_run(v, s, o.cell_run),
    "roll_back_actor": lambda v, s, o: rollbacks.roll_back_actor(v, s, o.table, "x", _LONG_AGO),
    "get_rollback": lambda v, s, o: rollbacks.get_rollback(v, s, o.rollback),
    "rollback_conflicts": lambda v, s, o: rollbacks.rollback_conflicts(v, s, o.rollback, None, 10),
    "list_templates": lambda v, s, o: templates.list_templates(
        v, s, TemplateSearch(scope=TemplateScope.USER)
    ),
    "get_template": lambda v, s, o: templates.get_template(v, s, o.template),
    "save_template": lambda v, s, o: templates.save_template(v, s, TemplateSave(o.table, "T")),
    "import_template": lambda v, s, o: templates.import_template(
        v, s, template_json(SYSTEM_TEMPLATES[0])
    ),
    "delete_template": lambda v, s, o: templates.delete_template(v, s, o.template),
    "create_from_template": lambda v, s, o: templates.create_from_template(
        v, s, TableFromTemplate(o.template, "T")
    ),
    "list_triggers": lambda v, s, o: triggers.list_triggers(v, s, o.table),
    "get_trigger": lambda v, s, o: triggers.get_trigger(v, s, o.trigger),
    "create_trigger": lambda v, s, o: triggers.create_trigger(
        v, s, TriggerCreate(o.table, "T", TriggerEvent.ROW_ADDED, ActionType.CREATE_TASK, {})
    ),
    "update_trigger": lambda v, s, o: triggers.update_trigger(
        v, s, o.trigger, TriggerUpdate(name="N")
    ),
    "delete_trigger": lambda v, s, o: triggers.delete_trigger(v, s, o.trigger),
    "list_firings": lambda v, s, o: firings.list_firings(v, s, o.trigger, None, None, 9),
    "count_firings": lambda v, s, o: firings.count_firings(v, s, o.trigger, None),
    "get_firing": lambda v, s, o: firings.get_firing(v, s, o.firing),
    "replay_firing": lambda v, s, o: firings.replay_firing(v, s, o.firing),
    "replay_firings": lambda v, s, o: firings.replay_firings(
        v, s, o.trigger, {FiringStatus.FAILED}
    ),
    "get_task": lambda v, s, o: tasks.get_task(v, s, o.task),
    "list_tasks": _tasks,
    "count_tasks": _task_count,
    "create_task": lambda v, s, o: tasks.create_task(v, s, TaskCreate("T", project_id=o.project)),
    "update_task": lambda v, s, o: tasks.update_task(v, s, o.task, TaskUpdate(title="N")),
    "get_workflow": lambda v, s, o: workflows.get_workflow(v, s, o.workflow),
    "list_workflows": _workflows,
    "count_workflows": _workflow_count,
    "create_workflow": lambda v, s, o: workflows.create_workflow(
        v, s, WorkflowCreate("W", STEPS, project_id=o.project)
    ),
    "update_workflow": lambda v, s, o: workflows.update_workflow(
        v, s, o.workflow, WorkflowUpdate(name="N")
    ),
    "pause_workflow": lambda v, s, o: workflows.pause_workflow(v, s, o.workflow),
    "resume_workflow": lambda v, s, o: workflows.resume_workflow(v, s, o.workflow),
    "start_workflow": lambda v, s, o: workflow_runs.start_workflow(v, s, o.workflow, {}),
    "get_run": lambda v, s, o: workflow_runs.get_run(v, s, o.workflow_run),
    "list_runs": lambda v, s, o: workflow_runs.list_runs(v, s, o.workflow, None, 9),
    "run_steps": lambda v, s, o: workflow_runs.run_steps(v, s, o.workflow_run),
    "watch_runs": lambda v, s, o: workflow_runs.watch_runs(v, s, o.workflow),
    "cancel_run": lambda v, s, o: workflow_runs.cancel_run(v, s, o.workflow_run),
    "replay_run": lambda v, s, o: workflow_runs.replay_run(v, s, o.workflow_run),
    "delete_workflow": lambda v, s, o: workflows.delete_workflow(v, s, o.workflow),
    "list_keys": lambda v, s, o: keys.list_keys(v, s),
    "create_key": lambda v, s, o: keys.create_key(v, s, ApiKeyCreate("K", Role.VIEWER)),
    "revoke_key": lambda v, s, o: keys.revoke_key(v, s, o.key),
    "list_providers": lambda v, s, o: providers.list_providers(v, s),
    "get_provider": lambda v, s, o: providers.get_provider(v, s, "mine"),
    "create_provider": lambda v, s, o: providers.create_provider(
        v, s, ProviderCreate("new", ProviderKind.OPENAI, "m", api_key="k")
    ),
    "update_provider": lambda v, s, o: providers.update_provider(
        v, s, o.provider, ProviderUpdate(model="n")
    ),
    "check_provider": lambda v, s, o: providers.check_provider(v, s, _Tester(), o.provider),
    "delete_provider": lambda v, s, o: providers.delete_provider(v, s, o.provider),
    "list_secrets": lambda v, s, o: named_secrets.list_secrets(v, s),
    "set_secret": lambda v, s, o: named_secrets.set_secret(v, s, SecretSet("S", "x", ["a.test"])),
    "delete_secret": lambda v, s, o: named_secrets.delete_secret(v, s, "MINE"),
    "list_webhooks": lambda v, s, o: webhooks.list_webhooks(v, s),
    "get_webhook": lambda v, s, o: webhooks.get_webhook(v, s, o.webhook),
    "create_webhook": lambda v, s, o: webhooks.create_webhook(v, s, _webhook(o.table)),
    "update_webhook": lambda v, s, o: webhooks.update_webhook(
        v, s, o.webhook, WebhookUpdate(description="D")
    ),
    "rotate_webhook_secret": lambda v, s, o: webhooks.rotate_webhook_secret(v, s, o.webhook),
    "list_deliveries": lambda v, s, o: webhook_deliveries.list_deliveries(
        v, s, o.webhook, None, None, 9
    ),
    "count_deliveries": lambda v, s, o: webhook_deliveries.count_deliveries(v, s, o.webhook, None),
    "get_delivery": lambda v, s, o: webhook_deliveries.get_delivery(v, s, o.delivery),
    "get_replay": lambda v, s, o: webhook_deliveries.get_replay(v, s, o.replay),
    "retry_delivery": lambda v, s, o: webhook_deliveries.retry_delivery(v, s, o.delivery),
    "disable_webhook": lambda v, s, o: webhooks.disable_webhook(v, s, o.webhook),
    # After the one before: without a worker nobody answers.
    "ping_webhook": lambda v, s, o: webhook_deliveries.ping_webhook(v, s, o.webhook),
    "verify_webhook": lambda v, s, o: webhook_verification.verify_webhook(v, s, o.webhook),
    "enable_webhook": lambda v, s, o: webhooks.enable_webhook(v, s, o.webhook),
    "replay_webhook": lambda v, s, o: webhook_deliveries.replay_webhook(
        v, s, o.webhook, ReplayCreate(o.table, 1, 1)
    ),
    "delete_webhook": lambda v, s, o: webhooks.delete_webhook(v, s, o.webhook),
    **extraction_calls.CALLS,
}
EMPTY_FOR_OTHERS = {
    "list_files",
    "list_projects",
    "list_tables",
    "list_keys",
    "import_rejections",
    "rollback_conflicts",
    "list_templates",
    "list_tasks",
    "count_tasks",
    "list_workflows",
    "count_workflows",
    "list_providers",
    "list_secrets",
    "list_webhooks",
    *extraction_calls.EMPTY_FOR_OTHERS,
}
#: What names others' things in its input, with what it says.
NAMES_OTHERS = {"create_webhook": "Table not found", **extraction_calls.NAMES_OTHERS}
IN_A_PROJECT = {"create_table", "create_task", "create_workflow"}
OWN_THINGS_ONLY = {
    "create_project",
    "import_template",
    "upload_file",
    "begin_upload",
    "check_programs",
    "create_key",
    "create_provider",
    "set_secret",
    "watch_organization",
}


@pytest.fixture(scope="module", autouse=True)
def forgotten() -> Iterator[None]:
    """The parsed use cases are many objects, which would make later tests slower."""
    yield
    sources_of.cache_clear()


@asynccontextmanager
async def _open_world(postgres_url: str, folder: Path) -> AsyncIterator[World]:
    async with open_world(postgres_url) as opened:
        blobs, box = Blobs.open(folder), SecretBox([bytes(32)])
        opened.storage = PostgresStorage(opened.database, lambda *_: None, blobs, box)
        yield opened


@pytest.fixture(scope="module")
async def world(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    async with _open_world(postgres_url, tmp_path_factory.mktemp("files")) as opened:
        yield opened


@pytest.fixture(scope="module")
async def owned(world: World) -> Owned:
    """What others may not see, whatever they try."""
    return await _owned(world)


@pytest.fixture(scope="module")
async def other(postgres_url: str) -> AsyncIterator[World]:
    """Another organisation."""
    async with open_world(postgres_url, "Other") as opened:
        yield opened


async def _owned(world: World) -> Owned:
    viewer, storage = world.viewer, world.storage
    project = await projects.create_project(viewer, storage, ProjectCreate("Mine"))
    table_id = await world.table(
        "name",
        NewColumn("worker", "W", ColumnType.TEXT, computed_by=ComputedBy.EXTERNAL),
        NewColumn("link", "L", ColumnType.RELATION),
    )
    shape = await world.shape(table_id)
    [row] = await world.add(table_id, {"name": "x"})
    file = await files.upload_file(viewer, storage, FileUpload("a.csv", _chunks()))
    run = await imports.start_import(viewer, storage, ImportStart(table_id, file.id))
    key = await keys.create_key(viewer, storage, ApiKeyCreate("K", Role.VIEWER))
    chart = await charts.create_chart(viewer, storage, ChartCreate(table_id, "C", _CHART))
    template = await templates.save_template(viewer, storage, TemplateSave(table_id, "T"))
    webhook = await webhooks.create_webhook(viewer, storage, _webhook(table_id))
    trigger, firing = await _fired(world, table_id)
    told = await webhook_deliveries.list_deliveries(
        viewer, storage, webhook.webhook.id, None, None, 1
    )
    replay = await webhook_deliveries.replay_webhook(
        viewer, storage, webhook.webhook.id, ReplayCreate(table_id, 1, 1)
    )
    task = await tasks.create_task(viewer, storage, TaskCreate("T"))
    workflow = await workflows.create_workflow(viewer, storage, WorkflowCreate("W", STEPS))
    workflow_run = await workflow_runs.start_workflow(viewer, storage, workflow.id, {})
    provider = await providers.create_provider(
        viewer, storage, ProviderCreate("mine", ProviderKind.OPENAI, "m", api_key="k")
    )
    await named_secrets.set_secret(viewer, storage, SecretSet("MINE", "x", ["a.test"]))
    return Owned(
        project.id,
        table_id,
        shape.columns[0].id,
        shape.first_session_id,
        row,
        file.id,
        run.id,
        key.key.id,
        chart.id,
        template.id,
        trigger,
        firing,
        task.id,
        workflow.id,
        workflow_run.id,
        (await queued(world, table_id)).id,
        (await runs.start_run(viewer, storage, _run(table_id))).id,
        (await enrichment.start_enrichment(viewer, storage, _enrichment(table_id))).id,
        provider.id,
        webhook.webhook.id,
        told.deliveries[0].id,
        replay.id,
        await own_extraction(world, table_id),
    )


def _enrichment(table_id: UUID) -> EnrichmentStart:
    return EnrichmentStart(EnrichmentRequest(table_id, "name"))


def _webhook(table_id: UUID) -> WebhookCreate:
    return WebhookCreate("https://hooks.example/in", ["row.created"], [table_id])


async def _fired(world: World, table_id: UUID) -> tuple[UUID, UUID]:
    """A trigger of the table and a firing of it."""
    command = TriggerCreate(table_id, "T", TriggerEvent.ROW_ADDED, ActionType.CREATE_TASK, {})
    trigger = await triggers.create_trigger(world.viewer, world.storage, command)
    await world.add(table_id, {"name": "y"})
    while (await world.storage.relay.step()).more:
        pass
    page = await firings.list_firings(world.viewer, world.storage, trigger.id, None, None, 1)
    return trigger.id, page.firings[0].id


def test_no_use_case_is_left_out() -> None:
    assert {function.name for _, function in use_cases()} == set(CALLS)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR])
async def test_a_low_role_is_refused_before_anything_else(
    postgres_url: str, tmp_path: Path, role: Role
) -> None:
    refused = set()
    async with _open_world(postgres_url, tmp_path) as world:
        owned = await _owned(world)
        low = Viewer(world.viewer.organization_id, role)
        for name, call in CALLS.items():
            try:
                await call(low, world.storage, owned)
            except Forbidden as error:
                refused.add(error.operation)
            except (Conflict, Invalid, NotFound):
                assert role is not Role.VIEWER, name
    rank = [Role.VIEWER, Role.EDITOR, Role.ADMIN].index
    asked = {operation for _, function in use_cases() for operation in _operations(function)}
    assert refused == {name for name in asked if rank(OPERATIONS[name]) > rank(role)}


def _operations(function: Any) -> list[str]:
    return [
        argument.value
        for statement in function.body
        for node in [getattr(statement, "value", None)]
        for argument in getattr(node, "args", [])[1:]
        if getattr(getattr(node, "func", None), "attr", "") == "require"
    ]


@pytest.mark.parametrize("name", sorted(set(CALLS) - OWN_THINGS_ONLY))
async def test_what_belongs_to_others_does_not_exist(owned: Owned, other: World, name: str) -> None:
    storage = PostgresStorage(other.database, lambda *_: None)
    call = CALLS[name](other.viewer, storage, owned)
    if name in EMPTY_FOR_OTHERS:
        assert await call == []
    elif name in IN_A_PROJECT:
        with pytest.raises(Invalid, match="Project not found"):
            await call
    elif name in NAMES_OTHERS:
        with pytest.raises(Invalid, match=NAMES_OTHERS[name]):
            await call
    else:
        with pytest.raises(NotFound):
            await call
