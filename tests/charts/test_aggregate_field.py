"""`table.aggregate` and charts over HTTP: shapes, bounds, real files, and what they cost."""

import csv
import importlib.util
import json
from collections import Counter, defaultdict
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.charts.drawing import data_of, new_chart
from tests.gql.documents import add, ask, new_table
from tests.serving import Site

AGGREGATE = """query($t: ID!, $by: [GroupByInput!], $metrics: [MetricInput!]!, $filter: RowFilter,
  $search: String, $order: [GroupOrderInput!], $first: Int) { table(id: $t) { revision aggregate(
    groupBy: $by, metrics: $metrics, filter: $filter, search: $search, order: $order,
    first: $first) { revision groups { keys values } rest { groups values } binWidths } } }"""


async def aggregate(site: Site, table_id: str, **given: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await site.graphql(AGGREGATE, t=table_id, **given))["table"]
    assert found["aggregate"]["revision"] == found["revision"]
    answer: dict[str, Any] = found["aggregate"]
    return answer


def files() -> Path:
    """The sample files of vega_datasets; its code is not imported."""
    found = importlib.util.find_spec("vega_datasets")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "_data"


@pytest.fixture(scope="module")
async def cars(site: Site) -> tuple[str, list[dict[str, Any]]]:
    """A table of 406 cars, some without power or mileage."""
    rows = [
        {"origin": car["Origin"], "power": car["Horsepower"], "mpg": car["Miles_per_Gallon"]}
        | {"year": car["Year"], "name": car["Name"]}
        for car in json.loads((files() / "cars.json").read_text())
    ]
    columns = [{"key": key, "type": "NUMBER"} for key in ("power", "mpg")]
    table_id = await new_table(site, "origin", "name", *columns, {"key": "year", "type": "DATE"})
    await add(site, table_id, *rows)
    return table_id, rows


def _rounded(value: Decimal) -> float:
    return float(value.quantize(Decimal("0.01"), ROUND_HALF_UP))


async def test_figures_of_a_real_file(site: Site, cars: tuple[str, list[dict[str, Any]]]) -> None:
    table_id, rows = cars
    by_origin: dict[str, list[Decimal]] = defaultdict(list)
    for car in rows:
        if car["mpg"] is not None:
            by_origin[car["origin"]].append(Decimal(str(car["mpg"])))
    counts = Counter(car["origin"] for car in rows)
    found = await aggregate(
        site,
        table_id,
        by=[{"column": "origin"}],
        metrics=[
            {"function": "COUNT"},
            {"function": "COUNT", "column": "mpg", "as": "known"},
            {"function": "SUM", "column": "mpg"},
            {"function": "AVG", "column": "mpg", "as": "mean"},
            {"function": "MAX", "column": "mpg"},
            {"function": "MIN", "column": "name"},
        ],
        order=[{"by": "mean", "direction": "DESC"}],
    )
    expected = sorted(by_origin, key=lambda o: -sum(by_origin[o]) / len(by_origin[o]))
    assert [group["keys"] for group in found["groups"]] == [[origin] for origin in expected]
    for group in found["groups"]:
        [origin] = group["keys"]
        mpg, values = by_origin[origin], group["values"]
        assert values.pop("mean") == pytest.approx(float(sum(mpg) / len(mpg)))
        assert values == {
            "count": counts[origin],
            "known": len(mpg),
            "sum_mpg": float(sum(mpg)),
            "max_mpg": float(max(mpg)),
            "min_name": min(car["name"] for car in rows if car["origin"] == origin),
        }
    assert (found["rest"], found["binWidths"]) == (None, [None])


async def test_charts_of_a_real_file(site: Site, cars: tuple[str, list[dict[str, Any]]]) -> None:
    table_id, rows = cars
    chart_id = await new_chart(
        site, table_id, "year", "LINE", yColumn="power", aggregation="AVG", seriesColumn="origin"
    )
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for car in rows:
        if car["power"] is not None:
            groups[car["year"], car["origin"]].append(car["power"])
    points = (await data_of(site, chart_id))["points"]
    assert [point["x"] for point in points] == sorted(point["x"] for point in points)
    assert {(point["x"], point["series"]): point["y"] for point in points} == {
        key: _rounded(Decimal(sum(found)) / len(found)) for key, found in groups.items()
    }
    chart_id = await new_chart(site, table_id, "power", "HISTOGRAM", bins=8)
    data = await data_of(site, chart_id)
    bins = Counter(car["power"] // 50 * 50 for car in rows if car["power"] is not None)
    assert [(point["x"], point["y"]) for point in data["points"]] == sorted(bins.items())
    chart_id = await new_chart(site, table_id, "power", "SCATTER", yColumn="mpg")
    data = await data_of(site, chart_id)
    shown = [(car["power"], car["mpg"] or 0) for car in rows]
    assert [(point["x"], point["y"]) for point in data["points"]] == shown
    assert data["truncated"] is False


async def test_many_names_and_many_rows(site: Site) -> None:
    with (files() / "airports.csv").open(newline="") as file:
        rows = [{"city": row["city"], "state": row["state"]} for row in csv.DictReader(file)]
    table_id = await new_table(site, "city", "state")
    for start in range(0, len(rows), 1000):
        await add(site, table_id, *rows[start : start + 1000])
    cities = Counter(row["city"] for row in rows)
    chart_id = await new_chart(site, table_id, "city", aggregation="COUNT")
    data = await data_of(site, chart_id)
    largest = sorted(cities.items(), key=lambda item: (-item[1], item[0]))
    points = [(point["x"], point["y"]) for point in data["points"]]
    assert data["truncated"] is True
    assert points == [*largest[:1000], ("Other", sum(count for _, count in largest[1000:]))]
    found = await aggregate(
        site,
        table_id,
        by=[{"column": "state"}],
        metrics=[{"function": "COUNT_DISTINCT", "column": "city"}, {"function": "COUNT"}],
        order=[{"by": "count", "direction": "DESC"}],
        first=3,
        search="la",
    )
    matching = [row for row in rows if "la" in (row["city"] + "\n" + row["state"]).lower()]
    states = Counter(row["state"] for row in matching)
    first = sorted(states, key=lambda state: (-states[state], state))[:3]
    assert [group["keys"][0] for group in found["groups"]] == first
    others = [row for row in matching if row["state"] not in first]
    assert found["rest"] == {
        "groups": len(states) - 3,
        "values": {
            "count_distinct_city": len({row["city"] for row in others}),
            "count": len(others),
        },
    }
    scatter = await new_chart(site, table_id, "city", "SCATTER")
    assert (await data_of(site, scatter))["truncated"] is False
    await add(site, table_id, *rows[:1000])
    await add(site, table_id, *rows[:1000])
    data = await data_of(site, scatter)
    assert (len(data["points"]), data["truncated"]) == (5000, True)
    assert data["points"] == (await data_of(site, scatter))["points"]


async def test_numbers_stay_exact_and_bins_are_told(site: Site) -> None:
    table_id = await new_table(site, {"key": "n", "type": "NUMBER"})
    long = "12345678901234567890123456789.000000000000000000001"
    await add(site, table_id, {"n": long}, {"n": "0.1"}, {"n": "0.2"})
    query = """query($t: ID!) { table(id: $t) { aggregate(
      metrics: [{function: SUM, column: "n", as: "n"}]) { groups { keys values } } } }"""
    answer = await site.shared.post("/graphql", json={"query": query, "variables": {"t": table_id}})
    exact = '"n":12345678901234567890123456789.300000000000000000001'
    assert exact in answer.text
    small = {"where": {"column": "n", "operator": "LT", "value": 1}}
    for by, width, keys in (
        ({"binWidth": 0.1}, 0.1, [[0.1], [0.2]]),
        ({"bins": 5}, 0.02, [[0.1], [0.2]]),
        ({"bins": 1}, 0.1, [[0.1], [0.2]]),
    ):
        count = [{"function": "COUNT"}]
        group_by = [{"column": "n"} | by]
        found = await aggregate(site, table_id, by=group_by, metrics=count, filter=small)
        assert ([group["keys"] for group in found["groups"]], found["binWidths"]) == (keys, [width])
    empty = await aggregate(
        site, await new_table(site, "a"), metrics=[{"function": "COUNT"}], by=[{"column": "a"}]
    )
    assert (empty["groups"], empty["rest"]) == ([], None)


async def test_everything_wrong_is_told_at_once(site: Site) -> None:
    table_id = await new_table(site, "a", {"key": "n", "type": "NUMBER"})
    variables = {
        "t": table_id,
        "by": [
            {"column": "gone"},
            {"column": "a", "bucket": "DAY"},
            {"column": "n", "bins": 0, "binWidth": -1},
            {"column": "a", "bins": 5},
        ],
        "metrics": [
            {"function": "SUM"},
            {"function": "AVG", "column": "a"},
            {"function": "COUNT"},
            {"function": "COUNT"},
        ],
        "order": [{"by": "elsewhere"}],
        "first": 1001,
        "filter": {"where": {"column": "gone", "operator": "EQ", "value": 1}},
    }
    body = await ask(site, AGGREGATE, variables)
    [error] = body["errors"]
    found = {"/".join(each["path"]): each["code"] for each in error["extensions"]["problems"]}
    assert found == {
        "groupBy/0/column": "UNKNOWN_COLUMN",
        "groupBy/1/bucket": "INVALID",
        "groupBy/2": "INVALID",
        "groupBy/2/bins": "OUT_OF_RANGE",
        "groupBy/2/binWidth": "OUT_OF_RANGE",
        "groupBy/3": "INVALID",
        "groupBy": "TOO_MANY",
        "metrics/0/column": "REQUIRED",
        "metrics/1/function": "INVALID",
        "metrics/3/as": "DUPLICATE",
        "order/0/by": "INVALID",
        "first": "OUT_OF_RANGE",
        "filter/column": "UNKNOWN_COLUMN",
    }
    assert body["data"]["table"]["aggregate"] is None
    assert (
        "problems"
        in (await ask(site, AGGREGATE, {"t": table_id, "metrics": []}))["errors"][0]["extensions"]
    )
