"""The OpenAPI document: complete, and the same as the file in docs."""

import re

from starlette.routing import Route

from gql.schema import core_schema
from rest_compat.app import FACES, document_of, page_of
from rest_compat.limai.routes import ENDPOINTS, PREFIXES
from tests.rest.document import Judge
from tests.rules.source import ROOT
from tests.serving import Site

_JUDGE = Judge("limai")


def test_the_file_is_what_the_code_says() -> None:
    written = (ROOT / "docs" / "openapi" / "limai.json").read_bytes()
    assert written.rstrip() == document_of("limai").rstrip(), "run `tablecast schema export`"


def test_every_reference_leads_to_a_schema_and_every_schema_is_used() -> None:
    used = set(re.findall(r'"\$ref": "([^"]+)"', document_of("limai").decode()))
    assert all(_JUDGE.resolve(reference) for reference in used)
    named = {f"#/components/schemas/{name}" for name in _JUDGE.document["components"]["schemas"]}
    assert named == used


def test_every_operation_is_told_in_full() -> None:
    names = set()
    for endpoint in ENDPOINTS:
        operation = _JUDGE.document["paths"][endpoint.path][endpoint.method.lower()]
        names.add(operation["operationId"])
        assert operation["summary"]
        assert {"200", "401", "403", "404", "500"} <= set(operation["responses"])
        in_path = re.findall(r"\{(\w+)\}", endpoint.path)
        assert [p["name"] for p in operation["parameters"] if p["in"] == "path"] == in_path
        assert ("requestBody" in operation) == (endpoint.method == "POST")
    assert len(names) == len(ENDPOINTS)


def test_graphql_fields_exist() -> None:
    roots = [core_schema.query_type, core_schema.mutation_type]
    known = {name for root in roots if root is not None for name in root.fields}
    assert {str(endpoint.graphql_field) for endpoint in ENDPOINTS} <= known


def test_no_two_faces_share_a_path() -> None:
    prefixes = [prefix for face in FACES.values() for prefix in face.prefixes]
    for one in prefixes:
        others = [each for each in prefixes if each is not one]
        assert not any((each + "/").startswith(one + "/") for each in others), one


async def test_every_route_is_in_the_document_and_every_path_has_a_route(site: Site) -> None:
    routed = {
        route.path
        for route in site.app.router.routes
        if isinstance(route, Route)
        and route.path.startswith(PREFIXES)
        and "{rest:path}" not in route.path
    }
    assert routed == set(_JUDGE.document["paths"])


async def test_document_and_page_are_served_to_everybody(site: Site) -> None:
    async with site.client("") as stranger:
        answer = await stranger.get("/openapi/limai.json")
        assert (answer.status_code, answer.json()) == (200, _JUDGE.document)
        page = await stranger.get("/openapi/limai.html")
        assert (page.status_code, page.text) == (200, page_of("limai"))
