"""Webhook endpoints: they are told by ids what happens, and ask for the rest."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import TypeAdapter
from starlette.responses import Response

from domain import ids, webhooks
from domain.errors import NotFound
from domain.webhook_events import WebhookDialect
from domain.webhook_records import WebhookCreate
from rest_compat.endpoints import Call
from rest_compat.phacet import shapes
from rest_compat.phacet.bodies import WebhookBody
from rest_compat.wire import json_response, parse, read_body

_WEBHOOK = TypeAdapter(WebhookBody)

#: Stands for an id that cannot exist, so that it is refused together with all else that is wrong.
_NOTHING = UUID(int=0)


async def create_endpoint(call: Call) -> Response:
    """A new endpoint with its secret, which nobody can read again."""
    body = parse(_WEBHOOK, await read_body(call.request, call.limits.body_bytes))
    tables = body.phacetIds if body.tableIds is None else body.tableIds
    command = WebhookCreate(
        body.url,
        body.eventTypes,
        _table_ids(tables or ()),
        dialect=WebhookDialect.PHACET,
        description=body.description,
    )
    made = await webhooks.create_webhook(call.viewer, call.storage, command)
    return json_response(shapes.webhook(made), 201)


async def delete_endpoint(call: Call) -> Response:
    """What waits is not sent any more."""
    webhook_id = call.id("endpointId", "Webhook endpoint")
    try:
        await webhooks.delete_webhook(call.viewer, call.storage, webhook_id)
    except NotFound:
        raise NotFound("Webhook endpoint") from None
    return Response(status_code=204)


def _table_ids(given: Sequence[str]) -> list[UUID] | None:
    """No tables mean all of them."""
    return [ids.parse(each) or _NOTHING for each in given] or None
