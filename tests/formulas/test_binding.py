"""Formulas meet the columns of a table: names, functions, cycles, and what they depend on."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from domain.columns import Column, ColumnType
from domain.computations import MAX_DEPTH, MAX_SIZE, Attached, attach
from domain.formula_nodes import CYCLE, Constant
from domain.values import Family, family
from persistence.formula_sql import column_value
from tests.formulas.formula_samples import STORED, TABLE, bound, computed


def _attach(*formulas: str | dict[str, Any]) -> Attached:
    columns = []
    for index, given in enumerate(formulas):
        config = {"formula": given} if isinstance(given, str) else given
        columns.append(computed(100 + index, **config))
    return attach([*STORED, *columns], TABLE, {})


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("nope + 1", "formula: unknown column nope at position 1"),
        ("1 + {{ no such }}", "formula: unknown column no such at position 5"),
        ("median(n)", "formula: unknown function median at position 1"),
        ("n + SUM(n)", "formula: unknown function SUM at position 5"),
        ("sum(n + 1)", "formula: sum takes one column at position 1"),
        ("max(1, 2)", "formula: max takes one column at position 1"),
        ("if(n, 1)", "formula: if takes 3 values at position 1"),
        ("abs()", "formula: abs takes 1 value at position 1"),
        ("today(1)", "formula: today takes no values at position 1"),
        ("concat()", "formula: concat takes at least one value at position 1"),
        ("daysBetween(day)", "formula: daysBetween takes 2 values at position 1"),
        ("n +", "formula: expected a value, found the end at position 4"),
    ],
)
def test_what_cannot_be_bound_is_told_and_computes_null(formula: str, message: str) -> None:
    found = _attach({"formula": formula, "formulaType": "arithmetic"})
    assert found.problems == {"f100": message}
    column = found.columns[-1]
    assert column.computation is not None
    assert (column.computation.family, family(column)) == (Family.NUMBER, Family.NUMBER)
    assert "NULL" in column_value(column, "t")


def test_what_depends_on_a_broken_formula_is_broken() -> None:
    found = _attach("gone", "f100 + 1")
    assert found.problems["f101"] == "formula: the column f100 cannot be computed at position 1"


@pytest.mark.parametrize("formula", ["", "  \n", None, 5])
def test_without_a_formula_a_column_is_null_and_others_may_use_it(formula: Any) -> None:
    found = _attach({"formula": formula}, "f100 + 1")
    assert not found.problems
    empty, other = found.columns[-2:]
    assert empty.computation is None
    assert column_value(empty, "t") == "NULL::text"
    assert other.computation is not None


def test_the_order_of_columns_does_not_matter() -> None:
    found = _attach("f101 + 1", "f102 * 2", "n")
    assert not found.problems
    assert [c.key for c in found.columns[-3:]] == ["f100", "f101", "f102"]


def test_cycles_are_told_with_their_way_and_show_a_mark() -> None:
    found = _attach("f101 + 1", "f102", "f100", "f103", "f100 + n", "n")
    assert found.problems == {
        "f100": "formula: f100 → f101 → f102 → f100 is a cycle",
        "f101": "formula: f101 → f102 → f100 → f101 is a cycle",
        "f102": "formula: f102 → f100 → f101 → f102 is a cycle",
        "f103": "formula: f103 → f103 is a cycle",
        "f104": "formula: f104 → f100 → f101 → f102 → f100 is a cycle",
    }
    for column in found.columns[-6:-1]:
        assert column.computation is not None
        assert isinstance(column.computation.root, Constant)
        assert column.computation.root.value == CYCLE
        assert family(column) is Family.TEXT
    assert found.columns[-1].computation is not None


def test_a_name_with_spaces_counts_as_a_dependency() -> None:
    assert set(_attach("{{ f101 }}", "{{f100 }}").problems) == {"f100", "f101"}


def test_growth_by_use_is_bounded() -> None:
    """Each formula uses the one before twice: thirty of them would have a billion parts."""
    found = _attach("n + n", *(f"f{99 + n} * f{99 + n}" for n in range(1, 30)))
    (first, *_) = found.problems
    assert found.problems[first] == (
        f"formula: with the columns that it uses, it has over {MAX_SIZE:,} parts"
    )
    sizes = [c.computation.size for c in found.columns if c.computation]
    assert max(sizes) <= MAX_SIZE


def test_a_chain_of_hundreds_of_formulas_is_refused_at_its_depth() -> None:
    found = _attach("n", *(f"-f{99 + n}" for n in range(1, 400)))
    depths = [c.computation.depth for c in found.columns if c.computation]
    assert max(depths) <= MAX_DEPTH
    assert any("nests over" in message for message in found.problems.values())


@pytest.mark.parametrize(
    ("formula", "volatile", "indexable"),
    [
        ("n * 2", False, True),
        ("name + n", False, True),
        ("if(flag, 'a', \"b\")", False, True),
        ("daysBetween(day, moment)", False, True),
        ("daysBetween(day, '2024-01-01')", False, False),
        ("day + ''", False, False),
        ("{{tags}}", False, False),
        ("{{weight}} / 2", False, True),
        ("1 + 1", False, False),
        ("today()", True, False),
        ("sum(n)", True, False),
        ("f900 + 1", True, False),
        ("f901 + 1", False, True),
    ],
)
def test_what_a_formula_depends_on(formula: str, volatile: bool, indexable: bool) -> None:
    columns = bound([computed(900, "n / sum(n)"), computed(901, "n"), computed(902, formula)])
    computation = columns[-1].computation
    assert computation is not None
    assert (computation.volatile, computation.indexable) == (volatile, indexable)


def test_inputs_are_those_of_all_formulas_on_the_way() -> None:
    *_, last = bound([computed(100, "n + flag"), computed(101, "f100 + name")])
    assert last.computation is not None
    assert last.computation.inputs == {1, 3, 5, 100}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"formula": "n"}, Family.NUMBER),
        ({"formula": "n + name"}, Family.TEXT),
        ({"formula": "n > 1"}, Family.BOOLEAN),
        ({"formula": "day"}, Family.DATE),
        ({"formula": "moment"}, Family.DATETIME),
        ({"formula": "max(day)"}, Family.DATE),
        ({"formula": "today()"}, Family.TEXT),
        ({"formula": "n", "formulaType": "conditional"}, Family.TEXT),
        ({"formula": "name", "formulaType": "arithmetic"}, Family.NUMBER),
        ({"formula": "day", "formulaType": "date_diff"}, Family.NUMBER),
        ({"formula": "n", "formulaType": "aggregate", "resultType": "text"}, Family.TEXT),
        ({"formula": "n", "resultType": "relation"}, Family.TEXT),
        ({"formula": "n", "resultType": "select"}, Family.TEXT),
    ],
)
def test_how_results_compare(config: dict[str, Any], expected: Family) -> None:
    (column,) = bound([computed(100, **config)])
    assert family(column) is expected


def test_columns_without_formulas_are_left_alone() -> None:
    assert attach(STORED, TABLE, {}).columns == tuple(STORED)


def test_a_column_compares_by_what_it_is_and_not_by_what_it_computes() -> None:
    column = Column(UUID(int=1), 1, "a", "A", ColumnType.COMPUTED, 1, config={"formula": "1"})
    (computes,) = bound([replace(column, key="b")])
    assert computes == replace(column, key="b")
    assert "computation" not in repr(computes)
