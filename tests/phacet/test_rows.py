"""Rows: pages, values as texts and as JSON, merging, statuses."""

import base64
import json
from typing import Any

import pytest

from tests.phacet.calls import Phacet, Shop, cell, refused, shop, statuses, values
from tests.rest.calls import UNKNOWN, Calls, column
from tests.serving import Site


@pytest.fixture(scope="module")
async def table(site: Site) -> Shop:
    """A table for all."""
    return await shop(Calls(site.shared))


async def test_pages_of_120_rows(phacet: Phacet, calls: Calls) -> None:
    made = await calls.table(column("n", "number"))
    await calls.add(made["id"], *({"n": n} for n in range(120)))
    path = f"/tables/{made['id']}/rows"
    sizes, more, seen = [], [], []
    cursor: dict[str, str] = {}
    for _ in range(3):
        page = await phacet.get(path, take=50, **cursor)
        sizes.append(len(page["rows"]))
        more.append(page["hasMore"])
        seen += [row["cells"][0]["value"] for row in page["rows"]]
        cursor = {"cursor": page["nextCursor"]}
    assert (sizes, more) == ([50, 50, 20], [True, True, False])
    assert seen == list(range(120))
    assert page["nextCursor"] is None
    assert len((await phacet.get(path))["rows"]) == 50
    assert len((await phacet.get(path, take=200))["rows"]) == 120


async def test_a_cursor_survives_its_row_and_new_ones(phacet: Phacet, calls: Calls) -> None:
    made = await calls.table(column("n", "number"))
    rows = await calls.add(made["id"], *({"n": n} for n in range(5)))
    path = f"/tables/{made['id']}/rows"
    page = await phacet.get(path, take=2)
    await calls.client.delete(f"/api/tables/{made['id']}/rows/{rows[1]['id']}")
    await calls.add(made["id"], {"n": 5})
    rest = await phacet.get(path, take=200, cursor=page["nextCursor"])
    assert [row["cells"][0]["value"] for row in rest["rows"]] == [2, 3, 4, 5]
    text = page["nextCursor"]
    content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert rows[1]["id"] in json.loads(content)


@pytest.mark.parametrize(
    "take", ["0", "201", "-1", "x", "1.5", "", " 5", "1e2", "9" * 30, "\u0665"]
)
async def test_bad_takes(phacet: Phacet, table: Shop, take: str) -> None:
    answer = await phacet.client.get(f"/api/v2/tables/{table.id}/rows", params={"take": take})
    refused(answer, 400, "ValidationError", "take: must be an integer from 1 to 200")


@pytest.mark.parametrize("cursor", ["x", "e30", "WzEsMiwzXQ", "\x00", "é", "a" * 9000])
async def test_bad_cursors(phacet: Phacet, table: Shop, cursor: str) -> None:
    answer = await phacet.client.get(f"/api/v2/tables/{table.id}/rows", params={"cursor": cursor})
    refused(answer, 400, "ValidationError", "cursor: is not a cursor of this API")


async def test_a_page_of_one_session(phacet: Phacet, calls: Calls) -> None:
    table = await shop(calls)
    path = f"/tables/{table.id}"
    second = await phacet.post(f"{path}/sessions", {"name": "Second"})
    first = (await phacet.get(path))["sessions"][0]
    for n in range(3):
        body = {"sessionId": second["id"], "cells": table.cells(price=n)}
        row = await phacet.post(f"{path}/rows", body)
        assert row["sessionId"] == second["id"]
    assert (await phacet.row(table))["sessionId"] == first["id"]
    page = await phacet.get(f"{path}/rows", sessionId=second["id"], take=2)
    assert [values(row)["price"] for row in page["rows"]] == [0, 1]
    page = await phacet.get(
        f"{path}/rows", sessionId=second["id"], take=2, cursor=page["nextCursor"]
    )
    assert ([values(row)["price"] for row in page["rows"]], page["hasMore"]) == ([2], False)
    other = await shop(calls)
    for session in (*UNKNOWN, (await phacet.get(f"/tables/{other.id}"))["sessions"][0]["id"]):
        answer = await phacet.client.get(f"/api/v2{path}/rows", params={"sessionId": session})
        refused(answer, 404, "NotFoundError", "Session not found")
        body = {"sessionId": session}
        answer = await phacet.client.post(f"/api/v2{path}/rows", json=body)
        refused(answer, 404, "NotFoundError", "Session not found")


async def test_values_as_json(phacet: Phacet, table: Shop) -> None:
    file = await phacet.upload()
    given = {
        "title": "Tea",
        "price": 2.5,
        "state": "open",
        "tags": ["red", "blue, light"],
        "data": {"a": [1, None]},
        "paper": {"id": file["id"], "name": "another name"},
    }
    row = await phacet.row(table, **given)
    assert values(row) == given | {"paper": {"id": file["id"], "name": "paper.pdf"}}
    assert statuses(row) == ["resolved"] * 6
    assert [each["id"] for each in row["cells"]] == [f"{row['id']}.{n}" for n in range(1, 7)]
    assert await phacet.get(f"/tables/{table.id}/rows/{row['id']}") == row
    for each in row["cells"]:
        assert await phacet.get(f"/tables/{table.id}/cells/{each['id']}") == each


@pytest.mark.parametrize(
    ("name", "given", "stored"),
    [
        ("title", "", ""),
        ("title", 5, "5"),
        ("price", " 12.50 ", 12.5),
        ("price", "-1e3", -1000),
        ("price", "", None),
        ("state", "done", "done"),
        ("state", "", None),
        ("tags", "red", ["red"]),
        ("tags", "blue, light", ["blue, light"]),
        ("tags", "", None),
        ("data", '{"a": 1.10}', {"a": 1.1}),
        ("data", "[1, 2]", [1, 2]),
        ("data", "7", 7),
        ("data", '"text"', "text"),
        ("data", "", None),
        ("data", [1], [1]),
        ("data", 7, 7),
        ("data", True, True),
        ("paper", "", None),
        *((name, None, None) for name in ("title", "price", "state", "tags", "data", "paper")),
    ],
)
async def test_values_as_texts(
    phacet: Phacet, table: Shop, name: str, given: Any, stored: Any
) -> None:
    row = await phacet.row(table, **{name: given})
    found = cell(row, name)
    assert (found["value"], type(found["value"])) == (stored, type(stored))
    assert found["status"] == ("initialized" if stored is None else "resolved")
    full = await phacet.row(
        table, title="t", price=1, state="open", tags="red", data="{}", paper=None
    )
    changed = await phacet.put(
        f"/tables/{table.id}/rows/{full['id']}", {"cells": table.cells(**{name: given})}
    )
    assert values(changed) == values(full) | {name: stored}


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("price", "many", '"many" is not a number'),
        ("price", [1], "a list is not a number"),
        ("state", "lost", '"lost" is not one of the options "open", "done"'),
        ("tags", "green", '"green" is not one of the options "red", "blue, light"'),
        ("tags", ["red", "green"], '"green" is not one of the options "red", "blue, light"'),
        ("title", ["x"], "a list is not a text"),
        ("paper", "nothing", 'there is no file "nothing"'),
        ("paper", {"id": UNKNOWN[0]}, f'there is no file "{UNKNOWN[0]}"'),
        ("paper", UNKNOWN[0], f'there is no file "{UNKNOWN[0]}"'),
        ("paper", 5, "a file is its id, or an object with its id"),
    ],
)
async def test_bad_values(phacet: Phacet, table: Shop, name: str, given: Any, message: str) -> None:
    path = f"/api/v2/tables/{table.id}/rows"
    row = await phacet.row(table, title="before")
    body = {"cells": [*table.cells(data={}), *table.cells(**{name: given})]}
    told = f"cells[1].value: {name}: {message}"
    refused(await phacet.client.post(path, json=body), 400, "ValidationError", told)
    answer = await phacet.client.put(f"{path}/{row['id']}", json=body)
    refused(answer, 400, "ValidationError", told)
    assert await phacet.get(f"/tables/{table.id}/rows/{row['id']}") == row


async def test_json_that_does_not_parse(phacet: Phacet, table: Shop) -> None:
    answer = await phacet.client.post(
        f"/api/v2/tables/{table.id}/rows", json={"cells": table.cells(data="{a")}
    )
    assert answer.status_code == 400
    told = answer.json()
    assert told["errorKey"] == "ValidationError"
    assert told["message"].startswith('cells[0].value: data: "{a" is not JSON: ')


async def test_wrong_columns(phacet: Phacet, table: Shop, calls: Calls) -> None:
    other = await shop(calls)
    path = f"/api/v2/tables/{table.id}/rows"
    for column_id in (*UNKNOWN, other.columns["title"], "title"):
        body = {"cells": [*table.cells(title="a"), {"columnId": column_id, "value": 1}]}
        told = "cells[1].columnId: there is no such column"
        refused(await phacet.client.post(path, json=body), 400, "ValidationError", told)
    body = {"cells": [*table.cells(title="a"), *table.cells(title="b")]}
    told = "cells[1].columnId: names the same column as cells[0]"
    refused(await phacet.client.post(path, json=body), 400, "ValidationError", told)


async def test_a_column_that_another_process_added(phacet: Phacet, calls: Calls) -> None:
    table = await shop(calls)
    await phacet.row(table, title="a")
    made = await calls.client.post(f"/api/tables/{table.id}/columns", json=column("later"))
    assert made.status_code == 201
    body = {"cells": [{"columnId": made.json()["id"], "value": "x"}]}
    row = await phacet.post(f"/tables/{table.id}/rows", body)
    assert cell(row, "Later")["value"] == "x"


async def test_put_changes_the_listed_cells_only(phacet: Phacet, table: Shop) -> None:
    row = await phacet.row(table, title="Tea", price=1, state="open")
    path = f"/tables/{table.id}/rows/{row['id']}"
    changed = await phacet.put(path, {"cells": table.cells(price="2", state=None)})
    assert values(changed) == values(row) | {"price": 2, "state": None}
    assert await phacet.put(path, {"cells": [], "runRow": False}) == changed
    assert await phacet.put(path, {"triggerTasks": False, "other": [1]}) == changed
    assert await phacet.get(path) == changed


async def test_a_value_is_required(phacet: Phacet, calls: Calls) -> None:
    made = await calls.table(column("name", required=True), column("n", "number"))
    path = f"/api/v2/tables/{made['id']}/rows"
    answer = await phacet.client.post(path, json={})
    refused(answer, 400, "ValidationError", "cells: Name: a value is required")
    column_id = made["columns"][0]["id"]
    answer = await phacet.client.post(path, json={"cells": [{"columnId": column_id, "value": ""}]})
    refused(answer, 400, "ValidationError", "cells[0].value: Name: a value is required")


async def test_other_types_and_formulas(phacet: Phacet, calls: Calls) -> None:
    made = await calls.table(
        column("day", "date"),
        column("yes", "boolean"),
        column("n", "number"),
        column("twice", "computed", config={"formula": "{{n}} * 2"}),
    )
    shown = await phacet.get(f"/tables/{made['id']}")
    assert [each["dataType"] for each in shown["columns"]] == [
        "date",
        "boolean",
        "number",
        "computed",
    ]
    assert [each["isComputed"] for each in shown["columns"]] == [False, False, False, True]
    table = Shop(made["id"], {each["name"]: each["id"] for each in made["columns"]})
    row = await phacet.row(table, day="2026-02-03", yes="true", n="4", twice="99")
    assert list(values(row).values()) == ["2026-02-03", True, 4, 8]
    assert statuses(row) == ["resolved"] * 4
    row = await phacet.row(table, day="", yes="")
    assert statuses(row) == ["initialized"] * 3 + ["resolved"]


async def test_numbers_stay_exact(phacet: Phacet, table: Shop) -> None:
    text = "12345678901234567890.123456789012345678901"
    row = await phacet.row(table, price=text)
    answer = await phacet.client.get(f"/api/v2/tables/{table.id}/rows/{row['id']}")
    assert f'"value":{text},' in answer.text


async def test_what_is_not_there(phacet: Phacet, table: Shop, calls: Calls) -> None:
    row = await phacet.row(table, title="x")
    other = await phacet.row(await shop(calls), title="y")
    client, path = phacet.client, f"/api/v2/tables/{table.id}"
    for row_id in (*UNKNOWN, other["id"], table.id):
        for method, body in (("GET", None), ("PUT", {"cells": []}), ("PUT", {"cells": 5})):
            answer = await client.request(method, f"{path}/rows/{row_id}", json=body)
            refused(answer, 404, "NotFoundError", "Row not found")
    cells = [f"{row['id']}.99", f"{row['id']}.0", row["id"], other["cells"][0]["id"], *UNKNOWN]
    for cell_id in cells:
        for end in ("", "/download-file-url"):
            answer = await client.get(f"{path}/cells/{cell_id}{end}")
            refused(answer, 404, "NotFoundError", "Cell not found")
    for table_id in (*UNKNOWN, row["id"]):
        for method, end, body in (
            ("GET", "", None),
            ("POST", "/sessions", {"name": 5}),
            ("GET", "/rows", None),
            ("GET", "/rows?take=0", None),
            ("GET", f"/rows?sessionId={table_id}", None),
            ("POST", "/rows", {"cells": 5}),
            ("GET", f"/rows/{row['id']}", None),
            ("PUT", f"/rows/{row['id']}", {"cells": 5}),
            ("GET", f"/cells/{row['cells'][0]['id']}", None),
            ("GET", f"/cells/{row['cells'][0]['id']}/download-file-url", None),
        ):
            url = f"/api/v2/tables/{table_id}{end}"
            answer = await client.request(method, url, json=body)
            refused(answer, 404, "NotFoundError", "Table not found")
