"""Templates through both faces: the list, saving a table, making tables, moving documents."""

from typing import Any

from domain.system_templates import SYSTEM_TEMPLATES
from tests.rest.calls import UNKNOWN, Calls, column, refused
from tests.serving import Site

_TEMPLATE = """query($id: ID!) { template(id: $id) {
  id name description category scope icon sampleData document createdAt updatedAt
  columns { key label type required defaultValue config computedBy } } }"""
_IMPORT = """mutation($document: JSON!) { templateImport(input: {document: $document}) {
  template { id } errors { code message path } } }"""
_DELETE = """mutation($id: ID!) { templateDelete(input: {templateId: $id}) {
  deletedId errors { code message } } }"""
_FROM = """mutation($input: TableFromTemplateInput!) { tableFromTemplate(input: $input) {
  table { id source revision rowCount rows { nodes { data } } } errors { code message path } } }"""


async def test_the_system_templates_are_there_from_the_start(calls: Calls) -> None:
    answer = await calls.client.get("/api/tables/templates", params={"scope": "system"})
    found = answer.json()["templates"]
    assert list(answer.json()) == ["templates"]
    assert [each["name"] for each in found] == sorted(each.name for each in SYSTEM_TEMPLATES)
    assert len(found) == 12
    board = next(each for each in found if each["name"] == "Sprint Board")
    assert [(each["name"], each["dataType"]) for each in board["columns"]] == [
        ("task", "text"),
        ("assignee", "text"),
        ("status", "select"),
        ("points", "number"),
        ("due_date", "date"),
    ]
    assert board["columns"][2]["config"] == {
        "options": ["Backlog", "In Progress", "Review", "Done"]
    }
    for category, count in {
        "business": 3,
        "personal": 2,
        "pm": 3,
        "finance": 2,
        "content": 2,
    }.items():
        chosen = await calls.client.get(
            "/api/tables/templates", params={"category": category, "scope": "system"}
        )
        assert len(chosen.json()["templates"]) == count
    for name in ("category", "scope"):
        bad = await calls.client.get("/api/tables/templates", params={name: "gardening"})
        assert bad.status_code == 400
        assert list(bad.json()["error"]["fieldErrors"]) == [name]


async def test_a_saved_table_is_listed_and_cloned_with_its_first_five_rows(
    site: Site, calls: Calls
) -> None:
    table = await calls.table(
        column("bug", required=True),
        column("state", "select", config={"options": ["open", "done"]}, defaultValue="open"),
        column("votes", "number"),
        name="Bugs",
        description="What is broken",
    )
    rows = [{"bug": f"b{number}", "votes": number} for number in range(7)]
    await calls.add(table["id"], *rows)
    body = {"tableId": table["id"], "name": "Our bugs", "category": "pm", "includeSampleData": True}
    answer = await calls.client.post("/api/tables/templates", json=body)
    assert answer.status_code == 201
    saved = answer.json()
    assert saved == {"id": saved["id"], "name": "Our bugs"}
    listed = (await calls.client.get("/api/tables/templates?category=pm")).json()["templates"]
    assert [(each["name"], each["scope"]) for each in listed] == [
        ("Bug Tracker", "system"),
        ("Feature Requests", "system"),
        ("Our bugs", "user"),
        ("Sprint Board", "system"),
    ]
    [ours] = [each for each in listed if each["id"] == saved["id"]]
    assert ours["description"] == "What is broken"
    assert ours["sampleData"] == [{**row, "state": "open"} for row in rows[:5]]

    made = await calls.client.post(
        "/api/tables",
        json={"templateId": saved["id"], "name": "Copy", "includeSampleData": True},
    )
    assert made.status_code == 201
    copy = made.json()
    assert (copy["source"], copy["templateId"], copy["rowCount"]) == ("template", saved["id"], 5)
    assert copy["description"] is None
    for old, new in zip(table["columns"], copy["columns"], strict=True):
        changed = {"id", "tableId", "createdAt", "updatedAt"}
        assert {k: v for k, v in old.items() if k not in changed} == {
            k: v for k, v in new.items() if k not in changed
        }
    assert [row["data"] for row in await calls.rows(copy["id"])] == [
        {"bug": row["bug"], "state": "open", "votes": row["votes"]} for row in rows[:5]
    ]
    bare = await calls.client.post("/api/tables", json={"templateId": saved["id"], "name": "Bare"})
    assert bare.json()["rowCount"] == 0
    events = await site.graphql(
        "query($id: ID!) { table(id: $id) { revision rowCount } }", id=copy["id"]
    )
    assert events["table"] == {"revision": 2, "rowCount": 5}


async def test_refusals(calls: Calls) -> None:
    table = await calls.table(column("a"))
    missing = "tableId and name are required"
    bodies: list[Any] = [{}, [], {"tableId": table["id"]}, {"name": "x"}, {"tableId": 3}]
    for body in bodies:
        refused(await calls.client.post("/api/tables/templates", json=body), 400, missing)
    for unknown in UNKNOWN:
        body = {"tableId": unknown, "name": "x"}
        answer = await calls.client.post("/api/tables/templates", json=body)
        refused(answer, 404, "Table not found")
        clone = {"templateId": unknown, "name": "x"}
        refused(await calls.client.post("/api/tables", json=clone), 404, "Template not found")
    bad = {"tableId": table["id"], "name": "x", "category": "gardening"}
    answer = await calls.client.post("/api/tables/templates", json=bad)
    assert (answer.status_code, list(answer.json()["error"]["fieldErrors"])) == (400, ["category"])
    nameless = {"templateId": str(SYSTEM_TEMPLATES[0].id)}
    answer = await calls.client.post("/api/tables", json=nameless)
    assert (answer.status_code, list(answer.json()["error"]["fieldErrors"])) == (400, ["name"])


async def test_a_document_makes_the_same_template_elsewhere(site: Site, calls: Calls) -> None:
    system = str(SYSTEM_TEMPLATES[0].id)
    first = (await site.graphql(_TEMPLATE, id=system))["template"]
    answer = (await site.graphql(_IMPORT, document=first["document"]))["templateImport"]
    assert answer["errors"] == []
    second = (await site.graphql(_TEMPLATE, id=answer["template"]["id"]))["template"]
    own = {"id", "scope", "createdAt", "updatedAt"}
    assert {k: v for k, v in first.items() if k not in own} == {
        k: v for k, v in second.items() if k not in own
    }
    assert (first["scope"], second["scope"]) == ("SYSTEM", "USER")
    made = await site.graphql(
        _FROM, input={"templateId": second["id"], "name": "C", "includeSampleData": True}
    )
    table = made["tableFromTemplate"]["table"]
    assert (table["source"], table["rowCount"]) == ("TEMPLATE", 2)
    assert [row["data"]["company"] for row in table["rows"]["nodes"]] == [
        "Fjordworks",
        "Solar Mill",
    ]
    gone = (await site.graphql(_DELETE, id=second["id"]))["templateDelete"]
    assert gone == {"deletedId": second["id"], "errors": []}
    assert (await site.graphql(_TEMPLATE, id=second["id"]))["template"] is None
    kept = (await site.graphql(_DELETE, id=system))["templateDelete"]
    assert kept["errors"][0]["message"] == "A system template cannot be deleted"


async def test_a_bad_document_is_refused_with_every_fault(site: Site, calls: Calls) -> None:
    head: dict[str, Any] = {"format": "tablecast-template", "version": 1, "name": "x"}

    async def faults(document: Any) -> list[str]:
        answer = (await site.graphql(_IMPORT, document=document))["templateImport"]
        assert answer["template"] is None
        return [".".join(error["path"]) for error in answer["errors"]]

    assert await faults([]) == [""]
    assert await faults({"format": "tablecast-template", "version": 2}) == ["version"]
    assert await faults(head | {"name": 3, "category": "x", "columns": {}, "sampleData": [1]}) == [
        "name",
        "category",
        "columns",
        "sampleData.0",
    ]
    columns = [
        {"name": "n", "dataType": "number"},
        {"name": "n", "dataType": "text"},
        {"name": "s", "dataType": "colour", "required": "yes"},
        {"name": "o", "dataType": "select", "config": {"options": "a"}},
    ]
    assert await faults(head | {"columns": columns[2:3]}) == ["columns.0", "columns.0"]
    assert await faults(head | {"columns": [*columns[:2], columns[3]]}) == [
        "columns.1.name",
        "columns.2.config",
    ]
    broken = {"name": "f", "dataType": "computed", "config": {"formula": "{{n}} +"}}
    assert await faults(head | {"columns": [columns[0], broken]}) == ["columns.1.config"]
    rows = [{"n": 1}, {"n": "many"}]
    assert await faults(head | {"columns": columns[:1], "sampleData": rows}) == [
        "sampleData.1.data.n"
    ]
    before = (await calls.client.get("/api/tables/templates?scope=user")).json()["templates"]
    assert all(each["name"] != "x" for each in before)
