"""A table as of a revision is what a reader saw then; a difference leads from one to the other."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given

from domain import column_editing, history, rows
from domain.columns import ColumnType, NewColumn
from domain.errors import ErrorCode, Invalid
from domain.history_records import AsOf, DiffKind, RowDiff, place_cursor
from domain.paging import page_request
from domain.selection import RowRecord, RowsPage, RowsQuery
from tests.examples import examples
from tests.history.scripts import STEPS, Script, data_of, pairs
from tests.worlds import World

#: The query that gives every row in another order than that of the table.
_ALL_SORTED = 4


def comparable(page: RowsPage) -> RowsPage:
    """A page without what the past does not keep: when the status of a cell moved last."""
    found: list[Any] = []
    for row in page.rows:
        if isinstance(row, RowRecord):
            states = {
                number: (state.status, state.error, state.progress)
                for number, state in row.states.items()
                if state.status != "initialized"
            }
            row = dataclasses.replace(row, states=states)  # type: ignore[arg-type]
        found.append(row)
    return dataclasses.replace(page, rows=found)


@examples(15)
@given(steps=STEPS)
async def test_the_past_is_what_a_reader_saw(world: World, steps: list[Any]) -> None:
    script = await Script.begin(world)
    await script.run(steps)
    for revision, seen in script.seen.items():
        found = await script.pages(revision)
        assert [comparable(page) for page in found] == [comparable(page) for page in seen]
        sorted_ = seen[_ALL_SORTED]
        for number, cursor in enumerate(sorted_.cursors):
            after = await script.read(_ALL_SORTED, revision, first=9, after=cursor)
            assert after.rows == sorted_.rows[number + 1 : number + 10]


@examples(15)
@given(steps=STEPS)
async def test_a_difference_leads_from_one_state_to_the_other(
    world: World, steps: list[Any]
) -> None:
    script = await Script.begin(world, looks=1)
    await script.run(steps)
    for start, end in pairs(sorted(script.seen)[-4:]):
        before, after = (data_of(script.seen[each][0]) for each in (start, end))
        found = await _diff(script, start, end)
        state = dict(before)
        for row in found:
            row_id = str(row.row_id)
            assert _loads(row.before) == state.get(row_id)
            if row.kind is DiffKind.REMOVED:
                del state[row_id]
            else:
                state[row_id] = _loads(row.after)
            changed = {cell.key: (_loads(cell.before), _loads(cell.after)) for cell in row.cells}
            assert changed == _changed(before.get(row_id, {}), after.get(row_id, {}))
            assert row.kind is not DiffKind.CHANGED or changed
        assert state == after


async def _diff(script: Script, start: int, end: int) -> list[RowDiff]:
    """All of it, by small pages."""
    found: list[RowDiff] = []
    more, cursor = True, None
    while more:
        page = await history.diff_rows(
            script.viewer,
            script.world.storage,
            script.table_id,
            AsOf(start),
            AsOf(end),
            2,
            cursor,
        )
        found += page.rows
        more = page.has_more
        cursor = place_cursor(page.rows[-1].position, page.rows[-1].row_id) if more else None
    return found


def _loads(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


def _changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """A key without a column may hold null or be missing, and that is not the same."""
    keys = {*before, *after}
    found = {key: (before.get(key), after.get(key)) for key in keys}
    return {
        key: pair
        for key, pair in found.items()
        if pair[0] != pair[1] or (key == "free" and (key in before) is not (key in after))
    }


async def test_a_moment_stands_for_the_last_revision_by_then(world: World) -> None:
    script = await Script.begin(world)
    for number in range(1, 20):
        await script.step("add", [{"n": number}])
    changes = await world.database.pool.fetch(
        "SELECT revision, at FROM change WHERE table_id = $1 ORDER BY revision", script.table_id
    )
    for change in changes:
        same = [each["revision"] for each in changes if each["at"] == change["at"]]
        at = AsOf(at=change["at"])
        found = await history.revision_as_of(script.viewer, world.storage, script.table_id, at)
        assert found == same[-1]
        before = AsOf(at=change["at"] - timedelta(milliseconds=1))
        found = await history.revision_as_of(script.viewer, world.storage, script.table_id, before)
        assert found <= same[0] - 1
    for moment, revision in (
        (datetime(1, 1, 1, tzinfo=UTC), 0),
        (datetime(9999, 12, 31, tzinfo=UTC), 20),
    ):
        at = AsOf(at=moment)
        found = await history.revision_as_of(script.viewer, world.storage, script.table_id, at)
        assert found == revision
    page = await script.read(0, 0)
    assert (page.row_count, list(page.rows)) == (0, [])


@pytest.mark.parametrize(
    ("as_of", "code"),
    [
        (AsOf(revision=3), ErrorCode.OUT_OF_RANGE),
        (AsOf(revision=-1), ErrorCode.OUT_OF_RANGE),
        (AsOf(revision=2**70), ErrorCode.OUT_OF_RANGE),
        (AsOf(), ErrorCode.INVALID),
        (AsOf(1, datetime(2024, 1, 1, tzinfo=UTC)), ErrorCode.INVALID),
    ],
)
async def test_what_the_log_does_not_cover_is_refused(
    world: World, as_of: AsOf, code: ErrorCode
) -> None:
    script = await Script.begin(world)
    await script.step("add", [{}])
    with pytest.raises(Invalid) as refused:
        await history.revision_as_of(script.viewer, world.storage, script.table_id, as_of)
    assert [problem.code for problem in refused.value.problems] == [code]


async def test_what_was_pruned_is_refused(world: World) -> None:
    script = await Script.begin(world)
    await script.run([("add", [{"n": n}]) for n in range(4)])
    await world.database.pool.execute(
        "UPDATE table_clock SET pruned_to = 3 WHERE table_id = $1", script.table_id
    )
    await world.database.pool.execute(
        "DELETE FROM change WHERE table_id = $1 AND revision <= 3", script.table_id
    )
    await script.read(0, 3)
    for ask in (
        lambda: script.read(0, 2),
        lambda: history.diff_rows(script.viewer, world.storage, script.table_id, AsOf(2), None, 10),
        lambda: history.revision_as_of(
            script.viewer,
            world.storage,
            script.table_id,
            AsOf(at=datetime(2000, 1, 1, tzinfo=UTC)),
        ),
    ):
        with pytest.raises(Invalid) as refused:
            await ask()
        assert refused.value.problems[0].code is ErrorCode.LOG_PRUNED


async def test_columns_of_today_are_shown_in_the_past(world: World) -> None:
    script = await Script.begin(world)
    await script.step("add", [{"name": "a", "n": 1}])
    revision = await script.look()
    shape = await script.shape()
    column = shape.columns_by_key["n"]
    await column_editing.delete_column(script.viewer, world.storage, script.table_id, column.id)
    new = NewColumn("n", "N", ColumnType.TEXT)
    await column_editing.add_column(script.viewer, world.storage, script.table_id, new)
    await script.step("merge", [0], {"n": "one", "name": "b"})
    page = await rows.read_rows(
        script.viewer,
        world.storage,
        script.table_id,
        lambda _: dataclasses.replace(_plain(), as_of=revision),
    )
    [record] = page.rows
    assert isinstance(record, RowRecord)
    assert record.values[0] == '"a"'
    assert record.values[-1] is None


def _plain() -> RowsQuery:
    return RowsQuery(None, page_request(maximum=10))
