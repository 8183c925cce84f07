"""The OpenAPI document: well formed, complete, and the same as the file in docs."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.routing import Route

from gql.schema import core_schema
from rest_compat.app import document_of, page_of
from rest_compat.stagent.routes import ENDPOINTS
from tests.rest.calls import Calls
from tests.rest.document import CHECKED, NOTES, document, faults_of, operation_of, resolve
from tests.rules.source import ROOT
from tests.serving import Site

METHODS = {"get", "post", "patch", "delete"}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and operation."""
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def schemas(within: Any) -> Iterator[dict[str, Any]]:
    """All schemas below a part of the document."""
    if isinstance(within, list):
        for each in within:
            yield from schemas(each)
    elif isinstance(within, dict):
        for key, each in within.items():
            if key in ("schema", "items", "contentSchema"):
                yield each
            if key in ("schemas", "properties", "$defs"):
                yield from each.values()
            if key == "anyOf":
                yield from each
            yield from schemas(each)


def test_the_file_is_what_the_code_says() -> None:
    written = (ROOT / "docs" / "openapi" / "tables.json").read_bytes()
    assert written.rstrip() == document_of("tables").rstrip(), "run `tablecast schema export`"


def test_the_head_is_well_formed() -> None:
    found = document()
    assert found["openapi"] == "3.1.0"
    assert list(found) == ["openapi", "info", "security", "paths", "components"]
    assert set(found["info"]) >= {"title", "version"}
    names = set(found["components"]["securitySchemes"])
    assert {name for each in found["security"] for name in each} <= names


def test_every_reference_leads_to_a_schema_and_every_schema_is_used() -> None:
    used = set(re.findall(r'"\$ref": "([^"]+)"', document_of("tables").decode()))
    assert used
    for reference in used:
        assert resolve(reference)
    named = {f"#/components/schemas/{name}" for name in document()["components"]["schemas"]}
    assert named == used


def test_every_schema_uses_known_keywords_and_types() -> None:
    found = list(schemas(document()))
    assert len(found) > 100
    for schema in found:
        assert set(schema) <= CHECKED | NOTES | {"contentSchema"}, schema
        assert "const" not in schema or isinstance(schema["const"], str)
        for pattern in filter(None, [schema.get("pattern")]):
            re.compile(pattern)
        required = set(schema.get("required", ()))
        assert required <= set(schema.get("properties", {})), schema


def test_operations_are_complete() -> None:
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids)) == len(ENDPOINTS)
    for method, path, operation in operations():
        assert method in METHODS
        assert operation["summary"]
        in_path = [each["name"] for each in operation["parameters"] if each["in"] == "path"]
        assert in_path == re.findall(r"\{(\w+)\}", path)
        assert all(each["required"] for each in operation["parameters"] if each["in"] == "path")
        places = [(each["in"], each["name"]) for each in operation["parameters"]]
        assert len(places) == len(set(places))
        assert {"401", "403", "500"} <= set(operation["responses"])
        good = [status for status in operation["responses"] if status.startswith("2")]
        assert len(good) == 1
        assert ("requestBody" in operation) == (method in ("post", "patch"))
        for response in operation["responses"].values():
            assert response["description"]


def test_graphql_fields_exist() -> None:
    roots = [core_schema.query_type, core_schema.mutation_type]
    known = {name for root in roots if root is not None for name in root.fields}
    for _, path, operation in operations():
        if path.startswith("/api/tables"):
            assert operation["x-graphql-field"].split(".")[0] in known, path
        else:
            assert "x-graphql-field" not in operation, "GraphQL carries no files"


async def test_every_route_is_in_the_document_and_every_path_has_a_route(
    site: Site, calls: Calls
) -> None:
    routed = {
        route.path
        for route in site.app.router.routes
        if isinstance(route, Route)
        and route.path.startswith(("/api/tables", "/api/uploads"))
        and "{rest:path}" not in route.path
    }
    assert routed == set(document()["paths"])
    for path in routed:
        answer = await calls.client.options(re.sub(r"\{\w+\}", "x", path))
        allowed = {each.strip().lower() for each in answer.headers["allow"].split(",")}
        assert allowed - {"options", "head"} == set(document()["paths"][path])


async def test_document_and_page_are_served_to_everybody(site: Site) -> None:
    async with site.client("") as stranger:
        answer = await stranger.get("/openapi/tables.json")
        assert (answer.status_code, answer.json()) == (200, document())
        assert answer.headers["content-type"] == "application/json"
        page = await stranger.get("/openapi/tables.html")
        assert (page.status_code, page.text) == (200, page_of("tables"))
        assert page.headers["content-type"].startswith("text/html")
    for _, path, operation in operations():
        assert path in page.text
        assert operation["operationId"] in page.text
    assert not re.search(r"<script|src=|https?://(?!example)", page.text)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"error": "x"}, False),
        ({"error": {"formErrors": [], "fieldErrors": {"a": ["b"]}}}, False),
        ({"error": 5}, True),
        ({"error": {"formErrors": []}}, True),
        ({"error": {"formErrors": [1], "fieldErrors": {}}}, True),
        ({"error": {"formErrors": [], "fieldErrors": {"a": "b"}}}, True),
        ({"error": "x", "more": 1}, True),
        ({}, True),
        ([], True),
    ],
)
def test_the_judge_sees_faults(value: Any, fault: bool) -> None:
    schema = resolve("#/components/schemas/Error")
    assert bool(list(faults_of(value, schema, "answer"))) == fault


def test_the_judge_finds_operations() -> None:
    found = operation_of("PATCH", "/api/tables/a/rows/b")
    assert found is not None
    assert found["operationId"] == "patchTablesIdRowsRowId"
    assert operation_of("PUT", "/api/tables/a/rows/b") is None
    assert operation_of("GET", "/api/tables/a/elsewhere") is None
