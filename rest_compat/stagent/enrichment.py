"""Enrichment: show a plan, carry one out, list what was carried out."""

import re
from collections.abc import Awaitable
from typing import Any, TypeVar
from uuid import UUID

from pydantic import TypeAdapter
from starlette.responses import Response

from domain import enrichment, ids, tables
from domain.enrichment_records import (
    DEFAULT_RUNS,
    MAX_RUNS,
    Enrichment,
    EnrichmentRequest,
    EnrichmentStart,
    GivenPlan,
    Plan,
    PlanStep,
    PromptMode,
    Strategy,
    TargetContract,
)
from domain.entities import UNSET, Unset
from domain.errors import ErrorCode, Invalid, NotFound, invalid
from rest_compat.endpoints import Call
from rest_compat.stagent.enrichment_bodies import EnrichBody, PlanBody, PlanRequestBody
from rest_compat.stagent.errors import Listed
from rest_compat.stagent.rows import raw_where
from rest_compat.wire import Refused, json_response, moment, parse, read_body

_PLAN = TypeAdapter(PlanRequestBody)
_ENRICH = TypeAdapter(EnrichBody)
_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,20}\s*", re.ASCII)
#: What is wrong with the column is told in a text.
_OF_THE_COLUMN = frozenset({ErrorCode.UNKNOWN_COLUMN, ErrorCode.INVALID_TYPE})

Result = TypeVar("Result")


async def exists(call: Call) -> None:
    """Raises the dialect's own 404 unless the table in the path is there."""
    await _found(call, tables.get_table(call.viewer, call.storage, _table(call)))


async def plan(call: Call) -> Response:
    """What would be asked, and of how many rows."""
    given = await read_body(call.request, call.limits.body_bytes)
    request = _request(call, _listed(_PLAN, given))
    made = await _found(call, enrichment.plan_enrichment(call.viewer, call.storage, request))
    return json_response(_plan(made))


async def start(call: Call) -> Response:
    """The rows are filled in the background; the answer does not wait for them."""
    given = await read_body(call.request, call.limits.body_bytes)
    body = _listed(_ENRICH, given)
    command = EnrichmentStart(
        _request(call, body),
        _given_plan(body.plan) if body.plan is not None else None,
        body.workflowName,
        _project(body),
    )
    begun = await _found(call, enrichment.start_enrichment(call.viewer, call.storage, command))
    answer = {
        "workflowId": str(begun.id),
        "rowsQueued": begun.rows_queued,
        "rowCount": begun.rows_queued,
    }
    return json_response(answer, 202)


async def list_runs(call: Call) -> Response:
    """The newest first. A limit that is out of bounds is brought back into them."""
    table_id = call.id("id", "Table")
    text = call.query("limit") or ""
    asked = int(text) if _INTEGER.fullmatch(text) else DEFAULT_RUNS
    limit = min(max(asked, 1), MAX_RUNS)
    found = await enrichment.list_enrichments(call.viewer, call.storage, table_id, None, limit)
    return json_response([_run(each) for each in found])


def _table(call: Call) -> UUID:
    """What cannot be an id names nothing."""
    return ids.parse(call.request.path_params["id"]) or UUID(int=0)


async def _found(call: Call, work: Awaitable[Result]) -> Result:
    """What the use case gives. Its errors become those of these endpoints."""
    try:
        return await work
    except NotFound:
        raise Refused(404, f"Table {call.request.path_params['id']} not found") from None
    except Invalid as error:
        for problem in error.problems:
            if problem.path == ("targetColumn",) and problem.code in _OF_THE_COLUMN:
                raise Refused(400, problem.message) from None
        raise Listed(error.problems) from None


def _listed(adapter: TypeAdapter[Result], given: Any) -> Result:
    try:
        return parse(adapter, given)
    except Invalid as error:
        raise Listed(error.problems) from None


def _request(call: Call, body: PlanRequestBody) -> EnrichmentRequest:
    return EnrichmentRequest(
        _table(call),
        body.targetColumn,
        PromptMode(body.promptMode) if body.promptMode else None,
        body.prompt,
        raw_where(body.filter) if body.filter is not None else None,
        body.agentProfileOverride or body.agentProfile,
        body.batchSize,
        body.itemVariable,
    )


def _project(body: EnrichBody) -> UUID | Unset | None:
    if "projectId" not in body.model_fields_set:
        return UNSET
    if body.projectId is None:
        return None
    found = ids.parse(body.projectId)
    if found is None:
        problem = invalid(ErrorCode.NOT_FOUND, "Project not found", "projectId")
        raise Listed(problem.problems)
    return found


def _given_plan(body: PlanBody) -> GivenPlan:
    target = body.targetContract
    return GivenPlan(
        [
            PlanStep(step.id, step.name or step.id, step.purpose, step.prompt, step.agentProfile)
            for step in body.steps
        ],
        TargetContract(
            target.columnName, target.columnLabel, target.dataType, target.allowedOptions
        ),
        PromptMode(body.promptMode) if body.promptMode else None,
        Strategy(body.strategy) if body.strategy else None,
        body.agentProfile,
        body.reasoning,
    )


def _plan(made: Plan) -> dict[str, Any]:
    target = made.target
    contract: dict[str, Any] = {
        "columnName": target.column,
        "columnLabel": target.label,
        "dataType": target.data_type,
    }
    if target.allowed_options is not None:
        contract["allowedOptions"] = list(target.allowed_options)
    return {
        "promptMode": made.prompt_mode.value,
        "strategy": made.strategy.value,
        "agentProfile": made.agent_profile,
        "reasoning": made.reasoning,
        "steps": [
            {
                "id": step.id,
                "name": step.name,
                "purpose": step.purpose,
                "prompt": step.prompt,
                "agentProfile": step.agent_profile or made.agent_profile,
            }
            for step in made.steps
        ],
        "targetContract": contract,
        "eligibleRowCount": made.eligible_rows,
        "sampleBindings": list(made.sample_bindings),
    }


def _run(each: Enrichment) -> dict[str, Any]:
    target, plan = each.plan.target, each.plan
    return {
        "workflowId": str(each.id),
        "name": each.name,
        "status": each.status.value,
        "targetColumn": target.column,
        "targetColumnLabel": target.label,
        "strategy": plan.strategy.value,
        "promptMode": plan.prompt_mode.value,
        "rowsQueued": each.rows_queued,
        "rowCount": each.rows_queued,
        "rowsCompleted": each.rows_completed,
        "createdAt": moment(each.created_at),
        "updatedAt": moment(each.moved_at),
    }
