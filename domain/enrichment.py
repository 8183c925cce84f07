"""Enrichment: filling a column where it is empty, by a plan of questions. It is carried out as a
run of tools, so that everything that holds for runs holds for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from domain import access, checks, filters, ids, numbers
from domain.access import Viewer
from domain.columns import Column, ColumnType, ComputedBy, TableShape
from domain.enrichment_plans import (
    follow_plan,
    given_problems,
    make_plan,
    plan_json,
    tool_of_plan,
)
from domain.enrichment_records import (
    MAX_BATCH,
    MAX_NAME,
    MAX_PROFILE,
    MAX_PROMPT,
    MAX_RUNS,
    MAX_TARGET,
    MAX_VARIABLE,
    TARGET_TYPES,
    Enrichment,
    EnrichmentRequest,
    EnrichmentStart,
    NewEnrichment,
    Plan,
    PromptMode,
)
from domain.entities import UNSET
from domain.errors import ErrorCode, NotFound, Problem, invalid
from domain.filters import Operator, RawAll, RawCondition, RawWhere
from domain.ports import Storage
from domain.run_records import CellsRun, RunMode, Selection
from domain.runs import run_columns, run_problems, start_run
from domain.selection import OffsetPage, RowPart, RowSelection, RowsQuery
from domain.tables import on_table, project_problems

#: Rows whose values a plan shows.
SAMPLES = 2
_SAMPLE = RowSelection((("id", RowPart.ID), ("data", RowPart.DATA)))


@dataclass(frozen=True, slots=True)
class _Eligible:
    """How many rows are to be filled, and the first of them."""

    count: int
    samples: Sequence[Mapping[str, Any]]


async def plan_enrichment(viewer: Viewer, storage: Storage, request: EnrichmentRequest) -> Plan:
    """How a column would be filled. Nothing is written, and no model asked.

    Raises `NotFound`, and `Invalid` with every problem."""
    access.require(viewer, "enrichmentPlan")
    checks.refuse(_request_problems(request))

    async def work(shape: TableShape) -> Plan:
        column = _target(shape, request.target)
        found = await _eligible(storage, shape, request)
        plan = make_plan(request, column)
        return replace(plan, eligible_rows=found.count, sample_bindings=found.samples)

    return await on_table(viewer, storage, request.table_id, work)


async def start_enrichment(
    viewer: Viewer, storage: Storage, command: EnrichmentStart
) -> Enrichment:
    """Fill a column in all rows that match and are empty there, by the client's plan or the one
    that would be made. Rows that another run is at are passed over.

    Raises `NotFound`, and `Invalid` with every problem."""
    access.require(viewer, "enrichmentStart")
    request = command.request
    problems = _request_problems(request)
    problems += checks.text_problems("workflowName", command.name, 1, MAX_NAME)
    if command.project_id is not UNSET and isinstance(command.project_id, UUID):
        problems += await project_problems(viewer, storage, command.project_id)
    checks.refuse(problems)
    enrichment_id, run_id = ids.new_id(ids.Kind.ENRICHMENT), ids.new_id(ids.Kind.RUN)

    async def work(shape: TableShape) -> tuple[CellsRun, NewEnrichment]:
        return await _prepare(viewer, storage, shape, command, enrichment_id, run_id)

    run, new = await on_table(viewer, storage, request.table_id, work)
    await storage.enrichments.create(viewer.organization_id, viewer.actor, new)
    await start_run(viewer, storage, run)
    return await _existing(viewer, storage, enrichment_id)


async def get_enrichment(viewer: Viewer, storage: Storage, enrichment_id: UUID) -> Enrichment:
    """An enrichment with its run. Raises `NotFound`."""
    access.require(viewer, "enrichment")
    return await _existing(viewer, storage, enrichment_id)


async def list_enrichments(
    viewer: Viewer, storage: Storage, table_id: UUID, before: UUID | None, limit: int
) -> list[Enrichment]:
    """Enrichments of a table, the newest first; 1 to 10. Raises `NotFound` and `Invalid`."""
    access.require(viewer, "enrichmentRuns")
    if not 1 <= limit <= MAX_RUNS:
        raise invalid(ErrorCode.OUT_OF_RANGE, f"first must be 1 to {MAX_RUNS}", "first")
    if await storage.tables.get(viewer.organization_id, table_id) is None:
        raise NotFound("Table")
    return await storage.enrichments.of_table(viewer.organization_id, table_id, before, limit)


async def _prepare(
    viewer: Viewer,
    storage: Storage,
    shape: TableShape,
    command: EnrichmentStart,
    enrichment_id: UUID,
    run_id: UUID,
) -> tuple[CellsRun, NewEnrichment]:
    """The checked run, and the enrichment as it will be stored."""
    request = command.request
    column = _target(shape, request.target)
    if command.plan is None:
        plan = make_plan(request, column)
    else:
        checks.refuse(given_problems(command.plan, request, column))
        plan = follow_plan(command.plan, request, column)
    found = await _eligible(storage, shape, request)
    plan = replace(plan, eligible_rows=found.count)
    table = await storage.tables.get(viewer.organization_id, shape.id)
    if table is None:
        raise NotFound("Table")
    name = command.name or f"Enrich {table.name} · {column.label}"[:MAX_NAME]
    project = command.project_id
    keys = [each.key for each in shape.columns]
    papers = {each.key for each in shape.columns if each.type is ColumnType.FILE}
    run = CellsRun(
        shape.id,
        [column.key],
        Selection(_raw_eligible(request)),
        RunMode.ALL,
        command.budget,
        name=name,
        tool=tool_of_plan(plan, column, keys, request.variable, papers),
        id=run_id,
        batch_rows=min(request.batch_size, MAX_BATCH),
    )
    checks.refuse(run_problems(run))
    await run_columns(viewer, storage, shape, run)
    new = NewEnrichment(
        enrichment_id,
        run_id,
        project if isinstance(project, UUID) or project is None else table.project_id,
        shape.id,
        column.number,
        name,
        plan_json(plan),
        found.count,
    )
    return run, new


def _request_problems(request: EnrichmentRequest) -> list[Problem]:
    """What is wrong with a request whatever the table is."""
    problems = checks.required_text_problems("targetColumn", request.target, MAX_TARGET)
    problems += checks.text_problems("prompt", request.prompt, 0, MAX_PROMPT)
    problems += checks.text_problems("agentProfile", request.agent_profile, 1, MAX_PROFILE)
    problems += checks.text_problems("itemVariable", request.variable, 1, MAX_VARIABLE)
    if request.batch_size < 1:
        message = "batchSize must be at least 1"
        problems.append(Problem(ErrorCode.OUT_OF_RANGE, message, ("batchSize",)))
    if request.mode is PromptMode.CUSTOM and not (request.prompt or "").strip():
        message = "prompt is required in the mode custom"
        problems.append(Problem(ErrorCode.REQUIRED, message, ("prompt",)))
    return problems


def _target(shape: TableShape, key: str) -> Column:
    """The column to fill. Raises `Invalid` for one that cannot be filled."""
    column = shape.columns_by_key.get(key)
    if column is None:
        message = f'Column "{key}" does not exist on table {shape.id}'
        raise invalid(ErrorCode.UNKNOWN_COLUMN, message, "targetColumn")
    if column.type not in TARGET_TYPES:
        message = f'Column "{key}" has the unsupported data type "{column.type}"'
        raise invalid(ErrorCode.INVALID_TYPE, message, "targetColumn")
    if column.computed_by is ComputedBy.EXTERNAL:
        message = f'Column "{key}" is filled by an outside worker'
        raise invalid(ErrorCode.INVALID, message, "targetColumn")
    return column


def _is_empty(target: str) -> RawWhere:
    return RawWhere(target, Operator.IS_EMPTY.value, has_value=False)


def _raw_eligible(request: EnrichmentRequest) -> RawCondition:
    empty = _is_empty(request.target)
    return empty if request.filter is None else RawAll([request.filter, empty])


async def _eligible(storage: Storage, shape: TableShape, request: EnrichmentRequest) -> _Eligible:
    """Rows that match and are empty in the target: false and 0 are values. Raises `Invalid`."""
    if request.filter is not None:
        filters.bind(shape, request.filter)  # so that faults have the client's paths
    bound = filters.bind(shape, _raw_eligible(request))
    query = RowsQuery(_SAMPLE, OffsetPage(SAMPLES, 0), bound, wants_total=True)
    page = await storage.rows.page(shape, query)
    rows = [numbers.loads(each) for each in page.rows if isinstance(each, str)]
    samples = [{"id": row["id"], **row["data"]} for row in rows]
    return _Eligible(page.total or 0, samples)


async def _existing(viewer: Viewer, storage: Storage, enrichment_id: UUID) -> Enrichment:
    found = await storage.enrichments.get(viewer.organization_id, enrichment_id)
    if found is None:
        raise NotFound("Enrichment")
    return found
