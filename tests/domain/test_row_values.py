from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.columns import Column, ColumnType, ComputedBy, TableShape
from domain.errors import ErrorCode, Problem
from domain.row_values import RowChecker, RowValues

ONE = UUID(int=1)


def column(number: int, key: str, type_: str, **more: Any) -> Column:
    return Column(UUID(int=number), number, key, key.title(), ColumnType(type_), number, **more)


COLUMNS = (
    column(1, "name", "text", required=True),
    column(2, "rating", "number", default_value="3"),
    column(3, "status", "select", config={"options": ["open", "done"]}, default_value="open"),
    column(4, "due", "date"),
    column(5, "total", "computed", required=True),
    column(6, "score", "number", computed_by=ComputedBy.EXTERNAL, required=True),
)


def shape(*columns: Column) -> TableShape:
    return TableShape(ONE, ONE, 1, 1, 1, columns or COLUMNS, ONE)


CHECKER = RowChecker(shape())


def good(row: RowValues, problems: list[Problem]) -> tuple[dict[int, Any], Any]:
    assert problems == []
    return row.values, row.extra


@pytest.mark.parametrize(
    ("data", "values", "extra"),
    [
        ({"name": "a"}, {1: "a", 2: 3, 3: "open"}, None),
        ({"name": "a", "rating": None}, {1: "a", 3: "open"}, None),
        ({"name": "a", "rating": "", "status": "done"}, {1: "a", 3: "done"}, None),
        ({"NAME": "a", "Rating": "4"}, {1: "a", 2: 4, 3: "open"}, None),
        ({"name": "a", "Name": "label loses"}, {1: "a", 2: 3, 3: "open"}, None),
        ({"name": "a", "total": "passed over"}, {1: "a", 2: 3, 3: "open"}, None),
        ({"name": "a", "Total": 5}, {1: "a", 2: 3, 3: "open"}, None),
        ({"name": "a", "score": "7"}, {1: "a", 2: 3, 3: "open", 6: 7}, None),
        (
            {"name": "a", "colour": {"r": [1.0, None, True]}, "": Decimal("0.50")},
            {1: "a", 2: 3, 3: "open"},
            {"colour": {"r": [1, None, True]}, "": 0.5},
        ),
    ],
)
def test_added_rows(data: Any, values: dict[int, Any], extra: Any) -> None:
    problems: list[Problem] = []
    assert good(CHECKER.for_add(data, 0, problems), problems) == (values, extra)


@pytest.mark.parametrize(
    ("data", "values", "extra"),
    [
        ({}, {}, None),
        ({"rating": 5}, {2: 5}, None),
        ({"Rating": None, "due": ""}, {2: None, 4: None}, None),
        ({"total": 1, "x": None}, {}, {"x": None}),
    ],
)
def test_merged_rows_hold_the_given_keys_only(
    data: Any, values: dict[int, Any], extra: Any
) -> None:
    problems: list[Problem] = []
    assert good(CHECKER.for_merge(data, 0, problems), problems) == (values, extra)


def test_replaced_rows_hold_every_stored_column_and_no_defaults() -> None:
    problems: list[Problem] = []
    row = CHECKER.for_replace({"name": "a", "due": "2024-01-01", "x": 1}, 0, problems)
    expected = {1: "a", 2: None, 3: None, 4: "2024-01-01", 6: None}
    assert good(row, problems) == (expected, {"x": 1})


def test_every_problem_is_told_with_path_row_and_rule() -> None:
    problems: list[Problem] = []
    CHECKER.for_add({"name": "ok"}, 0, problems)
    CHECKER.for_add({"rating": "abc", "Status": "lost", "due": "2024-13-01"}, 3, problems)
    assert [(p.code, p.message, p.path, p.row_index) for p in problems] == [
        (
            ErrorCode.INVALID_TYPE,
            'rows[3].rating: "abc" is not a number',
            ("rows", "3", "data", "rating"),
            3,
        ),
        (
            ErrorCode.INVALID_TYPE,
            'rows[3].due: "2024-13-01" is not a date (YYYY-MM-DD)',
            ("rows", "3", "data", "due"),
            3,
        ),
        (
            ErrorCode.NOT_AN_OPTION,
            'rows[3].Status: "lost" is not one of the options "open", "done"',
            ("rows", "3", "data", "Status"),
            3,
        ),
        (
            ErrorCode.REQUIRED,
            "rows[3].name: a value is required",
            ("rows", "3", "data", "name"),
            3,
        ),
    ]


@pytest.mark.parametrize("value", [None, "", " \n"])
def test_required_columns_need_a_value(value: Any) -> None:
    for check in (CHECKER.for_add, CHECKER.for_merge, CHECKER.for_replace):
        problems: list[Problem] = []
        check({"name": value}, 2, problems)
        assert [(p.code, p.path) for p in problems] == [
            (ErrorCode.REQUIRED, ("rows", "2", "data", "name"))
        ]


def test_a_refused_required_value_is_one_problem() -> None:
    checker = RowChecker(shape(column(1, "n", "number", required=True)))
    for check in (checker.for_add, checker.for_merge, checker.for_replace):
        problems: list[Problem] = []
        check({"n": "x"}, 0, problems)
        assert [p.code for p in problems] == [ErrorCode.INVALID_TYPE]


@pytest.mark.parametrize("data", [None, [], "x", 5])
def test_data_must_be_an_object(data: Any) -> None:
    for check in (CHECKER.for_add, CHECKER.for_merge, CHECKER.for_replace):
        problems: list[Problem] = []
        check(data, 1, problems)
        assert problems[0].message == "rows[1].data must be an object"
        assert problems[0].path == ("rows", "1", "data")


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"x": "\x00"}, "U+0000"),
        ({"x\ud800": 1}, "unpaired surrogate"),
        ({"x": {"y": float("nan")}}, "NaN"),
        ({"x": "y" * 100_000}, "more than 100000 bytes"),
        ({"k" * 257: 1}, "longer than 256 characters"),
        ({str(n): n for n in range(101)}, "at most 100 keys"),
        ({"NAME": 1, "Name": 2}, '"Name" and "NAME" name the same column'),
        ({5: 1}, "is a key"),
        ({"x": object()}, "not a JSON value"),
    ],
    ids=lambda case: repr(case)[:20],
)
def test_unknown_keys_are_bounded_and_storable(extra: Any, message: str) -> None:
    problems: list[Problem] = []
    CHECKER.for_merge(extra, 0, problems)
    assert len(problems) == 1
    assert message in problems[0].message


def test_unknown_keys_are_not_nested_without_end() -> None:
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    problems: list[Problem] = []
    CHECKER.for_add({"name": "a", "x": deep}, 0, problems)
    assert "nested more than 32 levels" in problems[0].message


def test_a_default_that_no_longer_fits_is_told_to_rows_that_need_it() -> None:
    kind = column(1, "kind", "select", config={"options": ["a"]}, default_value="gone")
    checker = RowChecker(shape(kind))
    problems: list[Problem] = []
    assert checker.for_add({"kind": "a"}, 0, problems).values == {1: "a"}
    assert problems == []
    checker.for_add({}, 1, problems)
    assert [p.message for p in problems] == [
        'rows[1].kind: the default value "gone" is not one of the options "a"'
    ]


def test_the_checker_belongs_to_one_shape() -> None:
    first, second = shape(), shape(column(9, "other", "text"))
    assert RowChecker.of(first) is RowChecker.of(first)
    assert RowChecker.of(second).for_add({"other": "x"}, 0, []).values == {9: "x"}
    assert RowChecker.of(first).for_add({"name": "x"}, 0, []).values[1] == "x"
