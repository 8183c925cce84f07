"""Examples of schemas in storage. Reviews of documents add theirs in the transaction that corrects
the rows."""

from collections.abc import Sequence
from uuid import UUID

from domain import ids
from domain.extraction_commands import NewExample
from domain.extraction_records import Example
from domain.extraction_rules import MAX_EXAMPLES
from persistence.engine import Connection, Pool

_FIELDS = "id, schema_id, table_id, column_number, file_id, text, before, after, created_by,"
_FIELDS += " created_at"
_LIST = f"""
SELECT {_FIELDS} FROM extraction_example AS e
WHERE organization_id = $1 AND schema_id = $2
  AND EXISTS (SELECT FROM extraction_schema s WHERE s.id = e.schema_id AND s.deleted_at IS NULL)
ORDER BY id DESC LIMIT $3
"""
_GET = f"""
SELECT {_FIELDS} FROM extraction_example AS e WHERE organization_id = $1 AND id = $2
  AND EXISTS (SELECT FROM extraction_schema s WHERE s.id = e.schema_id AND s.deleted_at IS NULL)
"""
_INSERT = f"""
INSERT INTO extraction_example (id, organization_id, schema_id, table_id, column_number, file_id,
                                text, before, after, created_by)
SELECT new.id, $1, $2, new.table_id, new.number, new.file_id, new.text, new.before, new.after, $3
FROM unnest($4::uuid[], $5::uuid[], $6::int[], $7::uuid[], $8::text[], $9::text[], $10::text[])
  AS new (id, table_id, number, file_id, text, before, after)
RETURNING {_FIELDS}
"""
#: What people showed last counts most, and a model reads only so many.
_DROP_OLDEST = """
DELETE FROM extraction_example WHERE id IN (
  SELECT id FROM extraction_example WHERE schema_id = $1 ORDER BY id DESC OFFSET $2)
"""


async def list_examples(
    pool: Pool, organization_id: UUID, schema_id: UUID, limit: int
) -> list[Example]:
    """The newest first."""
    records = await pool.fetch(_LIST, organization_id, schema_id, limit)
    return [Example(**record) for record in records]


async def insert_examples(
    connection: Connection,
    organization_id: UUID,
    actor: str,
    schema_id: UUID,
    new: Sequence[NewExample],
) -> list[Example]:
    """Add examples in the connection's transaction, in their order. The oldest ones of the schema
    make room."""
    records = await connection.fetch(
        _INSERT,
        organization_id,
        schema_id,
        actor,
        ids.new_ids(ids.Kind.EXTRACTION_EXAMPLE, len(new)),
        [each.table_id for each in new],
        [each.column_number for each in new],
        [each.file_id for each in new],
        [each.text for each in new],
        [each.before for each in new],
        [each.after for each in new],
    )
    await connection.execute(_DROP_OLDEST, schema_id, MAX_EXAMPLES)
    return sorted((Example(**record) for record in records), key=lambda example: example.id)


async def find_example(pool: Pool, organization_id: UUID, example_id: UUID) -> Example | None:
    """One example of a schema that was not deleted."""
    record = await pool.fetchrow(_GET, organization_id, example_id)
    return Example(**record) if record is not None else None


async def drop_example(connection: Connection, example_id: UUID) -> bool:
    """Delete an example in the connection's transaction; False when it was gone."""
    sql = "DELETE FROM extraction_example WHERE id = $1 RETURNING id"
    return await connection.fetchval(sql, example_id) is not None
