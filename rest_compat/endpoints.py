"""One table of endpoints per dialect. The routes and the OpenAPI document are both made from it."""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from uuid import UUID

from pydantic import BaseModel, TypeAdapter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from domain import access, ids
from domain.access import Viewer
from domain.errors import Invalid, NotFound, TooLarge, Unauthenticated
from domain.idempotency import Answer, KeyedRequest, accept_key, once
from domain.numbers import InvalidJson
from domain.tool_ports import Engines
from persistence.storage import PostgresStorage
from rest_compat.wire import Authenticate, Draw, Limits, Refused, bounded, token_of


class AwaitJob(Protocol):
    """Waits for extraction jobs, as long as a request may take."""

    async def __call__(self, job_id: UUID, is_over: Callable[[], Awaitable[bool]]) -> bool:
        """Ask `is_over` once the job is followed, and again after each of its steps, until it says
        so. False when the time of a request is up before that."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """What a web process gives to a face. `draw` makes a picture of a Vega-Lite specification."""

    storage: PostgresStorage
    authenticate: Authenticate
    limits: Limits
    draw: Draw
    engines: Engines
    await_job: AwaitJob


@dataclass(frozen=True, slots=True)
class Call:
    """One request whose key was accepted and whose role suffices."""

    request: Request
    viewer: Viewer
    storage: PostgresStorage
    services: Services

    @property
    def limits(self) -> Limits:
        """How large bodies may be."""
        return self.services.limits

    def id(self, name: str, noun: str) -> UUID:
        """The id in the path. What cannot be an id names nothing: `NotFound`."""
        found = ids.parse(self.request.path_params[name])
        if found is None:
            raise NotFound(noun)
        return found

    def query(self, name: str) -> str | None:
        """A parameter of the query: the first one of the name; an empty one counts as absent."""
        given = self.request.query_params.getlist(name)
        return given[0] or None if given else None


#: Tells who calls. Raises `Unauthenticated`, or another error of the domain.
Admit = Callable[[Services, Request], Awaitable[Viewer]]


async def by_key(services: Services, request: Request) -> Viewer:
    """Whoever the key of the request stands for; with `serve --open`, no key is needed."""
    return await services.authenticate(token_of(request))


async def by_key_always(services: Services, request: Request) -> Viewer:
    """Whoever the key stands for, of an API that asks for one even where others do not."""
    if token_of(request) is None:
        raise Unauthenticated
    return await by_key(services, request)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query, or a field of a form, for the document: its JSON schema says the
    bounds.

    `models` are schemas that it refers to, by name."""

    name: str
    description: str
    schema: dict[str, Any]
    models: Mapping[str, Any] = field(default_factory=dict)


def json_parameter(name: str, description: str, adapter: TypeAdapter[Any]) -> Parameter:
    """A parameter whose text is JSON of its own."""
    content = adapter.json_schema(ref_template="#/components/schemas/{model}")
    models = content.pop("$defs", {})
    return Parameter(
        name,
        description,
        {"type": "string", "contentMediaType": "application/json", "contentSchema": content},
        models,
    )


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path.

    `operation` names the right in `domain.access`, `graphql_field` the field that ends in the same
    use case: None where GraphQL has none, for it carries no files. `failure` completes
    `Failed to …` for errors that nobody expected. `answer` is the type of the answer's JSON, None
    for an empty one, and `media_type` tells of answers that are no JSON; `other_media_types` of an
    answer that comes in several forms.
    `exists` raises `NotFound` when the thing in the path is not there: 404 goes before every
    complaint about the request, so a refused request asks it; a good one does not pay for it.
    `fields` stand beside the file of an upload, `errors` are answers by status that others do not
    give. `admit` tells who calls; `keyless` that it asks for no key. `raw_body` is for bytes of any
    kind as the body, which are answered with nothing."""

    method: str
    path: str
    operation: str
    graphql_field: str | None
    summary: str
    failure: str
    handler: Callable[[Call], Awaitable[Response]]
    status: int = 200
    answer: Any = None
    media_type: str = "application/json"
    other_media_types: tuple[str, ...] = ()
    body: type[BaseModel] | None = None
    upload: bool = False
    parameters: tuple[Parameter, ...] = ()
    missing: str | None = None
    exists: Callable[[Call], Awaitable[None]] | None = None
    body_needed: bool = True
    fields: tuple[Parameter, ...] = ()
    errors: Mapping[int, str] = field(default_factory=dict)
    admit: Admit = by_key
    keyless: bool = False
    raw_body: bool = False

    @property
    def repeatable(self) -> bool:
        """Whether it heeds an idempotency key: it writes, and its body is bounded."""
        return self.method != "GET" and not self.upload and not self.raw_body


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one of the APIs shows errors. `endpoint` is None when no endpoint was found."""

    tag: str
    render_error: Callable[[Exception, Endpoint | None], Response]


def routes_of(endpoints: Sequence[Endpoint], dialect: Dialect, services: Services) -> list[Route]:
    """One route per path, in the order of the table: fixed paths stand before those with ids."""
    by_path: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints:
        by_path.setdefault(endpoint.path, []).append(endpoint)
    return [Route(path, _Path(found, dialect, services)) for path, found in by_path.items()]


def fallback(path: str, dialect: Dialect) -> Route:
    """Answers for paths under the dialect's prefix that do not exist."""
    return Route(path, _Path((), dialect, None))


class _Path:
    """All methods of one path, as an ASGI application."""

    def __init__(
        self, endpoints: Iterable[Endpoint], dialect: Dialect, services: Services | None
    ) -> None:
        self._endpoints = {endpoint.method: endpoint for endpoint in endpoints}
        self._dialect = dialect
        self._services = services
        allowed = [*self._endpoints, "OPTIONS", *(["HEAD"] if "GET" in self._endpoints else [])]
        self._allow = {"Allow": ", ".join(sorted(allowed))}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        endpoint = self._endpoints.get("GET" if request.method == "HEAD" else request.method)
        try:
            if self._services is None:
                raise Refused(404, "Not found")
            if endpoint is None:
                return self._other_method(request)
            return await _serve(endpoint, self._services, request)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        except Exception as error:
            return self._dialect.render_error(error, endpoint)

    def _other_method(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=self._allow)
        response = self._dialect.render_error(Refused(405, "Method not allowed"), None)
        response.headers.update(self._allow)
        return response


async def _serve(endpoint: Endpoint, services: Services, request: Request) -> Response:
    viewer = await endpoint.admit(services, request)
    access.require(viewer, endpoint.operation)
    call = Call(request, viewer, services.storage.seen_by(viewer), services)
    try:
        key = accept_key(request.headers.get("idempotency-key"))
        if key is None or not endpoint.repeatable:
            return await endpoint.handler(call)
        return await _serve_once(endpoint, call, key)
    except (Invalid, InvalidJson, Refused, TooLarge):
        if endpoint.exists is not None:
            await endpoint.exists(call)
        raise


async def _serve_once(endpoint: Endpoint, call: Call, key: str) -> Response:
    """The answer to a request with an idempotency key; a repeat gets the first one again."""
    request, viewer = call.request, call.viewer
    body = b"".join([chunk async for chunk in bounded(request, call.limits.body_bytes)])

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def work() -> Answer:
        repeatable = replace(call, request=Request(request.scope, receive))
        response = await endpoint.handler(repeatable)
        return Answer(bytes(response.body).decode(), response.status_code, dict(response.headers))

    asked = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    digest = hashlib.sha256(asked + body).hexdigest()
    keyed = KeyedRequest(viewer.organization_id, viewer.actor, key, digest)
    answer = await once(call.storage.idempotency, keyed, work)
    response = Response(answer.body, answer.status, answer.headers)
    if answer.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response
