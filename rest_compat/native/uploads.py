"""The bytes of a file, put to an address of their own: `/upload/{token}`."""

from starlette.requests import Request
from starlette.responses import Response

from domain import files
from domain.access import Role, Viewer
from domain.upload_links import read_token
from rest_compat.endpoints import Call, Services
from rest_compat.wire import bounded

#: The author of what comes through a link, which says nothing about who has it.
_ACTOR = "upload link"


async def by_link(services: Services, request: Request) -> Viewer:
    """Whoever has the link. Raises `LinkRefused`."""
    ticket = read_token(services.storage.secret_box, request.path_params["token"])
    return Viewer(ticket.organization_id, Role.EDITOR, name=_ACTOR)


async def put_file(call: Call) -> Response:
    """Store the body as the bytes of the link's file."""
    ticket = read_token(call.storage.secret_box, call.request.path_params["token"])
    most = call.limits.upload_bytes
    chunks = bounded(call.request, most)
    await files.receive(call.storage, ticket, chunks, most_bytes=most)
    return Response(status_code=200)
