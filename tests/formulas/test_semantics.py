"""What each part of the language means, in both ways of computing."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from domain.computations import attach
from tests.formulas.formula_samples import (
    STORED,
    TABLE,
    bound,
    computed,
    formula_table,
    in_postgres,
    in_python,
)

_ROW = {
    "name": "Ann",
    "n": 6,
    "big number": 2.5,
    "flag": True,
    "day": "2024-02-29",
    "moment": "2024-03-01T12:00:00.000Z",
    "tags": ["a", "b c"],
    "data": {"aa": 1, "b": [1, None]},
    "weight": 70.5,
}
Case = tuple[str, Any]


def row(cells: dict[str, Any]) -> dict[int, Any]:
    return {column.number: cells[column.key] for column in STORED if column.key in cells}


async def values(
    url: str, formulas: Sequence[str], rows: Sequence[dict[str, Any]], **config: Any
) -> list[list[Any]]:
    """What the formulas give for the rows. Python and PostgreSQL must agree."""
    columns = bound([computed(100 + n, text, **config) for n, text in enumerate(formulas)])
    numbered = [row(each) for each in rows]
    async with formula_table(url) as connection:
        found = await in_postgres(connection, columns, numbered)
    assert found == in_python(columns, numbered)
    return found


async def check(url: str, cases: Sequence[Case], cells: dict[str, Any] = _ROW) -> None:
    (found,) = await values(url, [formula for formula, _ in cases], [cells])
    for (formula, expected), value in zip(cases, found, strict=True):
        assert (value, type(value)) == (expected, type(expected)), formula


async def test_references(postgres_url: str) -> None:
    await check(
        postgres_url,
        [
            ("{{name}}", "Ann"),
            ("{{ name }}", "Ann"),
            ("name", "Ann"),
            ("{{big number}}", 2.5),
            ("{{weight}} * 2", 141),
            ("{{tags}}", "a, b c"),
            ("{{data}}", '{"b": [1, null], "aa": 1}'),
            ("note", None),
            ("{{day}}", "2024-02-29"),
            ("moment", "2024-03-01T12:00:00.000Z"),
        ],
    )


async def test_arithmetic(postgres_url: str) -> None:
    await check(
        postgres_url,
        [
            ("1 + 2 * 3", 7),
            ("(1 + 2) * 3", 9),
            ("10 - 4 - 3", 3),
            ("-n + 1", -5),
            ("--n", 6),
            ("2 * -n", -12),
            ("0.1 + 0.2", 0.3),
            ("n / 4", 1.5),
            ("n / 0", None),
            ("n % 0", 0),
            ("-7 % 3", -1),
            ("7 % -3", 1),
            ("7.5 % 2", 1.5),
            ("note + 1", "1"),  # a text column joins, also where it is empty
            ("links - 1", -1),
            ("n * note", 0),
            ("flag + flag", 2),
            ("name * 2", 0),
            ("'7' * 2", 14),
            ("' 1e2 ' * 1", 100),
            ("n / 0 + 1", 1),
        ],
    )


async def test_null_is_nought_in_arithmetic(postgres_url: str) -> None:
    cases: list[Case] = [("n + 1", 1), ("n * 5", 0), ("-n", 0), ("n / n", None), ("5 % n", 0)]
    await check(postgres_url, [*cases, ("n", None), ("abs(n)", 0)], {})


async def test_quotients_are_cut_after_twenty_places(postgres_url: str) -> None:
    (found,) = await values(postgres_url, ["1 / 3", "-2 / 3", "2 / 3 * 3 < 2"], [{}])
    assert str(found[0]) == "0.33333333333333333333"
    assert str(found[1]) == "-0.66666666666666666666"
    assert found[2] is True


async def test_plus_joins_when_either_side_is_text(postgres_url: str) -> None:
    await check(
        postgres_url,
        [
            ("name + 1", "Ann1"),
            ("1 + 2 + name", "3Ann"),
            ("name + 1 + 2", "Ann12"),
            ("'a' + \"b\"", "ab"),
            ("name + note", "Ann"),
            ("name + flag", "Anntrue"),
            ("name + 2.50", "Ann2.5"),
            ("day + 1", "2024-02-291"),
            ("concat(name, ' ', n, ' ', flag, note)", "Ann 6 true"),
        ],
    )


async def test_comparisons(postgres_url: str) -> None:
    await check(
        postgres_url,
        [
            ("3 == '3'", True),
            ("'3' == '3.0'", False),
            ("3 == '3.0'", True),
            ("3 != '4'", True),
            ("name == 'Ann'", True),
            ("name == 'ann'", False),
            ("note == note", True),
            ("note == ''", False),
            ("0 == note", False),
            ("flag == 1", True),
            ("flag == true", True),
            ("flag == 'true'", True),
            ("n > '5'", True),
            ("'10' > '9'", True),
            ("'b' > 'a'", False),
            ("note >= 0", True),
            ("n >= 6", True),
            ("n < 6", False),
            ("n <= 6", True),
            ("1 < 2 < 2", True),  # from left to right: true is 1
            ("day < '2024-03-01'", True),
            ("day >= today()", False),
            ("day < moment", True),
            ("day == '2024-02-29'", True),
            ("links > day", False),
        ],
    )


async def test_conditions(postgres_url: str) -> None:
    await check(
        postgres_url,
        [
            ("if(n > 5, 'many', 'few')", "many"),
            ("if(false, 1, 2)", 2),
            ("if(true, 1, 2)", 1),
            ("if(flag, n, 0)", 6),
            ("if(name, 1, 2)", 1),
            ("if(note, 1, 2)", 2),
            ("if('', 1, 2)", 2),
            ("if(0, 1, 2)", 2),
            ("if(n, 1, 2)", 1),
            ("if(day, 1, 2)", 1),
            ("if(n > 5, n, 'few')", "6"),
            ("if(n > 5, note, 'few')", None),
            ("if(n > 5, day, '2024-01-01')", "2024-02-29"),
            ("if(n > 5, true, 0)", "true"),
        ],
    )


async def test_rounding(postgres_url: str) -> None:
    await check(
        postgres_url,
        [
            ("round(2.5)", 3),
            ("round(-2.5)", -2),
            ("round(2.4)", 2),
            ("floor(-2.1)", -3),
            ("ceil(-2.1)", -2),
            ("abs(-2.1)", 2.1),
            ("round(n / 4 * 100) / 100", 1.5),
        ],
    )


async def test_days(postgres_url: str) -> None:
    await check(
        postgres_url,
        [
            ("daysBetween(day, '2024-03-01')", 1),
            ("daysBetween('2024-03-01', day)", 1),
            ("daysBetween(day, moment)", 1),  # a day and a half
            ("daysBetween(day, day)", 0),
            ("daysBetween(day, '2024-02-30')", None),
            ("daysBetween(day, 'soon')", None),
            ("daysBetween(day, note)", None),
            ("daysBetween('2024-01-01T00:00Z', '2024-01-01T23:59:59.999Z')", 0),
            ("daysBetween('2024-01-01T00:00:00+02:00', '2024-01-01')", 0),
            ("daysBetween(today(), today())", 0),
            ("daysBetween('1900-02-29', day)", None),
            ("daysBetween('0001-01-01', '9999-12-31')", 3652058),
        ],
    )


async def test_aggregates_run_over_the_whole_table_and_skip_what_is_empty(
    postgres_url: str,
) -> None:
    """Elsewhere null counted as 0: the average of 1, 2, null and "7" was 2.5."""
    rows = [
        {"n": 1, "name": "1", "day": "2024-01-03", "flag": True},
        {"n": 2, "name": "2", "day": "2024-01-01"},
        {"name": " ", "flag": False},
        {"n": 9, "name": "7"},
    ]
    formulas = {
        "sum(n)": 12,
        "avg(n)": 4,
        "min(n)": 1,
        "max(n)": 9,
        "count(n)": 3,
        "count(name)": 3,
        "sum(name)": 10,
        "max(name)": 7,
        "min(day)": "2024-01-01",
        "max({{day}})": "2024-01-03",
        "count(day)": 2,
        "sum(flag)": 1,
        "count(flag)": 2,
        "sum(note)": 0,
        "avg(note)": None,
        "max(note)": None,
    }
    found = await values(postgres_url, list(formulas), rows)
    assert found == [list(formulas.values())] * 4
    (first, *_) = await values(postgres_url, ["round(n / sum(n) * 100)"], rows)
    assert first == [8]


async def test_an_aggregate_of_a_formula(postgres_url: str) -> None:
    columns = bound(
        [computed(100, "n * 2"), computed(101, "sum(f100)"), computed(102, "avg(f101)")]
    )
    rows = [row({"n": 1}), row({"n": 4})]
    async with formula_table(postgres_url) as connection:
        found = await in_postgres(connection, columns, rows)
    assert found == [[2, 10, 10], [8, 10, 10]] == in_python(columns, rows)


@pytest.mark.parametrize(
    ("result", "given", "expected"),
    [
        ("number", "'12'", 12),
        ("number", "'twelve'", None),
        ("number", "true", 1),
        ("text", "1 / 4", "0.25"),
        ("text", "true", "true"),
        ("text", "note", None),
        ("boolean", "' TRUE '", True),
        ("boolean", "0", False),
        ("boolean", "2", None),
        ("boolean", "'yes'", None),
        ("date", "'2024-02-29'", "2024-02-29"),
        ("date", "moment", "2024-03-01"),
        ("date", "'2024-02-30'", None),
        ("date", "20240229", None),
        ("date", "'0001-01-01T00:00:00+01:00'", None),
        ("datetime", "day", "2024-02-29T00:00:00.000Z"),
        ("datetime", "'2024-01-01T02:00:00.123456+02:00'", "2024-01-01T00:00:00.123Z"),
        ("datetime", "'9999-12-31T23:00:00-02:00'", None),
        ("url", "name", "Ann"),
    ],
)
async def test_the_type_of_the_result_decides(
    postgres_url: str, result: str, given: str, expected: Any
) -> None:
    ((found,),) = await values(postgres_url, [given], [_ROW], resultType=result)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("label", "formula", "expected"),
    [
        ("arithmetic", "n * 2", 12),
        ("date_diff", "daysBetween(day, '2024-03-01')", 1),
        ("aggregate", "sum(n)", 6),
        ("conditional", "if(n > 1, 10, 20)", "10"),
        ("text_concat", "{{name}} {{n}}", "Ann 6"),
        ("text_concat", "{{name}}", "Ann"),
        ("text_concat", "Dear {{ name }}, (you 'owe {{note}} us", "Dear Ann, (you 'owe  us"),
        ("text_concat", "name + '!'", "Ann!"),
        ("text_concat", "Hello :x \\ $1 %s", "Hello :x \\ $1 %s"),
    ],
)
async def test_the_type_of_the_formula_is_a_label_with_a_default(
    postgres_url: str, label: str, formula: str, expected: Any
) -> None:
    ((found,),) = await values(postgres_url, [formula], [_ROW], formulaType=label)
    assert (found, type(found)) == (expected, type(expected))


async def test_numbers_stay_exact_and_end_at_their_bounds(postgres_url: str) -> None:
    cells = {"n": int("9" * 17), "big number": 10**18}
    await check(
        postgres_url,
        [
            ("n * n", Decimal(int("9" * 17) ** 2)),
            ("{{big number}} * {{big number}} + 1 - {{big number}} * {{big number}}", 1),
            ("'1e899' * 1 == '1e898' * 10", True),
            ("'1e900' * 1", None),
            ("'1e-100' * 1 > 0", True),
            ("'1e-101' * 1", 0),
            ("'1e900' * '1e900' / '1e901' == '1e899' * 1", True),
        ],
        cells,
    )


async def test_texts_are_cut_and_not_refused(postgres_url: str) -> None:
    long = "é" * 500_000
    (found,) = await values(
        postgres_url,
        ["name + name + name", " + ".join(["name"] * 40), "concat('x', name)"],
        [{"name": long}],
    )
    assert found == [long * 2 + "é" * 48_576, long * 2 + "é" * 48_576, "x" + long]


HOSTILE = [
    "'); DROP TABLE formulas.t1; --",
    "\\'; SELECT pg_sleep(10); --",
    "$1 :name %s {0} {{ }} ${x}",
    "$$ || pg_sleep(1) || $$",
    "/* */ -- \r\n \\x41 \\u0041",
    "E'\\''",
]


async def test_hostile_texts_stay_texts(postgres_url: str) -> None:
    formulas = [f'"{text}"' for text in HOSTILE] + [f'name == "{text}"' for text in HOSTILE]
    (found,) = await values(postgres_url, formulas, [{"name": HOSTILE[0]}])
    assert found == [*HOSTILE, True, *[False] * (len(HOSTILE) - 1)]


@pytest.mark.parametrize(
    "formula",
    [
        "(" * 49 + "n" + ")" * 49,
        "abs(" * 48 + "n" + ")" * 48,
        "n" + " * n" * 49,
        "n" + " / n" * 49,
        "n" + " % n" * 49,
        "n" + " < n" * 49,
        "n" + " == name" * 49,
        "n" + " + n" * 248,
        "name" + " + name" * 248,
        "if(" * 45 + "n" + ", n, name)" * 45,
        "-" * 48 + "n",
        "daysBetween(day, " * 40 + "day" + ")" * 40,
        "sum(n) + " * 100 + "avg(n)",
    ],
)
async def test_the_largest_formulas_run_in_both_ways(postgres_url: str, formula: str) -> None:
    await values(postgres_url, [formula], [_ROW, {}])


@pytest.mark.parametrize("step", ["-{}", "concat({})", "abs({} - 1)", "max({})"])
async def test_the_deepest_chains_run_in_both_ways(postgres_url: str, step: str) -> None:
    columns = [computed(100, "n")]
    while True:
        longer = [*columns, computed(100 + len(columns), step.format(columns[-1].key))]
        if attach([*STORED, *longer], TABLE, {}).problems:
            break
        columns = longer
    assert len(columns) > 40
    ends = bound(columns)[-2:]
    async with formula_table(postgres_url) as connection:
        found = await in_postgres(connection, ends, [row({"n": 2})])
    assert found == in_python(ends, [row({"n": 2})])


async def test_a_column_may_have_any_name(postgres_url: str) -> None:
    columns = bound(
        [
            computed(100, "{{big number}} + 1", resultType="number"),
            computed(101, "f100 * 2"),
        ]
    )
    rows = [row({"big number": 1})]
    async with formula_table(postgres_url) as connection:
        assert await in_postgres(connection, columns, rows) == [[2, 4]]
