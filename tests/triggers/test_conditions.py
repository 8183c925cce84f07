"""Conditions mean what filters of rows mean, on the row of the change."""

from typing import Any
from uuid import UUID

import pytest

from domain import column_editing
from domain.columns import ColumnType, NewColumn, TableShape
from domain.errors import Invalid
from domain.filters import bind
from domain.paging import page_request
from domain.rows import RowsQueryFor, delete_rows, read_rows
from domain.selection import RowRecord, RowsQuery
from domain.trigger_conditions import read_condition, written
from domain.trigger_records import FiringStatus, TriggerEvent
from tests.rest import test_filters as filter_cases
from tests.triggers.automation import ADDED, DELETED, UPDATED, Automation

_COLUMNS = [
    NewColumn(
        each["name"], each["displayName"], ColumnType(each["dataType"]), config=each.get("config")
    )
    for each in filter_cases._COLUMNS
]


def _conditions() -> list[Any]:
    """Every case of the filters of rows, and trees of them."""
    cases = [
        {"column": name, "operator": operator} | ({"value": value[0]} if value else {})
        for name, operator, value, _ in filter_cases._CASES
        if not value or value[0] is not None
    ]
    return [
        *cases,
        [cases[0], cases[5]],
        [],
        {"any": [cases[0], cases[1]]},
        {"not": cases[0]},
        {"all": [{"any": [cases[2], {"not": cases[7]}]}, cases[3]]},
        None,
    ]


def _matching(condition: Any) -> RowsQueryFor:
    def query(shape: TableShape) -> RowsQuery:
        filter = bind(shape, read_condition(condition)) if condition is not None else None
        return RowsQuery(None, page_request(maximum=100), filter)

    return query


@pytest.mark.parametrize("event", [ADDED, UPDATED, DELETED])
async def test_conditions_are_filters(automation: Automation, event: TriggerEvent) -> None:
    world = automation.world
    table_id = await world.table(*_COLUMNS)
    conditions = _conditions()
    row_ids: list[UUID] = []
    if event is not ADDED:
        row_ids = list(await world.add(table_id, *filter_cases._ROWS))
    triggers = [await automation.trigger(table_id, event, each) for each in conditions]
    if event is ADDED:
        await world.add(table_id, *filter_cases._ROWS)
    if event is UPDATED:
        for row_id in row_ids:
            await automation.merge(table_id, row_id, s="low")
    expected = []
    for condition in conditions:
        page = await read_rows(world.viewer, world.storage, table_id, _matching(condition))
        expected.append({row.id for row in page.rows if isinstance(row, RowRecord)})
    if event is DELETED:
        await delete_rows(world.viewer, world.storage, table_id, row_ids)
    await automation.relayed()
    for trigger, wanted in zip(triggers, expected, strict=True):
        fired = await automation.firings(trigger)
        assert {each.row_id for each in fired} == wanted, trigger.condition
        assert len(fired) == len(wanted)
    assert any(expected)


async def test_every_update_of_a_matching_row_fires(automation: Automation) -> None:
    """Also one that changes nothing of the condition; a row that no longer matches does not."""
    world = automation.world
    table_id = await world.table("name", "more")
    [row_id] = await world.add(table_id, {"name": "no"})
    only = {"column": "name", "operator": "eq", "value": "yes"}
    trigger = await automation.trigger(table_id, UPDATED, only)
    for data in ({"name": "yes"}, {"more": "x"}, {"more": "x"}, {"name": "no"}, {"more": "y"}):
        await automation.merge(table_id, row_id, **data)
    await automation.relayed()
    assert [each.revision for each in await automation.firings(trigger)] == [3, 4, 5]


async def test_a_condition_that_lost_its_column_is_told(automation: Automation) -> None:
    """Nobody is left in silence, and other triggers go on."""
    world = automation.world
    table_id = await world.table("name", "more")
    only = {"column": "more", "operator": "eq", "value": "x"}
    broken = await automation.trigger(table_id, ADDED, only)
    whole = await automation.trigger(table_id, ADDED)
    column = await world.column(table_id, "more")
    await column_editing.delete_column(world.viewer, world.storage, table_id, column.id)
    for _ in range(3):
        await world.add(table_id, {"name": "a"})
        await automation.relayed()
    reason = "The condition cannot be decided: Unknown column: more"
    assert (await automation.get(broken)).error == reason
    [failed] = await automation.firings(broken)
    assert (failed.status, failed.error, failed.row_id) == (FiringStatus.FAILED, reason, None)
    assert len(await automation.firings(whole)) == 3
    with pytest.raises(Invalid, match="Unknown column: more"):
        await automation.update(broken, condition=only)
    # Mended, it fires again and tells of nothing any more.
    await automation.update(broken, condition={"column": "name", "operator": "eq", "value": "a"})
    await world.add(table_id, {"name": "a"})
    await automation.relayed()
    assert (await automation.get(broken)).error is None
    assert len(await automation.firings(broken)) == 2


async def test_a_column_that_comes_back_mends_the_condition(automation: Automation) -> None:
    world = automation.world
    table_id = await world.table("name", "more")
    only = {"column": "more", "operator": "eq", "value": "x"}
    trigger = await automation.trigger(table_id, ADDED, only)
    column = await world.column(table_id, "more")
    await column_editing.delete_column(world.viewer, world.storage, table_id, column.id)
    await world.add(table_id, {"name": "a"})
    await automation.relayed()
    new = NewColumn("more", "More", ColumnType.TEXT)
    await column_editing.add_column(world.viewer, world.storage, table_id, new)
    await world.add(table_id, {"more": "x"})
    await automation.relayed()
    assert (await automation.get(trigger)).error is None
    assert len(await automation.firings(trigger)) == 2


@pytest.mark.parametrize("condition", _conditions())
def test_conditions_are_kept_as_they_were_given(condition: Any) -> None:
    if condition is not None:
        stored = written(read_condition(condition))
        assert written(read_condition(stored)) == stored
        if not isinstance(condition, dict) or "all" not in condition:
            assert stored == condition


@pytest.mark.parametrize(
    "condition",
    [
        "x",
        5,
        {},
        {"column": "name"},
        {"column": 5, "operator": "eq", "value": 1},
        {"all": "x"},
        {"not": None},
        {"column": "name", "operator": "eq", "value": "\0"},
        {"column": "name", "operator": "in", "value": ["\ud800"]},
    ],
)
async def test_nonsense_is_refused(automation: Automation, condition: Any) -> None:
    table_id = await automation.world.table("name")
    with pytest.raises(Invalid):
        await automation.trigger(table_id, ADDED, condition)


async def test_conditions_are_bounded(automation: Automation) -> None:
    table_id = await automation.world.table("name")
    one: Any = {"column": "name", "operator": "eq", "value": "x"}
    deep, wide = one, [one] * 201
    for _ in range(11):
        deep = {"not": deep}
    for condition in (deep, wide, [[wide[:150]], wide[:100]]):
        with pytest.raises(Invalid):
            await automation.trigger(table_id, ADDED, condition)
