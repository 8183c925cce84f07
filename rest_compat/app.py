"""The routes of the REST dialects, to be put into the application."""

from functools import lru_cache

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from persistence.storage import PostgresStorage
from rest_compat import docs_page, openapi
from rest_compat.endpoints import Services, fallback, routes_of
from rest_compat.stagent import routes as stagent
from rest_compat.stagent.errors import DIALECT as STAGENT
from rest_compat.wire import Authenticate, Limits


def tables_routes(
    storage: PostgresStorage, authenticate: Authenticate, limits: Limits
) -> list[Route]:
    """Dialect S: `/api/tables…`, `/api/uploads…`, and its document under `/openapi/`."""
    return [
        *routes_of(stagent.ENDPOINTS, STAGENT, Services(storage, authenticate, limits)),
        fallback("/api/tables/{rest:path}", STAGENT),
        fallback("/api/uploads/{rest:path}", STAGENT),
        Route("/openapi/tables.json", _document),
        Route("/openapi/tables.html", _page),
    ]


@lru_cache(maxsize=1)
def tables_document() -> bytes:
    """The OpenAPI document of dialect S as indented JSON, the same at every call."""
    return orjson.dumps(
        openapi.document("tablecast: tables", stagent.ENDPOINTS), option=orjson.OPT_INDENT_2
    )


@lru_cache(maxsize=1)
def tables_page() -> str:
    """The document of dialect S as a page."""
    return docs_page.render(orjson.loads(tables_document()), "tables.json")


async def _document(_: Request) -> Response:
    return Response(tables_document(), media_type="application/json")


async def _page(_: Request) -> Response:
    return HTMLResponse(tables_page())
