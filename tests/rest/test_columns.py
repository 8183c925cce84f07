"""Endpoints 10 and 11: columns."""

from typing import Any

import pytest

from tests.rest.calls import Calls, column, fields, refused


async def test_a_column_is_added_at_the_end(calls: Calls) -> None:
    made = await calls.table(column("a"), column("b", position=9))
    path = f"/api/tables/{made['id']}"
    [row] = await calls.add(made["id"], {"a": "x"})
    body = column("rating", "number", required=True, defaultValue="3", unknown=1)
    answer = await calls.client.post(f"{path}/columns", json=body)
    added = answer.json()
    assert answer.status_code == 201
    assert list(added) == list(made["columns"][0])
    expected = {
        "tableId": made["id"],
        "name": "rating",
        "displayName": "Rating",
        "dataType": "number",
        "required": True,
        "defaultValue": "3",
        "config": None,
    }
    assert {key: added[key] for key in expected} == expected
    table = (await calls.client.get(path)).json()
    assert table["columns"] == [*made["columns"], added]
    assert added["position"] > 9
    # The default is for new rows; what was there stays empty.
    await calls.add(made["id"], {"a": "y"})
    assert await calls.column(made["id"], "rating") == [None, 3]
    [old, _] = await calls.rows(made["id"])
    assert old == row | {"data": {"a": "x", "b": None, "rating": None}}


@pytest.mark.parametrize(
    ("type_", "config"),
    [
        ("select", None),
        ("select", {}),
        ("select", {"options": []}),
        ("select", {"options": ["a", "ä"], "colours": {"a": [1, None]}}),
        ("computed", {}),
        ("computed", {"formula": "1 + 1", "formulaType": "arithmetic", "resultType": "number"}),
        ("relation", {}),
        ("relation", {"multiple": True, "displayColumn": "name"}),
        ("text", {"anything": 1.50}),
    ],
)
async def test_config_is_an_object_and_given_back(
    calls: Calls, type_: str, config: dict[str, Any] | None
) -> None:
    made = await calls.table()
    answer = await calls.client.post(
        f"/api/tables/{made['id']}/columns", json=column("c", type_, config=config)
    )
    assert (answer.status_code, answer.json()["config"]) == (201, config)


async def test_a_datetime_is_shown_as_a_date(calls: Calls) -> None:
    made = await calls.table()
    path = f"/api/tables/{made['id']}/columns"
    answer = await calls.client.post(path, json=column("at", "datetime"))
    assert answer.json()["dataType"] == "date"
    [row] = await calls.add(made["id"], {"at": "2026-01-31 09:30+02:00"})
    assert row["data"] == {"at": "2026-01-31T07:30:00.000Z"}


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ["dataType", "displayName", "name"]),
        (column("", displayName="A"), ["name"]),
        (column(" ", displayName="A"), ["name"]),
        (column("c" * 65), ["name"]),
        (column("a\0", displayName="A"), ["name"]),
        (column("a", displayName=""), ["displayName"]),
        (column("a", displayName="d" * 129), ["displayName"]),
        (column("a", "money"), ["dataType"]),
        (column("a", required=1), ["required"]),
        (column("a", required=None), ["required"]),
        (column("a", defaultValue=1), ["defaultValue"]),
        (column("a", "number", defaultValue="one"), ["defaultValue"]),
        (column("a", "boolean", defaultValue="perhaps"), ["defaultValue"]),
        (column("a", "select", config={"options": ["x"]}, defaultValue="y"), ["defaultValue"]),
        (column("a", "select", config=[]), ["config"]),
        (column("a", "select", config={"options": "x"}), ["config"]),
        (column("a", "select", config={"options": [1]}), ["config"]),
        (column("a", "select", config={"options": ["x", "x"]}), ["config"]),
        (column("a", "computed", config={"formulaType": "poetry"}), ["config"]),
        (column("a", "computed", config={"resultType": "poetry"}), ["config"]),
        (column("a", "computed", config={"dependencies": "x"}), ["config"]),
        (column("a", "relation", config={"targetTableId": 5}), ["config"]),
    ],
)
async def test_bad_columns_are_refused_by_field(
    calls: Calls, body: dict[str, Any], wrong: list[str]
) -> None:
    made = await calls.table(column("there"))
    path = f"/api/tables/{made['id']}"
    answer = await calls.client.post(f"{path}/columns", json=body)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert (error["formErrors"], sorted(error["fieldErrors"])) == ([], wrong)
    assert (await calls.client.get(path)).json() == made


async def test_names_are_unique_and_exact(calls: Calls) -> None:
    made = await calls.table(column("name"))
    path = f"/api/tables/{made['id']}/columns"
    answer = await calls.client.post(path, json=column("name", "number"))
    refused(answer, 400, fields(name=['A column named "name" exists already']))
    odd = ["Name", "na me", "名前", '"; DROP TABLE x; --', "c" * 64, "id", "{{x}}", "%s"]
    for each in odd:
        assert (await calls.client.post(path, json=column(each))).status_code == 201, each
    [row] = await calls.add(made["id"], {each: each for each in odd})
    assert row["data"] == {"name": None} | {each: each for each in odd}
    for each in odd:
        if each != "id":
            condition = [{"column": each, "operator": "eq", "value": each}]
            assert len(await calls.rows(made["id"], filters=condition)) == 1, each


async def test_reordering_answers_all_columns_in_the_new_order(calls: Calls) -> None:
    made = await calls.table(column("a"), column("b"), column("c"))
    path = f"/api/tables/{made['id']}"
    await calls.add(made["id"], {"c": 3, "a": 1, "b": 2})
    a, b, c = made["columns"]
    ids = [c["id"], a["id"], b["id"]]
    answer = await calls.client.patch(f"{path}/columns", json={"columnIds": ids})
    ordered = answer.json()
    assert answer.status_code == 200
    assert [each["id"] for each in ordered] == ids
    assert [each["position"] for each in ordered] == [0, 1, 2]
    assert [list(each) for each in ordered] == [list(a)] * 3
    moving = ("position", "updatedAt")
    kept = [{key: each[key] for key in each if key not in moving} for each in ordered]
    assert kept == [{key: each[key] for key in each if key not in moving} for each in (c, a, b)]
    assert (await calls.client.get(path)).json()["columns"] == ordered
    [row] = await calls.rows(made["id"])
    assert list(row["data"]) == ["c", "a", "b"]


async def test_an_order_names_each_column_once(calls: Calls) -> None:
    made = await calls.table(column("a"), column("b"))
    other = await calls.table(column("a"))
    path = f"/api/tables/{made['id']}"
    a, b = (each["id"] for each in made["columns"])
    wrong = [[a], [a, a], [a, b, a], [a, b, other["columns"][0]["id"]], ["x", "y"], [a, "b"]]
    told = "columnIds must list each column of the table exactly once"
    for ids in wrong:
        answer = await calls.client.patch(f"{path}/columns", json={"columnIds": ids})
        refused(answer, 400, fields(columnIds=[told]))
    bodies: list[dict[str, Any]] = [{}, {"columnIds": []}, {"columnIds": a}, {"columnIds": [1, 2]}]
    for body in bodies:
        answer = await calls.client.patch(f"{path}/columns", json=body)
        assert answer.status_code == 400
        assert list(answer.json()["error"]["fieldErrors"]) == ["columnIds"]
    for content in (b"", b"[", b"{]"):
        answer = await calls.client.patch(f"{path}/columns", content=content)
        refused(answer, 400, "Invalid JSON body")
        answer = await calls.client.post(f"{path}/columns", content=content)
        refused(answer, 400, "Invalid JSON body")
    assert (await calls.client.get(path)).json() == made
