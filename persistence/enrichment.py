"""Enrichments in storage, each with the run that carries it out."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from domain import numbers
from domain.enrichment_plans import plan_of
from domain.enrichment_records import Enrichment, NewEnrichment
from persistence.claims import writing
from persistence.engine import Database
from persistence.json_text import dumps
from persistence.run_rows import FIELDS as RUN_FIELDS
from persistence.run_rows import run_of

_FIELDS = (
    "id, organization_id, project_id, table_id, column_number, run_id, name, plan, rows_queued,"
    " created_by, created_at, updated_at"
)
_INSERT = """
INSERT INTO enrichment (id, organization_id, project_id, table_id, column_number, run_id, name,
                        plan, rows_queued, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
#: An enrichment is gone with its table.
_GET = f"""
SELECT {_FIELDS} FROM enrichment AS e WHERE id = $1 AND organization_id = $2
  AND EXISTS (SELECT FROM user_table AS t WHERE t.id = e.table_id AND t.deleted_at IS NULL)
"""
_PAGE = f"""
SELECT {_FIELDS} FROM enrichment
WHERE organization_id = $1 AND table_id = $2 AND ($3::uuid IS NULL OR id < $3)
ORDER BY id DESC LIMIT $4
"""


class Enrichments:
    """The `EnrichmentStore` port."""

    def __init__(self, database: Database) -> None:
        self._pool = database.pool

    async def create(self, organization_id: UUID, actor: str, new: NewEnrichment) -> None:
        async with writing(self._pool) as connection:
            await connection.execute(
                _INSERT,
                new.id,
                organization_id,
                new.project_id,
                new.table_id,
                new.column_number,
                new.run_id,
                new.name,
                dumps(new.plan),
                new.rows_queued,
                actor,
            )

    async def get(self, organization_id: UUID, enrichment_id: UUID) -> Enrichment | None:
        found = await self._with_runs(await self._pool.fetch(_GET, enrichment_id, organization_id))
        return found[0] if found else None

    async def of_table(
        self, organization_id: UUID, table_id: UUID, before: UUID | None, limit: int
    ) -> list[Enrichment]:
        """Ids grow with time, so their order is the order of starting."""
        return await self._with_runs(
            await self._pool.fetch(_PAGE, organization_id, table_id, before, limit)
        )

    async def _with_runs(self, records: Sequence[asyncpg.Record]) -> list[Enrichment]:
        if not records:
            return []
        rows = await self._pool.fetch(
            f"SELECT {RUN_FIELDS} FROM cell_run WHERE id = ANY($1)", [r["run_id"] for r in records]
        )
        runs = {row["id"]: run_of(row) for row in rows}
        return [
            Enrichment(
                id=r["id"],
                organization_id=r["organization_id"],
                project_id=r["project_id"],
                table_id=r["table_id"],
                column_number=r["column_number"],
                name=r["name"],
                plan=plan_of(numbers.loads(r["plan"])),
                run=runs.get(r["run_id"]),
                rows_counted=r["rows_queued"],
                created_by=r["created_by"],
                created_at=r["created_at"],
                updated_at=r["updated_at"],
            )
            for r in records
        ]
