"""Changes of type: losses are told first, what is kept is exact, nothing is gone for good."""

import json
from typing import Any
from uuid import UUID

import pytest

from domain import column_editing, column_types, rows
from domain.access import Role, Viewer
from domain.column_type_records import ColumnTypeChange, ColumnTypeChanged, ColumnTypePreview
from domain.columns import ColumnType, NewColumn
from domain.entities import ColumnUpdate
from domain.errors import Conflict, Invalid, NotFound
from domain.paging import page_request
from domain.selection import RowPart, RowSelection, RowsQuery
from tests.worlds import World, open_world

DATA = RowSelection((("data", RowPart.DATA),))


async def data(world: World, table_id: UUID) -> list[dict[str, Any]]:
    """The rows as clients see them."""
    page = await rows.read_rows(
        world.viewer,
        world.storage,
        table_id,
        lambda _: RowsQuery(selection=DATA, page=page_request(first=1000, maximum=1000)),
    )
    return [json.loads(str(row))["data"] for row in page.rows]


async def change(
    world: World, table_id: UUID, key: str, to: ColumnType, **more: Any
) -> ColumnTypeChanged:
    """Change the type of a column by key."""
    column = await world.column(table_id, key)
    command = ColumnTypeChange(column.id, to, **more)
    return await column_types.change_column_type(world.viewer, world.storage, table_id, command)


async def preview(
    world: World, table_id: UUID, key: str, to: ColumnType, **more: Any
) -> ColumnTypePreview:
    column = await world.column(table_id, key)
    command = ColumnTypeChange(column.id, to, **more)
    return await column_types.preview_column_type(world.viewer, world.storage, table_id, command)


FILE = UUID(int=0x018F3B2C00008007800000000000A000)


@pytest.mark.parametrize(
    ("old", "values", "new", "kept"),
    [
        ("number", [5, 5.5, 10**30], "text", ["5", "5.5", "1" + "0" * 30]),
        ("text", ["5", " 1,200 ", "x", "$3.50"], "number", [5, 1200, None, 3.5]),
        ("text", ["yes", "FALSE", "1", "2"], "boolean", [True, False, True, None]),
        ("text", ["2024-02-29", "2/29/2024", "soon"], "date", ["2024-02-29", "2024-02-29", None]),
        ("date", ["2024-02-29"], "datetime", ["2024-02-29T00:00:00.000Z"]),
        (
            "datetime",
            ["2024-02-29T00:00:00Z", "2024-02-29T10:00:00Z"],
            "date",
            ["2024-02-29", None],
        ),
        ("text", ["a, b", "c"], "multi_select", [["a", "b"], ["c"]]),
        ("multi_select", [["a"], ["a", "b"]], "text", ["a", '["a","b"]']),
        ("multi_select", [["a"], ["a", "b"]], "json", [["a"], ["a", "b"]]),
        ("text", ['{"a": 1.50}', "5", "plain"], "json", [{"a": 1.5}, 5, "plain"]),
        ("json", [{"a": 1}, "x", 5, False], "text", ['{"a":1}', "x", "5", "false"]),
        ("json", [{"a": 1}, "5", 5, False], "number", [None, 5, 5, None]),
        ("number", [1, 2.5], "measurement", [_kg := {"amount": 1, "unit": "kg"}, 2.5]),
        ("measurement", ["12.5 kg"], "text", ["12.5 kg"]),
        ("measurement", ["12.5 kg"], "number", [12.5]),
        ("measurement", ["12.5 kg"], "json", [{"amount": 12.5, "unit": "kg"}]),
        ("text", ["12.5 kg", "5 g"], "measurement", [12.5, None]),
        ("relation", [str(FILE), [str(FILE)]], "text", [str(FILE), str(FILE)]),
        ("text", [str(FILE)], "relation", [str(FILE)]),
        ("text", ["http://a.b", "a"], "url", ["http://a.b", None]),
        ("text", [str(FILE), "a"], "file", [None, None]),
    ],
    ids=lambda case: case if isinstance(case, str) else "",
)
async def test_values_become_those_of_the_new_type(
    postgres_url: str, old: str, values: list[Any], new: str, kept: list[Any]
) -> None:
    config = {"unit": "kg"} if "measurement" in (old, new) else None
    async with open_world(postgres_url) as world:
        column = NewColumn("v", "V", ColumnType(old), config=config)
        table_id = await world.table("name", column)
        await world.add(table_id, *({"name": str(n), "v": v} for n, v in enumerate(values)))
        await world.add(table_id, {"name": "empty"})
        lost = kept.count(None)
        told = await preview(world, table_id, "v", ColumnType(new))
        assert (told.values, told.convertible, told.lost) == (len(kept), len(kept) - lost, lost)
        assert len(told.samples) == lost
        assert all(sample.reason for sample in told.samples)
        if lost:
            with pytest.raises(Invalid, match=f"{lost} of {len(kept)} values would be lost"):
                await change(world, table_id, "v", ColumnType(new))
        before = await world.column(table_id, "v")
        changed = await change(world, table_id, "v", ColumnType(new), allow_loss=True)
        assert (changed.convertible, changed.lost) == (len(kept) - lost, lost)
        assert (changed.column.id, changed.column.key) == (before.id, "v")
        assert changed.column.number != before.number
        found = [row["v"] for row in await data(world, table_id)]
        shown = [
            {"amount": value, "unit": "kg"} if new == "measurement" and value != _kg else value
            for value in kept
        ]
        shown = [None if isinstance(v, dict) and v.get("amount", 0) is None else v for v in shown]
        assert found == [*shown, None]


async def test_a_change_is_one_revision_with_a_version_of_each_row_that_held_a_value(
    postgres_url: str,
) -> None:
    async with open_world(postgres_url) as world:
        table_id = await world.table("name", "v")
        a, b, c = await world.add(table_id, {"v": "1"}, {"v": "x"}, {"name": "n"})
        old = await world.column(table_id, "v")
        await change(world, table_id, "v", ColumnType.NUMBER, allow_loss=True)
        new = await world.column(table_id, "v")
        pool = world.database.pool
        [entry] = await pool.fetch(
            "SELECT * FROM change WHERE table_id = $1 AND kind = 'columns_changed'", table_id
        )
        details = json.loads(entry["details"])
        assert details["changed"] == [str(old.id)]
        assert details["retyped"] | {"id": ""} == {
            "id": "",
            "from": "text",
            "to": "number",
            "values": 1,
            "lost": 1,
        }
        versions = await pool.fetch(
            "SELECT row_id, version, revision, data FROM row_version WHERE table_id = $1"
            " AND version = 2 ORDER BY row_id",
            table_id,
        )
        assert {each["row_id"] for each in versions} == {a, b}
        assert {each["revision"] for each in versions} == {entry["revision"]}
        for each in versions:
            image = json.loads(each["data"])
            assert old.sql_name not in image
            assert image[new.sql_name] == (1 if each["row_id"] == a else None)
        # What it was is still in history, under the old number.
        first = await pool.fetchval(
            "SELECT data FROM row_version WHERE row_id = $1 AND version = 1", b
        )
        assert json.loads(first)[old.sql_name] == "x"
        assert c not in {each["row_id"] for each in versions}
        assert world.woken[-1] == ("table", table_id, entry["revision"])


async def test_what_was_lost_can_be_brought_back(postgres_url: str) -> None:
    async with open_world(postgres_url) as world:
        table_id = await world.table("name", "v")
        a, _, gone = await world.add(table_id, {"v": "1"}, {"v": "x"}, {"v": "y"})
        await change(world, table_id, "v", ColumnType.NUMBER, allow_loss=True)
        await rows.delete_rows(world.viewer, world.storage, table_id, [gone])
        await rows.update_rows(
            world.viewer,
            world.storage,
            rows.RowsUpdate(table_id, [rows.RowChange(a, {"v": 2})], "merge"),
        )
        viewer, storage = world.viewer, world.storage
        [former] = await column_types.deleted_columns(viewer, storage, table_id)
        assert (former.key, former.type) == ("v", ColumnType.TEXT)
        with pytest.raises(Conflict, match='There is a column named "v"'):
            await column_types.restore_column(viewer, storage, table_id, former.id, None)
        made = await column_types.restore_column(viewer, storage, table_id, former.id, "old")
        assert (made.id, made.position) == (former.id, 2)
        assert await data(world, table_id) == [
            {"name": None, "v": 2, "old": "1"},
            {"name": None, "v": None, "old": "x"},
        ]
        await _versions_equal_rows(world, table_id)


async def _versions_equal_rows(world: World, table_id: UUID) -> None:
    """The newest version of each row says what the row says."""
    shape = await world.shape(table_id)
    names = ", ".join(f"'{c.sql_name}', to_jsonb(t.{c.sql_name})" for c in shape.columns)
    found = await world.database.pool.fetch(
        f"""SELECT jsonb_strip_nulls(jsonb_build_object({names}))
          = jsonb_strip_nulls(v.data - '_extra') AND t.version = v.version AS same
        FROM {shape.sql_name} t JOIN LATERAL (SELECT * FROM row_version v WHERE v.table_id = $1
          AND v.row_id = t.id ORDER BY v.version DESC LIMIT 1) v ON TRUE""",
        table_id,
    )
    assert found
    assert all(each["same"] for each in found)


async def test_a_deleted_column_stays_in_history_and_comes_back_with_its_values(
    postgres_url: str,
) -> None:
    async with open_world(postgres_url) as world:
        target = await world.table("name")
        [row_id] = await world.add(target, {"name": "x"})
        given = {
            "number": 12345678901234567890,
            "date": "2024-02-29",
            "datetime": "2024-02-29T10:00:00.001Z",
            "multi_select": ["a, b", '"'],
            "json": {"a": [None, 1.25]},
            "measurement": {"amount": 2.5, "unit": None},
            "relation": str(row_id),
            "boolean": False,
            "text": "ü",
        }
        columns = [NewColumn(key, key, ColumnType(key)) for key in given]
        table_id = await world.table("name", *columns)
        await world.add(table_id, given, {"name": "empty"})
        viewer, storage = world.viewer, world.storage
        for key in given:
            column = await world.column(table_id, key)
            await column_editing.delete_column(viewer, storage, table_id, column.id)
            held = await world.database.pool.fetchval(
                "SELECT count(*) FROM row_version WHERE table_id = $1 AND data ? $2",
                table_id,
                column.sql_name,
            )
            assert held == 1, key
        assert [row.keys() for row in await data(world, table_id)] == [{"name"}] * 2
        deleted = await column_types.deleted_columns(viewer, storage, table_id)
        assert [column.key for column in deleted] == list(given)[::-1]
        for column in deleted:
            await column_types.restore_column(viewer, storage, table_id, column.id, None)
        assert await data(world, table_id) == [
            {"name": None, **given},
            {"name": "empty", **dict.fromkeys(given)},
        ]
        await _versions_equal_rows(world, table_id)
        with pytest.raises(NotFound):
            await column_types.restore_column(viewer, storage, table_id, column.id, None)


async def test_an_index_and_the_states_of_cells_go_with_their_column(postgres_url: str) -> None:
    async with open_world(postgres_url) as world:
        table_id = await world.table("v")
        await world.add(table_id, {"v": "1"})
        column = await world.column(table_id, "v")
        await column_editing.create_index(world.viewer, world.storage, table_id, column.id)
        await change(world, table_id, "v", ColumnType.NUMBER)
        await change(world, table_id, "v", ColumnType.RELATION, allow_loss=True)
        shape = await world.shape(table_id)
        found = await world.database.pool.fetch(
            "SELECT indexdef FROM pg_indexes WHERE schemaname || '.' || tablename = $1",
            shape.sql_name,
        )
        assert any(f"gin ({shape.columns[0].sql_name})" in each["indexdef"] for each in found)
        recorded = await world.database.pool.fetch(
            "SELECT column_number, status FROM column_index WHERE table_id = $1", table_id
        )
        assert [tuple(each) for each in recorded] == [(shape.columns[0].number, "ready")]


async def test_what_cannot_be_changed_is_refused(postgres_url: str) -> None:
    async with open_world(postgres_url) as world:
        columns = [
            NewColumn("v", "V", ColumnType.TEXT, default_value="x"),
            NewColumn("c", "C", ColumnType.COMPUTED, config={"formula": "1"}),
            NewColumn("m", "M", ColumnType.MEASUREMENT, config={"unit": "kg"}),
        ]
        table_id = await world.table(*columns)
        await world.add(table_id, {"v": "1", "m": 5})
        cases: list[tuple[str, str, dict[str, Any], str]] = [
            ("c", "text", {}, "computed column has no values"),
            ("v", "computed", {}, "computed column has no values"),
            ("v", "number", {}, '"x" is not a number'),
            ("v", "select", {"config": {"options": 5}, "default_value": None}, "list of texts"),
            (
                "v",
                "relation",
                {"config": {"targetTableId": "?"}, "default_value": None},
                "no table",
            ),
            ("m", "measurement", {"config": {"unit": "g"}}, 'the unit is "kg"'),
        ]
        for key, to, more, message in cases:
            with pytest.raises(Invalid, match=message):
                await change(world, table_id, key, ColumnType(to), **more)
        column = await world.column(table_id, "m")
        update = ColumnUpdate(config={"unit": "g"})
        with pytest.raises(Invalid, match=r"config\.unit"):
            await column_editing.update_column(
                world.viewer, world.storage, table_id, column.id, update
            )
        assert (await data(world, table_id))[0]["m"] == {"amount": 5, "unit": "kg"}
        low = Viewer(world.viewer.organization_id, Role.EDITOR)
        command = ColumnTypeChange(column.id, ColumnType.TEXT)
        told = await column_types.preview_column_type(low, world.storage, table_id, command)
        assert told.lost == 0


async def test_50_000_values_change_and_more_are_refused(postgres_url: str) -> None:
    async with open_world(postgres_url) as world:
        table_id = await world.table("v")
        shape = await world.shape(table_id)
        insert = f"""INSERT INTO {shape.sql_name} (id, position, session_id, version, created_by,
          created_at, updated_at, c1) SELECT uuidv7(), n, $1, 1, 'x', now(), now(), n::text
          FROM generate_series($2::int, $3::int) n"""
        await world.database.pool.execute(insert, shape.first_session_id, 1, 50_000)
        changed = await change(world, table_id, "v", ColumnType.NUMBER)
        assert changed.convertible == 50_000
        shape = await world.shape(table_id)
        total = await world.database.pool.fetchval(
            f"SELECT sum({shape.columns[0].sql_name}) FROM {shape.sql_name}"
        )
        assert total == 50_000 * 50_001 // 2
        insert = insert.replace("c1)", f"{shape.columns[0].sql_name})").replace("n::text", "n")
        await world.database.pool.execute(insert, shape.first_session_id, 50_001, 50_001)
        for call in (preview, change):
            with pytest.raises(Invalid, match="more than 50,000 values cannot change"):
                await call(world, table_id, "v", ColumnType.TEXT)
