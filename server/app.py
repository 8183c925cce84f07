"""The ASGI application: all faces over one gateway."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware

from server import metrics
from server.gateway import open_gateway
from server.middleware import RequestMiddleware
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
            try:
                yield
            finally:
                metrics.REGISTRY.unregister(collector)

    return Starlette(lifespan=lifespan, middleware=[Middleware(RequestMiddleware)])
