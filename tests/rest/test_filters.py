"""The eleven operators and the orders, as `filters` and `sorts` of a page."""

from typing import Any

import pytest

from domain.filters import OPERATORS
from tests.rest.calls import Calls, column, condition, fields, order, refused
from tests.serving import Site

_COLUMNS = (
    column("n", "number"),
    column("t"),
    column("b", "boolean"),
    column("d", "date"),
    column("s", "select", config={"options": ["low", "high"]}),
    column("r", "relation"),
    column("c", "computed", config={"formula": "{{n}} * 2", "formulaType": "arithmetic"}),
)
_ID = "00000000-0000-8000-8000-00000000000a"
_ROWS: tuple[dict[str, Any], ...] = (
    {"n": 1, "t": "Alpha", "b": True, "d": "2024-01-31", "s": "low", "r": _ID},
    {"n": 10, "t": "beta", "b": False, "d": "2024-12-01", "s": "high"},
    {"n": 9.5, "t": "100%_x", "b": True, "d": "2023-06-15"},
    {"n": None, "t": "  ", "b": None, "d": None},
    {"n": -3, "t": "Ähre", "s": "low"},
)

_CASES: tuple[tuple[str, str, tuple[Any, ...], list[int]], ...] = (
    ("n", "eq", (10,), [1]),
    ("n", "eq", ("10",), [1]),
    ("t", "eq", ("alpha",), []),
    ("b", "eq", (True,), [0, 2]),
    ("b", "eq", ("false",), [1]),
    ("d", "eq", ("2024-01-31",), [0]),
    ("r", "eq", (_ID,), [0]),
    ("n", "neq", (10,), [0, 2, 3, 4]),
    ("s", "neq", ("low",), [1, 2, 3]),
    ("b", "neq", (True,), [1, 3, 4]),
    ("d", "neq", ("2024-01-31",), [1, 2, 3, 4]),
    ("t", "neq", ("Alpha",), [1, 2, 3, 4]),
    ("r", "neq", (_ID,), [1, 2, 3, 4]),
    ("t", "lt", ("a",), [0, 2, 3]),
    ("b", "gt", (False,), [0, 2]),
    ("n", "eq", ("9.50",), [2]),
    ("n", "lt", (1e300,), [0, 1, 2, 4]),
    ("c", "eq", (2,), [0]),
    ("c", "neq", (2,), [1, 2, 3, 4]),
    ("c", "is_empty", (), []),
    ("createdBy", "eq", ("user",), [0, 1, 2, 3, 4]),
    ("n", "gt", (9.5,), [1]),
    ("n", "gte", ("9.5",), [1, 2]),
    ("n", "lt", (1,), [4]),
    ("n", "lte", (1,), [0, 4]),
    ("d", "gt", ("2023-12-31",), [0, 1]),
    ("d", "lte", ("2023-06-15",), [2]),
    ("t", "gt", ("b",), [1, 4]),
    ("t", "contains", ("A",), [0, 1]),
    ("t", "contains", ("%_",), [2]),
    ("t", "contains", ("ähr",), [4]),
    ("n", "contains", ("9.",), [2]),
    ("t", "contains", ("ALPHA",), [0]),
    ("t", "contains", ("0%x",), []),
    ("t", "starts_with", ("al",), [0]),
    ("t", "starts_with", ("lpha",), []),
    ("t", "starts_with", ("100%_",), [2]),
    ("d", "starts_with", ("2024-",), [0, 1]),
    ("t", "starts_with", ("%",), []),
    ("n", "in", (["1", 10],), [0, 1]),
    ("n", "in", (9.5,), [2]),
    ("n", "in", ([],), []),
    ("n", "in", (["x"],), []),
    ("n", "in", (["x", 1, True],), [0]),
    ("b", "in", (["true"],), [0, 2]),
    ("t", "in", ("beta",), [1]),
    ("t", "in", (["BETA", "Alpha"],), [0]),
    ("d", "in", (["2024-12-01", "nonsense"],), [1]),
    ("s", "in", (["low", "high"],), [0, 1, 4]),
    ("t", "is_empty", (), [3]),
    ("s", "is_empty", (None,), [2, 3]),
    ("r", "is_empty", (), [1, 2, 3, 4]),
    ("b", "is_empty", (), [3, 4]),
    ("d", "is_empty", (), [3, 4]),
    ("t", "is_not_empty", (), [0, 1, 2, 4]),
    ("n", "is_not_empty", (), [0, 1, 2, 4]),
    ("r", "is_not_empty", ("passed over",), [0]),
)


@pytest.fixture(scope="module")
async def table_id(site: Site) -> str:
    """The table that all cases read."""
    calls = Calls(site.shared)
    made = await calls.table(*_COLUMNS, column("place", "number"))
    await calls.add(made["id"], *(row | {"place": place} for place, row in enumerate(_ROWS)))
    return str(made["id"])


@pytest.mark.parametrize(("name", "operator", "value", "places"), _CASES)
async def test_operator(
    calls: Calls, table_id: str, name: str, operator: str, value: tuple[Any, ...], places: list[int]
) -> None:
    filters = [condition(name, operator, *value)]
    assert await calls.column(table_id, "place", filters=filters) == places


def test_every_operator_has_a_case() -> None:
    assert {case[1] for case in _CASES} == {operator.value for operator in OPERATORS}


@pytest.mark.parametrize(
    ("keys", "places"),
    [
        ((), [0, 1, 2, 3, 4]),
        (("n",), [3, 4, 0, 2, 1]),
        (("-n",), [1, 2, 0, 4, 3]),
        (("t",), [3, 2, 0, 1, 4]),
        (("b", "-n"), [4, 3, 1, 2, 0]),
        (("-s", "n"), [4, 0, 1, 3, 2]),
        (("-position",), [4, 3, 2, 1, 0]),
    ],
)
async def test_order(calls: Calls, table_id: str, keys: tuple[str, ...], places: list[int]) -> None:
    assert await calls.column(table_id, "place", sorts=order(*keys)) == places


async def test_conditions_are_joined_with_and_and_pages_follow_the_order(
    calls: Calls, table_id: str
) -> None:
    filters = [condition("n", "gte", -3), condition("b", "neq", False)]
    query = {"filters": filters, "sorts": order("-n")}
    assert await calls.column(table_id, "place", **query) == [2, 0, 4]
    assert await calls.column(table_id, "place", **query, limit=1, offset=1) == [0]


async def test_a_row_without_the_key_is_as_one_with_null(calls: Calls, table_id: str) -> None:
    """The last row has no `d`, the one before has null."""
    for operator in ("eq", "gt", "gte", "lt", "lte", "contains"):
        filters = [condition("d", operator, "2024-01-31")]
        found = await calls.column(table_id, "place", filters=filters)
        assert not {3, 4} & set(found), operator


async def test_text_is_ordered_by_code_point_and_ties_by_position(calls: Calls) -> None:
    made = await calls.table(column("t"), column("n", "number"))
    texts = ["b", "B", "a", "Z", "é", "z", "10", "9", "", None, "🙂", "\uffee", "a"]
    await calls.add(made["id"], *({"t": text, "n": n} for n, text in enumerate(texts)))
    known = sorted((text for text in texts if text is not None), key=str.encode)
    assert await calls.column(made["id"], "t", sorts=order("t")) == [None, *known]
    assert await calls.column(made["id"], "t", sorts=order("-t")) == [*reversed(known), None]
    ties = [row["n"] for row in await _data(calls, made["id"], order("-t")) if row["t"] == "a"]
    assert ties == [2, 12]


async def _data(calls: Calls, table_id: str, sorts: list[dict[str, str]]) -> list[dict[str, Any]]:
    return [row["data"] for row in await calls.rows(table_id, sorts=sorts)]


async def test_several_keys_are_applied_in_order(calls: Calls) -> None:
    made = await calls.table(column("a", "select"), column("b", "number"), column("c", "date"))
    rows = [
        {"a": a, "b": b, "c": c}
        for a in ("x", None, "y")
        for b in (2, 10, None)
        for c in ("2024-02-01", None)
    ]
    await calls.add(made["id"], *rows)

    def rank(value: Any) -> tuple[bool, Any]:
        return (value is not None, value if value is not None else 0)

    expected = sorted(rows, key=lambda row: rank(row["c"]))
    expected.sort(key=lambda row: rank(row["b"]), reverse=True)
    expected.sort(key=lambda row: (row["a"] is not None, row["a"] or ""))
    assert await _data(calls, made["id"], order("a", "-b", "c")) == expected


@pytest.mark.parametrize("text", ["[", "nonsense", "{'a'}", "[NaN]", "\0", '["a]'])
async def test_what_is_no_json_is_told(calls: Calls, table_id: str, text: str) -> None:
    refused(await calls.page(table_id, filters=text), 400, "Invalid filters JSON")
    refused(await calls.page(table_id, sorts=text), 400, "Invalid sorts JSON")


async def test_an_unknown_column_is_told_by_name(calls: Calls, table_id: str) -> None:
    for name in ("nobody", "", "N", "T", "; DROP"):
        answer = await calls.page(table_id, filters=[condition(name, "eq", 1)])
        refused(answer, 400, f"Unknown column: {name}")
        refused(
            await calls.page(table_id, sorts=order(name or "-")), 400, f"Unknown column: {name}"
        )


@pytest.mark.parametrize(
    "conditions",
    [
        "{}",
        "null",
        "5",
        "[null]",
        "[[]]",
        "[{}]",
        [{"column": "n", "operator": "eq"}],
        [condition("n", "eq", None)],
        [condition("n", "is", 1)],
        [condition("n", "EQ", 1)],
        [condition("n", "in")],
        [condition("n", "eq", "abc")],
        [condition("n", "gt", True)],
        [condition("n", "eq", [1])],
        [condition("n", "eq", {"a": 1})],
        [condition("n", "in", [[1]])],
        [condition("n", "in", [None])],
        [condition("c", "eq", "no number")],
        [condition("b", "eq", "perhaps")],
        [condition("d", "lt", "yesterday")],
        [condition("b", "contains", "t")],
        [condition("r", "gt", _ID)],
        [condition("t", "contains", "x" * 1_001)],
        [condition("t", "eq", "a\0b")],
        [{"column": 5, "operator": "eq", "value": 1}],
        [condition("n", "eq", 1)] * 201,
    ],
)
async def test_bad_filters(calls: Calls, table_id: str, conditions: Any) -> None:
    answer = await calls.page(table_id, filters=conditions)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert (error["formErrors"], list(error["fieldErrors"])) == ([], ["filters"])


@pytest.mark.parametrize(
    "sorts",
    [
        "{}",
        "null",
        "[5]",
        [{"column": "n"}],
        [{"direction": "asc"}],
        [{"column": "n", "direction": "up"}],
        [{"column": "n", "direction": "ASC"}],
        [{"column": None, "direction": "asc"}],
        order("n", "t", "b", "d", "s", "place"),
    ],
)
async def test_bad_sorts(calls: Calls, table_id: str, sorts: Any) -> None:
    answer = await calls.page(table_id, sorts=sorts)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert (error["formErrors"], list(error["fieldErrors"])) == ([], ["sorts"])


async def test_all_faults_of_the_query_are_told_together(calls: Calls, table_id: str) -> None:
    answer = await calls.page(table_id, limit=0, offset=-1, filters="{}", sorts="{}")
    assert answer.status_code == 400
    wrong = list(answer.json()["error"]["fieldErrors"])
    assert wrong == ["limit", "offset", "filters", "sorts"]
    answer = await calls.page(table_id, filters=[condition("n", "eq", "x")])
    refused(answer, 400, fields(filters=['filters[0].value: n: "x" is not a number']))
    answer = await calls.page(table_id, filters=[condition("n", "eq", {"a": 1})])
    told = "filters[0].value: must be a text, a number, a boolean, or a list of them"
    refused(answer, 400, fields(filters=[told]))
