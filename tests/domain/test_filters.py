"""Binding of filters and sorts: names, operators, values, bounds, and what an error says."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.columns import Column, ColumnType, TableShape
from domain.errors import ErrorCode, Invalid
from domain.fields import SYSTEM_FIELDS
from domain.filters import (
    OPERATORS,
    AllOf,
    AnyOf,
    Arity,
    Direction,
    Not,
    Nulls,
    Operator,
    RawAll,
    RawAny,
    RawCondition,
    RawNot,
    RawSort,
    RawWhere,
    Sort,
    Where,
    accept_search,
    bind,
    bind_sorts,
    conditions,
)
from domain.values import Family

ID = "018f3b2c-0000-8007-8000-000000000001"


def _shape(**types: ColumnType) -> TableShape:
    columns = tuple(
        Column(UUID(int=number), number, key, key.title(), type, number, config=_config(type))
        for number, (key, type) in enumerate(types.items(), start=1)
    )
    return TableShape(UUID(int=99), UUID(int=98), 1, 1, 1, columns, UUID(int=97))


def _config(type: ColumnType) -> Mapping[str, Any] | None:
    return {"options": ["open", "done"]} if type is ColumnType.SELECT else None


SHAPE = _shape(**{type.value: type for type in ColumnType})


def _value(column: str, operator: str, value: Any) -> Any:
    bound = bind(SHAPE, RawWhere(column, operator, value))
    assert isinstance(bound, Where)
    return bound.value


def _problems(raw: RawCondition) -> list[tuple[ErrorCode, str, tuple[str, ...]]]:
    with pytest.raises(Invalid) as caught:
        bind(SHAPE, raw)
    return [(problem.code, problem.message, problem.path) for problem in caught.value.problems]


def test_there_are_eleven_operators_and_each_is_described() -> None:
    names = "eq neq gt gte lt lte contains starts_with in is_empty is_not_empty"
    assert [operator.value for operator in OPERATORS] == names.split()
    assert all(entry.description.endswith(".") for entry in OPERATORS.values())
    assert OPERATORS[Operator.IN].arity is Arity.MANY


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("text", 5, "5"),
        ("text", "it's 100%", "it's 100%"),
        ("number", "5", Decimal(5)),
        ("number", 0.1, Decimal("0.1")),
        ("number", Decimal("12345678901234567890.5"), Decimal("12345678901234567890.5")),
        ("boolean", "true", True),
        ("date", "2024-02-29", date(2024, 2, 29)),
        ("datetime", "2024-02-29T10:00:00+02:00", datetime(2024, 2, 29, 8, tzinfo=UTC)),
        ("select", "no such option", "no such option"),
        ("url", "not a url", "not a url"),
        ("email", "not an address", "not an address"),
        ("relation", ID, UUID(ID)),
        ("relation", "junk", None),
        ("id", "junk", None),
        ("id", ID, UUID(ID)),
        ("position", 3, Decimal(3)),
        ("createdBy", "me", "me"),
        ("createdAt", "2024-01-01T00:00:00Z", datetime(2024, 1, 1, tzinfo=UTC)),
        ("computed", "x", "x"),
        ("number", None, None),
    ],
)
def test_values_become_the_type_of_the_column(column: str, value: Any, expected: Any) -> None:
    bound = _value(column, "eq", value)
    assert (type(bound), bound) == (type(expected), expected)


def test_a_column_hides_the_system_field_of_its_name() -> None:
    shape = _shape(position=ColumnType.TEXT)
    bound = bind(shape, RawWhere("position", "eq", "left"))
    assert bound == Where(shape.columns[0], Operator.EQ, "left")
    assert bind_sorts(shape, [RawSort("id")]) == (Sort(SYSTEM_FIELDS["id"]),)


def test_in_keeps_what_fits_wraps_a_single_value_and_takes_an_empty_list() -> None:
    assert _value("number", "in", ["5", "abc", 7, True, None]) == (Decimal(5), Decimal(7), None)
    assert _value("select", "in", "open") == ("open",)
    assert _value("text", "in", []) == ()


def test_texts_to_look_for_are_kept_as_they_are() -> None:
    assert _value("url", "contains", "100%_\\") == "100%_\\"
    assert _value("number", "starts_with", 12) == "12"
    assert _value("date", "starts_with", "2024-") == "2024-"
    assert _value("relation", "contains", ID) == UUID(ID)


@pytest.mark.parametrize(
    ("raw", "code", "message", "place"),
    [
        (RawWhere("nope", "eq", 1), "UNKNOWN_COLUMN", "Unknown column: nope", "column"),
        (RawWhere("text", "like", 1), "INVALID", "Unknown operator: like", "operator"),
        (RawWhere("text", "eq", has_value=False), "REQUIRED", "eq needs a value", "value"),
        (
            RawWhere("boolean", "contains", "t"),
            "INVALID",
            "contains does not apply to boolean (boolean)",
            "operator",
        ),
        (
            RawWhere("relation", "gt", ID),
            "INVALID",
            "gt does not apply to relation (ids)",
            "operator",
        ),
        (RawWhere("relation", "eq", 5), "INVALID_TYPE", "relation: must be an id", "value"),
        (RawWhere("text", "contains", ["a"]), "INVALID_TYPE", "text: must be a text", "value"),
        (RawWhere("text", "contains", True), "INVALID_TYPE", "text: must be a text", "value"),
        (
            RawWhere("number", "in", [[1]]),
            "INVALID_TYPE",
            "number: in takes a flat list of values",
            "value",
        ),
        (
            RawWhere("text", "contains", "x" * 1001),
            "TOO_LONG",
            "text: is at most 1,000 characters long",
            "value",
        ),
        (
            RawWhere("number", "in", [1] * 10_001),
            "TOO_MANY",
            "number: in takes at most 10,000 values",
            "value",
        ),
    ],
)
def test_a_condition_that_cannot_be_is_refused(
    raw: RawWhere, code: str, message: str, place: str
) -> None:
    assert _problems(raw) == [(ErrorCode(code), message, ("filter", place))]


@pytest.mark.parametrize(("column", "value"), [("number", "abc"), ("date", "soon"), ("boolean", 3)])
def test_a_value_of_another_type_is_refused_and_the_column_named(column: str, value: Any) -> None:
    for operator in ("eq", "neq", "gt", "lte"):
        [(code, message, path)] = _problems(RawWhere(column, operator, value))
        assert code is ErrorCode.INVALID_TYPE
        assert message.startswith(f"{column}: ")
        assert path == ("filter", "value")


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
@pytest.mark.parametrize("operator", ["eq", "contains", "starts_with"])
def test_characters_that_no_cell_can_hold_are_refused(operator: str, text: str) -> None:
    [(code, message, _)] = _problems(RawWhere("text", operator, text))
    assert (code, message[:6]) == (ErrorCode.INVALID, "text: ")


def test_numbers_that_are_none_are_refused_by_operators_on_text() -> None:
    [(code, _, _)] = _problems(RawWhere("text", "contains", float("nan")))
    assert code is ErrorCode.INVALID


def test_all_problems_of_a_tree_are_listed_with_their_places() -> None:
    raw = RawAll(
        [
            RawWhere("text", "eq", "fine"),
            RawNot(RawWhere("nope", "like", 1)),
            RawAny([RawWhere("number", "eq", "x")]),
        ]
    )
    assert [path for _, _, path in _problems(raw)] == [
        ("filter", "all", "1", "not", "column"),
        ("filter", "all", "1", "not", "operator"),
        ("filter", "all", "2", "any", "0", "value"),
    ]


def test_trees_are_bounded_in_depth_and_in_conditions() -> None:
    deep: RawCondition = RawWhere("text", "is_empty", has_value=False)
    for _ in range(9):
        deep = RawNot(deep)
    [where] = conditions(bind(SHAPE, deep))
    assert isinstance(where, Where)
    assert where.operator is Operator.IS_EMPTY
    [(code, message, _)] = _problems(RawNot(deep))
    assert (code, message) == (ErrorCode.TOO_MANY, "Filters nest at most 10 deep")
    one = RawWhere("text", "eq", "x")
    assert len(list(conditions(bind(SHAPE, RawAll([RawAny([one] * 100)] * 2))))) == 200
    [(code, message, _)] = _problems(RawAll([RawAny([one] * 150)] * 40))
    assert (code, message) == (ErrorCode.TOO_MANY, "A filter has at most 200 conditions")


def test_bound_trees_are_hashable_and_equal_when_they_say_the_same() -> None:
    raw = RawAny([RawWhere("select", "eq", "open"), RawNot(RawAll([]))])
    bound = bind(SHAPE, raw)
    assert isinstance(bound, AnyOf)
    assert bound.parts[1] == Not(AllOf(()))
    assert len({bound, bind(SHAPE, raw)}) == 1
    assert len({*bind_sorts(SHAPE, [RawSort("select")]), Sort(SHAPE.columns_by_key["select"])}) == 1


def test_nulls_come_first_when_ascending_and_last_when_descending() -> None:
    raws = [RawSort("text"), RawSort("number", "desc"), RawSort("date", "desc", "first")]
    sorts = bind_sorts(SHAPE, raws)
    assert [(sort.direction, sort.nulls) for sort in sorts] == [
        (Direction.ASC, Nulls.FIRST),
        (Direction.DESC, Nulls.LAST),
        (Direction.DESC, Nulls.FIRST),
    ]


def test_sort_keys_that_add_nothing_are_left_out() -> None:
    raws = [RawSort("text"), RawSort("computed"), RawSort("text", "desc")]
    assert [sort.field.key for sort in bind_sorts(SHAPE, raws)] == ["text"]


def test_every_bad_sort_key_is_told() -> None:
    with pytest.raises(Invalid) as caught:
        bind_sorts(SHAPE, [RawSort("'; --", "up"), RawSort("text", "asc", "middle")])
    assert [(problem.message, problem.path) for problem in caught.value.problems] == [
        ("Unknown column: '; --", ("sort", "0", "column")),
        ("Unknown direction: up", ("sort", "0", "direction")),
        ("Unknown place of nulls: middle", ("sort", "1", "nulls")),
    ]
    with pytest.raises(Invalid, match="A sort has at most 5 keys"):
        bind_sorts(SHAPE, [RawSort("text")] * 6)


def test_a_search_is_a_text_or_nothing() -> None:
    assert accept_search(None) is None
    assert accept_search("  ") is None
    assert accept_search(" a%") == " a%"
    with pytest.raises(Invalid, match="search: is at most 1,000 characters long"):
        accept_search("x" * 1001)
    with pytest.raises(Invalid, match="search: "):
        accept_search("\x00")


def test_a_computed_column_compares_as_its_result() -> None:
    column = Column(
        UUID(int=1), 1, "sum", "Sum", ColumnType.COMPUTED, 1, config={"resultType": "number"}
    )
    shape = TableShape(UUID(int=99), UUID(int=98), 1, 1, 1, (column,), UUID(int=97))
    assert bind(shape, RawWhere("sum", "gt", "3")) == Where(column, Operator.GT, Decimal(3))
    assert Family.NUMBER in OPERATORS[Operator.GT].families
