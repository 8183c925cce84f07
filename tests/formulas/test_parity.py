"""Both ways to compute a formula give the same values, whatever the formula and the rows."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.formulas.formula_samples import (
    FORMULAS,
    RESULTS,
    ROWS,
    bound,
    computed,
    formula_table,
    in_postgres,
    in_python,
    shown,
)

_DEFINITIONS = st.lists(st.tuples(FORMULAS, RESULTS), min_size=1, max_size=6)


@examples(50)
@given(_DEFINITIONS, ROWS)
async def test_python_and_postgres_agree(
    postgres_url: str, definitions: list[tuple[str, str | None]], rows: list[dict[int, Any]]
) -> None:
    columns = bound(
        [
            # Formulas that use formulas: each may name the one before it.
            computed(
                100 + index,
                formula.replace("previous", f"f{99 + index}" if index else "n"),
                resultType=result,
            )
            for index, (formula, result) in enumerate(definitions)
        ]
    )
    async with formula_table(postgres_url) as connection:
        found = await in_postgres(connection, columns, rows)
    for here, there in zip(in_python(columns, rows), found, strict=True):
        for column, mine, theirs in zip(columns, here, there, strict=True):
            assert (mine, type(mine)) == (theirs, type(theirs)), shown(column)
