"""Queries of triggers and firings."""

from typing import Annotated

import strawberry

from domain import firings, triggers
from domain.errors import NotFound
from gql.context import Info, given_id
from gql.types.triggers import Firing, Trigger

_Id = Annotated[strawberry.ID, strawberry.argument(description="The id; null for one unknown.")]


@strawberry.type
class TriggerQueries:
    @strawberry.field(description="A trigger by its id.")
    async def trigger(self, info: Info, id: _Id) -> Trigger | None:
        context = info.context
        try:
            found = await triggers.get_trigger(context.viewer, context.storage, given_id(id))
        except NotFound:
            return None
        return Trigger.of(found)

    @strawberry.field(description="A firing of a trigger by its id.")
    async def firing(self, info: Info, id: _Id) -> Firing | None:
        context = info.context
        try:
            found = await firings.get_firing(context.viewer, context.storage, given_id(id))
        except NotFound:
            return None
        return Firing.of(found)
