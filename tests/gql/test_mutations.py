"""Mutations over HTTP: what they change, and every way in which they refuse."""

from typing import Any

from tests.gql.documents import (
    ADD,
    ERRORS,
    UPDATE,
    add,
    ask,
    codes,
    new_table,
    page,
)
from tests.serving import Site

Errors = list[tuple[str, list[str], int | None]]


def told(payload: dict[str, Any]) -> Errors:
    return [(each["code"], each["path"], each["rowIndex"]) for each in payload["errors"]]


async def change(site: Site, field: str, **given: Any) -> dict[str, Any]:
    """The payload of a mutation that has one input; of its data only the errors."""
    kind = field[0].upper() + field[1:] + "Input"
    query = f"mutation($input: {kind}!) {{ {field}(input: $input) {{ {ERRORS} }} }}"
    payload: dict[str, Any] = (await site.graphql(query, input=given))[field]
    return payload


async def refused(site: Site, field: str, **given: Any) -> Errors:
    """The errors of a mutation."""
    payload = await change(site, field, **given)
    assert all(error["message"] for error in payload["errors"])
    return told(payload)


async def columns_of(site: Site, table_id: str) -> dict[str, str]:
    """The ids of columns by key, in order."""
    query = "query($t: ID!) { table(id: $t) { columns { id key } } }"
    found = (await site.graphql(query, t=table_id))["table"]["columns"]
    return {column["key"]: column["id"] for column in found}


async def test_names_have_bounds(site: Site) -> None:
    table_id = await new_table(site, "a")
    long = "x" * 257
    for field, given in (
        ("projectCreate", {}),
        ("tableCreate", {}),
        ("tableUpdate", {"tableId": table_id}),
        ("sessionCreate", {"tableId": table_id}),
        ("apiKeyCreate", {"role": "VIEWER"}),
    ):
        assert await refused(site, field, **given, name=" ") == [("REQUIRED", ["name"], None)]
        assert await refused(site, field, **given, name=long) == [("TOO_LONG", ["name"], None)]
        assert await refused(site, field, **given, name="a\0") == [("INVALID", ["name"], None)]
    both = await refused(site, "projectCreate", name="", description="x" * 1025)
    assert both == [("REQUIRED", ["name"], None), ("TOO_LONG", ["description"], None)]


async def test_all_faults_of_new_columns_are_told_in_the_words_of_the_input(site: Site) -> None:
    columns: list[dict[str, Any]] = [
        {"key": "", "label": "x" * 129},
        {"key": "k", "type": "NUMBER", "defaultValue": "many"},
        {"key": "k"},
        {"key": "s", "type": "SELECT", "config": {"options": "no list"}},
    ]
    payload = await change(site, "tableCreate", name="", columns=columns)
    assert told(payload) == [
        ("REQUIRED", ["name"], None),
        ("REQUIRED", ["columns", "0", "key"], None),
        ("TOO_LONG", ["columns", "0", "label"], None),
        ("INVALID_TYPE", ["columns", "1", "defaultValue"], None),
        ("DUPLICATE", ["columns", "2", "key"], None),
        ("INVALID", ["columns", "3", "config"], None),
    ]
    messages = [error["message"] for error in payload["errors"]]
    assert messages[1:3] == ["key must not be empty", "label is longer than 128 characters"]
    no_object = [{"key": "a"}, {"key": "b", "config": [1]}]
    assert await refused(site, "tableCreate", name="x", columns=no_object) == [
        ("INVALID_TYPE", ["columns", "1", "config"], None)
    ]
    table_id = await new_table(site, "a")
    for column, expected in (
        ({"key": "a"}, ("DUPLICATE", ["column", "key"], None)),
        ({"key": "b", "label": ""}, ("REQUIRED", ["column", "label"], None)),
        ({"key": "b", "config": 1}, ("INVALID_TYPE", ["column", "config"], None)),
    ):
        assert await refused(site, "columnAdd", tableId=table_id, column=column) == [expected]
    many = [{"key": f"c{n}"} for n in range(501)]
    assert await refused(site, "tableCreate", name="x", columns=many) == [
        ("TOO_MANY", ["columns"], None)
    ]


async def test_a_table_is_updated(site: Site, stranger: Site) -> None:
    table_id = await new_table(site, "a")
    foreign = await stranger.graphql(
        'mutation { projectCreate(input: {name: "F"}) { project { id } } }'
    )
    own = await site.graphql('mutation { projectCreate(input: {name: "O"}) { project { id } } }')
    update = f"""mutation($input: TableUpdateInput!) {{ tableUpdate(input: $input) {{
      table {{ name description project {{ name }} }} {ERRORS} }} }}"""

    async def updated(**given: Any) -> dict[str, Any]:
        payload = await site.graphql(update, input={"tableId": table_id, **given})
        found: dict[str, Any] = payload["tableUpdate"]
        return found

    project_id = own["projectCreate"]["project"]["id"]
    changed = await updated(name="New", description="d", projectId=project_id)
    assert changed["table"] == {"name": "New", "description": "d", "project": {"name": "O"}}
    assert (await updated())["table"] == changed["table"]
    cleared = await updated(description=None, projectId=None)
    assert cleared["table"] == {"name": "New", "description": None, "project": None}
    assert told(await updated(name=None)) == [("REQUIRED", ["name"], None)]
    foreign_id = foreign["projectCreate"]["project"]["id"]
    for unknown in (foreign_id, "junk"):
        failed = await updated(projectId=unknown, name="not taken")
        assert (failed["table"], told(failed)) == (None, [("NOT_FOUND", ["projectId"], None)])
    assert (await updated())["table"]["name"] == "New"


async def test_columns_change_and_go(site: Site) -> None:
    table_id = await new_table(site, "a", {"key": "s", "type": "SELECT"}, "c")
    [row_id] = await add(site, table_id, {"a": "1", "s": "x", "c": "3"})
    columns = await columns_of(site, table_id)
    update = f"""mutation($input: ColumnUpdateInput!) {{ columnUpdate(input: $input) {{
      column {{ label required defaultValue config }} {ERRORS} }} }}"""
    given: dict[str, Any] = {"tableId": table_id, "columnId": columns["s"]}
    new = {"label": "S", "required": True, "defaultValue": "x", "config": {"options": ["x"]}}
    changed = (await site.graphql(update, input=given | new))["columnUpdate"]
    assert changed == {"column": new, "errors": []}
    for fault, expected in (
        ({"label": None}, ("REQUIRED", ["label"], None)),
        ({"required": None}, ("REQUIRED", ["required"], None)),
        ({"defaultValue": "y"}, ("NOT_AN_OPTION", ["defaultValue"], None)),
        ({"config": "x"}, ("INVALID_TYPE", ["config"], None)),
    ):
        assert await refused(site, "columnUpdate", **given, **fault) == [expected]
    order = [columns["c"], columns["s"], columns["a"]]
    assert await refused(site, "columnsReorder", tableId=table_id, columnIds=order) == []
    assert list(await columns_of(site, table_id)) == ["c", "s", "a"]
    for wrong in (order[:2], [*order, order[0]], [*order[:2], "junk"]):
        assert await refused(site, "columnsReorder", tableId=table_id, columnIds=wrong) == [
            ("INVALID", ["columnIds"], None)
        ]
    assert await refused(site, "columnDelete", tableId=table_id, columnId=columns["c"]) == []
    assert (await page(site, table_id))["nodes"] == [{"id": row_id, "data": {"s": "x", "a": "1"}}]
    body = await ask(
        site,
        "mutation($t: ID!, $c: ID!) { columnDelete(input: {tableId: $t, columnId: $c}) {"
        " deletedId } }",
        {"t": table_id, "c": columns["c"]},
    )
    assert (body["data"], codes(body)) == ({"columnDelete": None}, ["NOT_FOUND"])


async def test_an_index_is_built_once(site: Site) -> None:
    table_id = await new_table(site, "a", {"key": "k", "type": "COMPUTED"})
    columns = await columns_of(site, table_id)
    create = f"""mutation($t: ID!, $c: ID!) {{ columnIndexCreate(
      input: {{tableId: $t, columnId: $c}}) {{ index {{ id status error }} {ERRORS} }} }}"""
    first = (await site.graphql(create, t=table_id, c=columns["a"]))["columnIndexCreate"]
    again = (await site.graphql(create, t=table_id, c=columns["a"]))["columnIndexCreate"]
    assert first["index"]["id"] == again["index"]["id"]
    assert first["index"]["status"] in ("BUILDING", "READY")
    computed = (await site.graphql(create, t=table_id, c=columns["k"]))["columnIndexCreate"]
    assert (computed["index"], len(computed["errors"])) == (None, 1)


async def test_rows_take_defaults_labels_and_unknown_keys(site: Site) -> None:
    table_id = await new_table(
        site,
        {"key": "a", "label": "First Name", "required": True},
        {"key": "b", "type": "NUMBER", "defaultValue": "7"},
        {"key": "k", "type": "COMPUTED"},
    )
    rows: list[dict[str, Any]] = [
        {"first name": "x", "b": None, "more": {"z": [1.50, None]}},
        {"a": "y", "k": 1},
    ]
    ids = await add(site, table_id, *rows)
    [first, second] = (await page(site, table_id))["nodes"]
    assert first == {
        "id": ids[0],
        "data": {"a": "x", "b": None, "k": None, "more": {"z": [1.5, None]}},
    }
    assert second == {"id": ids[1], "data": {"a": "y", "b": 7, "k": None}}

    bad = [
        {"data": {}},
        {"data": {"a": "x", "b": "many"}},
        {"data": [1]},
        {"data": {"a": "x", "FIRST name": "y", "First Name": "z"}},
        {"data": {"a": None, "b": True}},
    ]
    payload = (await site.graphql(ADD, t=table_id, rows=bad))["rowsAdd"]
    assert (payload["rowIds"], payload["revision"]) == (None, None)
    assert told(payload) == [
        ("REQUIRED", ["rows", "0", "data", "a"], 0),
        ("INVALID_TYPE", ["rows", "1", "data", "b"], 1),
        ("INVALID_TYPE", ["rows", "2", "data"], 2),
        ("REQUIRED", ["rows", "2", "data", "a"], 2),
        ("INVALID_TYPE", ["rows", "4", "data", "b"], 4),
        ("REQUIRED", ["rows", "4", "data", "a"], 4),
    ]
    assert len((await page(site, table_id))["nodes"]) == 2


async def test_a_request_has_1_to_1000_rows(site: Site) -> None:
    table_id = await new_table(site, "a")
    for count in (0, 1001):
        rows: list[dict[str, Any]] = [{"data": {}}] * count
        changes = [{"id": str(n), "data": {}} for n in range(count)]
        moves = [{"rowId": str(n), "column": "a", "status": "QUEUED"} for n in range(count)]
        wrong = [("OUT_OF_RANGE", ["rows"], None)]
        assert await refused(site, "rowsAdd", tableId=table_id, rows=rows) == wrong
        assert await refused(site, "rowsUpdate", tableId=table_id, rows=changes) == wrong
        ids = [str(n) for n in range(count)]
        assert await refused(site, "rowsDelete", tableId=table_id, rowIds=ids) == [
            ("OUT_OF_RANGE", ["rowIds"], None)
        ]
        assert await refused(site, "cellsReport", tableId=table_id, cells=moves) == [
            ("OUT_OF_RANGE", ["cells"], None)
        ]


async def test_merge_keeps_and_replace_empties(site: Site) -> None:
    table_id = await new_table(site, "a", {"key": "b", "required": True, "defaultValue": "d"})
    [row_id] = await add(site, table_id, {"a": "1", "b": "2", "more": 3, "other": 4})

    async def update(mode: str, **data: Any) -> Any:
        rows = [{"id": row_id, "data": data}]
        payload = (await site.graphql(UPDATE, t=table_id, mode=mode, rows=rows))["rowsUpdate"]
        return payload["rows"][0] if payload["rows"] else told(payload)

    merged = await update("MERGE", a="x", more=None)
    assert merged == {"id": row_id, "version": 2, "data": {"a": "x", "b": "2", "other": 4}}
    assert await update("MERGE", b=" ") == [("REQUIRED", ["rows", "0", "data", "b"], 0)]
    assert await update("REPLACE", a="x") == [("REQUIRED", ["rows", "0", "data", "b"], 0)]
    replaced = await update("REPLACE", b="only", new=True)
    assert replaced == {
        "id": row_id,
        "version": 3,
        "data": {"a": None, "b": "only", "new": True},
    }


async def test_a_row_that_changed_since_is_refused_with_both_versions(site: Site) -> None:
    table_id = await new_table(site, "a")
    [first, second, third] = await add(site, table_id, {}, {}, {})
    touch = [{"id": second, "data": {"a": "1"}}]
    assert (await site.graphql(UPDATE, t=table_id, rows=touch))["rowsUpdate"]["errors"] == []
    before = await page(site, table_id)
    rows = [
        {"id": first, "data": {"a": "2"}, "version": 1},
        {"id": second, "data": {"a": "2"}, "version": 1},
        {"id": third, "data": {"a": "2"}, "version": 9},
    ]
    for mode in ("MERGE", "REPLACE"):
        payload = (await site.graphql(UPDATE, t=table_id, mode=mode, rows=rows))["rowsUpdate"]
        assert (payload["revision"], payload["rows"]) == (None, None)
        found = [
            (error["rowIndex"], error["path"], error["expectedVersion"], error["actualVersion"])
            for error in payload["errors"]
        ]
        assert found == [
            (1, ["rows", "1", "version"], 1, 2),
            (2, ["rows", "2", "version"], 9, 1),
        ]
        assert {error["code"] for error in payload["errors"]} == {"VERSION_CONFLICT"}
    assert await page(site, table_id) == before


async def test_unknown_and_repeated_rows(site: Site, stranger: Site) -> None:
    table_id = await new_table(site, "a")
    other = await new_table(site, "a")
    [row_id] = await add(site, table_id, {})
    [elsewhere] = await add(site, other, {})
    rows = [{"id": each, "data": {"a": "x"}} for each in (row_id, "junk", elsewhere, "more junk")]
    assert await refused(site, "rowsUpdate", tableId=table_id, rows=rows) == [
        ("NOT_FOUND", ["rows", str(index), "id"], index) for index in (1, 2, 3)
    ]
    twice = [{"id": row_id, "data": {}}, {"id": row_id.upper(), "data": {}}]
    assert await refused(site, "rowsUpdate", tableId=table_id, rows=twice) == [
        ("DUPLICATE", ["rows", "1", "id"], 1)
    ]
    delete = """mutation($t: ID!, $ids: [ID!]!) { rowsDelete(input: {tableId: $t, rowIds: $ids}) {
      revision deletedIds errors { code } } }"""
    ids = ["junk", row_id, elsewhere, row_id]
    payload = (await site.graphql(delete, t=table_id, ids=ids))["rowsDelete"]
    assert payload == {"revision": 3, "deletedIds": [row_id], "errors": []}
    payload = (await site.graphql(delete, t=table_id, ids=ids))["rowsDelete"]
    assert payload == {"revision": 3, "deletedIds": [], "errors": []}
    assert len((await page(site, other))["nodes"]) == 1
    for unknown in (table_id, other, "junk"):
        body = await ask(stranger, delete, {"t": unknown, "ids": ids})
        assert (body["data"], codes(body)) == ({"rowsDelete": None}, ["NOT_FOUND"])


async def test_sessions_group_rows(site: Site) -> None:
    table_id, other = await new_table(site, "a"), await new_table(site, "a")
    create = """mutation($t: ID!, $name: String) { sessionCreate(input: {tableId: $t, name: $name})
      { session { id name } errors { code } } }"""
    named = (await site.graphql(create, t=table_id, name="Mine"))["sessionCreate"]["session"]
    plain = (await site.graphql(create, t=table_id))["sessionCreate"]["session"]
    foreign = (await site.graphql(create, t=other))["sessionCreate"]["session"]
    assert (named["name"], plain["name"]) == ("Mine", "Session 3")
    add_row = """mutation($t: ID!, $s: ID) { rowsAdd(input: {tableId: $t, sessionId: $s,
      rows: [{data: {}}]}) { rows { session { name } } errors { code path } } }"""
    made = (await site.graphql(add_row, t=table_id, s=named["id"]))["rowsAdd"]
    assert made == {"rows": [{"session": {"name": "Mine"}}], "errors": []}
    for unknown in (foreign["id"], "junk"):
        body = await ask(site, add_row, {"t": table_id, "s": unknown})
        assert codes(body) == ["NOT_FOUND"]


async def test_outside_workers_report(site: Site) -> None:
    table_id = await new_table(site, "a", {"key": "w", "type": "NUMBER", "computedBy": "EXTERNAL"})
    [row_id, other] = await add(site, table_id, {}, {})
    report = f"""mutation($t: ID!, $cells: [CellReportInput!]!) {{
      cellsReport(input: {{tableId: $t, cells: $cells}}) {{ revision
        cells {{ rowId status value error progress }} {ERRORS} }} }}"""

    async def reported(*cells: dict[str, Any]) -> dict[str, Any]:
        given = [{"rowId": row_id, "column": "w"} | cell for cell in cells]
        payload = (await site.graphql(report, t=table_id, cells=given))["cellsReport"]
        assert isinstance(payload, dict)
        return payload

    assert (await reported({"status": "QUEUED"}))["errors"] == []
    halfway = await reported({"status": "CALCULATING", "progress": 0.5})
    assert halfway["cells"] == [
        {"rowId": row_id, "status": "CALCULATING", "value": None, "error": None, "progress": 0.5}
    ]
    done = await reported({"status": "RESOLVED", "value": 1.25})
    assert (done["cells"][0]["value"], done["cells"][0]["progress"]) == (1.25, None)
    failed = await reported(
        {"status": "QUEUED", "column": "a"},
        {"status": "QUEUED", "rowId": "junk"},
        {"status": "RESOLVED", "value": "many", "rowId": other},
        {"status": "CALCULATING", "progress": 2.0},
        {"status": "QUEUED", "column": "none", "rowId": other},
    )
    assert (failed["revision"], failed["cells"]) == (None, None)
    assert told(failed) == [
        ("INVALID", ["cells", "0", "column"], 0),
        ("NOT_FOUND", ["cells", "1", "rowId"], 1),
        ("INVALID_TYPE", ["cells", "2", "value"], 2),
        ("OUT_OF_RANGE", ["cells", "3", "progress"], 3),
        ("UNKNOWN_COLUMN", ["cells", "4", "column"], 4),
    ]
    illegal = await reported({"status": "CALCULATING"})
    assert told(illegal) == [("ILLEGAL_STATUS", ["cells", "0", "status"], 0)]


async def test_one_failed_mutation_leaves_the_others_their_answers(site: Site) -> None:
    table_id = await new_table(site, "a")
    query = """mutation($t: ID!) {
      a: rowsAdd(input: {tableId: $t, rows: [{data: {a: "1"}}]}) { revision }
      b: rowsAdd(input: {tableId: "junk", rows: [{data: {}}]}) { revision }
      c: rowsAdd(input: {tableId: $t, rows: [{data: {a: "2"}}]}) { revision } }"""
    body = await ask(site, query, {"t": table_id})
    assert body["data"] == {"a": {"revision": 2}, "b": None, "c": {"revision": 3}}
    assert codes(body) == ["NOT_FOUND"]
    assert body["errors"][0]["path"] == ["b"]


async def test_the_last_admin_key_cannot_be_revoked(stranger: Site) -> None:
    create = """mutation($at: DateTime) { apiKeyCreate(input: {name: "k", role: EDITOR,
      expiresAt: $at}) { secret apiKey { id role expiresAt revokedAt } errors { code path } } }"""
    made = (await stranger.graphql(create, at="2999-01-02T03:04:05+01:00"))["apiKeyCreate"]
    assert made["apiKey"]["expiresAt"] == "2999-01-02T02:04:05.000Z"
    past = (await stranger.graphql(create, at="2001-01-01"))["apiKeyCreate"]
    assert (past["secret"], past["apiKey"]) == (None, None)
    assert [error["path"] for error in past["errors"]] == [["expiresAt"]]
    revoke = """mutation($id: ID!) { apiKeyRevoke(input: {apiKeyId: $id}) {
      apiKey { id revokedAt } errors { code } } }"""
    gone = (await stranger.graphql(revoke, id=made["apiKey"]["id"]))["apiKeyRevoke"]
    assert gone["apiKey"]["revokedAt"] is not None
    again = (await stranger.graphql(revoke, id=made["apiKey"]["id"]))["apiKeyRevoke"]
    assert again == gone
    keys = (await stranger.graphql("{ apiKeys { id role } }"))["apiKeys"]
    [admin] = [key["id"] for key in keys if key["role"] == "ADMIN"]
    kept = (await stranger.graphql(revoke, id=admin))["apiKeyRevoke"]
    assert kept == {"apiKey": None, "errors": [{"code": "CONFLICT"}]}
    body = await ask(stranger, revoke, {"id": "junk"})
    assert codes(body) == ["NOT_FOUND"]


_OF_A_TABLE: list[tuple[str, dict[str, Any]]] = [
    ("tableUpdate", {"name": "x"}),
    ("tableDelete", {}),
    ("sessionCreate", {}),
    ("columnAdd", {"column": {"key": "z"}}),
    ("columnUpdate", {"columnId": "z", "label": "l"}),
    ("columnDelete", {"columnId": "z"}),
    ("columnsReorder", {"columnIds": []}),
    ("columnIndexCreate", {"columnId": "z"}),
    ("rowsAdd", {"rows": [{"data": {}}]}),
    ("rowsUpdate", {"rows": [{"id": "z", "data": {}}]}),
    ("rowsDelete", {"rowIds": ["z"]}),
    ("cellsReport", {"cells": [{"rowId": "z", "column": "a", "status": "QUEUED"}]}),
]


async def test_a_foreign_table_is_as_unknown_as_none(site: Site, stranger: Site) -> None:
    foreign = await new_table(stranger, "a")
    for field, given in _OF_A_TABLE:
        kind = field[0].upper() + field[1:] + "Input"
        query = f"mutation($input: {kind}!) {{ {field}(input: $input) {{ errors {{ code }} }} }}"
        answers = [
            await ask(site, query, {"input": {"tableId": table_id, **given}})
            for table_id in (foreign, "junk")
        ]
        for body in answers:
            assert (body["data"], codes(body)) == ({field: None}, ["NOT_FOUND"]), field
            assert body["errors"][0]["message"] == "Table not found"
    assert list(await columns_of(stranger, foreign)) == ["a"]
