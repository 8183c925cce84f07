"""Rows that were read from files: where they came from, and whether people have accepted them."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg

from domain.columns import TableShape
from domain.errors import StructureMoved
from domain.extraction_job_records import TableReview
from domain.extraction_records import ReviewRow, ReviewStatus, ReviewSummary
from persistence.engine import Connection, Database, Pool
from persistence.review_writes import write_review
from persistence.unit_of_work import Wake

_FIELDS = (
    "e.table_id, e.row_id, e.schema_id, e.file_id, e.job_id, e.parent_row_id, e.index_in_file,"
    " e.review_status, e.reviewed_by, e.reviewed_at"
)
_PRINTED = """
SELECT e.segment, e.row_id, s.column_number, s.raw
FROM extracted_row e
JOIN cell_state s ON s.table_id = e.table_id AND s.row_id = e.row_id
WHERE e.organization_id = $1 AND e.file_id = $3 AND e.table_id = $4 AND s.raw IS NOT NULL
  AND e.job_id >= (
    SELECT j.id FROM extraction_job j
    WHERE j.file_id = $3 AND j.organization_id = $1 AND j.schema_id = $2 AND j.rerun_of IS NULL
    ORDER BY j.id DESC LIMIT 1)
"""


class ExtractedRows:
    """The `ReviewStore` port."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._pool = database.pool
        self._wake = wake

    async def tables(self, organization_id: UUID, file_id: UUID) -> Sequence[UUID]:
        """The tables that have had rows of a file."""
        rows = await self._pool.fetch(
            "SELECT DISTINCT table_id FROM extracted_row"
            " WHERE file_id = $1 AND organization_id = $2 ORDER BY table_id",
            file_id,
            organization_id,
        )
        return [row["table_id"] for row in rows]

    async def printed(
        self, organization_id: UUID, schema_id: UUID, file_id: UUID, table_id: UUID
    ) -> Mapping[int, Sequence[Mapping[int, str]]]:
        """The printed texts of the rows of a file's last reading, by part and column number."""
        found: dict[int, dict[UUID, dict[int, str]]] = {}
        for row in await self._pool.fetch(_PRINTED, organization_id, schema_id, file_id, table_id):
            rows = found.setdefault(row["segment"], {})
            rows.setdefault(row["row_id"], {})[row["column_number"]] = row["raw"]
        return {segment: list(rows.values()) for segment, rows in found.items()}

    async def living(
        self, shapes: Sequence[TableShape], file_id: UUID
    ) -> Mapping[UUID, Sequence[ReviewRow]]:
        """The rows of a file that are still there, by table, in the order of the file. Raises
        `StructureMoved` when a table is gone."""
        return {shape.id: await _living(self._pool, shape, file_id) for shape in shapes}

    async def by_rows(
        self, organization_id: UUID, rows: Sequence[tuple[UUID, UUID]]
    ) -> dict[tuple[UUID, UUID], ReviewRow]:
        """Where rows came from, by table and row, for those that came from files."""
        found = await self._pool.fetch(
            f"SELECT {_FIELDS} FROM unnest($1::uuid[], $2::uuid[]) AS g(table_id, row_id)"
            " JOIN extracted_row e ON e.table_id = g.table_id AND e.row_id = g.row_id"
            " WHERE e.organization_id = $3",
            [table_id for table_id, _ in rows],
            [row_id for _, row_id in rows],
            organization_id,
        )
        return {(row["table_id"], row["row_id"]): review_row(row) for row in found}

    async def review(
        self,
        organization_id: UUID,
        actor: str,
        file_id: UUID,
        shapes: Sequence[TableShape],
        reviews: Mapping[UUID, TableReview],
    ) -> ReviewSummary:
        """Carry out reviews by table, and tell the log when nothing of the file is pending."""
        return await write_review(
            self._pool, self._wake, organization_id, actor, file_id, shapes, reviews
        )


async def _living(
    source: "Connection | Pool", shape: TableShape, file_id: UUID
) -> Sequence[ReviewRow]:
    try:
        rows = await source.fetch(
            f"SELECT {_FIELDS} FROM extracted_row e JOIN {shape.sql_name} t ON t.id = e.row_id"
            " WHERE e.table_id = $1 AND e.file_id = $2 ORDER BY e.index_in_file",
            shape.id,
            file_id,
        )
    except asyncpg.UndefinedTableError:
        raise StructureMoved from None
    return [review_row(row) for row in rows]


def review_row(row: asyncpg.Record) -> ReviewRow:
    return ReviewRow(
        row["table_id"],
        row["row_id"],
        row["schema_id"],
        row["file_id"],
        row["job_id"],
        row["parent_row_id"],
        row["index_in_file"],
        ReviewStatus(row["review_status"]),
        row["reviewed_by"],
        row["reviewed_at"],
    )
