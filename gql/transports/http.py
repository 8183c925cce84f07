"""GraphQL over HTTP (the GraphQL-over-HTTP specification): POST with JSON, GET for queries,
GraphiQL."""

import structlog
from starlette.requests import Request as HTTPRequest
from starlette.responses import HTMLResponse, Response

from domain.errors import Conflict, DomainError, Unauthenticated
from gql.answers import errors_json, to_json
from gql.errors import INTERNAL_MESSAGE, Code, domain_error, plain_error
from gql.operations import Refused, is_query, is_subscription
from gql.transports.graphiql import CONTENT_SECURITY_POLICY, page
from gql.transports.service import BadRequest, Request, Service, read_json, read_request
from persistence.jobs import out_of_reach

_log = structlog.get_logger(__name__)

GRAPHQL_JSON = "application/graphql-response+json"
_JSON = "application/json"


class Answer(Exception):
    """A refusal with its status."""

    def __init__(self, status: int, error: dict[str, object], **headers: str) -> None:
        super().__init__()
        self.status = status
        self.error = error
        self.headers = headers


class HTTPEndpoint:
    """The handler of `/graphql` for plain requests."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, request: HTTPRequest) -> Response:
        if request.method == "GET" and _wants_page(request):
            headers = {"content-security-policy": CONTENT_SECURITY_POLICY}
            return HTMLResponse(page(request.url.path), headers=headers)
        media_type = _media_type(request)
        try:
            return await self._answer(request, media_type)
        except Answer as answer:
            body = to_json({"errors": [answer.error]})
            return _response(body, answer.status, media_type, answer.headers)
        except Exception as error:
            _log.exception("a graphql request failed")
            told = plain_error(Code.INTERNAL, INTERNAL_MESSAGE, self._service.request_id())
            # Away is not broken: load balancers and clients may try again.
            status = 503 if out_of_reach(error) else 500
            return _response(to_json({"errors": [told]}), status, media_type)

    async def _answer(self, request: HTTPRequest, media_type: str) -> Response:
        id_ = self._service.request_id()
        try:
            viewer = await self._service.authenticate(
                token_of(request.headers.get("authorization"))
            )
        except Unauthenticated as error:
            headers = {"www-authenticate": "Bearer"}
            raise Answer(401, domain_error(error, id_), **headers) from None
        try:
            asked = await self._read(request)
        except BadRequest as error:
            raise Answer(400, plain_error(Code.BAD_USER_INPUT, str(error), id_)) from None
        context = self._service.context(viewer)
        try:
            document, operation = self._service.prepare(asked)
            if is_subscription(operation):
                raise BadRequest("Subscriptions run over a websocket at the same path")
            if request.method == "GET" and not is_query(operation):
                error_ = plain_error(Code.BAD_USER_INPUT, "GET runs queries only; use POST", id_)
                raise Answer(405, error_, allow="POST")
            body = await self._service.answer(asked, document, operation, context)
        except BadRequest as error:
            raise Answer(400, plain_error(Code.BAD_USER_INPUT, str(error), id_)) from None
        except Refused as refused:
            # A client that reads only application/json is told by the body alone, as it expects.
            status = 400 if media_type == GRAPHQL_JSON else 200
            return _response(errors_json(refused.errors, id_), status, media_type)
        except DomainError as error:
            status = 409 if isinstance(error, Conflict) else 400
            raise Answer(status, domain_error(error, id_)) from None
        return _response(body, 200, media_type)

    async def _read(self, request: HTTPRequest) -> Request:
        if request.method == "GET":
            return read_request(
                {
                    "query": request.query_params.get("query"),
                    "operationName": request.query_params.get("operationName"),
                    "variables": _parameter(request, "variables"),
                    "extensions": _parameter(request, "extensions"),
                }
            )
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != _JSON:
            # Not only form: a page of another site cannot send this type without asking first.
            error = plain_error(Code.BAD_USER_INPUT, "The content type must be application/json")
            raise Answer(415, error)
        key = request.headers.get("idempotency-key")
        return read_request(read_json(await self._body(request)), key)

    async def _body(self, request: HTTPRequest) -> bytes:
        chunks, size = [], 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > self._service.limits.body_bytes:
                most = self._service.limits.body_bytes
                message = f"The body is larger than {most} bytes"
                raise Answer(413, plain_error(Code.LIMIT_EXCEEDED, message))
            chunks.append(chunk)
        return b"".join(chunks)


def token_of(authorization: str | None) -> str | None:
    """The token of `Bearer …`; None without it."""
    scheme, _, token = (authorization or "").strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _parameter(request: HTTPRequest, name: str) -> object:
    text = request.query_params.get(name)
    return read_json(text) if text else None


def _wants_page(request: HTTPRequest) -> bool:
    accepted = request.headers.get("accept", "")
    return "text/html" in accepted and "query" not in request.query_params


def _media_type(request: HTTPRequest) -> str:
    """The answer's media type: the newer one when the client names it, else plain JSON."""
    accepted = request.headers.get("accept", "")
    return GRAPHQL_JSON if GRAPHQL_JSON in accepted else _JSON


def _response(
    body: bytes, status: int, media_type: str, headers: dict[str, str] | None = None
) -> Response:
    kind = f"{media_type}; charset=utf-8"
    return Response(body, status_code=status, media_type=kind, headers=headers)
