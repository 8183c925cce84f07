"""Triggers of a table: list, make, change, delete."""

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from typing import Any, TypeVar

from pydantic import TypeAdapter
from starlette.responses import Response

from domain import triggers
from domain.entities import UNSET
from domain.errors import Invalid, NotFound, Problem
from domain.trigger_actions import shown_config
from domain.trigger_records import (
    ActionType,
    Trigger,
    TriggerCreate,
    TriggerEvent,
    TriggerStatus,
    TriggerUpdate,
)
from rest_compat.endpoints import Call
from rest_compat.stagent.bodies import TriggerBody, TriggerChangeBody
from rest_compat.wire import Refused, json_response, moment, parse, read_body

_REQUIRED = ("name", "triggerEvent", "actionType", "actionConfig")
_MISSING = "name, triggerEvent, actionType, and actionConfig are required"

_BODY = TypeAdapter(TriggerBody)
_CHANGE = TypeAdapter(TriggerChangeBody)

Word = TypeVar("Word", bound=Enum)


async def exists(call: Call) -> None:
    """Raises `NotFound` unless the trigger in the path is there, in the table in the path."""
    await _trigger(call)


async def list_triggers(call: Call) -> Response:
    """Oldest first."""
    table_id = call.id("id", "Table")
    found = await triggers.list_triggers(call.viewer, call.storage, table_id)
    return json_response([_shown(each) for each in found])


async def create_trigger(call: Call) -> Response:
    """It is active at once, and fires for what happens from then on."""
    table_id = call.id("id", "Table")
    given = await read_body(call.request, call.limits.body_bytes)
    if not isinstance(given, dict) or any(_is_nothing(given.get(name)) for name in _REQUIRED):
        raise Refused(400, _MISSING)
    event, action = _event(given), _action(given)
    body = parse(_BODY, given)
    command = TriggerCreate(
        table_id, body.name, event, action, body.actionConfig, condition=body.condition
    )
    try:
        made = await triggers.create_trigger(call.viewer, call.storage, command)
    except Invalid as error:
        raise _of_the_body(error, body.condition) from None
    return json_response(_shown(made), 201)


async def update_trigger(call: Call) -> Response:
    """Only what the body names is changed; a condition of null goes away."""
    trigger = await _trigger(call)
    given = await read_body(call.request, call.limits.body_bytes)
    words: dict[str, Any] = {}
    if isinstance(given, dict):
        words = {
            "event": _event(given) if "triggerEvent" in given else UNSET,
            "action_type": _action(given) if "actionType" in given else UNSET,
            "status": _word(TriggerStatus, given, "status") if "status" in given else UNSET,
        }
    body = parse(_CHANGE, given)
    named = body.model_fields_set
    command = TriggerUpdate(
        **words,
        name=body.name if "name" in named else UNSET,
        action_config=body.actionConfig if "actionConfig" in named else UNSET,
        condition=body.condition if "condition" in named else UNSET,
    )
    try:
        changed = await triggers.update_trigger(call.viewer, call.storage, trigger.id, command)
    except Invalid as error:
        raise _of_the_body(error, body.condition) from None
    return json_response(_shown(changed))


async def delete_trigger(call: Call) -> Response:
    """Firings that wait are dropped with it."""
    trigger = await _trigger(call)
    await triggers.delete_trigger(call.viewer, call.storage, trigger.id)
    return Response(status_code=204)


async def _trigger(call: Call) -> Trigger:
    """The trigger in the path; one of another table is none of this one."""
    table_id, trigger_id = call.id("id", "Trigger"), call.id("triggerId", "Trigger")
    trigger = await triggers.get_trigger(call.viewer, call.storage, trigger_id)
    if trigger.table_id != table_id:
        raise NotFound("Trigger")
    return trigger


def _is_nothing(value: Any) -> bool:
    """Null, false, 0 and an empty text count as missing; an empty object does not."""
    return not value and not isinstance(value, dict | list)


def _event(given: Mapping[str, Any]) -> TriggerEvent:
    return _word(TriggerEvent, given, "triggerEvent")


def _action(given: Mapping[str, Any]) -> ActionType:
    return _word(ActionType, given, "actionType")


def _word(words: type[Word], given: Mapping[str, Any], name: str) -> Word:
    try:
        return words(given[name])
    except ValueError:
        raise Refused(400, f"Invalid {name}") from None


def _of_the_body(error: Invalid, condition: Any) -> Invalid:
    """A condition that is a list has no `all` of its own."""
    if not isinstance(condition, list):
        return error
    return Invalid([_in_list(problem) for problem in error.problems])


def _in_list(problem: Problem) -> Problem:
    if problem.path[:2] != ("condition", "all"):
        return problem
    return replace(problem, path=("condition", *problem.path[2:]))


def _shown(trigger: Trigger) -> dict[str, Any]:
    return {
        "id": str(trigger.id),
        "tableId": str(trigger.table_id),
        "name": trigger.name,
        "triggerEvent": trigger.event.value,
        "condition": trigger.condition,
        "actionType": trigger.action_type.value,
        "actionConfig": shown_config(trigger.action_config),
        "status": trigger.status.value,
        "fireCount": trigger.fire_count,
        "lastFiredAt": moment(trigger.last_fired_at),
        "createdAt": moment(trigger.created_at),
        "updatedAt": moment(trigger.updated_at),
    }
