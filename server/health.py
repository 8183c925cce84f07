"""Is the process alive, can it serve, and how is it doing."""

from collections.abc import Awaitable, Callable

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from server.gateway import Gateway
from server.metrics import REGISTRY

#: A database that does not answer within this is not ready.
_PATIENCE = 2.0


def health_routes(gateway: Gateway) -> list[Route]:
    """`/health/live`, `/health/ready` and `/metrics`.

    None of them needs a key or costs more than `SELECT 1`."""
    return [
        Route("/health/live", _live),
        Route("/health/ready", _readiness(gateway)),
        Route("/metrics", _metrics),
    ]


async def _live(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _readiness(gateway: Gateway) -> Callable[[Request], Awaitable[Response]]:
    async def ready(request: Request) -> Response:
        if not await gateway.database.answers(_PATIENCE):
            return JSONResponse({"status": "unavailable", "database": "down"}, status_code=503)
        return JSONResponse({"status": "ok", "database": "up"})

    return ready


async def _metrics(request: Request) -> Response:
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)
