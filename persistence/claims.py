"""Marking the claim of the running request in each of its write transactions.

The mark is the first thing that a transaction writes: it waits for nobody but a repeat of the same
request, which holds no other lock yet."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.errors import Conflict
from domain.idempotency import current_claim
from persistence.lost_connections import ended_with

if TYPE_CHECKING:
    from persistence.engine import Connection, Pool

_MARK = "UPDATE idempotency SET committed = TRUE WHERE claim = {claim} RETURNING 1"
_REPLACED = "A repeat of this request took its place"


@asynccontextmanager
async def writing(pool: "Pool") -> AsyncIterator["Connection"]:
    """A connection in a write transaction, which carries the mark of the request."""
    async with (
        pool.acquire() as connection,
        ended_with(connection),
        connection.transaction(),
    ):
        claim = current_claim()
        if claim is not None and not await connection.fetchval(_MARK.format(claim="$1"), claim.id):
            raise Conflict(_REPLACED)
        yield connection


async def mark_session(session: AsyncSession) -> None:
    """The mark of the request in a session's transaction."""
    claim = current_claim()
    if claim is not None:
        connection = await session.connection()
        marked = await connection.execute(text(_MARK.format(claim=":claim")), {"claim": claim.id})
        if marked.scalar_one_or_none() is None:
            raise Conflict(_REPLACED)
