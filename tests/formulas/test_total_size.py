"""Formulas that are small one by one, and together too much for one statement."""

from uuid import UUID

from domain.columns import Column, ColumnType
from domain.computations import MAX_TABLE_SIZE, attach


def _column(number: int, key: str, formula: str | None) -> Column:
    config = {"formula": formula, "resultType": "number"} if formula else None
    type_ = ColumnType.COMPUTED if formula else ColumnType.NUMBER
    return Column(UUID(int=number), number, key, key, type_, number, config=config)


def test_what_a_table_computes_is_bounded_as_a_whole() -> None:
    large = " + ".join(["n * n"] * 100)
    columns = [_column(0, "n", None)]
    columns += [_column(number, f"c{number}", large) for number in range(1, 500)]
    found = attach(columns, "org_1.t1", {})
    sizes = [each.computation.size for each in found.columns if each.computation is not None]
    assert MAX_TABLE_SIZE * 0.9 < sum(sizes) < MAX_TABLE_SIZE + 1_000
    assert set(found.problems.values()) == {
        f"formula: the computed columns of the table have over {MAX_TABLE_SIZE:,} parts"
    }
    # The first ones compute as before, the others nothing.
    assert [each.key for each in found.columns if each.key in found.problems] == [
        each.key for each in columns[-len(found.problems) :]
    ]
