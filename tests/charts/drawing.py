"""Documents and short ways for tests of charts."""

from typing import Any

from tests.gql.documents import ERRORS
from tests.serving import Site

POINT = "key x y series xEnd isRest"

CREATE = f"""mutation($input: ChartCreateInput!) {{
  chartCreate(input: $input) {{ chart {{ id }} {ERRORS} }} }}"""

UPDATE = f"""mutation($input: ChartUpdateInput!) {{
  chartUpdate(input: $input) {{ chart {{ id name config }} {ERRORS} }} }}"""

DATA = f"""query($id: ID!) {{ chart(id: $id) {{ data {{
  revision truncated points {{ {POINT} }} }} }} }}"""

CHANGED = f"""subscription($id: ID!, $after: Int) {{ chartChanged(chartId: $id, after: $after) {{
  __typename
  ... on ChartSnapshot {{ revision truncated points {{ {POINT} }} chart {{ name }} }}
  ... on ChartPointsChanged {{ revision upserted {{ {POINT} }} removed }}
  ... on ChartDeleted {{ revision chartId }}
  ... on TableDeleted {{ revision tableId }} }} }}"""


async def new_chart(site: Site, table_id: str, x: str, type_: str = "BAR", **more: Any) -> str:
    """A chart; its id."""
    given = {"tableId": table_id, "name": "Chart", "type": type_, "xColumn": x} | more
    made = (await site.graphql(CREATE, input=given))["chartCreate"]
    assert made["errors"] == []
    return str(made["chart"]["id"])


async def data_of(site: Site, chart_id: str) -> dict[str, Any]:
    """The points of a chart with their revision."""
    data: dict[str, Any] = (await site.graphql(DATA, id=chart_id))["chart"]["data"]
    return data


async def points_of(site: Site, table_id: str, x: str, type_: str = "BAR", **more: Any) -> Any:
    """Pairs of x and y of a new chart."""
    chart_id = await new_chart(site, table_id, x, type_, **more)
    return [(point["x"], point["y"]) for point in (await data_of(site, chart_id))["points"]]


def apply(points: dict[str, Any], event: dict[str, Any]) -> None:
    """What a client does with an event."""
    if event["__typename"] == "ChartSnapshot":
        points.clear()
        points |= {point["key"]: point for point in event["points"]}
    else:
        points |= {point["key"]: point for point in event["upserted"]}
        for key in event["removed"]:
            points.pop(key, None)
