"""Schemas and classifiers over GraphQL: everything in one go, problems with their paths, what
subscribers see, and that documents find their schema."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from domain import files
from domain.access import Role
from domain.files import FileUpload
from tests.gql.conftest import site
from tests.gql.documents import ask, codes, new_table
from tests.gql.test_statements import Statements, small_site, statements
from tests.serving import Site

__all__ = ["site", "small_site", "statements"]

ERRORS = "errors { code message path }"
SCHEMA = """id name description instructions status type provider model version createdBy
  project { id } problems { message }
  tables { tableId parentId description repeats table { name }
    fields { key description hint labels isKey excluded dateFormat unit
      column { key label type } } }"""
CREATE = f"""mutation($input: ExtractionSchemaCreateInput!) {{
  extractionSchemaCreate(input: $input) {{ schema {{ {SCHEMA} }} {ERRORS} }} }}"""
FROM_TABLE = f"""mutation($input: ExtractionSchemaFromTableInput!) {{
  extractionSchemaFromTable(input: $input) {{ schema {{ {SCHEMA} }} {ERRORS} }} }}"""
UPDATE = f"""mutation($input: ExtractionSchemaUpdateInput!) {{
  extractionSchemaUpdate(input: $input) {{ schema {{ {SCHEMA} }} {ERRORS} }} }}"""
DELETE = f"""mutation($id: ID!) {{
  extractionSchemaDelete(input: {{schemaId: $id}}) {{ deletedId {ERRORS} }} }}"""
ONE = f"query($id: ID!) {{ extractionSchema(id: $id) {{ {SCHEMA} }} }}"
VERSIONS = """query($id: ID!, $first: Int, $after: String) { extractionSchema(id: $id) {
  versions(first: $first, after: $after) { totalCount pageInfo { hasNextPage endCursor }
    edges { cursor } nodes { number changedBy schema { version name problems { path } } } } } }"""
EXAMPLE = f"""mutation($input: ExtractionExampleAddInput!) {{ extractionExampleAdd(input: $input) {{
  examples {{ id text before after column {{ key }} }} {ERRORS} }} }}"""
CLASSIFIER = f"""mutation($input: ClassifierCreateInput!) {{ classifierCreate(input: $input) {{
  classifier {{ id name threshold provider
    routes {{ schema {{ name }} description labels examples }} }}
  {ERRORS} }} }}"""
CLASSIFY = f"""mutation($classifier: ID!, $file: ID!) {{
  documentClassify(input: {{classifierId: $classifier, fileId: $file}}) {{
    classification {{ fileId schema {{ id }} confidence scores {{ schemaId score }}
      producer {{ kind }} }}
    {ERRORS} }} }}"""
CHANGED = """subscription { organizationChanged { __typename
  ... on OrganizationChanged { kind subjectId details } } }"""

INVOICES: dict[str, Any] = {
    "name": "Invoices",
    "description": "Invoices of suppliers, with number, date, lines and the total due",
    "instructions": "Amounts are gross.",
    "type": "PRODUCTION",
    "tables": [
        {
            "name": "Invoices",
            "repeats": "ONE",
            "fields": [
                {"key": "number", "isKey": True, "labels": ["Invoice no."]},
                {"key": "due", "label": "Due date", "type": "DATE", "dateFormat": "EU"},
                {"key": "total", "type": "NUMBER", "unit": "EUR", "hint": "bottom right"},
            ],
        },
        {
            "name": "Lines",
            "parent": 0,
            "description": "What was sold",
            "fields": [
                {"key": "text"},
                {"key": "kind", "type": "SELECT", "config": {"options": ["a", "b"]}},
            ],
        },
    ],
}


async def _created(site: Site, given: dict[str, Any]) -> dict[str, Any]:
    made = (await site.graphql(CREATE, input=given))["extractionSchemaCreate"]
    assert made["errors"] == []
    schema: dict[str, Any] = made["schema"]
    return schema


async def test_a_schema_with_its_tables_in_one_call(site: Site) -> None:
    schema = await _created(site, INVOICES)
    assert (schema["version"], schema["status"], schema["type"]) == (1, "ACTIVE", "PRODUCTION")
    assert (schema["problems"], schema["project"], schema["provider"]) == ([], None, None)
    invoices, lines = schema["tables"]
    assert (invoices["parentId"], lines["parentId"]) == (None, invoices["tableId"])
    assert [(each["repeats"], each["table"]["name"]) for each in (invoices, lines)] == [
        ("ONE", "Invoices"),
        ("FOUND", "Lines"),
    ]
    assert invoices["fields"][1] == {
        "key": "due",
        "description": None,
        "hint": None,
        "labels": [],
        "isKey": False,
        "excluded": False,
        "dateFormat": "EU",
        "unit": None,
        "column": {"key": "due", "label": "Due date", "type": "DATE"},
    }
    assert (await site.graphql(ONE, id=schema["id"]))["extractionSchema"] == schema
    assert (await site.graphql(ONE, id="nobody"))["extractionSchema"] is None
    query = """query($t: ID!) { extractionSchemas(tableId: $t) { id problems { path } } }"""
    found = (await site.graphql(query, t=lines["tableId"]))["extractionSchemas"]
    assert found == [{"id": schema["id"], "problems": []}]


async def test_problems_have_the_paths_of_the_input(site: Site) -> None:
    table_id = await new_table(site, "a", {"key": "b", "type": "RELATION"})
    given = {
        "name": "",
        "tables": [
            {"tableId": table_id, "fields": [{"key": "b"}, {"key": "nobody"}]},
            {"name": "New", "fields": [{"key": "x", "config": {"options": [1]}}]},
            {"tableId": "nobody"},
        ],
    }
    made = (await site.graphql(CREATE, input=given))["extractionSchemaCreate"]
    assert made["schema"] is None
    assert [(each["code"], each["path"]) for each in made["errors"]] == [
        ("REQUIRED", ["name"]),
        ("INVALID_TYPE", ["tables", "0", "fields", "0", "key"]),
        ("UNKNOWN_COLUMN", ["tables", "0", "fields", "1", "key"]),
        ("INVALID", ["tables", "1", "fields", "0", "config"]),
        ("NOT_FOUND", ["tables", "2", "tableId"]),
    ]
    bad = {"name": "S", "tables": [{"name": "T", "fields": [{"key": "x", "config": 1}]}]}
    made = (await site.graphql(CREATE, input=bad))["extractionSchemaCreate"]
    assert made["errors"][0]["path"] == ["tables", "0", "fields", "0", "config"]
    viewer = await site.new_key(Role.VIEWER)
    assert codes(await ask(site, CREATE, {"input": INVOICES}, key=viewer)) == ["FORBIDDEN"]


async def test_changes_versions_and_what_subscribers_see(site: Site) -> None:
    table_id = await new_table(site, "a", "b")
    async with site.socket() as socket:
        await socket.subscribe("s", CHANGED)
        assert (await socket.event("s"))["__typename"] == "StreamStarted"
        made = await site.graphql(FROM_TABLE, input={"tableId": table_id})
        schema = made["extractionSchemaFromTable"]["schema"]
        assert [field["key"] for field in schema["tables"][0]["fields"]] == ["a", "b"]
        change = {"schemaId": schema["id"], "expectedVersion": 1, "name": "N", "status": "PAUSED"}
        changed = (await site.graphql(UPDATE, input=change))["extractionSchemaUpdate"]
        assert (changed["schema"]["version"], changed["schema"]["status"]) == (2, "PAUSED")
        again = (await site.graphql(UPDATE, input=change))["extractionSchemaUpdate"]
        assert again["schema"] is None
        assert [(each["code"], each["path"]) for each in again["errors"]] == [
            ("VERSION_CONFLICT", ["expectedVersion"])
        ]
        tables = [{"tableId": table_id, "fields": [{"key": "b"}]}]
        change = {"schemaId": schema["id"], "tables": tables, "description": None}
        changed = (await site.graphql(UPDATE, input=change))["extractionSchemaUpdate"]
        assert len(changed["schema"]["tables"][0]["fields"]) == 1
        gone = (await site.graphql(DELETE, id=schema["id"]))["extractionSchemaDelete"]
        assert gone == {"deletedId": schema["id"], "errors": []}
        events = await socket.events_until("s", lambda event: event["kind"] == "SCHEMA_DELETED")
    assert [(each["kind"], each["details"]) for each in events[1:]] == [
        ("SCHEMA_CREATED", {"name": "Test", "version": 1}),
        ("SCHEMA_UPDATED", {"fields": ["name", "status"], "version": 2}),
        ("SCHEMA_UPDATED", {"fields": ["tables"], "version": 3}),
        ("SCHEMA_DELETED", {"name": "N"}),
    ]
    assert {each["subjectId"] for each in events[1:]} == {schema["id"]}
    assert codes(await ask(site, DELETE, {"id": schema["id"]})) == ["NOT_FOUND"]


async def test_pages_of_versions(site: Site) -> None:
    schema = await _created(site, INVOICES)
    for name in ("B", "C"):
        await site.graphql(UPDATE, input={"schemaId": schema["id"], "name": name})
    page = (await site.graphql(VERSIONS, id=schema["id"], first=2))["extractionSchema"]["versions"]
    assert [each["schema"]["name"] for each in page["nodes"]] == ["C", "B"]
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (3, True)
    after = page["pageInfo"]["endCursor"]
    page = (await site.graphql(VERSIONS, id=schema["id"], first=2, after=after))[
        "extractionSchema"
    ]["versions"]
    assert [each["number"] for each in page["nodes"]] == [1]
    assert page["nodes"][0]["schema"] == {"version": 1, "name": "Invoices", "problems": []}
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (3, False)
    bad = await ask(site, VERSIONS, {"id": schema["id"], "after": "x"})
    assert codes(bad) == ["BAD_USER_INPUT"]


async def test_examples(site: Site) -> None:
    schema = await _created(site, INVOICES)
    given = {
        "schemaId": schema["id"],
        "tableId": schema["tables"][0]["tableId"],
        "text": "Total 12,50",
        "values": [{"key": "total", "after": "12.5", "before": "1250"}, {"key": "number"}],
    }
    made = (await site.graphql(EXAMPLE, input=given))["extractionExampleAdd"]
    assert [(each["column"]["key"], each["after"]) for each in made["examples"]] == [
        ("total", "12.5"),
        ("number", None),
    ]
    given["values"] = [{"key": "total", "after": "much"}]
    refused = (await site.graphql(EXAMPLE, input=given))["extractionExampleAdd"]
    assert [each["path"] for each in refused["errors"]] == [["values", "0", "after"]]
    delete = """mutation($id: ID!) { extractionExampleDelete(input: {exampleId: $id}) {
      deletedId errors { code } } }"""
    first = made["examples"][0]["id"]
    gone = (await site.graphql(delete, id=first))["extractionExampleDelete"]
    assert gone == {"deletedId": first, "errors": []}
    query = "query($id: ID!) { extractionSchema(id: $id) { version examples { id } } }"
    left = (await site.graphql(query, id=schema["id"]))["extractionSchema"]
    assert left == {"version": 1, "examples": [{"id": made["examples"][1]["id"]}]}


LETTERS = {
    "name": "Applications",
    "description": "Letters of people who apply for a job, with their name and experience",
    "tables": [{"name": "Applicants", "fields": [{"key": "name"}, {"key": "experience"}]}],
}
INVOICE = """Invoice no. 4711
Due date: 03.04.2026
Invoice of your supplier
Total due EUR 119.00"""
LETTER = """Dear Sir or Madam,
I apply for the job of a gardener. My name is Ann, and I have ten years of experience.
I look forward to an interview."""
POEM = """The moon is up, the stars are bright,
a nightingale sings in the night."""


async def _file(site: Site, text: str) -> str:
    async def chunks() -> AsyncIterator[bytes]:
        yield text.encode()

    upload = FileUpload("document.txt", chunks())
    return str((await files.upload_file(site.viewer, site.gateway.storage, upload)).id)


@pytest.fixture(scope="module")
async def classifier(site: Site) -> dict[str, Any]:
    """A classifier of the rules engine that knows invoices and applications."""
    schemas = [await _created(site, each) for each in (INVOICES, LETTERS)]
    routes = [
        {
            "schemaId": schemas[0]["id"],
            "labels": ["Invoice no.", "Due date", "Total due"],
            "examples": ["Invoice no. 1 Due date 01.02.2026 Total due EUR 10.00"],
        },
        {
            "schemaId": schemas[1]["id"],
            "labels": ["I apply for the job", "experience"],
            "examples": ["I apply for the job of a cook. I have experience."],
        },
    ]
    given = {"name": "Post", "routes": routes, "provider": "rules"}
    made = (await site.graphql(CLASSIFIER, input=given))["classifierCreate"]
    assert made["errors"] == []
    names = [each["schema"]["name"] for each in made["classifier"]["routes"]]
    assert (names, made["classifier"]["threshold"]) == (["Invoices", "Applications"], 0.5)
    return {"id": made["classifier"]["id"], "schemas": [each["id"] for each in schemas]}


@pytest.mark.parametrize(("text", "place"), [(INVOICE, 0), (LETTER, 1), (POEM, None)])
async def test_documents_find_their_schema(
    site: Site, classifier: dict[str, Any], text: str, place: int | None
) -> None:
    file_id = await _file(site, text)
    told = (await site.graphql(CLASSIFY, classifier=classifier["id"], file=file_id))[
        "documentClassify"
    ]
    assert told["errors"] == []
    found = told["classification"]
    expected = {"id": classifier["schemas"][place]} if place is not None else None
    assert (found["schema"], found["fileId"]) == (expected, file_id), found
    assert found["producer"]["kind"] == "RULES"
    scores = [each["score"] for each in found["scores"]]
    assert scores == sorted(scores, reverse=True)


async def test_what_cannot_be_classified(site: Site, classifier: dict[str, Any]) -> None:
    file_id = await _file(site, "")
    told = (await site.graphql(CLASSIFY, classifier=classifier["id"], file=file_id))[
        "documentClassify"
    ]
    assert told["classification"] is None
    assert len(told["errors"]) == 1
    gone = await ask(site, CLASSIFY, {"classifier": classifier["id"], "file": "nobody"})
    assert codes(gone) == ["NOT_FOUND"]
    change = """mutation($id: ID!) { classifierUpdate(input: {classifierId: $id, threshold: 2,
      routes: []}) { classifier { id } errors { path } } }"""
    refused = (await site.graphql(change, id=classifier["id"]))["classifierUpdate"]
    assert [each["path"] for each in refused["errors"]] == [["threshold"], ["routes"]]


async def test_a_list_of_schemas_is_read_at_once(small_site: Site, statements: Statements) -> None:
    """However many there are: schemas, tables, columns, and once more past the caches for the
    problems."""
    query = """{ extractionSchemas { name problems { message } project { name }
      tables { table { name } fields { column { key } } } } }"""
    counts = []
    for _ in range(3):
        await _created(small_site, INVOICES)
        with statements.counted() as found:
            listed = (await small_site.graphql(query))["extractionSchemas"]
        counts.append(len(found))
    assert len(listed) == 3
    assert counts == [5, 5, 5]
