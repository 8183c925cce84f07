"""Rollbacks against an oracle: what was undone, what was kept, and what was left alone.

Cases: baserow#2509 and #3762 (options that are gone), directus#8951 (relations)."""

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import column_editing, history, ids, rollbacks, rows
from domain.access import Viewer
from domain.changes import Cause, CauseKind
from domain.columns import ColumnType, NewColumn
from domain.entities import ColumnUpdate
from domain.errors import Conflict, Invalid, NotFound
from domain.history_records import HistoryAction, HistoryEntry, HistoryQuery
from domain.paging import page_request
from domain.rollback_records import ConflictReason, RollbackKind, RolledBack, Undo
from domain.rollbacks import RowsRollback
from domain.row_values import RowValues
from domain.row_writes import PreparedRow
from domain.rows import RowChange, RowsUpdate
from domain.selection import RowPart, RowSelection, RowsQuery
from tests.examples import examples
from tests.history.oracle import Step, expected
from tests.history.scripts import STEPS, Script, data_of
from tests.worlds import World

_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
_VALUES = st.fixed_dictionaries({}, optional=dict.fromkeys("ab", st.none() | st.integers(1, 2)))
_EDITS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.one_of(
            st.tuples(st.just("add"), _VALUES),
            st.tuples(st.just("merge"), st.integers(0, 3), _VALUES),
            st.tuples(st.just("merge"), st.integers(0, 3), _VALUES),
            st.tuples(st.just("delete"), st.integers(0, 3)),
            st.tuples(st.just("restore"), st.integers(0, 3)),
        ),
    ),
    min_size=2,
    max_size=14,
)


@dataclasses.dataclass
class Team:
    """A table that several actors edit; the last one is an import."""

    world: World
    table_id: UUID
    viewers: list[Viewer]
    run_id: UUID
    row_ids: list[UUID] = dataclasses.field(default_factory=list)

    @classmethod
    async def of(cls, world: World) -> "Team":
        columns = [NewColumn(key, key, ColumnType.NUMBER) for key in "ab"]
        viewers = [
            dataclasses.replace(world.viewer, key_id=ids.new_id(ids.Kind.API_KEY)) for _ in range(3)
        ]
        return cls(world, await world.table(*columns), viewers, ids.new_id(ids.Kind.IMPORT))

    async def edit(self, who: int, kind: str, *arguments: Any) -> None:
        """One edit; those on rows that are not as they would have to be do nothing."""
        storage, viewer = self.world.storage, self.viewers[who]
        shape = await storage.tables.shape(viewer.organization_id, self.table_id)
        assert shape is not None
        cause = Cause(CauseKind.IMPORT, str(self.run_id)) if who == 2 else Cause()
        if kind == "add":
            [row_id] = ids.new_ids(ids.Kind.ROW, 1, shape.number)
            new = PreparedRow(row_id, _values(arguments[0]))
            await storage.rows.insert(shape, viewer.actor, cause, shape.first_session_id, [new])
            self.row_ids.append(row_id)
            return
        if arguments[0] >= len(self.row_ids):
            return
        row_id = self.row_ids[arguments[0]]
        try:
            if kind == "merge":
                change = PreparedRow(row_id, _values(arguments[1]))
                await storage.rows.merge(shape, viewer.actor, cause, [change])
            elif kind == "delete":
                await storage.rows.delete(shape, viewer.actor, cause, [row_id])
            else:
                await rollbacks.restore_row(viewer, storage, row_id)
        except (Conflict, Invalid):
            return

    async def data(self) -> dict[str, Any]:
        """What is in the table."""
        selection = RowSelection((("id", RowPart.ID), ("data", RowPart.DATA)))
        query = RowsQuery(selection, page_request(first=1000, maximum=1000))
        page = await rows.read_rows(
            self.viewers[0], self.world.storage, self.table_id, lambda _: query
        )
        assert page.row_count == len(page.rows)
        return data_of(page)

    async def entries(self) -> dict[UUID, list[HistoryEntry]]:
        """The history of each row, the oldest first."""
        page = await history.read_history(
            self.viewers[0], self.world.storage, self.table_id, HistoryQuery(500)
        )
        found: dict[UUID, list[HistoryEntry]] = {}
        for entry in reversed(page.entries):
            found.setdefault(entry.row_id, []).append(entry)
        return found


def _values(data: dict[str, Any]) -> RowValues:
    return RowValues({"ab".index(key) + 1: value for key, value in data.items()}, None)


def _steps(entries: Sequence[HistoryEntry], undone: Any) -> list[Step]:
    return [
        Step(
            undone(entry),
            None if entry.change == "delete" else orjson.loads(entry.data),
            orjson.loads(entry.data),
        )
        for entry in entries
    ]


async def _check(team: Team, undone: Any, roll_back: Any, force: bool) -> None:
    before, histories = await team.data(), await team.entries()
    outcome = await roll_back(force=force)
    done: RolledBack = outcome.done
    after = await team.data()
    conflicts = {conflict.row_id for conflict in done.conflicts}
    for row_id, entries in histories.items():
        data, conflict = expected(_steps(entries, undone), force)
        assert after.get(str(row_id)) == data, (row_id, entries)
        assert (row_id in conflicts) is conflict
        assert not conflict or after.get(str(row_id)) == before.get(str(row_id))
    assert (done.rows_deleted, done.rows_restored) == (
        len(before.keys() - after.keys()),
        len(after.keys() - before.keys()),
    )
    again: RolledBack = (await roll_back(force=force)).done
    assert await team.data() == after
    assert (again.rows_deleted, again.rows_changed, again.rows_restored) == (0, 0, 0)
    await check_log(team.world, team.table_id)


async def check_log(world: World, table_id: UUID) -> None:
    """Revisions and versions have no holes, and the last image of each row is the row."""
    pool = world.database.pool
    revisions = await pool.fetch(
        "SELECT revision FROM change WHERE table_id = $1 ORDER BY revision", table_id
    )
    clock = await pool.fetchrow("SELECT * FROM table_clock WHERE table_id = $1", table_id)
    assert clock is not None
    assert [r["revision"] for r in revisions] == list(range(1, clock["revision"] + 1))
    holes = await pool.fetchval(
        "SELECT count(*) FROM (SELECT count(*) AS n, max(version) AS last FROM row_version"
        " WHERE table_id = $1 GROUP BY row_id) v WHERE n <> last",
        table_id,
    )
    assert holes == 0
    shape = await world.shape(table_id)
    wrong = await pool.fetchval(
        f"""
SELECT count(*) FROM {shape.sql_name} t FULL JOIN (
  SELECT DISTINCT ON (row_id) * FROM row_version WHERE table_id = $1
  ORDER BY row_id, version DESC) v ON v.row_id = t.id
WHERE (t.id IS NULL) <> (v.action = 'delete')
   OR t.id IS NOT NULL AND (t.version, t.position) IS DISTINCT FROM (v.version, v.position)""",
        table_id,
    )
    assert wrong == 0


@examples(25)
@given(edits=_EDITS, force=st.booleans())
async def test_what_an_actor_did_is_undone_and_no_more(
    world: World, edits: list[Any], force: bool
) -> None:
    team = await Team.of(world)
    for who, edit in edits:
        await team.edit(who, *edit)
    actor = team.viewers[0].actor

    async def roll_back(force: bool) -> Any:
        return await rollbacks.roll_back_actor(
            team.viewers[1], world.storage, team.table_id, actor, _BEGINNING, force=force
        )

    await _check(team, lambda entry: entry.actor == actor, roll_back, force)


@examples(25)
@given(edits=_EDITS, force=st.booleans())
async def test_an_import_is_undone_and_no_more(world: World, edits: list[Any], force: bool) -> None:
    team = await Team.of(world)
    for who, edit in edits:
        await team.edit(who, *edit)
    run = {"kind": "import", "id": str(team.run_id)}

    async def roll_back(force: bool) -> Any:
        shape = await world.shape(team.table_id)
        _, last = await world.storage.history.covered(shape)
        undo = Undo(RollbackKind.IMPORT, 0, last, import_id=team.run_id)
        done = await world.storage.rollbacks.undo(shape, team.viewers[0].actor, undo, force)
        return rollbacks.Outcome(team.table_id, done)

    await _check(
        team, lambda entry: {**entry.cause, "id": entry.cause.get("id")} == run, roll_back, force
    )


@examples(15)
@given(steps=STEPS, data=st.data())
async def test_rows_go_back_to_a_revision(world: World, steps: list[Any], data: Any) -> None:
    script = await Script.begin(world, looks=1)
    await script.run(steps)
    revision = data.draw(st.sampled_from(sorted(script.seen)))
    chosen = data.draw(st.none() | st.lists(st.sampled_from(script.row_ids or [UUID(int=1)])))
    now, then = data_of((await script.pages())[0]), data_of(script.seen[revision][0])
    command = RowsRollback(script.table_id, revision, chosen or None)
    await rollbacks.roll_back_rows(script.viewer, world.storage, command)
    after = data_of((await script.pages())[0])
    for row_id in {*now, *then}:
        back = not chosen or UUID(row_id) in chosen
        assert after.get(row_id) == (then if back else now).get(row_id)
    await check_log(world, script.table_id)


async def test_changes_after_the_last_one_seen_are_kept(world: World) -> None:
    script = await Script.begin(world, looks=1)
    await script.step("add", [{"name": "a", "n": 1}, {"name": "b", "n": 1}, {"name": "c"}])
    start = await script.look()
    await script.step("merge", [0, 1, 2], {"n": 2})
    seen = await script.look()
    await script.step("merge", [0], {"n": 3})
    await script.step("merge", [1], {"name": "B"})
    command = RowsRollback(script.table_id, start, None, seen)
    outcome = await rollbacks.roll_back_rows(script.viewer, world.storage, command)
    assert outcome.done is not None
    [conflict] = outcome.done.conflicts
    assert (conflict.row_id, conflict.revision) == (script.row_ids[0], seen + 1)
    assert (conflict.reason, conflict.actor) == (ConflictReason.CHANGED, script.viewer.actor)
    shown = data_of((await script.pages())[0]).values()
    assert [(row["name"], row["n"]) for row in shown] == [("a", 3), ("B", 1), ("c", None)]
    forced = dataclasses.replace(command, force=True)
    await rollbacks.roll_back_rows(script.viewer, world.storage, forced)
    shown = data_of((await script.pages())[0]).values()
    assert [(row["name"], row["n"]) for row in shown] == [("a", 1), ("B", 1), ("c", None)]


async def test_a_cell_goes_back_alone_and_old_options_win(world: World) -> None:
    options = {"options": ["old", "new"]}
    table_id = await world.table(
        NewColumn("kind", "Kind", ColumnType.SELECT, config=options), "name"
    )
    viewer, storage = world.viewer, world.storage
    [row_id] = await world.add(table_id, {"kind": "old", "name": "one"})
    change = RowChange(row_id, {"kind": "new", "name": "two"})
    await rows.update_rows(viewer, storage, RowsUpdate(table_id, [change], "merge"))
    column = await world.column(table_id, "kind")
    less = ColumnUpdate(config={"options": ["new"]})
    await column_editing.update_column(viewer, storage, table_id, column.id, less)
    await rollbacks.roll_back_cell(viewer, storage, row_id, "kind", 1)
    [entry, *_] = (await _history(world, table_id)).entries
    assert orjson.loads(entry.data) == {"kind": "old", "name": "two"}
    assert (entry.action, entry.changed) == (HistoryAction.ROLLBACK, ["kind"])
    with pytest.raises(Invalid, match="Unknown column: what"):
        await rollbacks.roll_back_cell(viewer, storage, row_id, "what", 1)
    formula = NewColumn("twice", "Twice", ColumnType.COMPUTED, config={"formula": "name + name"})
    await column_editing.add_column(viewer, storage, table_id, formula)
    with pytest.raises(Invalid, match="twice is computed"):
        await rollbacks.roll_back_cell(viewer, storage, row_id, "twice", 1)
    with pytest.raises(NotFound, match="History entry not found"):
        await rollbacks.roll_back_cell(viewer, storage, row_id, "kind", 9)
    await rows.delete_rows(viewer, storage, table_id, [row_id])
    with pytest.raises(Conflict, match="restore it first"):
        await rollbacks.roll_back_cell(viewer, storage, row_id, "kind", 1)
    await rollbacks.restore_row(viewer, storage, row_id)
    with pytest.raises(Conflict, match="was not deleted"):
        await rollbacks.restore_row(viewer, storage, row_id)
    await check_log(world, table_id)


async def test_values_of_deleted_columns_stay_in_history(world: World) -> None:
    table_id = await world.table("name", NewColumn("n", "N", ColumnType.NUMBER))
    viewer, storage = world.viewer, world.storage
    [row_id] = await world.add(table_id, {"name": "a", "n": 7})
    column = await world.column(table_id, "n")
    await column_editing.delete_column(viewer, storage, table_id, column.id)
    [entry] = (await _history(world, table_id)).entries
    assert orjson.loads(entry.data) == {"name": "a", "n": 7}
    new = NewColumn("n", "N", ColumnType.TEXT)
    await column_editing.add_column(viewer, storage, table_id, new)
    change = RowChange(row_id, {"n": "seven"})
    await rows.update_rows(viewer, storage, RowsUpdate(table_id, [change], "merge"))
    second, first = (await _history(world, table_id)).entries
    assert orjson.loads(first.data) == {"name": "a", "n": None, "n#2": 7}
    assert orjson.loads(second.data) == {"name": "a", "n": "seven"}
    await rollbacks.roll_back_row(viewer, storage, row_id, 1)
    [latest, *_] = (await _history(world, table_id)).entries
    assert orjson.loads(latest.data) == {"name": "a", "n": None}


async def _history(world: World, table_id: UUID, **query: Any) -> Any:
    asked = HistoryQuery(**{"limit": 100, **query})
    return await history.read_history(world.viewer, world.storage, table_id, asked)
