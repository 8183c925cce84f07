"""What all transports of the GraphQL face share: who asks, and one way to run an operation."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import OperationDefinitionNode

from domain.access import Viewer
from domain.numbers import InvalidJson, loads
from gql.context import Context
from gql.limits import Limits
from gql.operations import Document, Documents
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


@dataclass(frozen=True)
class Service:
    """The parts that a transport needs; one per process."""

    storage: PostgresStorage
    hub: Hub
    authenticate: Authenticate
    limits: Limits
    request_id: Callable[[], str | None]
    documents: Documents = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "documents", Documents(self.limits))

    def context(self, viewer: Viewer) -> Context:
        """The context of one operation."""
        return Context(viewer, self.storage, self.hub)

    def prepare(self, request: Request) -> tuple[Document, OperationDefinitionNode]:
        """The document and the operation to run, within its limits. Raises `Refused`."""
        document = self.documents.prepare(request.query)
        operation = document.operation(request.operation_name)
        self.documents.check_cost(document, operation, request.variables)
        return document, operation


def read_json(body: bytes | str) -> Any:
    """A JSON body with exact numbers. Raises `BadRequest`."""
    try:
        return loads(body)
    except InvalidJson as error:
        raise BadRequest(f"The body is not JSON: {error}") from None


def read_request(content: Any) -> Request:
    """A request from a JSON value. Raises `BadRequest`."""
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
    return Request(query, variables or {}, name or None)
