"""Answers of models that were paid for, by the hash of everything that was asked."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from domain import numbers
from persistence.engine import Database
from persistence.json_text import dumps

#: Days that an answer is kept.
KEPT_DAYS = 30

_FIND = """
SELECT inputs_hash, answer::text AS answer FROM tool_cache
WHERE organization_id = $1 AND inputs_hash = ANY($2)
"""
_KEEP = """
INSERT INTO tool_cache (organization_id, inputs_hash, answer, created_at)
VALUES ($1, $2, $3::jsonb, clock_timestamp())
ON CONFLICT (organization_id, inputs_hash) DO UPDATE
SET answer = excluded.answer, created_at = excluded.created_at
"""
_FORGET = f"""
DELETE FROM tool_cache WHERE created_at < clock_timestamp() - interval '{KEPT_DAYS} days'
"""


class ToolCache:
    """Nothing here is needed: an answer that is gone is asked for again."""

    def __init__(self, database: Database) -> None:
        self._pool = database.pool

    async def find(
        self, organization_id: UUID, hashes: Sequence[str]
    ) -> Mapping[str, Mapping[str, Any]]:
        """The answers that are known, by hash. Numbers are exact."""
        records = await self._pool.fetch(_FIND, organization_id, list(hashes))
        return {record["inputs_hash"]: numbers.loads(record["answer"]) for record in records}

    async def keep(self, organization_id: UUID, hash_: str, answer: Mapping[str, Any]) -> None:
        """Keep an answer; it is plain JSON."""
        await self._pool.execute(_KEEP, organization_id, hash_, dumps(dict(answer)))

    async def forget(self) -> None:
        """Drop what is old."""
        await self._pool.execute(_FORGET)
