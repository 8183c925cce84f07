"""The transaction that writes a chunk of an import: progress, rows, versions, what was refused.

Progress moves in the transaction of the rows, on the condition that it stands where the chunk
began."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
import orjson

from domain.changes import ChangeKind
from domain.columns import TableShape
from domain.entities import Import, ImportRejection, ImportStatus
from domain.import_chunks import EncodedChunk, ImportChunk
from persistence.cell_states import resolve_added
from persistence.engine import Connection
from persistence.import_merges import EncodedMerge, chosen, encode_merge, match, update_matched
from persistence.import_rows import EncodedRows, copy_rows, encode
from persistence.json_text import dumps
from persistence.unit_of_work import TableWrite

#: What `found_import` reads.
FIELDS = (
    "id, organization_id, table_id, file_id, import_key, status, plan, bytes_total, byte_offset,"
    " next_line, rows_imported, rows_updated, rows_skipped, revision, error, created_by,"
    " created_at, updated_at, finished_at"
)
_ADVANCE = f"""
UPDATE import_run
SET byte_offset = $3, next_line = $4, rows_imported = rows_imported + $5,
    rows_updated = rows_updated + $6, rows_skipped = rows_skipped + $7,
    revision = greatest(revision, $8), status = $9::text, updated_at = clock_timestamp(),
    finished_at = CASE WHEN $9::text = '{ImportStatus.COMPLETED}' THEN clock_timestamp() END
WHERE id = $1 AND status = '{ImportStatus.RUNNING}' AND next_line = $2
RETURNING {FIELDS}
"""
_TAKE_POSITIONS = """
UPDATE table_clock SET row_count = row_count + $2, next_position = next_position + $2
WHERE table_id = $1 RETURNING next_position - $2
"""


class Superseded(Exception):
    """The import is not where this transaction believed it; it is rolled back."""


@dataclass(frozen=True, slots=True)
class _Payload:
    """A chunk as it is written: its rows, and with what they may meet."""

    rows: EncodedRows
    merge: EncodedMerge | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a chunk. `revision` is the last one it made, 0 for none."""

    imported: int
    updated: int
    rejections: Sequence[ImportRejection]
    revision: int = 0


class NothingToWrite(Exception):
    """No row of the chunk is new and none differs; rolled back, so that no revision is used."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


def encode_chunk(shape: TableShape, run: Import, chunk: ImportChunk) -> EncodedChunk:
    """The chunk as COPY takes it. About 10 µs a row of 19 columns: call it in a thread."""
    merge = encode_merge(chunk, chunk.merge) if chunk.merge is not None else None
    return EncodedChunk(chunk, _Payload(encode(shape, run.created_by, chunk), merge))


async def store_chunk(
    connection: Connection, write: TableWrite | None, run: Import, encoded: EncodedChunk
) -> Import:
    """Write the rows of a chunk, move the import on and keep what was refused."""
    chunk, payload = encoded.chunk, encoded.payload
    if write is None:
        return await advance(connection, run, chunk, Outcome(0, 0, chunk.rejections))
    if payload.merge is not None and chunk.count:
        outcome = await _merge_rows(write, payload, chunk)
        if not outcome.revision:
            raise NothingToWrite(outcome)
        return await advance(connection, run, chunk, outcome)
    outcome = Outcome(chunk.count, 0, chunk.rejections, write.revision)
    # First the progress: who comes too late must not write anything.
    advanced = await advance(connection, run, chunk, outcome)
    if chunk.count:
        await _add_rows(write, payload.rows)
    else:
        await log_end(write, ImportStatus.COMPLETED)
    return advanced


async def _merge_rows(write: TableWrite, payload: _Payload, chunk: ImportChunk) -> Outcome:
    """Rows that others had are updated, in one revision; the new ones are added, in the next."""
    merge = payload.merge
    if merge is None or chunk.merge is None:
        raise ValueError("The chunk was made for an import that only adds")
    found = await match(write, merge, chunk.count)
    # A record that repeats the key of a new row would have updated it.
    updated = chunk.merge.count([*found.added, *found.updated]) - len(found.added)
    changed = await update_matched(write, merge, found.updated)
    if found.added:
        if changed:
            await write.next_revision()
        await _add_rows(write, chosen(payload.rows, found.added))
    rejections = sorted([*chunk.rejections, *found.rejections], key=lambda each: each.line)
    wrote = changed or found.added
    return Outcome(len(found.added), updated, rejections, write.revision if wrote else 0)


async def advance(
    connection: Connection, run: Import, chunk: ImportChunk, outcome: Outcome
) -> Import:
    """Move the import behind the chunk. Raises `Superseded` when it is not at its beginning."""
    advanced = found_import(
        await connection.fetchrow(
            _ADVANCE,
            run.id,
            run.next_line,
            chunk.byte_offset,
            chunk.next_line,
            outcome.imported,
            outcome.updated,
            len(outcome.rejections),
            outcome.revision,
            ImportStatus.COMPLETED if chunk.last else ImportStatus.RUNNING,
        )
    )
    if advanced is None:
        raise Superseded
    if outcome.rejections:
        await connection.copy_records_to_table(
            "import_rejection",
            columns=("import_id", "line", "error", "record"),
            records=[(run.id, r.line, r.error, dumps(r.record)) for r in outcome.rejections],
        )
    return advanced


async def _add_rows(write: TableWrite, rows: EncodedRows) -> None:
    count = rows.count
    start = await write.connection.fetchval(_TAKE_POSITIONS, write.shape.id, count)
    await copy_rows(write, rows, start)
    await resolve_added(write)
    await write.log(ChangeKind.ROWS_ADDED, added=count)


async def log_end(write: TableWrite, status: ImportStatus) -> None:
    """The log entry of an end, for whoever follows the import."""
    await write.log(ChangeKind.TABLE_CHANGED, details={"importStatus": status.value})


def found_import(row: "asyncpg.Record | None") -> Import | None:
    """The import of a record of `FIELDS`."""
    if row is None:
        return None
    fields = dict(row) | {"plan": orjson.loads(row["plan"]), "status": ImportStatus(row["status"])}
    return Import(**fields)
