"""Mutations on triggers and firings."""

from dataclasses import replace
from typing import Annotated, Any

import strawberry

from domain import firings, trigger_conditions, trigger_records, triggers
from domain.entities import UNSET
from domain.errors import DomainError, Invalid
from domain.trigger_records import TriggerCreate, TriggerUpdate
from gql.context import Info, given_id
from gql.scalars import JSON
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.filters import RowFilter, raw_filter
from gql.types.run_words import RunMode
from gql.types.triggers import Firing, FiringStatus, Trigger, TriggerEvent, TriggerStatus


@strawberry.input(description="Starts a workflow.")
class RunWorkflowActionInput:
    workflow_id: strawberry.ID = strawberry.field(
        description="The workflow. When there is none of this id, the firings fail."
    )


@strawberry.input(description="Makes a task.")
class CreateTaskActionInput:
    title: str | None = strawberry.field(
        default=None, description="At most 200 characters; else `Triggered Task`."
    )
    description: str | None = strawberry.field(
        default=None, description="Stands before the row's values; at most 10,000 characters."
    )
    project_id: strawberry.ID | None = strawberry.field(
        default=None, description="The project that the task belongs to."
    )


@strawberry.input(description="Sends `input` and `firingId` to a URL, as JSON.")
class CallWebhookActionInput:
    url: str = strawberry.field(description="Where to; it must lead to a public address.")
    method: str = strawberry.field(default="POST", description="POST, PUT or PATCH.")
    headers: JSON | None = strawberry.field(
        default=None,
        description="At most 20 texts by name. They are never shown: `********` in place of a "
        "value keeps the one that is stored.",
    )


@strawberry.input(description="Fills cells of the row by their tools, in a run.")
class RunCellsActionInput:
    columns: list[str] | None = strawberry.field(
        default=None, description="Keys of columns with tools; without it all of them."
    )
    mode: RunMode = strawberry.field(
        default=RunMode.MISSING, description="Which of these cells, by their status."
    )


@strawberry.input(one_of=True, description="What a trigger does: exactly one of the fields.")
class TriggerActionInput:
    run_workflow: strawberry.Maybe[RunWorkflowActionInput] = strawberry.field(
        description="Start a workflow."
    )
    create_task: strawberry.Maybe[CreateTaskActionInput] = strawberry.field(
        description="Make a task."
    )
    call_webhook: strawberry.Maybe[CallWebhookActionInput] = strawberry.field(
        description="Call a webhook."
    )
    run_cells: strawberry.Maybe[RunCellsActionInput] = strawberry.field(
        description="Fill cells by their tools; not when rows are deleted."
    )


@strawberry.input(description="A trigger to be made.")
class TriggerCreateInput:
    table_id: strawberry.ID = strawberry.field(description="The table to watch.")
    name: str = strawberry.field(description="1 to 256 characters.")
    event: TriggerEvent = strawberry.field(description="What must happen to a row.")
    action: TriggerActionInput = strawberry.field(description="What to do then.")
    condition: RowFilter | None = strawberry.field(
        default=None, description="Which rows fire it; without it all do."
    )
    fires_per_minute: int | None = strawberry.field(
        default=None, description="The most firings in 60 seconds, 1 to 1,000,000."
    )


@strawberry.input(description="What to change of a trigger. What is absent stays, null clears.")
class TriggerUpdateInput:
    trigger_id: strawberry.ID = strawberry.field(description="The trigger.")
    name: strawberry.Maybe[str | None] = strawberry.field(
        description="1 to 256 characters; null is refused."
    )
    event: strawberry.Maybe[TriggerEvent] = strawberry.field(
        description="What must happen to a row."
    )
    action: strawberry.Maybe[TriggerActionInput] = strawberry.field(description="What to do then.")
    condition: strawberry.Maybe[RowFilter | None] = strawberry.field(
        description="Which rows fire it; null: all do."
    )
    status: strawberry.Maybe[TriggerStatus] = strawberry.field(
        description="PAUSED stops it; ACTIVE lets it go on with what happens from then on."
    )
    fires_per_minute: strawberry.Maybe[int | None] = strawberry.field(
        description="The most firings in 60 seconds; null: no limit."
    )


@strawberry.input(description="A trigger to be deleted.")
class TriggerDeleteInput:
    trigger_id: strawberry.ID = strawberry.field(description="The trigger.")


@strawberry.input(description="A firing to be done again.")
class FiringReplayInput:
    firing_id: strawberry.ID = strawberry.field(description="The firing; it must have ended.")


@strawberry.input(description="Firings of a trigger to be done again.")
class FiringsReplayInput:
    trigger_id: strawberry.ID = strawberry.field(description="The trigger.")
    statuses: list[FiringStatus] = strawberry.field(
        default_factory=lambda: [FiringStatus.FAILED],
        description="FAILED, SKIPPED or both.",
    )


@strawberry.type(description="The answer of `triggerCreate` and `triggerUpdate`.")
class TriggerPayload:
    trigger: Trigger | None = strawberry.field(description="The trigger as it stands.")
    errors: list[UserError] = strawberry.field(description="Why nothing was done.")


@strawberry.type(description="The answer of `triggerDelete`.")
class TriggerDeletePayload:
    deleted_id: strawberry.ID | None = strawberry.field(description="The id of the trigger.")
    errors: list[UserError] = strawberry.field(description="Why it is still there.")


@strawberry.type(description="The answer of `firingReplay`.")
class FiringReplayPayload:
    firing: Firing | None = strawberry.field(description="The new firing, queued.")
    errors: list[UserError] = strawberry.field(description="Why there is none.")


@strawberry.type(description="The answer of `firingsReplay`.")
class FiringsReplayPayload:
    count: int | None = strawberry.field(description="Firings that were queued, 5,000 at most.")
    has_more: bool | None = strawberry.field(description="Whether more may be left: ask again.")
    errors: list[UserError] = strawberry.field(description="Why nothing was done.")


@strawberry.type
class TriggerMutations:
    @strawberry.mutation(description="Make a trigger. It fires for what happens from then on.")
    async def trigger_create(
        self,
        info: Info,
        input: Annotated[TriggerCreateInput, strawberry.argument(description="What to make.")],
    ) -> TriggerPayload | None:
        action, config = _action(input.action)
        command = TriggerCreate(
            given_id(input.table_id),
            input.name,
            trigger_records.TriggerEvent(input.event.value),
            action,
            config,
            _condition(input.condition),
            input.fires_per_minute,
        )
        try:
            made = await triggers.create_trigger(info.context.viewer, info.context.storage, command)
        except EXPECTED as error:
            return TriggerPayload(trigger=None, errors=_errors(error))
        return TriggerPayload(trigger=Trigger.of(made), errors=[])

    @strawberry.mutation(
        description="Change, pause or resume a trigger. Changes of rows that were not looked at "
        "yet are decided by the new settings."
    )
    async def trigger_update(
        self,
        info: Info,
        input: Annotated[TriggerUpdateInput, strawberry.argument(description="What to change.")],
    ) -> TriggerPayload | None:
        try:
            changed = await triggers.update_trigger(
                info.context.viewer,
                info.context.storage,
                given_id(input.trigger_id),
                _changes(input),
            )
        except EXPECTED as error:
            return TriggerPayload(trigger=None, errors=_errors(error))
        return TriggerPayload(trigger=Trigger.of(changed), errors=[])

    @strawberry.mutation(description="Delete a trigger with its firings, waiting ones too.")
    async def trigger_delete(
        self,
        info: Info,
        input: Annotated[TriggerDeleteInput, strawberry.argument(description="Which one.")],
    ) -> TriggerDeletePayload | None:
        context = info.context
        try:
            await triggers.delete_trigger(
                context.viewer, context.storage, given_id(input.trigger_id)
            )
        except EXPECTED as error:
            return TriggerDeletePayload(deleted_id=None, errors=_errors(error))
        return TriggerDeletePayload(deleted_id=input.trigger_id, errors=[])

    @strawberry.mutation(
        description="Do a firing again with the same input, also when its trigger is paused."
    )
    async def firing_replay(
        self,
        info: Info,
        input: Annotated[FiringReplayInput, strawberry.argument(description="Which one.")],
    ) -> FiringReplayPayload | None:
        context = info.context
        try:
            again = await firings.replay_firing(
                context.viewer, context.storage, given_id(input.firing_id)
            )
        except EXPECTED as error:
            return FiringReplayPayload(firing=None, errors=_errors(error))
        return FiringReplayPayload(firing=Firing.of(again), errors=[])

    @strawberry.mutation(
        description="Do all firings of a trigger again that failed, or were skipped, and were not "
        "replayed yet."
    )
    async def firings_replay(
        self,
        info: Info,
        input: Annotated[FiringsReplayInput, strawberry.argument(description="Which ones.")],
    ) -> FiringsReplayPayload | None:
        context = info.context
        statuses = {trigger_records.FiringStatus(each.value) for each in input.statuses}
        try:
            done = await firings.replay_firings(
                context.viewer, context.storage, given_id(input.trigger_id), statuses
            )
        except EXPECTED as error:
            return FiringsReplayPayload(count=None, has_more=None, errors=_errors(error))
        return FiringsReplayPayload(count=done.count, has_more=done.has_more, errors=[])


def _condition(given: RowFilter | None) -> Any:
    return None if given is None else trigger_conditions.written(raw_filter(given))


def _action(given: TriggerActionInput) -> tuple[trigger_records.ActionType, dict[str, Any]]:
    """The type of the action and its settings, without what was left out."""
    if given.run_workflow is not None:
        config: dict[str, Any] = {"workflowId": given.run_workflow.value.workflow_id}
        return trigger_records.ActionType.RUN_WORKFLOW, config
    if given.create_task is not None:
        task = given.create_task.value
        config = {"title": task.title, "description": task.description}
        config["projectId"] = task.project_id
        return trigger_records.ActionType.CREATE_TASK, _given(config)
    if given.run_cells is not None:
        cells = given.run_cells.value
        config = {"columns": cells.columns, "mode": str(cells.mode.value)}
        return trigger_records.ActionType.RUN_CELLS, _given(config)
    assert given.call_webhook is not None, "exactly one is given"
    call = given.call_webhook.value
    config = {"url": call.url, "method": call.method, "headers": call.headers}
    return trigger_records.ActionType.CALL_WEBHOOK, _given(config)


def _given(config: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if value is not None}


def _changes(input: TriggerUpdateInput) -> TriggerUpdate:
    fields: dict[str, Any] = {}
    if input.action is not None:
        fields["action_type"], fields["action_config"] = _action(input.action.value)
    if input.condition is not None:
        fields["condition"] = _condition(input.condition.value)
    if input.event is not None:
        fields["event"] = trigger_records.TriggerEvent(input.event.value.value)
    if input.status is not None:
        fields["status"] = trigger_records.TriggerStatus(input.status.value.value)
    return TriggerUpdate(
        name=input.name.value if input.name is not None else UNSET,
        fires_per_minute=(
            input.fires_per_minute.value if input.fires_per_minute is not None else UNSET
        ),
        **fields,
    )


def _errors(error: DomainError) -> list[UserError]:
    """What is stored as `actionConfig` was given as `action`."""
    if isinstance(error, Invalid):
        error = Invalid(
            [
                replace(problem, path=("action", *problem.path[1:]))
                if problem.path[:1] == ("actionConfig",)
                else problem
                for problem in error.problems
            ]
        )
    return user_errors(error)
