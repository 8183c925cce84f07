"""Triggers of tables and their firings."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Literal

import strawberry

from domain import firings as use_cases
from domain import ids, trigger_records
from domain.errors import ErrorCode, invalid
from domain.trigger_actions import shown_config
from gql.context import Info
from gql.paging import PageInfo
from gql.scalars import JSON
from gql.types import tables as table_types

if TYPE_CHECKING:
    from gql.types.tables import Table


def _word(value: str, description: str) -> Any:
    return strawberry.enum_value(value, description=description)


@strawberry.enum(description="What must happen to a row.")
class TriggerEvent(Enum):
    ROW_ADDED = _word("row_added", "It was added, or came back by a rollback.")
    ROW_UPDATED = _word("row_updated", "It was changed, whatever the values before.")
    ROW_DELETED = _word("row_deleted", "It was deleted.")


@strawberry.enum(description="What a trigger does.")
class TriggerActionType(Enum):
    RUN_WORKFLOW = _word("run_workflow", "Starts a workflow with the row as its input.")
    CREATE_TASK = _word("create_task", "Makes a task with the row's values in its description.")
    CALL_WEBHOOK = _word("call_webhook", "Sends the row to a URL.")
    RUN_CELLS = _word("run_cells", "Fills the row's cells by their tools.")


@strawberry.enum(description="Whether a trigger fires.")
class TriggerStatus(Enum):
    ACTIVE = _word("active", "It fires.")
    PAUSED = _word("paused", "It does not fire; what happens meanwhile is never made up for.")


@strawberry.enum(description="Where a firing stands.")
class FiringStatus(Enum):
    QUEUED = _word("queued", "It waits for a worker, or for its next attempt.")
    RUNNING = _word("running", "A worker is on it.")
    SUCCEEDED = _word("succeeded", "The action was done.")
    FAILED = _word("failed", "The action could not be done; see `error`.")
    SKIPPED = _word("skipped", "Over the trigger's limit, or the trigger was paused; see `error`.")


@strawberry.type(description="One firing of a trigger for one row of one change.")
class Firing:
    record: strawberry.Private[trigger_records.Firing]
    id: strawberry.ID = strawberry.field(description="Also the `Idempotency-Key` of a webhook.")
    status: FiringStatus = strawberry.field(description="Where it stands.")
    revision: int = strawberry.field(description="The table's revision that it fired for.")
    row_id: strawberry.ID | None = strawberry.field(
        description="The row; null when the trigger's condition failed as a whole."
    )
    attempt: int = strawberry.field(description="How often it was tried, 3 at most.")
    depth: int = strawberry.field(description="How many triggers led to the change, 0 to 4.")
    input: JSON = strawberry.field(
        description="What the action is given: `event`, `tableId`, `rowId`, `revision`, `version`, "
        "`data`, and `previousData` of an update. The row as the change left it."
    )
    outcome: JSON | None = strawberry.field(
        description="What came of it: `taskId`, `workflowRunId`, or `status` and `body`."
    )
    error: str | None = strawberry.field(description="Why it failed, waits again or was skipped.")
    duration_ms: float | None = strawberry.field(
        description="How long the last attempt took, in milliseconds."
    )
    replay_of: strawberry.ID | None = strawberry.field(description="The firing that it repeats.")
    created_at: datetime = strawberry.field(description="When the change was looked at.")
    started_at: datetime | None = strawberry.field(description="When the last attempt began.")
    finished_at: datetime | None = strawberry.field(description="When it ended.")

    @strawberry.field(description="The trigger; null when that was deleted.")
    async def trigger(self, info: Info) -> "Trigger | None":
        found = await info.context.loaders.triggers.load(self.record.trigger_id)
        return Trigger.of(found) if found else None

    @classmethod
    def of(cls, firing: trigger_records.Firing) -> "Firing":
        return cls(
            record=firing,
            id=strawberry.ID(str(firing.id)),
            status=FiringStatus(firing.status.value),
            revision=firing.revision,
            row_id=strawberry.ID(str(firing.row_id)) if firing.row_id else None,
            attempt=firing.attempt,
            depth=firing.depth,
            input=JSON(firing.input),
            outcome=JSON(firing.outcome) if firing.outcome is not None else None,
            error=firing.error,
            duration_ms=None if firing.duration_ms is None else round(firing.duration_ms, 1),
            replay_of=strawberry.ID(str(firing.replay_of)) if firing.replay_of else None,
            created_at=firing.created_at,
            started_at=firing.started_at,
            finished_at=firing.finished_at,
        )


@strawberry.type(description="A firing and its cursor.")
class FiringEdge:
    cursor: str = strawberry.field(description="For `after`. Opaque.")
    node: Firing = strawberry.field(description="The firing.")


@strawberry.type(description="Some firings of a trigger, the newest first.")
class FiringConnection:
    trigger_id: strawberry.Private[Any]
    wanted: strawberry.Private[trigger_records.FiringStatus | None]
    nodes: list[Firing] = strawberry.field(description="The firings of the page.")
    page_info: PageInfo = strawberry.field(description="Where the page lies.")

    @strawberry.field(description="The firings with their cursors.")
    def edges(self) -> list[FiringEdge]:
        return [FiringEdge(cursor=each.id, node=each) for each in self.nodes]

    @strawberry.field(description="How many there are in all; counted when asked for.")
    async def total_count(self, info: Info) -> int | None:
        context = info.context
        return await use_cases.count_firings(
            context.viewer, context.storage, self.trigger_id, self.wanted
        )


@strawberry.type(description="A rule of a table: what is done when its rows change.")
class Trigger:
    record: strawberry.Private[trigger_records.Trigger]
    id: strawberry.ID = strawberry.field(description="The id of the trigger.")
    name: str = strawberry.field(description="1 to 256 characters.")
    event: TriggerEvent = strawberry.field(description="What must happen to a row.")
    condition: JSON | None = strawberry.field(
        description="Which rows fire it, in the form of `RowFilter`; null: all. Decided on the row "
        "after the change, of a deletion before it."
    )
    action_type: TriggerActionType = strawberry.field(description="What is done.")
    action_config: JSON = strawberry.field(
        description="Settings of the action. Values of headers are not shown."
    )
    status: TriggerStatus = strawberry.field(description="Whether it fires.")
    fires_per_minute: int | None = strawberry.field(
        description="The most firings in 60 seconds; more are skipped. Null: no limit."
    )
    fire_count: int = strawberry.field(description="Firings that succeeded.")
    last_fired_at: datetime | None = strawberry.field(description="When the last one did.")
    error: str | None = strawberry.field(
        description="Why its condition cannot be decided any more, such as a deleted column. It "
        "fires nothing until that is mended."
    )
    created_by: str = strawberry.field(description="Who made it: the id of an API key.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")

    @strawberry.field(description="The table that it watches.")
    async def table(
        self, info: Info
    ) -> Annotated["Table", strawberry.lazy("gql.types.tables")] | None:
        table = await info.context.loaders.tables.load(self.record.table_id)
        return table_types.Table.of(table) if table else None

    @strawberry.field(description="Its firings, the newest first.")
    async def firings(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="How many, 0 to 100.")] = 50,
        after: Annotated[
            str | None, strawberry.argument(description="Only firings behind this cursor.")
        ] = None,
        status: Annotated[
            FiringStatus | None, strawberry.argument(description="Only those that stand here.")
        ] = None,
    ) -> FiringConnection:
        place = ids.parse(after) if after is not None else None
        if after is not None and place is None:
            raise invalid(ErrorCode.INVALID, "The cursor is none of this list", "after")
        wanted = trigger_records.FiringStatus(status.value) if status else None
        page = await use_cases.list_firings(
            info.context.viewer, info.context.storage, self.record.id, wanted, place, first
        )
        nodes = [Firing.of(each) for each in page.firings]
        return FiringConnection(
            trigger_id=self.record.id,
            wanted=wanted,
            nodes=nodes,
            page_info=PageInfo(
                has_next_page=page.has_more,
                has_previous_page=after is not None,
                start_cursor=nodes[0].id if nodes else None,
                end_cursor=nodes[-1].id if nodes else None,
            ),
        )

    @classmethod
    def of(cls, trigger: trigger_records.Trigger) -> "Trigger":
        condition = trigger.condition
        return cls(
            record=trigger,
            id=strawberry.ID(str(trigger.id)),
            name=trigger.name,
            event=TriggerEvent(trigger.event.value),
            condition=JSON(row_filter(condition)) if condition is not None else None,
            action_type=TriggerActionType(trigger.action_type.value),
            action_config=JSON(shown_config(trigger.action_config)),
            status=TriggerStatus(trigger.status.value),
            fires_per_minute=trigger.fires_per_minute,
            fire_count=trigger.fire_count,
            last_fired_at=trigger.last_fired_at,
            error=trigger.error,
            created_by=trigger.created_by,
            created_at=trigger.created_at,
            updated_at=trigger.updated_at,
        )


def row_filter(condition: Any) -> dict[str, Any]:
    """A stored condition as a client would write it as `RowFilter`."""
    if isinstance(condition, list):
        return {"all": [row_filter(part) for part in condition]}
    assert isinstance(condition, Mapping), "conditions are checked when they are saved"
    names: tuple[Literal["all", "any"], ...] = ("all", "any")
    for name in names:
        if name in condition and "column" not in condition:
            return {name: [row_filter(part) for part in condition[name]]}
    if "not" in condition:
        return {"not": row_filter(condition["not"])}
    if "cell" in condition:
        cell = dict(condition["cell"])
        if "status" in cell:
            cell["status"] = [status.upper() for status in cell["status"]]
        return {"cell": cell}
    return {"where": {**condition, "operator": str(condition["operator"]).upper()}}
