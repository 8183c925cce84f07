"""What all transports of the GraphQL face share: who asks, and one way to run an operation."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import OperationDefinitionNode

from domain.access import Viewer
from domain.idempotency import Answer, KeyedRequest, accept_key, once
from domain.numbers import InvalidJson, loads
from domain.tool_ports import Engines
from gql.answers import result_json, to_json
from gql.context import Context
from gql.limits import Limits
from gql.operations import Document, Documents, execute, is_query
from persistence.storage import PostgresStorage
from realtime.hub import Hub

Authenticate = Callable[[str | None], Awaitable[Viewer]]


class BadRequest(Exception):
    """A request that is no GraphQL request. The text says what is wrong with its form."""


@dataclass(frozen=True, slots=True)
class Request:
    """A GraphQL request of any transport, its form checked."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None
    idempotency_key: str | None = None

    @property
    def digest(self) -> str:
        """Equal for requests that ask for the same."""
        asked = to_json([self.query, self.operation_name, self.variables])
        return hashlib.sha256(asked).hexdigest()


@dataclass(frozen=True)
class Service:
    """The parts that a transport needs; one per process."""

    storage: PostgresStorage
    hub: Hub
    engines: Engines
    authenticate: Authenticate
    limits: Limits
    request_id: Callable[[], str | None]
    documents: Documents = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "documents", Documents(self.limits))

    def context(self, viewer: Viewer) -> Context:
        """The context of one operation."""
        return Context(viewer, self.storage.seen_by(viewer), self.hub, self.engines)

    def prepare(self, request: Request) -> tuple[Document, OperationDefinitionNode]:
        """The document and the operation to run, within its limits. Raises `Refused`."""
        document = self.documents.prepare(request.query)
        operation = document.operation(request.operation_name)
        self.documents.check_cost(document, operation, request.variables)
        return document, operation

    async def answer(
        self,
        request: Request,
        document: Document,
        operation: OperationDefinitionNode,
        context: Context,
    ) -> bytes:
        """Run a query or mutation: the response object. A mutation with an idempotency key that
        was carried out before is not run; its first answer is given again.

        Raises `Refused` for bad variables, and `Conflict` or `Invalid` for a bad key."""
        key = accept_key(request.idempotency_key)
        if key is None or is_query(operation):
            return await self._run(request, document, operation, context)

        async def work() -> Answer:
            return Answer((await self._run(request, document, operation, context)).decode())

        viewer = context.viewer
        keyed = KeyedRequest(viewer.organization_id, viewer.actor, key, request.digest)
        return (await once(self.storage.idempotency, keyed, work)).body.encode()

    async def _run(
        self,
        request: Request,
        document: Document,
        operation: OperationDefinitionNode,
        context: Context,
    ) -> bytes:
        result = await execute(document, operation, request.variables, context)
        return result_json(result, self.request_id())


def read_json(body: bytes | str) -> Any:
    """A JSON body with exact numbers. Raises `BadRequest`."""
    try:
        return loads(body)
    except InvalidJson as error:
        raise BadRequest(f"The body is not JSON: {error}") from None


def read_request(content: Any, idempotency_key: str | None = None) -> Request:
    """A request from a JSON value; `extensions.idempotencyKey` goes before the key given beside
    it. Raises `BadRequest`."""
    if not isinstance(content, dict):
        raise BadRequest("A GraphQL request is a JSON object with `query`")
    query = content.get("query")
    variables = content.get("variables")
    name = content.get("operationName")
    extensions = content.get("extensions")
    if not isinstance(query, str):
        raise BadRequest("`query` must be a string")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest("`variables` must be an object")
    if name is not None and not isinstance(name, str):
        raise BadRequest("`operationName` must be a string")
    if extensions is not None and not isinstance(extensions, dict):
        raise BadRequest("`extensions` must be an object")
    key = (extensions or {}).get("idempotencyKey", idempotency_key)
    if key is not None and not isinstance(key, str):
        raise BadRequest("`extensions.idempotencyKey` must be a string")
    return Request(query, variables or {}, name or None, key)
