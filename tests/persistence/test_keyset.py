"""Paging by keyset visits every row once, in Python's order, and starts at the cursor."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.fields import SYSTEM_FIELDS, Field, family_of
from domain.filters import Direction, Nulls, RawSort, RawWhere, Sort, bind, bind_sorts
from domain.paging import MAX_CURSOR, encode_cursor, page_request
from persistence.filter_sql import Params, compile_filter
from persistence.keyset_sql import bind_page, compile_page, key_selects, open_page
from tests.examples import examples
from tests.persistence.row_samples import (
    EMPTY,
    SHAPE,
    SampleRow,
    fill,
    sample_rows,
    sample_table,
    sort_key,
)

SOURCE = "samples.t1"
FIELDS: list[Field] = [*SHAPE.columns, *SYSTEM_FIELDS.values()]
_SORTS = st.lists(
    st.builds(Sort, st.sampled_from(FIELDS), st.sampled_from(Direction), st.sampled_from(Nulls)),
    max_size=3,
    unique_by=lambda sort: sort.field.sql_name,
).map(tuple)


@dataclass(frozen=True)
class Edge:
    """A row of a page and its cursor."""

    id: UUID
    cursor: str


async def _page(
    connection: asyncpg.Connection, sorts: tuple[Sort, ...], where: str = "TRUE", **arguments: Any
) -> tuple[list[Edge], bool]:
    """The edges of a page in the order of the sort, and whether there are more."""
    request = page_request(maximum=1000, **arguments)
    page, params = open_page(sorts, request), Params()
    selects = ", ".join(["t.id", "t.position", *key_selects(sorts)])
    text = f"SELECT {selects} {compile_page(page, SOURCE, where, params)}"
    alone = Params()
    bind_page(page, alone)
    assert alone.values == params.values
    found = await connection.fetch(text, *params.values)
    edges = [Edge(record["id"], _cursor(sorts, record)) for record in found[: request.limit]]
    return edges[::-1] if request.backward else edges, len(found) > request.limit


async def _turn(
    connection: asyncpg.Connection,
    sorts: tuple[Sort, ...],
    size: int,
    cursor: str | None,
    backward: bool,
) -> tuple[list[Edge], bool]:
    if backward:
        return await _page(connection, sorts, last=size, before=cursor)
    return await _page(connection, sorts, first=size, after=cursor)


def _cursor(sorts: Sequence[Sort], record: asyncpg.Record) -> str:
    texts = [record[f"k{index}"] for index in range(len(sorts))]
    return encode_cursor(sorts, texts, record["position"], record["id"])


def _in_order(rows: Sequence[SampleRow], sorts: Sequence[Sort]) -> list[SampleRow]:
    """Python's order: stable sorts from the last key to the first."""
    found = sorted(rows, key=lambda row: (row.position, row.id))
    for sort in reversed(sorts):
        with_value = [row for row in found if _key(row, sort.field) is not None]
        without = [row for row in found if _key(row, sort.field) is None]
        with_value.sort(
            key=lambda row, field=sort.field: _key(row, field),  # type: ignore[misc]
            reverse=sort.direction is Direction.DESC,
        )
        found = without + with_value if sort.nulls is Nulls.FIRST else with_value + without
    return found


def _key(row: SampleRow, field: Field) -> Any:
    return sort_key(family_of(field), row.value(field))


@examples(60)
@given(sample_rows(16), _SORTS, st.integers(1, 5), st.lists(st.integers(0, 15), max_size=8))
async def test_pages_hold_every_row_once_in_pythons_order_also_while_rows_go(
    postgres_url: str,
    rows: list[SampleRow],
    sorts: tuple[Sort, ...],
    size: int,
    doomed: list[int],
) -> None:
    """A list that lost rows with equal values between pages is a known fault of others."""
    async with sample_table(postgres_url) as connection:
        for backward in (False, True):
            await fill(connection, rows)
            expected = [row.id for row in _in_order(rows, sorts)]
            seen: list[UUID] = []
            gone: set[UUID] = set()
            cursor, more, turn = None, True, 0
            while more:
                edges, more = await _turn(connection, sorts, size, cursor, backward)
                found = [edge.id for edge in edges]
                seen = found + seen if backward else seen + found
                if more:
                    cursor = edges[0 if backward else -1].cursor
                    dying = [expected[n % len(expected)] for n in doomed[2 * turn : 2 * turn + 2]]
                    gone |= set(dying) - set(seen)
                    await connection.execute("DELETE FROM samples.t1 WHERE id = ANY($1)", dying)
                    turn += 1
            assert seen == [id for id in expected if id not in gone]


@examples(25)
@given(sample_rows(10), _SORTS, st.integers(0, 9), st.integers(0, 9))
async def test_a_window_between_two_cursors_is_what_lies_between(
    postgres_url: str, rows: list[SampleRow], sorts: tuple[Sort, ...], start: int, end: int
) -> None:
    async with sample_table(postgres_url) as connection:
        await fill(connection, rows)
        edges, more = await _page(connection, sorts, first=1000)
        assert not more
        if not edges:
            return
        start, end = start % len(edges), end % len(edges)
        cursors = {"after": edges[start].cursor, "before": edges[end].cursor}
        between = [edge.id for edge in edges[start + 1 : end]]
        found, more = await _page(connection, sorts, first=3, **cursors)
        assert ([edge.id for edge in found], more) == (between[:3], len(between) > 3)
        found, more = await _page(connection, sorts, last=3, **cursors)
        assert ([edge.id for edge in found], more) == (between[-3:], len(between) > 3)


async def test_every_mix_of_directions_and_nulls_starts_after_and_before_every_row(
    postgres_url: str,
) -> None:
    cells = itertools.product([None, False, True], [None, Decimal(1), Decimal(2)], range(2))
    rows = [
        SampleRow(UUID(int=20 - n), n, {**EMPTY, "c3": switch, "c2": number})
        for n, (switch, number, _) in enumerate(cells)
    ]
    keys = [SHAPE.columns_by_key["boolean"], SHAPE.columns_by_key["number"]]
    mixes = list(itertools.product(Direction, Nulls))
    async with sample_table(postgres_url) as connection:
        await fill(connection, rows)
        for first, second in itertools.product(mixes, mixes):
            sorts = (Sort(keys[0], *first), Sort(keys[1], *second))
            expected = [row.id for row in _in_order(rows, sorts)]
            edges, _ = await _page(connection, sorts, first=100)
            assert [edge.id for edge in edges] == expected
            for index, edge in enumerate(edges):
                after, _ = await _page(connection, sorts, first=3, after=edge.cursor)
                assert [one.id for one in after] == expected[index + 1 : index + 4]
                before, _ = await _page(connection, sorts, last=3, before=edge.cursor)
                assert [one.id for one in before] == expected[max(index - 3, 0) : index]


async def test_a_filter_and_a_page_share_their_parameters(postgres_url: str) -> None:
    rows = [SampleRow(UUID(int=n + 1), n, {**EMPTY, "c2": Decimal(n // 3)}) for n in range(12)]
    sorts = bind_sorts(SHAPE, [RawSort("number", "desc")])
    params = Params()
    where = compile_filter(bind(SHAPE, RawWhere("number", "gte", 1)), params)
    async with sample_table(postgres_url) as connection:
        await fill(connection, rows)
        edges, _ = await _page(connection, sorts, first=8)
        page = open_page(sorts, page_request(after=edges[0].cursor, maximum=1000))
        text = f"SELECT t.id {compile_page(page, SOURCE, where, params)}"
        found = [record["id"].int for record in await connection.fetch(text, *params.values)]
    assert found == [11, 12, 7, 8, 9, 4, 5, 6]


LONG = "x" * 5_000


def _long_rows() -> list[SampleRow]:
    texts = [LONG + end for end in "dbacf"] + ["w", "y", None]
    return [SampleRow(UUID(int=n + 1), n, {**EMPTY, "c1": text}) for n, text in enumerate(texts)]


@pytest.mark.parametrize("direction", ["asc", "desc"])
async def test_long_texts_page_exactly_and_lose_nothing_when_their_row_is_gone(
    postgres_url: str, direction: str
) -> None:
    rows = _long_rows()
    sorts = bind_sorts(SHAPE, [RawSort("text", direction)])
    expected = [row.id for row in _in_order(rows, sorts)]
    async with sample_table(postgres_url) as connection:
        await fill(connection, rows)
        edges, _ = await _page(connection, sorts, first=1000)
        assert [edge.id for edge in edges] == expected
        assert all(len(edge.cursor) < MAX_CURSOR / 4 for edge in edges)
        for index, edge in enumerate(edges):
            after, _ = await _page(connection, sorts, first=1000, after=edge.cursor)
            assert [one.id for one in after] == expected[index + 1 :]
            before, _ = await _page(connection, sorts, last=1000, before=edge.cursor)
            assert [one.id for one in before] == expected[:index]
        # What follows a row that is gone must still come; texts of the same start may come again.
        middle = edges[4]
        await connection.execute("DELETE FROM samples.t1 WHERE id = $1", middle.id)
        after, _ = await _page(connection, sorts, first=1000, after=middle.cursor)
        found = [edge.id for edge in after]
        assert found[-len(expected[5:]) :] == expected[5:]
        assert len(set(found)) == len(found)


async def test_a_long_text_that_changed_under_its_cursor_is_not_followed(postgres_url: str) -> None:
    rows = _long_rows()
    sorts = bind_sorts(SHAPE, [RawSort("text")])
    async with sample_table(postgres_url) as connection:
        await fill(connection, rows)
        edges, _ = await _page(connection, sorts, first=3)
        assert edges[-1].id == UUID(int=3)
        await connection.execute("UPDATE samples.t1 SET c1 = 'zzz' WHERE id = $1", UUID(int=3))
        after, _ = await _page(connection, sorts, first=1000, after=edges[-1].cursor)
        assert {UUID(int=n) for n in (1, 2, 4, 5, 7)} <= {edge.id for edge in after}


def test_forged_cursors_are_refused_before_any_statement() -> None:
    sorts = bind_sorts(SHAPE, [RawSort("text")])
    junk = "' OR 1=1 --"
    for name, request in (
        ("after", page_request(after=junk, maximum=10)),
        ("before", page_request(before=junk, maximum=10)),
    ):
        with pytest.raises(Invalid, match=f"{name} is not a cursor of this server"):
            open_page(sorts, request)


@pytest.mark.parametrize("text", ["'", '"; --', "\\", "\u2028", "$1", "%_", "{}", "~", "="])
async def test_hostile_texts_in_keys_stay_values(postgres_url: str, text: str) -> None:
    rows = [
        SampleRow(UUID(int=n + 1), n, {**EMPTY, "c1": text + end}) for n, end in enumerate("ab")
    ]
    sorts = bind_sorts(SHAPE, [RawSort("text")])
    async with sample_table(postgres_url) as connection:
        await fill(connection, rows)
        [first], more = await _page(connection, sorts, first=1)
        assert more
        [second], more = await _page(connection, sorts, first=1, after=first.cursor)
        assert (second.id, more) == (rows[1].id, False)


def test_the_text_of_a_page_follows_from_its_shape() -> None:
    sorts = bind_sorts(SHAPE, [RawSort("text"), RawSort("number", "desc")])
    by_shape: dict[Any, set[str]] = {}
    for text in ("=a", "=b", f"={LONG}", None):
        for number in ("1", "2.5", None):
            cursor = encode_cursor(sorts, [text, number], 1, UUID(int=len(by_shape)))
            page = open_page(sorts, page_request(after=cursor, first=len(by_shape), maximum=100))
            by_shape.setdefault(page.shape, set()).add(compile_page(page, SOURCE, "TRUE", Params()))
    assert len(by_shape) == 6
    assert all(len(texts) == 1 for texts in by_shape.values())
    assert len({text for texts in by_shape.values() for text in texts}) == 6


async def _plan(
    connection: asyncpg.Connection, sorts: tuple[Sort, ...], **arguments: Any
) -> list[dict[str, Any]]:
    """The nodes of the executed plan of a page."""
    page, params = open_page(sorts, page_request(maximum=1000, **arguments)), Params()
    text = f"SELECT t.id, t.c2 {compile_page(page, SOURCE, 'TRUE', params)}"
    explained = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", *params.values)
    nodes, found = [json.loads(explained)[0]["Plan"]], []
    while nodes:
        node = nodes.pop()
        found.append(node)
        nodes += node.get("Plans", [])
    return found


def _rows_read(plan: list[dict[str, Any]]) -> float:
    """Rows that leaves of the plan looked at, those that a filter dropped included."""
    read: float = sum(
        float(node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in plan
        if "Plans" not in node
    )
    return read


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("size", ["first", "last"])
async def test_an_index_serves_first_and_deep_pages(
    postgres_url: str, direction: str, size: str
) -> None:
    sorts = bind_sorts(SHAPE, [RawSort("number", direction)])
    backward = size == "last"
    async with sample_table(postgres_url) as connection:
        await connection.execute(
            "INSERT INTO samples.t1 (id, position, c2) SELECT gen_random_uuid(), n,"
            " CASE WHEN n % 10 < 9 THEN n / 5 END FROM generate_series(1, 20000) AS n;"
            " CREATE INDEX by_number ON samples.t1 (c2 NULLS FIRST, position, id);"
            " ANALYZE samples.t1"
        )
        plan = await _plan(connection, sorts, **{size: 20})
        assert {node.get("Index Name") for node in plan if "Plans" not in node} == {"by_number"}
        sorted_whole = [node for node in plan if node["Node Type"] == "Sort"]
        assert not sorted_whole
        for number in ("2000", None):
            middle = await connection.fetchrow(
                "SELECT id, position FROM samples.t1 WHERE c2 IS NOT DISTINCT FROM $1::numeric"
                " ORDER BY position OFFSET $2 LIMIT 1",
                Decimal(number) if number else None,
                1 if number else 1000,
            )
            assert middle is not None
            cursor = encode_cursor(sorts, [number], middle["position"], middle["id"])
            place = {size: 20, "before" if backward else "after": cursor}
            plan = await _plan(connection, sorts, **place)
            names = {node.get("Index Name") for node in plan}
            assert "by_number" in names, plan
            assert _rows_read(plan) < 200, plan


async def test_the_plain_order_starts_at_the_cursor(postgres_url: str) -> None:
    async with sample_table(postgres_url) as connection:
        await connection.execute(
            "INSERT INTO samples.t1 (id, position) SELECT gen_random_uuid(), n"
            " FROM generate_series(1, 20000) AS n;"
            " CREATE UNIQUE INDEX by_position ON samples.t1 (position, id); ANALYZE samples.t1"
        )
        row_id = await connection.fetchval("SELECT id FROM samples.t1 WHERE position = 15000")
        cursor = encode_cursor((), (), 15000, row_id)
        for place in ({"first": 20, "after": cursor}, {"last": 20, "before": cursor}):
            plan = await _plan(connection, (), **place)
            assert "by_position" in {node.get("Index Name") for node in plan}
            assert _rows_read(plan) <= 22
