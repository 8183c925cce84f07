"""Charts with filters that could not be stored, and pictures that change without their table."""

from typing import Any

import pytest

from tests.charts.drawing import CREATE, new_chart
from tests.gql.documents import add, new_table
from tests.serving import Site


@pytest.mark.parametrize("operator", ["IS_EMPTY", "IN"])
async def test_values_that_nobody_looks_at_are_refused_too(site: Site, operator: str) -> None:
    table_id = await new_table(site, {"key": "a"})
    where = {"column": "a", "operator": operator, "value": ["\0"]}
    given = {"tableId": table_id, "name": "C", "type": "BAR", "xColumn": "a"}
    made = await site.graphql(CREATE, input=given | {"filter": {"where": where}})
    [error] = made["chartCreate"]["errors"]
    assert error["message"].startswith("filter: text cannot contain")


async def test_a_picture_over_another_table_is_sent_anew(site: Site) -> None:
    prices = await new_table(site, {"key": "price", "type": "NUMBER"})
    [price] = await add(site, prices, {"price": 1})
    sales = await new_table(
        site,
        {"key": "to", "type": "RELATION", "config": {"targetTableId": prices}},
        {
            "key": "cost",
            "type": "COMPUTED",
            "config": {"rollup": {"relation": "to", "column": "price", "function": "sum"}},
        },
    )
    await add(site, sales, {"to": price})
    chart_id = await new_chart(site, sales, "to", yColumn="cost", aggregation="SUM")
    first = await site.shared.get(f"/charts/{chart_id}.svg")
    known: dict[str, Any] = {"if-none-match": first.headers["etag"]}
    same = await site.shared.get(f"/charts/{chart_id}.svg", headers=known)
    assert same.status_code == 304
    update = """mutation($t: ID!, $r: ID!) { rowsUpdate(input: {tableId: $t, rows: [
      {id: $r, data: {price: 7}}]}) { errors { message } } }"""
    assert (await site.graphql(update, t=prices, r=price))["rowsUpdate"]["errors"] == []
    other = await site.shared.get(f"/charts/{chart_id}.svg", headers=known)
    assert other.status_code == 200
    assert other.content != first.content


_BIG = "9" + "0" * 999


@pytest.mark.parametrize(
    ("type_", "numbers"),
    [("BAR", [_BIG, _BIG]), ("LINE", [_BIG, _BIG]), ("HISTOGRAM", [_BIG, f"-{_BIG}"])],
)
async def test_figures_that_no_cell_could_hold_are_told(
    site: Site, type_: str, numbers: list[str]
) -> None:
    table_id = await new_table(site, {"key": "n", "type": "NUMBER"})
    await add(site, table_id, *({"n": number} for number in numbers))
    more = {} if type_ == "HISTOGRAM" else {"yColumn": "n", "aggregation": "SUM"}
    x = "n" if type_ == "HISTOGRAM" else "createdBy"
    chart_id = await new_chart(site, table_id, x, type_, **more)
    drawn = await site.shared.get(f"/charts/{chart_id}.svg")
    assert drawn.status_code == 413
    assert drawn.json() == {"error": "A figure of the chart has more than 1,000 digits"}
