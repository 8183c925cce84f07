"""Imports that update rows by key: who is updated, who is added, who is refused, and the log."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import imports, rows
from domain.columns import ColumnType, ComputedBy, NewColumn
from domain.entities import Import, ImportStatus
from domain.errors import ErrorCode, Invalid
from domain.import_plans import ImportMode
from domain.rows import RowChange, RowsUpdate
from tests.examples import examples
from tests.imports.importing import Importer, flight_columns, flights

COLUMNS = [
    NewColumn("code", "Code", ColumnType.TEXT),
    NewColumn("n", "N", ColumnType.NUMBER),
    NewColumn("note", "Note", ColumnType.TEXT),
    NewColumn("level", "Level", ColumnType.NUMBER, default_value="1"),
]


async def _upsert(
    importer: Importer, table_id: UUID, content: str | bytes, *keys: str, name: str = "data.csv"
) -> Import:
    data = content if isinstance(content, bytes) else content.encode()
    return await importer.start(table_id, data, mode=ImportMode.UPSERT, key_columns=keys, name=name)


def _counts(run: Import) -> tuple[int, int, int]:
    return run.rows_imported, run.rows_updated, run.rows_skipped


async def _log(importer: Importer, table_id: UUID) -> list[tuple[str, int, int]]:
    """Kind, rows added and rows changed of each entry, after checking that none is missing."""
    entries = await importer.world.database.pool.fetch(
        "SELECT kind, rows_added, rows_changed, revision FROM change WHERE table_id = $1"
        " ORDER BY revision",
        table_id,
    )
    clock = await importer.count(table_id, "SELECT revision FROM table_clock WHERE table_id = $1")
    assert [each["revision"] for each in entries] == list(range(1, clock + 1))
    return [(each["kind"], each["rows_added"], each["rows_changed"]) for each in entries]


async def test_rows_with_the_key_are_updated_and_others_added(importer: Importer) -> None:
    world = importer.world
    table_id = await world.table(*COLUMNS)
    first, _ = await world.add(
        table_id,
        {"code": "a", "n": 1, "note": "stays", "level": 7},
        {"code": "b", "n": 2, "note": "goes", "level": 8},
    )
    before = len(await _log(importer, table_id))
    run = await _upsert(importer, table_id, "code,n,extra\na,10,x\nc,3,y\nb,,z\n", "code")
    assert run.status is ImportStatus.COMPLETED
    assert _counts(run) == (1, 2, 0)
    # What the file does not have stays; a blank field empties its cell.
    assert await importer.cells(table_id) == [
        {"code": "a", "n": 10, "note": "stays", "level": 7, "extra": "x"},
        {"code": "b", "n": None, "note": "goes", "level": 8, "extra": "z"},
        {"code": "c", "n": 3, "note": None, "level": 1, "extra": "y"},
    ]
    entries = (await _log(importer, table_id))[before:]
    assert entries == [
        ("columns_changed", 0, 0),
        ("rows_changed", 0, 2),
        ("rows_added", 1, 0),
    ]
    causes = await world.database.pool.fetch(
        "SELECT cause->>'kind' AS kind, cause->>'id' AS id FROM change"
        " WHERE table_id = $1 AND kind IN ('rows_changed', 'rows_added') AND revision > 1",
        table_id,
    )
    assert {(each["kind"], each["id"]) for each in causes if each["kind"] == "import"} == {
        ("import", str(run.id))
    }
    clock = await importer.count(table_id, "SELECT revision FROM table_clock WHERE table_id = $1")
    assert run.revision == clock
    versions = await world.database.pool.fetch(
        "SELECT version, action FROM row_version WHERE table_id = $1 AND row_id = $2"
        " ORDER BY version",
        table_id,
        first,
    )
    assert [tuple(each) for each in versions] == [(1, "create"), (2, "update")]


async def test_the_same_file_again_changes_nothing(importer: Importer) -> None:
    table_id = await importer.world.table(*COLUMNS)
    content = "code,n\na,1\nb,2.50\nc,\n"
    assert _counts(await _upsert(importer, table_id, content, "code")) == (3, 0, 0)
    log = await _log(importer, table_id)
    again = await _upsert(importer, table_id, content, "code")
    assert (again.status, *_counts(again)) == (ImportStatus.COMPLETED, 0, 3, 0)
    assert await _log(importer, table_id) == log
    table = await importer.world.storage.tables.get(importer.world.viewer.organization_id, table_id)
    assert table is not None
    assert again.revision == table.revision  # a stream resumes there, not at the beginning
    await importer.check_log(table_id, 3)


async def test_of_records_with_the_same_key_the_last_one_wins(importer: Importer) -> None:
    world = importer.world
    table_id = await world.table(*COLUMNS)
    await world.add(table_id, {"code": "a", "n": 0, "note": "old"})
    run = await _upsert(
        importer, table_id, "code,n,note\na,1,x\nnew,1,\na,2,\nnew,2,y\nnew,3,\n", "code"
    )
    assert _counts(run) == (1, 4, 0)
    assert await importer.cells(table_id) == [
        {"code": "a", "n": 2, "note": None, "level": 1},
        {"code": "new", "n": 3, "note": None, "level": 1},
    ]


async def test_a_key_that_two_rows_have_or_none_is_refused(importer: Importer) -> None:
    world = importer.world
    table_id = await world.table(*COLUMNS)
    await world.add(table_id, {"code": "a", "n": 1}, {"code": "a", "n": 2}, {"code": "b"})
    run = await _upsert(importer, table_id, "code,n\na,5\n,6\nb,7\n  ,8\na,9\n", "code")
    assert _counts(run) == (0, 1, 4)
    told = await imports.import_rejections(world.viewer, world.storage, run.id)
    assert [(each.line, each.error, each.record) for each in told] == [
        (2, "More than one row of the table has this key", ["a", "5"]),
        (3, "code: a value is required", ["", "6"]),
        (5, "code: a value is required", ["  ", "8"]),
        (6, "More than one row of the table has this key", ["a", "9"]),
    ]
    assert [row["n"] for row in await importer.cells(table_id)] == [1, 2, 7]


async def test_what_a_new_row_needs_is_no_matter_for_an_update(importer: Importer) -> None:
    world = importer.world
    needed = NewColumn("needed", "Needed", ColumnType.TEXT, required=True)
    table_id = await world.table(*COLUMNS, needed)
    await world.add(table_id, {"code": "a", "needed": "here"})
    run = await _upsert(importer, table_id, "code,n\na,5\nb,6\nb,7\n", "code")
    assert _counts(run) == (0, 1, 2)
    told = await imports.import_rejections(world.viewer, world.storage, run.id)
    assert [(each.line, each.error) for each in told] == [
        (3, "needed: a value is required"),
        (4, "needed: a value is required"),
    ]
    assert [(row["n"], row["needed"]) for row in await importer.cells(table_id)] == [(5, "here")]


async def test_keys_may_be_several_and_of_any_plain_type(importer: Importer) -> None:
    world = importer.world
    keys = [
        NewColumn("day", "Day", ColumnType.DATE),
        NewColumn("at", "At", ColumnType.DATETIME),
        NewColumn("num", "Num", ColumnType.NUMBER),
        NewColumn("on", "On", ColumnType.BOOLEAN),
        NewColumn("mail", "Mail", ColumnType.EMAIL),
    ]
    table_id = await world.table(*keys, "value")
    row: dict[str, Any] = {
        "day": "2024-02-29",
        "at": "2024-02-29T12:00:00Z",
        "num": 5,
        "on": True,
        "mail": "a@b.org",
    }
    await world.add(table_id, row | {"value": "old"}, row | {"num": 5.5, "value": "old"})
    content = (
        "Mail,On,Num,At,Day,Value\n"
        'a@b.org,yes,"5.0",2024-02-29T13:00:00+01:00,2/29/2024,new\n'
        "a@b.org,no,5,2024-02-29T12:00:00Z,2024-02-29,added\n"
    )
    run = await _upsert(importer, table_id, content, "day", "at", "num", "on", "mail")
    assert _counts(run) == (1, 1, 0)
    assert [each["value"] for each in await importer.cells(table_id)] == ["new", "old", "added"]


@pytest.mark.parametrize(
    ("mode", "keys", "code"),
    [
        (ImportMode.UPSERT, (), ErrorCode.REQUIRED),
        (ImportMode.APPEND, ("code",), ErrorCode.INVALID),
        (ImportMode.UPSERT, ("other",), ErrorCode.UNKNOWN_COLUMN),
        (ImportMode.UPSERT, ("note",), ErrorCode.UNKNOWN_COLUMN),  # the file does not fill it
        (ImportMode.UPSERT, ("links",), ErrorCode.INVALID_TYPE),
        (ImportMode.UPSERT, ("code", "code"), ErrorCode.DUPLICATE),
        (ImportMode.UPSERT, tuple("abcdefghijk"), ErrorCode.TOO_MANY),
    ],
)
async def test_keys_that_cannot_be(
    importer: Importer, mode: ImportMode, keys: Sequence[str], code: ErrorCode
) -> None:
    links = NewColumn("links", "Links", ColumnType.RELATION)
    table_id = await importer.world.table(*COLUMNS, links)
    with pytest.raises(Invalid) as refused:
        await importer.start(table_id, b"code,n,links,more\na,1,,\n", mode=mode, key_columns=keys)
    assert code in [problem.code for problem in refused.value.problems]
    assert all(problem.path[0] == "keyColumns" for problem in refused.value.problems)
    shape = await importer.world.shape(table_id)
    assert "more" not in shape.columns_by_key


async def test_cells_of_an_outside_worker_are_resolved_by_an_update(importer: Importer) -> None:
    world = importer.world
    table_id = await world.table(
        "code", NewColumn("x", "X", ColumnType.TEXT, computed_by=ComputedBy.EXTERNAL)
    )
    await world.add(table_id, {"code": "a"})
    await _upsert(importer, table_id, "code,x\na,done\nb,too\n", "code")
    states = await world.database.pool.fetch(
        "SELECT status FROM cell_state WHERE table_id = $1", table_id
    )
    assert [each["status"] for each in states] == ["resolved", "resolved"]
    changes = await importer.count(
        table_id, "SELECT count(DISTINCT revision) FROM cell_change WHERE table_id = $1"
    )
    assert changes == 2


async def test_a_large_update_resumes_and_is_exact(importer: Importer) -> None:
    """Half of the flights are there with other delays; the whole file comes as an update."""
    world = importer.world
    table_id = await world.table(*flight_columns())
    content = flights(12_000)
    lines = content.splitlines(keepends=True)
    half = b"".join([lines[0], *lines[1::2]])
    old = await importer.start(table_id, half.replace(b",UA,", b",XX,"))
    keys = ("year", "month", "day", "sched_dep_time", "flight", "origin", "dest")
    async with importer.worker():
        await importer.finished(old)
        run = await _upsert(importer, table_id, content, *keys)
        assert run.status is ImportStatus.QUEUED
        async with asyncio.timeout(60):
            while not (await importer.get(run)).rows_updated:
                pass
        await imports.cancel_import(world.viewer, world.storage, run.id)
        await imports.finished_import(world.viewer, world.storage, run.id)
    if (await importer.get(run)).status is ImportStatus.CANCELLED:
        await imports.resume_import(world.viewer, world.storage, run.id)
    async with importer.worker():
        done = await importer.finished(run)
    assert (done.status, done.error) == (ImportStatus.COMPLETED, None)
    assert done.rows_imported + done.rows_updated + done.rows_skipped == 12_000
    expected = await world.table(*flight_columns())
    whole = await importer.start(expected, content)
    async with importer.worker():
        await importer.finished(whole)

    def keyed(found: list[dict[str, Any]]) -> list[str]:
        return sorted(repr(row) for row in found)

    assert keyed(await importer.cells(table_id)) == keyed(await importer.cells(expected))
    await _log(importer, table_id)


async def test_a_row_that_changes_meanwhile_is_not_lost(importer: Importer) -> None:
    """The look for the key and the write are under one lock: two updates make two versions."""
    world = importer.world
    table_id = await world.table(*COLUMNS)
    [row] = await world.add(table_id, {"code": "a", "n": 0})

    async def other(number: int) -> None:
        change = RowsUpdate(table_id, [RowChange(row, {"note": f"note {number}"})], "merge")
        await rows.update_rows(world.viewer, world.storage, change)

    await asyncio.gather(
        *(other(number) for number in range(10)),
        *(_upsert(importer, table_id, f"code,n\na,{n + 1}\nnew,{n}\n", "code") for n in range(10)),
    )
    found = await importer.cells(table_id)
    assert len(found) == 2
    versions = await importer.count(
        table_id,
        "SELECT max(version) FROM row_version WHERE table_id = $1 GROUP BY row_id"
        " ORDER BY max(version) DESC LIMIT 1",
    )
    assert versions == 21
    await _log(importer, table_id)


RECORDS = st.lists(
    st.tuples(st.sampled_from(["", "a", "b", "c", "A"]), st.sampled_from(["", "1", "2"])),
    max_size=12,
)


@settings(examples(12), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(RECORDS, min_size=1, max_size=3))
async def test_updates_equal_those_of_a_dictionary(
    importer: Importer, files: list[list[tuple[str, str]]]
) -> None:
    table_id = await importer.world.table(*COLUMNS)
    expected: dict[str, int | None] = {}
    for records in files:
        known = set(expected)
        content = "code,n\n" + "".join(f'"{code}","{n}"\n' for code, n in records)
        run = await _upsert(importer, table_id, content, "code")
        expected |= {code: int(n) if n else None for code, n in records if code}
        blank = sum(not code for code, _ in records)
        added = len(set(expected) - known)
        assert _counts(run) == (added, len(records) - blank - added, blank)
    found = {row["code"]: row["n"] for row in await importer.cells(table_id)}
    assert found == expected
    await _log(importer, table_id)
