"""The ASGI application: all faces over one gateway."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from gql.limits import Limits as GraphQLLimits
from gql.transports.app import graphql_routes
from rest_compat.app import rest_routes
from rest_compat.endpoints import Services
from rest_compat.wire import Limits as RestLimits
from server import metrics
from server.gateway import Gateway, open_gateway
from server.health import health_routes
from server.live import JobWaiter
from server.middleware import RequestMiddleware
from server.observe import request_id
from server.settings import Settings, load


def create_app(settings: Settings | None = None) -> Starlette:
    """The application for uvicorn's factory mode. Connections open when the server starts.

    Routes are added then too, because they are made from the open gateway; before that nothing is
    served anyway."""
    chosen = settings or load()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_gateway(chosen) as gateway:
            collector = metrics.HubCollector(gateway.hub)
            metrics.REGISTRY.register(collector)
            app.state.gateway = gateway
            app.router.routes.extend(_routes(gateway))
            # Modules and the schema stay as long as the process. Walking them in each full
            # collection was a fifth of the work of small requests.
            gc.collect()
            gc.freeze()
            try:
                yield
            finally:
                gc.unfreeze()
                metrics.REGISTRY.unregister(collector)

    return Starlette(lifespan=lifespan, middleware=[Middleware(RequestMiddleware)])


def _routes(gateway: Gateway) -> list[BaseRoute]:
    settings, storage = gateway.settings, gateway.storage
    authenticate = gateway.authenticator.viewer
    return [
        *graphql_routes(
            storage,
            gateway.hub,
            gateway.engines,
            authenticate,
            GraphQLLimits(body_bytes=settings.max_body_bytes),
            request_id.get,
        ),
        *rest_routes(
            Services(
                storage,
                authenticate,
                RestLimits(settings.max_body_bytes, settings.max_upload_bytes),
                gateway.pictures.draw,
                gateway.engines,
                JobWaiter(gateway.hub, settings.sync_seconds),
            )
        ),
        *health_routes(gateway),
    ]
