"""Reading rows of users' tables: what can go wrong on PostgreSQL's side, in the domain's words."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from domain.errors import StructureMoved, TooLarge
from persistence.engine import Connection, Pool

_MOVED = (
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedTableError,
    asyncpg.InvalidCachedStatementError,
)


async def fetch(
    source: "Connection | Pool", text: str, values: Sequence[Any]
) -> list[asyncpg.Record]:
    """The rows of a statement over a users' table.

    Raises `StructureMoved` when its columns or the table are gone, `TooLarge` when it takes longer
    than the server lets a statement take."""
    try:
        return await source.fetch(text, *values)
    except _MOVED:
        raise StructureMoved from None
    except asyncpg.ConnectionDoesNotExistError as error:
        # The server ends the connection of a transaction that takes too long.
        if not isinstance(error.__cause__, asyncpg.TransactionTimeoutError):
            raise
        message = "The table is too large to be read so in five seconds; use a filter or an index"
        raise TooLarge(message) from None
