"""Which tables, rows and changes an endpoint is told of, and from when on."""

from uuid import UUID

import pytest

from domain import webhook_deliveries, webhooks
from domain.access import Role, Scope, Viewer
from domain.cell_reports import CellsReport, RawReport, report_cells
from domain.changes import Cause, CauseKind, ChangeKind
from domain.columns import ColumnType, ComputedBy, NewColumn
from domain.entities import TableUpdate
from domain.errors import Conflict, Invalid, NotFound
from domain.ids import Kind, new_id
from domain.row_values import RowValues
from domain.row_writes import PreparedRow
from domain.tables import delete_table, update_table
from domain.webhook_records import ReplayCreate, ReplayStatus, WebhookCreate
from persistence.unit_of_work import write_table
from tests.webhooks.hooks import PHACET, URL, Hooks

WORKER = NewColumn("worker", "Worker", ColumnType.TEXT, computed_by=ComputedBy.EXTERNAL)
SECOND = NewColumn("second", "Second", ColumnType.TEXT, computed_by=ComputedBy.EXTERNAL)
CALCULATIONS = (
    "row.calculation.started",
    "row.calculation.completed",
    "row.calculation.failed",
)


async def test_a_new_endpoint_is_told_of_what_comes_later(hooks: Hooks) -> None:
    """Baserow #3811: a new webhook was told of old entries. The relay had not looked yet."""
    table_id = await hooks.world.table("name")
    first = await hooks.create("row.created")
    await hooks.world.add(table_id, {"name": "old"})
    second = await hooks.create("row.created", "table.created")
    await hooks.world.add(table_id, {"name": "new"})
    await hooks.sent()
    assert len(await hooks.deliveries(first)) == 2
    [told] = await hooks.deliveries(second)
    assert '"name":"new"' in told.body


async def test_all_tables_means_later_ones_too(hooks: Hooks) -> None:
    webhook = await hooks.create("table.created", "row.created", "columns.changed")
    table_id = await hooks.world.table("name")
    await hooks.world.add(table_id, {"name": "a"})
    told = await hooks.events()
    assert sorted(event for event, _ in told) == ["row.created", "table.created"]
    assert {data["tableId"] for _, data in told} == {str(table_id)}
    assert len(await hooks.deliveries(webhook)) == 2


async def test_only_tables_that_are_named(hooks: Hooks) -> None:
    ours, other = await hooks.world.table("name"), await hooks.world.table("name")
    webhook = await hooks.create("row.created", "table.updated", table_ids=[ours])
    for table_id in (ours, other):
        await hooks.world.add(table_id, {"name": "a"})
        command = TableUpdate(name="New")
        await update_table(hooks.world.viewer, hooks.world.storage, table_id, command)
    told = await hooks.events()
    assert {data["tableId"] for _, data in told} == {str(ours)}
    assert {event for event, _ in told} == {"row.created", "table.updated"}
    # Of a table that is named later, later changes only.
    await hooks.update(webhook, table_ids=[ours, other])
    [row_id] = await hooks.world.add(other, {"name": "later"})
    *_, (_, last) = await hooks.events()
    assert (len(await hooks.deliveries(webhook)), last["rowId"]) == (3, str(row_id))
    followed = await hooks.world.storage.relay.followed()
    assert {ours, other, hooks.world.viewer.organization_id} <= set(followed)
    await webhooks.delete_webhook(hooks.world.viewer, hooks.world.storage, webhook.id)
    followed = await hooks.world.storage.relay.followed()
    assert not {ours, other, hooks.world.viewer.organization_id} & set(followed)


async def test_a_filter_decides_on_the_row_of_the_change(hooks: Hooks) -> None:
    world = hooks.world
    table_id = await world.table("name", NewColumn("n", "N", ColumnType.NUMBER))
    where = {"column": "n", "operator": "gt", "value": 5}
    await hooks.create(table_ids=[table_id], filter=where)
    low, high = await world.add(table_id, {"name": "low", "n": 1}, {"name": "high", "n": 9})
    await hooks.merge(table_id, low, n=6)
    await hooks.merge(table_id, high, n=2)
    await hooks.remove(table_id, low, high)
    told = [(event, data["rowId"]) for event, data in await hooks.events()]
    assert sorted(told) == sorted(
        [("row.created", str(high)), ("row.updated", str(low)), ("row.deleted", str(low))]
    )


async def test_a_filter_that_cannot_be_decided_is_told_on_the_endpoint(hooks: Hooks) -> None:
    world = hooks.world
    table_id = await world.table("name", "gone")
    where = {"column": "gone", "operator": "eq", "value": "x"}
    webhook = await hooks.create("row.created", table_ids=[table_id], filter=where)
    other = await hooks.create("row.created")
    shape = await world.shape(table_id)
    actor = world.viewer.actor
    await world.storage.columns.delete(shape, actor, shape.columns_by_key["gone"])
    world.storage.tables.forget(shape)
    await world.add(table_id, {"name": "a"})
    await hooks.sent()
    assert await hooks.deliveries(webhook) == []
    assert len(await hooks.deliveries(other)) == 1
    error = (await hooks.get(webhook)).error
    assert error is not None
    assert error.startswith("The filter cannot be decided: ")
    await hooks.update(webhook, filter=None)
    await world.add(table_id, {"name": "b"})
    await hooks.sent()
    assert (await hooks.get(webhook)).error is None
    assert len(await hooks.deliveries(webhook)) == 1


async def test_only_columns_that_are_named(hooks: Hooks) -> None:
    """Grist #763: a hook of its own for each column."""
    world = hooks.world
    table_id = await world.table("name", "noise")
    await hooks.create(table_ids=[table_id], columns=["name"])
    [row_id] = await world.add(table_id, {"name": "a", "noise": "1"})
    await hooks.merge(table_id, row_id, noise="2")
    await hooks.merge(table_id, row_id, name="b", noise="3")
    told = await hooks.events()
    assert [event for event, _ in told] == ["row.created", "row.updated"]
    assert [data["data"] for _, data in told] == [{"name": "a"}, {"name": "b"}]
    assert told[1][1]["previousData"] == {"name": "a"}
    assert told[1][1]["changedColumns"] == ["name"]


async def test_calculations_and_statuses(hooks: Hooks) -> None:
    """One start and one end for a row, however many cells: it ends when the last cell does."""
    world = hooks.world
    table_id = await world.table("name", WORKER, SECOND)
    await hooks.create(*CALCULATIONS, "cell.status", "row.updated", url=URL + "/native")
    await hooks.create(*CALCULATIONS, "row.updated", url=URL + "/phacet", dialect=PHACET)
    [row_id] = await world.add(table_id, {"name": "a"})

    async def move(*moves: tuple[str, str, str | None]) -> None:
        given = [_report(row_id, *each) for each in moves]
        await report_cells(world.viewer, world.storage, CellsReport(table_id, given))

    await move(("worker", "queued", None), ("second", "queued", None))
    await move(("worker", "calculating", None))
    await move(("worker", "resolved", "w"))
    await move(("second", "calculating", None))
    await move(("second", "error", None))
    await move(("second", "queued", None))
    await move(("second", "calculating", None))
    await move(("second", "resolved", "s"))
    await hooks.sent()
    assert _told(hooks, "/phacet") == [
        "row.calculation.started",
        "row.updated",
        "row.updated",
        "row.calculation.failed",
        "row.calculation.started",
        "row.updated",
        "row.calculation.completed",
    ]
    native = [each for each in _told(hooks, "/native") if each != "cell.status"]
    assert native == [
        "row.calculation.started",
        "row.updated",
        "row.calculation.failed",
        "row.calculation.started",
        "row.updated",
        "row.calculation.completed",
    ]
    moved = [m.data for m in hooks.inbox.accepted if m.told.get("type") == "cell.status"]
    assert moved[0]["cells"] == [
        {"column": "worker", "previous": "initialized", "status": "queued", "error": None},
        {"column": "second", "previous": "initialized", "status": "queued", "error": None},
    ]
    assert moved[4]["cells"][0]["error"] == "It broke"


async def test_the_end_of_a_run_is_told_once(hooks: Hooks) -> None:
    """Also when it gives back its cells in several steps afterwards."""
    world = hooks.world
    table_id = await world.table("name")
    await hooks.create("run.ended")
    shape = await world.shape(table_id)
    steps = [("running", ChangeKind.TABLE_CHANGED), ("cancelled", ChangeKind.TABLE_CHANGED)]
    for status, kind in [*steps, *[("cancelled", ChangeKind.CELLS_CHANGED)] * 3]:
        cause = Cause(CauseKind.RUN, "r1")
        async with write_table(world.database.pool, shape, "me", cause, lambda *_: None) as write:
            await write.log(kind, details={"runStatus": status})
        await hooks.relayed()
    [(event, data)] = await hooks.events()
    assert event == "run.ended"
    assert (data["runId"], data["status"], data["revision"]) == ("r1", "cancelled", 3)


async def test_an_import_tells_each_row_and_skip_concerns_triggers_only(hooks: Hooks) -> None:
    """nocodb#1581: an import told nobody."""
    world = hooks.world
    table_id = await world.table("name")
    await hooks.create("row.created")
    shape = await world.shape(table_id)
    cause = Cause(CauseKind.IMPORT, "x", skip_triggers=True)
    rows = [PreparedRow(new_id(Kind.ROW, shape.number), RowValues({})) for _ in range(50)]
    await world.storage.rows.insert(shape, "x", cause, shape.first_session_id, rows)
    told = await hooks.events()
    assert len(told) == 50
    assert told[0][1]["cause"] == {"kind": "import", "id": "x", "triggers": "skip"}


async def test_what_came_before_the_end_of_a_table_is_told(hooks: Hooks) -> None:
    world = hooks.world
    table_id = await world.table("name")
    await hooks.create("row.created", "table.deleted")
    await world.add(table_id, {"name": "last"})
    await delete_table(world.viewer, world.storage, table_id)
    told = await hooks.events()
    assert sorted(event for event, _ in told) == ["row.created", "table.deleted"]


async def test_a_disabled_endpoint_is_told_nothing_but_by_a_replay(hooks: Hooks) -> None:
    world = hooks.world
    table_id = await world.table("name")
    webhook = await hooks.create()
    [row_id] = await world.add(table_id, {"name": "0"})
    await webhooks.disable_webhook(world.viewer, world.storage, webhook.id)
    for number in range(1, 4):
        await hooks.merge(table_id, row_id, name=str(number))
    assert await hooks.sent() == []
    command = ReplayCreate(table_id, 2, 4)
    replay_webhook = webhook_deliveries.replay_webhook
    with pytest.raises(Conflict):
        await replay_webhook(world.viewer, world.storage, webhook.id, command)
    await webhooks.enable_webhook(world.viewer, world.storage, webhook.id)
    replay = await replay_webhook(world.viewer, world.storage, webhook.id, command)
    while await world.storage.webhook_replays.step(replay.id):
        pass
    told = [data["data"]["name"] for _, data in await hooks.events()]
    assert told == ["0", "1", "2"]
    done = await webhook_deliveries.get_replay(world.viewer, world.storage, replay.id)
    assert (done.status, done.deliveries, done.revision) == (ReplayStatus.COMPLETED, 3, 4)
    made = await hooks.deliveries(webhook)
    assert [each.replay_id for each in made] == [replay.id] * 3
    for wrong in (ReplayCreate(table_id, 0, 1), ReplayCreate(table_id, 3, 2)):
        with pytest.raises(Invalid):
            await replay_webhook(world.viewer, world.storage, webhook.id, wrong)
    command = ReplayCreate(table_id, 1, 99)
    with pytest.raises(Invalid, match="has 5 revisions"):
        await replay_webhook(world.viewer, world.storage, webhook.id, command)


async def test_a_key_with_a_scope_reaches_its_tables_only(hooks: Hooks) -> None:
    world = hooks.world
    inside, outside = await world.table("name"), await world.table("name")
    scope = Scope(frozenset(), frozenset({inside}))
    viewer = Viewer(world.viewer.organization_id, Role.EDITOR, scope=scope, name="scoped")
    storage = world.storage.seen_by(viewer)
    whole = await hooks.create("row.created")
    for table_ids in (None, [outside], [inside, outside]):
        command = WebhookCreate(URL, ["row.created"], table_ids)
        with pytest.raises(Invalid):
            await webhooks.create_webhook(viewer, storage, command)
    made = await webhooks.create_webhook(
        viewer, storage, WebhookCreate(URL, ["row.created"], [inside])
    )
    assert [each.id for each in await webhooks.list_webhooks(viewer, storage)] == [made.webhook.id]
    with pytest.raises(NotFound):
        await webhooks.get_webhook(viewer, storage, whole.id)
    with pytest.raises(NotFound):
        await webhook_deliveries.list_deliveries(viewer, storage, whole.id, None, None, 1)


async def test_what_is_wrong_is_said_at_once(hooks: Hooks) -> None:
    table_id, other = await hooks.world.table("name"), await hooks.world.table("name")
    where = {"column": "name", "operator": "eq", "value": "x"}
    wrong: list[tuple[tuple[str, ...], dict[str, object], str]] = [
        (("row.exploded",), {}, "eventTypes"),
        (("phacet.created",), {}, "eventTypes"),
        (("row.deleted",), {"dialect": PHACET}, "eventTypes"),
        ((), {"table_ids": []}, "tableIds"),
        ((), {"table_ids": [new_id(Kind.TABLE)]}, "tableIds"),
        ((), {"filter": where}, "filter"),
        ((), {"filter": where, "table_ids": [table_id, other]}, "filter"),
        ((), {"filter": {"column": "nope", "operator": "eq"}, "table_ids": [table_id]}, "filter"),
        ((), {"columns": ["name"]}, "columns"),
        ((), {"columns": ["nope"], "table_ids": [table_id]}, "columns"),
        ((), {"description": "x" * 2001}, "description"),
    ]
    for events, more, field in wrong:
        with pytest.raises(Invalid) as refused:
            await hooks.create(*events, **more)  # type: ignore[arg-type]
        assert {problem.path[0] for problem in refused.value.problems} == {field}
    with pytest.raises(Invalid):
        await webhooks.create_webhook(
            hooks.world.viewer, hooks.world.storage, WebhookCreate(URL, [])
        )


def _report(row_id: UUID, key: str, status: str, value: str | None) -> RawReport:
    error = "It broke" if status == "error" else None
    return RawReport(str(row_id), key, status, value is not None, value, error)


def _told(hooks: Hooks, path: str) -> list[str]:
    messages = [m for m in hooks.inbox.accepted if m.url.endswith(path)]
    return [m.told.get("type") or m.told["eventType"] for m in messages]
