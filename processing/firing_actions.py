"""What triggers do: make a task, call a webhook, start a workflow, fill cells."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from domain import ids
from domain.errors import Conflict, Invalid, NotFound, TableBusy
from domain.ids import Kind
from domain.numbers import text as number_text
from domain.ports import Storage
from domain.task_records import TaskCreate
from domain.trigger_actions import DEFAULT_TITLE, workflow_id
from domain.trigger_records import ActionType, Firing, TakenFiring
from domain.workflow_records import NewRun, RunCause, RunCauseKind
from processing.firing_runs import start_for, together
from processing.outbound import Outbound, OutboundFailed, OutboundRefused, OutboundRequest

#: So many failures of one trigger's webhook in a row, and it is not called for a while: a dead
#: endpoint must not hold up the firings of others.
_FAILURES_IN_A_ROW = 20
_REST_SECONDS = 30.0
#: Characters of an answer that are kept.
_SHOWN_CHARACTERS = 1_000
MAX_TASK_DESCRIPTION = 100_000
_NO_WORKFLOW = "Workflow not found"

#: Statuses that may be better later.
_PASSING = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it."""

    told: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Failed:
    """It will not be better later."""

    reason: str
    told: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class TryLater:
    """It may be better later."""

    reason: str
    told: Mapping[str, Any] | None = None


Outcome = Done | Failed | TryLater


class Actions:
    """Performs the actions of firings. One for a process."""

    def __init__(self, storage: Storage, outbound: Outbound) -> None:
        self._storage = storage
        self._outbound = outbound
        self._fuses: dict[UUID, _Fuse] = {}

    async def perform(self, taken: TakenFiring) -> Outcome:
        """Call the webhook or start the workflow of a firing."""
        if taken.trigger.action_type is ActionType.CALL_WEBHOOK:
            return await self._call(taken)
        return await self._start_workflow(taken)

    async def make_tasks(self, group: Sequence[TakenFiring]) -> list[Outcome]:
        """Make the tasks of some firings in one step for each trigger; each task once, however
        often it is asked for."""
        made: dict[UUID, Outcome] = {}
        for trigger_id in {taken.trigger.id for taken in group}:
            own = [taken for taken in group if taken.trigger.id == trigger_id]
            trigger = own[0].trigger
            project_id, fault = await self._project(trigger.organization_id, trigger.action_config)
            if fault is not None:
                made |= {taken.firing.id: fault for taken in own}
                continue
            commands = [_task(taken.firing, trigger.action_config, project_id) for taken in own]
            await self._storage.tasks.create_all(
                trigger.organization_id, trigger.created_by, commands
            )
            made |= {
                taken.firing.id: Done({"taskId": str(command.id)})
                for taken, command in zip(own, commands, strict=True)
            }
        return [made[taken.firing.id] for taken in group]

    async def run_cells(self, group: Sequence[TakenFiring]) -> list[Outcome]:
        """Start the runs of some firings; each once, however often it is asked for."""
        made: dict[UUID, Outcome] = {}
        for own in together(group):
            outcome: Outcome
            try:
                run = await start_for(self._storage, own)
                outcome = Done({"runId": str(run.id)})
            except (NotFound, Invalid) as error:
                outcome = Failed(str(error))
            except TableBusy as error:
                outcome = TryLater(str(error))
            made |= {taken.firing.id: outcome for taken in own}
        return [made[taken.firing.id] for taken in group]

    async def _project(
        self, organization_id: UUID, config: Mapping[str, Any]
    ) -> tuple[UUID | None, Failed | None]:
        text = config.get("projectId")
        if text is None:
            return None, None
        project_id = ids.parse(text)
        if project_id and await self._storage.projects.get(organization_id, project_id):
            return project_id, None
        return None, Failed("Project not found")

    async def _start_workflow(self, taken: TakenFiring) -> Outcome:
        """One run for a firing, however often it is asked for. It begins one deeper."""
        firing, trigger = taken.firing, taken.trigger
        text = workflow_id(trigger.action_config)
        found = ids.parse(text) if text is not None else None
        if found is None:
            return Failed(_NO_WORKFLOW)
        new = NewRun(
            found,
            firing.input,
            trigger.created_by,
            RunCause(RunCauseKind.TRIGGER, str(trigger.id)),
            firing.depth + 1,
            firing.id,
        )
        try:
            run = await self._storage.workflow_runs.start(firing.organization_id, new)
        except NotFound:
            return Failed(_NO_WORKFLOW)
        except Conflict as error:
            return Failed(str(error))
        return Done({"workflowId": str(found), "workflowRunId": str(run.id)})

    async def _call(self, taken: TakenFiring) -> Outcome:
        fuse = self._fuses.setdefault(taken.trigger.id, _Fuse())
        if fuse.is_blown():
            return TryLater(f"Not sent: the last {_FAILURES_IN_A_ROW} calls before it failed")
        outcome = await self._send(taken)
        fuse.heard(isinstance(outcome, TryLater))
        return outcome

    async def _send(self, taken: TakenFiring) -> Outcome:
        config, firing = taken.trigger.action_config, taken.firing
        request = OutboundRequest(
            config.get("method", "POST"),
            config["url"],
            {
                "content-type": "application/json",
                **(config.get("headers") or {}),
                "idempotency-key": str(firing.id),
            },
            _json({**firing.input, "firingId": str(firing.id)}),
        )
        try:
            answer = await self._outbound.send(request)
        except OutboundRefused as error:
            return Failed(str(error))
        except OutboundFailed as error:
            return TryLater(str(error))
        told = {
            "status": answer.status,
            "body": answer.body.decode("utf-8", "replace").replace("\0", "")[:_SHOWN_CHARACTERS],
        }
        if 200 <= answer.status < 300:
            return Done(told)
        reason = f"The webhook answered with status {answer.status}"
        if answer.status >= 500 or answer.status in _PASSING:
            return TryLater(reason, told)
        return Failed(reason, told)


class _Fuse:
    """Blows when a webhook fails again and again, for a while."""

    def __init__(self) -> None:
        self._failures = 0
        self._until = 0.0

    def is_blown(self) -> bool:
        return time.monotonic() < self._until

    def heard(self, failed: bool) -> None:
        self._failures = self._failures + 1 if failed else 0
        if self._failures >= _FAILURES_IN_A_ROW:
            self._failures = 0
            self._until = time.monotonic() + _REST_SECONDS


def _task(firing: Firing, config: Mapping[str, Any], project_id: UUID | None) -> TaskCreate:
    """The task of a firing. Its description ends with the row's values as JSON."""
    data = _json(firing.input["data"], orjson.OPT_INDENT_2).decode()
    parts = [part for part in (config.get("description"), data) if part]
    return TaskCreate(
        title=config.get("title") or DEFAULT_TITLE,
        description="\n\n".join(parts)[:MAX_TASK_DESCRIPTION],
        project_id=project_id,
        id=ids.derived(firing.id, Kind.TASK),
        firing_id=firing.id,
    )


def _json(value: Any, option: int = 0) -> bytes:
    """JSON with exact numbers."""
    return orjson.dumps(
        value, default=lambda each: orjson.Fragment(number_text(each)), option=option
    )
