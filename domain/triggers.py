"""Triggers: rules of a table that say what shall be done when its rows change.

Nothing here runs when rows are written. The relay reads the table's log and makes firings
(`domain/firings.py`)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain import access, checks, ids
from domain.access import Viewer
from domain.columns import TableShape
from domain.errors import ErrorCode, Invalid, NotFound, Problem, invalid
from domain.plain_json import clean_json
from domain.ports import Storage
from domain.rejections import Rejected
from domain.tables import on_table, shape_of
from domain.trigger_actions import (
    config_problems,
    event_problems,
    hidden_problems,
    with_hidden,
)
from domain.trigger_conditions import bind_condition, read_condition, written
from domain.trigger_records import (
    ActionType,
    Trigger,
    TriggerCreate,
    TriggerStatus,
    TriggerUpdate,
)

MAX_TRIGGERS = 100
MAX_NAME = 256
MAX_FIRES_PER_MINUTE = 1_000_000
_MAX_CONDITION_BYTES = 500_000


async def list_triggers(viewer: Viewer, storage: Storage, table_id: UUID) -> list[Trigger]:
    """The triggers of a table, oldest first. Raises `NotFound` for the table."""
    access.require(viewer, "triggers")
    await shape_of(viewer, storage, table_id)
    return await storage.triggers.of_table(viewer.organization_id, table_id)


async def get_trigger(viewer: Viewer, storage: Storage, trigger_id: UUID) -> Trigger:
    """One trigger. Raises `NotFound`."""
    access.require(viewer, "trigger")
    return await _existing(viewer, storage, trigger_id)


async def create_trigger(viewer: Viewer, storage: Storage, command: TriggerCreate) -> Trigger:
    """Make a trigger. It fires for what happens from now on.

    Raises `NotFound` for the table, and `Invalid` with every problem. A workflow that does not
    exist is accepted: its firings fail with that reason."""
    access.require(viewer, "triggerCreate")

    async def work(shape: TableShape) -> Trigger:
        problems = checks.required_text_problems("name", command.name, MAX_NAME)
        problems += _limit_problems(command.fires_per_minute)
        problems += await _action_problems(
            viewer, storage, command.action_type, command.action_config
        )
        problems += event_problems(command.action_type, command.event)
        condition = _checked_condition(shape, command.condition, problems)
        checks.refuse(problems)
        made = await storage.triggers.create(
            viewer.organization_id, viewer.actor, command, condition, MAX_TRIGGERS
        )
        if made is None:
            raise invalid(ErrorCode.TOO_MANY, f"A table has at most {MAX_TRIGGERS} triggers")
        return made

    return await on_table(viewer, storage, command.table_id, work)


async def update_trigger(
    viewer: Viewer, storage: Storage, trigger_id: UUID, command: TriggerUpdate
) -> Trigger:
    """Change a trigger, pause it, or let it go on with what happens from then on.

    Changes that were made before but not looked at yet are decided by the new settings. Raises
    `NotFound`, and `Invalid` with every problem."""
    access.require(viewer, "triggerUpdate")
    trigger = await _existing(viewer, storage, trigger_id)

    async def work(shape: TableShape) -> Trigger:
        changes = command.given()
        problems: list[Problem] = []
        if "name" in changes:
            problems += checks.required_text_problems("name", changes["name"], MAX_NAME)
        if "fires_per_minute" in changes:
            problems += _limit_problems(changes["fires_per_minute"])
        changes |= await _changed_action(viewer, storage, trigger, changes, problems)
        problems += event_problems(
            changes.get("action_type", trigger.action_type), changes.get("event", trigger.event)
        )
        if "condition" in changes:
            changes["condition"] = _checked_condition(shape, changes["condition"], problems)
        elif changes.get("status") is TriggerStatus.ACTIVE:
            _checked_condition(shape, trigger.condition, problems)
        checks.refuse(problems)
        changed = await storage.triggers.update(
            viewer.organization_id, viewer.actor, trigger_id, changes
        )
        if changed is None:
            raise NotFound("Trigger")
        return changed

    try:
        return await on_table(viewer, storage, trigger.table_id, work)
    except NotFound:
        raise NotFound("Trigger") from None


async def delete_trigger(viewer: Viewer, storage: Storage, trigger_id: UUID) -> None:
    """Delete a trigger. Firings that wait are dropped with it. Raises `NotFound`."""
    access.require(viewer, "triggerDelete")
    await _existing(viewer, storage, trigger_id)
    if not await storage.triggers.delete(viewer.organization_id, viewer.actor, trigger_id):
        raise NotFound("Trigger")


async def _existing(viewer: Viewer, storage: Storage, trigger_id: UUID) -> Trigger:
    """The trigger, if the viewer reaches its table too."""
    trigger = await storage.triggers.get(viewer.organization_id, trigger_id)
    if trigger is None:
        raise NotFound("Trigger")
    try:
        await shape_of(viewer, storage, trigger.table_id)
    except NotFound:
        raise NotFound("Trigger") from None
    return trigger


def _checked_condition(shape: TableShape, given: Any, problems: list[Problem]) -> Any:
    """The condition in the form that is stored; None for none. Adds what is wrong with it."""
    if given is None:
        return None
    try:
        clean = clean_json(given, most_bytes=_MAX_CONDITION_BYTES)
        bind_condition(shape, clean)
        return written(read_condition(clean))
    except Rejected as error:
        problems.append(Problem(error.code, error.message, ("condition",)))
    except Invalid as error:
        problems += error.problems
    return None


def _limit_problems(limit: int | None) -> list[Problem]:
    if limit is None or 1 <= limit <= MAX_FIRES_PER_MINUTE:
        return []
    message = f"firesPerMinute must be 1 to {MAX_FIRES_PER_MINUTE}"
    return [Problem(ErrorCode.OUT_OF_RANGE, message, ("firesPerMinute",))]


async def _changed_action(
    viewer: Viewer,
    storage: Storage,
    trigger: Trigger,
    changes: Mapping[str, Any],
    problems: list[Problem],
) -> dict[str, Any]:
    """The action's settings when type or settings change: both must fit together."""
    if not {"action_type", "action_config"} & changes.keys():
        return {}
    action = changes.get("action_type", trigger.action_type)
    given = changes.get("action_config", trigger.action_config)
    problems += hidden_problems(given, trigger.action_config, "actionConfig")
    config = with_hidden(given, trigger.action_config)
    problems += await _action_problems(viewer, storage, action, config)
    return {"action_config": config}


async def _action_problems(
    viewer: Viewer, storage: Storage, action: ActionType, config: Mapping[str, Any]
) -> list[Problem]:
    problems = config_problems(action, config)
    project = config.get("projectId")
    if problems or action is not ActionType.CREATE_TASK or project is None:
        return problems
    project_id = ids.parse(project)
    if project_id and await storage.projects.get(viewer.organization_id, project_id):
        return []
    return [Problem(ErrorCode.NOT_FOUND, "Project not found", ("actionConfig", "projectId"))]
