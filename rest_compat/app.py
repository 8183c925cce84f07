"""The routes of the REST dialects, to be put into the application."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import orjson
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from rest_compat import docs_page, openapi
from rest_compat.endpoints import Dialect, Endpoint, Services, fallback, routes_of
from rest_compat.limai import answers as limai_answers
from rest_compat.limai import routes as limai
from rest_compat.limai.errors import DIALECT as LIMAI
from rest_compat.native import answers as native_answers
from rest_compat.native import routes as native
from rest_compat.native.errors import DIALECT as NATIVE
from rest_compat.phacet import answers as phacet_answers
from rest_compat.phacet import routes as phacet
from rest_compat.phacet.errors import DIALECT as PHACET
from rest_compat.stagent import answers as stagent_answers
from rest_compat.stagent import routes as stagent
from rest_compat.stagent.errors import DIALECT as STAGENT


@dataclass(frozen=True, slots=True)
class Face:
    """One API: its endpoints, how it shows errors, and the paths that are all its own.

    `name` is that of its document under `/openapi/`."""

    name: str
    title: str
    endpoints: Sequence[Endpoint]
    dialect: Dialect
    error: type[BaseModel]
    prefixes: Sequence[str]
    key: str = "An API key. `tablecast serve --open` asks for none."

    def routes(self, services: Services) -> list[Route]:
        """Its routes, and those of its document."""

        async def document(_: Request) -> Response:
            return Response(document_of(self.name), media_type="application/json")

        async def page(_: Request) -> Response:
            return HTMLResponse(page_of(self.name))

        return [
            *routes_of(self.endpoints, self.dialect, services),
            *(fallback(prefix + "/{rest:path}", self.dialect) for prefix in self.prefixes),
            Route(f"/openapi/{self.name}.json", document),
            Route(f"/openapi/{self.name}.html", page),
        ]


#: By name: dialect S under `/api/tables…` and `/api/uploads…`, dialect P under `/api/v2…`, dialect
#: L under `/api/v1/document…` and its neighbours, and our own routes.
FACES = {
    face.name: face
    for face in (
        Face(
            "tables",
            "tablecast: tables",
            stagent.ENDPOINTS,
            STAGENT,
            stagent_answers.Error,
            ("/api/tables", "/api/uploads"),
        ),
        Face(
            "phacet",
            "tablecast: Phacet API",
            phacet.ENDPOINTS,
            PHACET,
            phacet_answers.Error,
            phacet.PREFIXES,
            "An API key. It is asked for even where `tablecast serve --open` asks for none.",
        ),
        Face(
            "limai",
            "tablecast: LimAI API",
            limai.ENDPOINTS,
            LIMAI,
            limai_answers.Error,
            limai.PREFIXES,
            "A secret token: an API key, which may have an end. It is asked for even where "
            "`tablecast serve --open` asks for none.",
        ),
        Face(
            "native",
            "tablecast: files and pictures",
            native.ENDPOINTS,
            NATIVE,
            native_answers.Error,
            native.PREFIXES,
        ),
    )
}


def rest_routes(services: Services) -> list[Route]:
    """The routes of all REST faces with their documents under `/openapi/`."""
    return [route for face in FACES.values() for route in face.routes(services)]


@cache
def document_of(name: str) -> bytes:
    """The OpenAPI document of a face as indented JSON, the same at every call."""
    face = FACES[name]
    made = openapi.document(face.title, face.endpoints, face.error, face.key)
    return orjson.dumps(made, option=orjson.OPT_INDENT_2)


@cache
def page_of(name: str) -> str:
    """The document of a face as a page."""
    return docs_page.render(orjson.loads(document_of(name)), f"{name}.json")
