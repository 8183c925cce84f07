"""Endpoints 6 to 9: rows, without filters."""

from typing import Any

import pytest

from domain.access import Role, Viewer
from persistence import organizations
from tests.rest.calls import UNKNOWN, Calls, column, fields, refused
from tests.rest.test_tables import MOMENT
from tests.serving import Site

ROW_KEYS = ["id", "tableId", "data", "position", "createdBy", "createdAt", "updatedAt"]


async def post(calls: Calls, table_id: str, *data: Any) -> Any:
    """The answer to a request that may fail."""
    body = {"rows": [{"data": each} for each in data]}
    return await calls.client.post(f"/api/tables/{table_id}/rows", json=body)


async def test_new_rows_come_back_whole_in_the_order_of_the_request(calls: Calls) -> None:
    made = await calls.table(column("b"), column("a", "number"))
    body = {
        "rows": [
            {"data": {"a": 2, "b": "second"}, "createdBy": "agent"},
            {"data": {}, "more": 1},
            {"data": {"a": 1, "x": [1, {"y": None}], "B": "by name"}, "createdBy": None},
        ],
        "other": True,
    }
    answer = await calls.client.post(f"/api/tables/{made['id']}/rows", json=body)
    rows = answer.json()
    assert answer.status_code == 201
    assert [list(row) for row in rows] == [ROW_KEYS] * 3
    assert [row["data"] for row in rows] == [
        {"b": "second", "a": 2},
        {"b": None, "a": None},
        {"b": "by name", "a": 1, "x": [1, {"y": None}]},
    ]
    assert [list(row["data"])[:2] for row in rows] == [["b", "a"]] * 3
    assert [row["createdBy"] for row in rows] == ["agent", "user", "user"]
    assert [row["position"] for row in rows] == [0, 1, 2]
    assert {row["tableId"] for row in rows} == {made["id"]}
    assert len({row["id"] for row in rows}) == 3
    assert all(MOMENT.fullmatch(row["createdAt"]) for row in rows)
    assert all(row["createdAt"] == row["updatedAt"] for row in rows)
    assert await calls.rows(made["id"]) == rows


@pytest.mark.parametrize(
    ("type_", "given", "stored"),
    [
        ("number", "5", "5"),
        ("number", " -1.50 ", "-1.5"),
        ("number", "", "null"),
        ("number", "1e3", "1000"),
        ("number", 0.1, "0.1"),
        ("number", 9007199254740993, "9007199254740993"),
        (
            "number",
            "123456789012345678901234567890.123456789",
            "123456789012345678901234567890.123456789",
        ),
        ("boolean", "true", "true"),
        ("boolean", "FALSE", "false"),
        ("boolean", 1, "true"),
        ("boolean", "0", "false"),
        ("boolean", " ", "null"),
        ("text", "", '""'),
        ("text", "  ", '"  "'),
        ("text", 5, '"5"'),
        ("text", True, '"true"'),
        ("text", 'tab\t"quote" 😀 \u2028', None),
        ("date", "2026-02-28", '"2026-02-28"'),
        ("date", "2026-02-28T00:00:00.000Z", '"2026-02-28"'),
        ("date", "", "null"),
        ("datetime", "2026-02-28T23:59:59.9999+01:00", None),
        ("datetime", "2026-02-28T10:00", '"2026-02-28T10:00:00.000Z"'),
        ("select", "b", '"b"'),
        ("select", "", "null"),
        ("url", "https://example.org/ä?b=c#d", None),
        ("email", "ada@example.org", '"ada@example.org"'),
        ("email", None, "null"),
        ("computed", "anything", "null"),
    ],
)
async def test_values_are_brought_into_the_type(
    calls: Calls, type_: str, given: Any, stored: str | None
) -> None:
    config = {"options": ["a", "b"]} if type_ == "select" else None
    made = await calls.table(column("c", type_, config=config))
    [row] = await calls.add(made["id"], {"c": given})
    text = (await calls.page(made["id"])).text
    if stored is not None:
        assert f'"data":{{"c":{stored}}}' in text.replace(": ", ":").replace(", ", ",")
    elif type_ == "datetime":
        assert row["data"]["c"] == "2026-02-28T22:59:59.999Z"
    else:
        assert row["data"]["c"] == given
    assert (await calls.rows(made["id"])) == [row]


@pytest.mark.parametrize(
    ("type_", "given", "told"),
    [
        ("number", "five", '"five" is not a number'),
        ("number", True, None),
        ("number", [1], None),
        ("number", "NaN", '"NaN" is not a number'),
        ("boolean", "perhaps", None),
        ("boolean", 2, None),
        ("text", {"a": 1}, None),
        ("text", "a\0b", "text cannot contain the character U+0000"),
        ("date", "2026-02-30", None),
        ("date", "2026-02-28T10:00:00Z", None),
        ("datetime", "noon", None),
        ("select", "c", None),
        ("url", "javascript:alert(1)", None),
        ("url", "example.org", None),
        ("email", "ada", None),
        ("relation", "not an id", None),
    ],
)
async def test_values_that_do_not_fit_are_refused_with_their_row(
    calls: Calls, type_: str, given: Any, told: str | None
) -> None:
    config = {"options": ["a", "b"]} if type_ == "select" else None
    made = await calls.table(column("c", type_, config=config))
    answer = await post(calls, made["id"], {}, {"c": given})
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert (error["formErrors"], list(error["fieldErrors"])) == ([], ["rows"])
    [message] = error["fieldErrors"]["rows"]
    assert message.startswith("rows[1].c: ")
    assert told is None or message == f"rows[1].c: {told}"
    answer = await calls.page(made["id"])
    assert (answer.json(), answer.headers["x-total-count"]) == ([], "0")
    [row] = await calls.add(made["id"], {})
    answer = await calls.client.patch(
        f"/api/tables/{made['id']}/rows/{row['id']}", json={"data": {"c": given}}
    )
    assert answer.status_code == 400
    [message] = answer.json()["error"]["fieldErrors"]["data"]
    assert message.startswith("c: ") or message.startswith("data.c: ")
    assert await calls.rows(made["id"]) == [row]


async def test_all_faults_of_a_request_are_told_and_no_row_is_made(calls: Calls) -> None:
    made = await calls.table(column("n", "number"), column("need", required=True))
    answer = await post(
        calls, made["id"], {"n": 1, "need": "x"}, {"n": "a"}, {"need": " "}, {"n": [], "need": 1}
    )
    told = [
        'rows[1].n: "a" is not a number',
        "rows[1].need: a value is required",
        "rows[2].need: a value is required",
    ]
    messages = answer.json()["error"]["fieldErrors"]["rows"]
    assert (answer.status_code, messages[:3], len(messages)) == (400, told, 4)
    assert messages[3].startswith("rows[3].n: ")
    assert await calls.rows(made["id"]) == []
    table = (await calls.client.get(f"/api/tables/{made['id']}")).json()
    assert (table["rowCount"], table["updatedAt"]) == (0, made["updatedAt"])


async def test_required_and_defaults(calls: Calls) -> None:
    made = await calls.table(
        column("need", required=True, defaultValue="given"),
        column("n", "number", defaultValue="7"),
        column("b", "boolean", defaultValue="false"),
    )
    full = {"need": "given", "n": 7, "b": False}
    rows = await calls.add(made["id"], {}, {"n": None, "b": ""}, {"need": "own", "n": 0})
    assert [row["data"] for row in rows] == [
        full,
        {"need": "given", "n": None, "b": None},
        {"need": "own", "n": 0, "b": False},
    ]
    for blank in (None, "", " \t"):
        answer = await post(calls, made["id"], {"need": blank})
        refused(answer, 400, fields(rows=["rows[0].need: a value is required"]))
    path = f"/api/tables/{made['id']}/rows/{rows[0]['id']}"
    answer = await calls.client.patch(path, json={"data": {"n": 1}})
    assert answer.status_code == 400
    answer = await calls.client.patch(path, json={"data": {"need": "x"}})
    assert answer.json()["data"] == {"need": "x", "n": None, "b": None}


async def test_keys_are_names_or_display_names_in_any_case(calls: Calls) -> None:
    made = await calls.table(
        column("full_name", displayName="Full Name"), column("n", "number", displayName="Size")
    )
    rows = await calls.add(
        made["id"],
        {"FULL NAME": "a", "size": "3"},
        {"full_name": "wins", "Full Name": "loses"},
        {"Full_Name": "no column", "N": 5},
    )
    assert [row["data"] for row in rows] == [
        {"full_name": "a", "n": 3},
        {"full_name": "wins", "n": None},
        {"full_name": None, "n": None, "Full_Name": "no column", "N": 5},
    ]


async def test_a_patch_replaces_the_whole_row(calls: Calls) -> None:
    made = await calls.table(
        column("a"), column("n", "number", defaultValue="9"), column("c", "computed")
    )
    [row] = await calls.add(made["id"], {"a": "x", "n": 5, "extra": {"kept": [1]}, "c": 1})
    assert row["data"] == {"a": "x", "n": 5, "c": None, "extra": {"kept": [1]}}
    path = f"/api/tables/{made['id']}/rows/{row['id']}"
    answer = await calls.client.patch(path, json={"data": {"n": "6", "other": "o"}, "x": 1})
    changed = answer.json()
    assert answer.status_code == 200
    assert list(changed) == ROW_KEYS
    assert changed["data"] == {"a": None, "n": 6, "c": None, "other": "o"}
    same = ("id", "tableId", "position", "createdBy", "createdAt")
    assert {key: changed[key] for key in same} == {key: row[key] for key in same}
    assert changed["updatedAt"] >= row["updatedAt"]
    assert await calls.rows(made["id"]) == [changed]
    emptied = await calls.client.patch(path, json={"data": {}})
    assert emptied.json()["data"] == {"a": None, "n": None, "c": None}


async def test_bad_changes_of_a_row(calls: Calls) -> None:
    made = await calls.table(column("a", "number"))
    other = await calls.table(column("a"))
    [row] = await calls.add(made["id"], {"a": 1})
    path = f"/api/tables/{made['id']}/rows"
    bodies: list[dict[str, Any]] = [{}, {"data": None}, {"data": []}, {"data": "a"}, {"rows": []}]
    for body in bodies:
        answer = await calls.client.patch(f"{path}/{row['id']}", json=body)
        assert answer.status_code == 400, body
        assert list(answer.json()["error"]["fieldErrors"]) == ["data"]
    answer = await calls.client.patch(f"{path}/{row['id']}", content=b"{")
    refused(answer, 400, "Invalid JSON body")
    strangers = [f"{path}/{each}" for each in UNKNOWN]
    strangers += [f"/api/tables/{each}/rows/{row['id']}" for each in (other["id"], *UNKNOWN)]
    for stranger in strangers:
        for content in (b'{"data": {}}', b'{"data": {"a": []}}', b"{}", b"{"):
            refused(await calls.client.patch(stranger, content=content), 404, "Row not found")
    assert await calls.rows(made["id"]) == [row]


async def test_a_delete_is_204_whether_or_not_the_row_is_there(calls: Calls) -> None:
    made = await calls.table(column("a"))
    other = await calls.table(column("a"))
    first, second = await calls.add(made["id"], {"a": "1"}, {"a": "2"})
    path = f"/api/tables/{made['id']}/rows"
    paths = [f"{path}/{each}" for each in (first["id"], first["id"], *UNKNOWN)]
    paths += [f"/api/tables/{each}/rows/{second['id']}" for each in (other["id"], *UNKNOWN)]
    for each in paths:
        answer = await calls.client.delete(each)
        assert (answer.status_code, answer.content) == (204, b""), each
    assert await calls.rows(made["id"]) == [second]
    table = (await calls.client.get(f"/api/tables/{made['id']}")).json()
    assert table["rowCount"] == 1


async def test_pages(calls: Calls) -> None:
    made = await calls.table(column("n", "number"))
    await calls.add(made["id"], *({"n": n} for n in range(120)))
    pages: list[tuple[dict[str, Any], range]] = [
        ({}, range(100)),
        ({"limit": "", "offset": "", "filters": "", "sorts": "", "search": ""}, range(100)),
        ({"limit": 1}, range(1)),
        ({"limit": 50, "offset": 50}, range(50, 100)),
        ({"limit": 50, "offset": 100}, range(100, 120)),
        ({"limit": 1000}, range(120)),
        ({"offset": 119}, range(119, 120)),
        ({"offset": 120}, range(0)),
        ({"offset": 2**53 - 1}, range(0)),
        ({"limit": "10", "offset": "0", "filters": "[]", "sorts": "[]"}, range(10)),
        ({"unknown": "x", "limit": 2}, range(2)),
    ]
    for query, expected in pages:
        answer = await calls.page(made["id"], **query)
        assert answer.status_code == 200, query
        assert [row["data"]["n"] for row in answer.json()] == [*expected], query
        assert answer.headers["x-total-count"] == "120"
    filtered = [{"column": "n", "operator": "lt", "value": 30}]
    answer = await calls.page(made["id"], filters=filtered, limit=10, offset=25)
    assert [row["data"]["n"] for row in answer.json()] == [*range(25, 30)]
    assert answer.headers["x-total-count"] == "30"


@pytest.mark.parametrize("value", ["0", "-1", "1001", "abc", "1.5", "1e2", "٣", "9" * 30, "null"])
async def test_bad_limits_and_offsets(calls: Calls, value: str) -> None:
    made = await calls.table(column("n"))
    told = "limit must be an integer from 1 to 1000"
    refused(await calls.page(made["id"], limit=value), 400, fields(limit=[told]))
    if value not in ("0", "1001"):
        told = f"offset must be an integer from 0 to {2**53 - 1}"
        refused(await calls.page(made["id"], offset=value), 400, fields(offset=[told]))


async def test_search(calls: Calls) -> None:
    made = await calls.table(column("a"), column("n", "number"), column("d", "date"))
    await calls.add(
        made["id"], {"a": "Émile 100%"}, {"a": "x_y", "n": 412}, {"a": "xzy", "d": "2026-04-12"}
    )
    for text, expected in [("émile", 1), ("%", 1), ("X_Y", 1), ("x", 2), ("41", 1), ("none", 0)]:
        answer = await calls.page(made["id"], search=text)
        assert len(answer.json()) == expected, text
        assert answer.headers["x-total-count"] == str(expected)
    answer = await calls.page(made["id"], search="a\0b")
    assert (answer.status_code, list(answer.json()["error"]["fieldErrors"])) == (400, ["search"])


async def test_a_thousand_rows_at_once_and_no_more(calls: Calls) -> None:
    made = await calls.table(column("n", "number"))
    rows = await calls.add(made["id"], *({"n": n} for n in range(1000)))
    assert [row["data"]["n"] for row in rows] == [*range(1000)]
    assert [row["position"] for row in rows] == [*range(1000)]
    assert await calls.rows(made["id"], limit=1000) == rows
    answer = await post(calls, made["id"], *({"n": n} for n in range(1001)))
    assert (answer.status_code, list(answer.json()["error"]["fieldErrors"])) == (400, ["rows"])
    assert (await calls.page(made["id"], limit=1)).headers["x-total-count"] == "1000"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"rows": []},
        {"rows": {}},
        {"rows": None},
        {"rows": [{}]},
        {"rows": [{"data": None}]},
        {"rows": [{"data": []}]},
        {"rows": [None]},
        {"rows": [{"data": {}, "createdBy": 5}]},
        {"rows": [{"data": {}, "createdBy": "x" * 257}]},
        {"rows": [{"data": {}}, {"data": "x"}]},
        {"rows": [{"data": {"x" * 257: 1}}]},
        {"rows": [{"data": {"a\0": 1}}]},
        {"rows": [{"data": {f"k{n}": 1 for n in range(101)}}]},
    ],
)
async def test_bad_bodies_make_no_row(calls: Calls, body: dict[str, Any]) -> None:
    made = await calls.table(column("a"))
    path = f"/api/tables/{made['id']}/rows"
    answer = await calls.client.post(path, json=body)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert (error["formErrors"], list(error["fieldErrors"])) == ([], ["rows"])
    refused(await calls.client.post(path, content=b"{"), 400, "Invalid JSON body")
    assert (await calls.page(made["id"])).headers["x-total-count"] == "0"


async def test_a_row_of_another_organisation_is_not_there(site: Site, calls: Calls) -> None:
    made = await calls.table(column("a"))
    [row] = await calls.add(made["id"], {"a": 1})
    file = await calls.upload(b"a\n1\n")
    async with site.client(await foreign_key(site)) as stranger:
        assert (await stranger.get("/api/tables")).json() == []
        path = f"/api/tables/{made['id']}"
        requests: list[tuple[str, str, Any, str]] = [
            ("GET", path, None, "Table"),
            ("PATCH", path, {"name": "mine"}, "Table"),
            ("DELETE", path, None, "Table"),
            ("GET", f"{path}/rows", None, "Table"),
            ("POST", f"{path}/rows", {"rows": [{"data": {}}]}, "Table"),
            ("PATCH", f"{path}/rows/{row['id']}", {"data": {}}, "Row"),
            ("POST", f"{path}/columns", column("b"), "Table"),
            ("PATCH", f"{path}/columns", {"columnIds": [made["columns"][0]["id"]]}, "Table"),
            ("POST", f"{path}/import", {"documentId": file["id"]}, "Table"),
            ("GET", f"/api/uploads/{file['id']}", None, "File"),
            ("DELETE", f"/api/uploads/{file['id']}", None, "File"),
        ]
        for method, address, body, noun in requests:
            answer = await stranger.request(method, address, json=body)
            refused(answer, 404, f"{noun} not found")
        assert (await stranger.delete(f"{path}/rows/{row['id']}")).status_code == 204
        own = (await stranger.post("/api/tables", json={"name": "own"})).json()
        answer = await stranger.post(
            f"/api/tables/{own['id']}/import", json={"documentId": file["id"]}
        )
        refused(answer, 404, "Document not found")
    assert await calls.rows(made["id"]) == [row]
    assert (await calls.client.get(f"/api/uploads/{file['id']}")).content == b"a\n1\n"


async def foreign_key(site: Site) -> str:
    """An admin key of an organisation that was made just now."""
    async with site.gateway.database.transaction() as session:
        organization = await organizations.create(session, "Foreign")
    return await site.new_key(Role.ADMIN, Viewer(organization.id, Role.ADMIN))
