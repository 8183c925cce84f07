"""The routes of the GraphQL face."""

from collections.abc import Callable

from starlette.routing import BaseRoute, Route, WebSocketRoute

from domain.tool_ports import Engines
from gql.limits import Limits
from gql.transports.http import HTTPEndpoint
from gql.transports.service import Authenticate, Service
from gql.transports.websocket import WebSocketEndpoint
from persistence.storage import PostgresStorage
from realtime.hub import Hub

PATH = "/graphql"


def graphql_routes(
    storage: PostgresStorage,
    hub: Hub,
    engines: Engines,
    authenticate: Authenticate,
    limits: Limits | None = None,
    request_id: Callable[[], str | None] = lambda: None,
) -> list[BaseRoute]:
    """`/graphql` for plain requests and for websockets."""
    service = Service(storage, hub, engines, authenticate, limits or Limits(), request_id)
    return [
        Route(PATH, HTTPEndpoint(service).__call__, methods=["GET", "POST"]),
        WebSocketRoute(PATH, WebSocketEndpoint(service).__call__),
    ]
