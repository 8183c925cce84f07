"""Claims of requests with an idempotency key, and the answers kept for repeats."""

from typing import Any

import asyncpg
import orjson

from domain.idempotency import KEPT_HOURS, WORKING_SECONDS, Answer, Claim, Earlier
from persistence.engine import Pool
from persistence.json_text import dumps

# A claim that wrote nothing and is old, or an answer that is too old, gives way.
_CLAIM = f"""
INSERT INTO idempotency (organization_id, actor, key, digest, claim, committed, created_at)
VALUES ($1, $2, $3, $4, $5, FALSE, clock_timestamp())
ON CONFLICT (organization_id, actor, key) DO UPDATE
SET digest = excluded.digest, claim = excluded.claim, committed = FALSE, answer = NULL,
    created_at = excluded.created_at
WHERE idempotency.created_at < clock_timestamp() - CASE WHEN idempotency.committed
      THEN interval '{KEPT_HOURS} hours' ELSE interval '{WORKING_SECONDS} seconds' END
RETURNING 1
"""

_EARLIER = """
SELECT digest, committed, answer FROM idempotency
WHERE organization_id = $1 AND actor = $2 AND key = $3
"""

_KEEP = "UPDATE idempotency SET answer = $2 WHERE claim = $1 AND committed"
_GIVE_BACK = "DELETE FROM idempotency WHERE claim = $1 AND NOT committed"
_FORGET = f"""
DELETE FROM idempotency WHERE created_at < clock_timestamp() - interval '{KEPT_HOURS} hours'
"""


class Idempotency:
    """The `IdempotencyStore` port."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def claim(self, claim: Claim) -> Earlier | None:
        """Take the key; what is known of an earlier request when it is taken."""
        asked = claim.request
        name = (asked.organization_id, asked.actor, asked.key)
        while True:
            if await self._pool.fetchval(_CLAIM, *name, asked.digest, claim.id):
                return None
            found = await self._pool.fetchrow(_EARLIER, *name)
            if found is not None:  # else it was given back between the two statements
                return _earlier(found)

    async def finish(self, claim: Claim, answer: Answer | None) -> None:
        """Keep the answer if anything was written; else give the key back."""
        if answer is not None:
            told = {
                "body": answer.body,
                "status": answer.status,
                "headers": dict(answer.headers),
            }
            await self._pool.execute(_KEEP, claim.id, dumps(told))
        await self._pool.execute(_GIVE_BACK, claim.id)

    async def forget(self) -> None:
        """Drop what is older than a repeat can be."""
        await self._pool.execute(_FORGET)


def _earlier(record: asyncpg.Record) -> Earlier:
    answer: dict[str, Any] | None = orjson.loads(record["answer"] or "null")
    kept = Answer(**answer, replayed=True) if answer is not None else None
    return Earlier(record["digest"], record["committed"], kept)
