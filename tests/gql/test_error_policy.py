"""Batches with bad rows: refused whole, or written without them."""

from typing import Any

from tests.serving import Site

_TABLE = """mutation { tableCreate(input: {name: "T", columns: [
  {key: "name", label: "Name", type: TEXT, required: true},
  {key: "n", label: "N", type: NUMBER}]}) { table { id } } }"""
_ADD = """mutation($input: RowsAddInput!) { rowsAdd(input: $input) {
  revision rowIds rows { id data } errors { code message path rowIndex } } }"""
_UPDATE = """mutation($input: RowsUpdateInput!) { rowsUpdate(input: $input) {
  revision rows { id version data }
  errors { code message path rowIndex expectedVersion actualVersion } } }"""
_ROWS = "query($id: ID!) { table(id: $id) { revision rows { nodes { data } } } }"


async def _table(site: Site) -> str:
    made: str = (await site.graphql(_TABLE))["tableCreate"]["table"]["id"]
    return made


async def _add(site: Site, table: str, *data: Any, policy: str = "REJECT_ALL") -> dict[str, Any]:
    rows = [{"data": each} for each in data]
    given = {"tableId": table, "rows": rows, "errorPolicy": policy}
    told: dict[str, Any] = (await site.graphql(_ADD, input=given))["rowsAdd"]
    return told


async def test_good_rows_go_in_and_bad_ones_are_told(site: Site) -> None:
    table = await _table(site)
    data = ({"name": "a", "n": 1}, {"n": 2}, {"name": "b", "n": "x"}, {"name": "c"}, 7)
    refused = await _add(site, table, *data)
    assert (refused["rowIds"], refused["revision"]) == (None, None)
    told = await _add(site, table, *data, policy="REJECT_FAILED_ROWS")
    assert told["errors"] == refused["errors"]
    assert [(error["rowIndex"], error["code"]) for error in told["errors"]] == [
        (1, "REQUIRED"),
        (2, "INVALID_TYPE"),
        (4, "INVALID_TYPE"),
        (4, "REQUIRED"),
    ]
    assert told["errors"][1]["path"] == ["rows", "2", "data", "n"]
    assert [row["data"]["name"] for row in told["rows"]] == ["a", "c"]
    assert told["rowIds"] == [row["id"] for row in told["rows"]]
    stored = (await site.graphql(_ROWS, id=table))["table"]
    assert [row["data"]["name"] for row in stored["rows"]["nodes"]] == ["a", "c"]
    assert stored["revision"] == told["revision"] == 2


async def test_nothing_good_writes_nothing(site: Site) -> None:
    table = await _table(site)
    told = await _add(site, table, {}, {"n": 1}, policy="REJECT_FAILED_ROWS")
    assert (told["revision"], told["rowIds"], told["rows"], len(told["errors"])) == (
        None,
        None,
        None,
        2,
    )
    assert (await site.graphql(_ROWS, id=table))["table"]["revision"] == 1


async def test_updates_leave_out_unknown_repeated_bad_and_old_rows(site: Site) -> None:
    table = await _table(site)
    made = await _add(site, table, *({"name": str(number)} for number in range(4)))
    ids = made["rowIds"]
    changes = [
        {"id": "nobody", "data": {"n": 1}},
        {"id": ids[0], "data": {"n": 1}},
        {"id": ids[1], "data": {"n": "x"}},
        {"id": ids[2], "data": {"n": 1}, "version": 9},
        {"id": ids[0], "data": {"n": 2}},
        {"id": ids[3], "data": {"n": 1}, "version": 1},
    ]
    given = {"tableId": table, "rows": changes, "errorPolicy": "REJECT_FAILED_ROWS"}
    told = (await site.graphql(_UPDATE, input=given))["rowsUpdate"]
    assert {error["rowIndex"]: error["code"] for error in told["errors"]} == {
        0: "NOT_FOUND",
        2: "INVALID_TYPE",
        3: "VERSION_CONFLICT",
        4: "DUPLICATE",
    }
    old = next(error for error in told["errors"] if error["rowIndex"] == 3)
    assert (old["expectedVersion"], old["actualVersion"]) == (9, 1)
    assert old["path"] == ["rows", "3", "version"]
    assert [(row["id"], row["version"], row["data"]["n"]) for row in told["rows"]] == [
        (ids[0], 2, 1),
        (ids[3], 2, 1),
    ]


async def test_what_is_wrong_with_the_whole_request_is_refused(site: Site) -> None:
    table = await _table(site)
    told = await _add(site, table, policy="REJECT_FAILED_ROWS")
    assert [error["code"] for error in told["errors"]] == ["OUT_OF_RANGE"]
