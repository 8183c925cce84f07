"""Imports: their progress, and the transaction that writes a chunk of a file.

Progress moves in the transaction of the rows, on the condition that it stands where the chunk
began. So a worker that was killed loses nothing, and two workers on one import cannot write a row
twice."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from uuid import UUID

import asyncpg
import orjson

from domain.changes import Cause, CauseKind, ChangeKind
from domain.columns import TableShape
from domain.entities import Import, ImportRejection, ImportStatus
from domain.errors import NotFound
from domain.import_chunks import EncodedChunk, ImportChunk
from domain.import_plans import ImportPlan
from persistence import jobs
from persistence.claims import writing
from persistence.engine import Connection, Database
from persistence.import_merges import EncodedMerge, chosen, encode_merge, match, update_matched
from persistence.import_rows import EncodedRows, copy_rows, encode
from persistence.json_text import dumps
from persistence.row_sql import external_values
from persistence.unit_of_work import TableWrite, Wake, write_table

#: The job that runs an import; its payload is `{"importId"}`.
JOB = "import"

_FIELDS = (
    "id, organization_id, table_id, file_id, import_key, status, plan, bytes_total, byte_offset,"
    " next_line, rows_imported, rows_updated, rows_skipped, revision, error, created_by, created_at, updated_at,"
    " finished_at"
)
_INSERT = f"""
INSERT INTO import_run (id, organization_id, table_id, file_id, import_key, status, plan,
                        bytes_total, byte_offset, next_line, created_by, created_at, updated_at)
SELECT $1, $2, $3, f.id, $5, $6, $7, $8, $9, $10, $11, clock_timestamp(), clock_timestamp()
FROM file AS f WHERE f.id = $4 AND f.organization_id = $2
FOR SHARE OF f
ON CONFLICT DO NOTHING
RETURNING {_FIELDS}
"""
_ADVANCE = f"""
UPDATE import_run
SET byte_offset = $3, next_line = $4, rows_imported = rows_imported + $5,
    rows_updated = rows_updated + $6, rows_skipped = rows_skipped + $7,
    revision = greatest(revision, $8), status = $9::text, updated_at = clock_timestamp(),
    finished_at = CASE WHEN $9::text = '{ImportStatus.COMPLETED}' THEN clock_timestamp() END
WHERE id = $1 AND status = '{ImportStatus.RUNNING}' AND next_line = $2
RETURNING {_FIELDS}
"""
_BEGIN = f"""
UPDATE import_run SET status = '{ImportStatus.RUNNING}', updated_at = clock_timestamp()
WHERE id = $1 AND status IN ('{ImportStatus.QUEUED}', '{ImportStatus.RUNNING}')
RETURNING {_FIELDS}
"""
_FINISH = f"""
UPDATE import_run
SET status = $2, error = $3, updated_at = clock_timestamp(), finished_at = clock_timestamp(),
    revision = greatest(revision, $4)
WHERE id = $1 AND status IN ('{ImportStatus.QUEUED}', '{ImportStatus.RUNNING}')
RETURNING {_FIELDS}
"""
_RESUME = f"""
UPDATE import_run
SET status = '{ImportStatus.QUEUED}', error = NULL, finished_at = NULL,
    updated_at = clock_timestamp()
WHERE id = $1 AND organization_id = $2
  AND status IN ('{ImportStatus.CANCELLED}', '{ImportStatus.FAILED}')
RETURNING {_FIELDS}
"""
_TAKE_POSITIONS = """
UPDATE table_clock SET row_count = row_count + $2, next_position = next_position + $2
WHERE table_id = $1 RETURNING next_position - $2
"""


class Imports:
    """Imports of all organisations."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._pool = database.pool
        self._wake = wake

    async def get(self, organization_id: UUID, import_id: UUID) -> Import | None:
        """An import with its progress."""
        return _found(
            await self._pool.fetchrow(
                f"SELECT {_FIELDS} FROM import_run WHERE id = $1 AND organization_id = $2",
                import_id,
                organization_id,
            )
        )

    async def by_key(self, organization_id: UUID, import_key: str) -> Import | None:
        """The import that a client started under this key."""
        return _found(
            await self._pool.fetchrow(
                f"SELECT {_FIELDS} FROM import_run WHERE organization_id = $1 AND import_key = $2",
                organization_id,
                import_key,
            )
        )

    async def rejections(
        self, organization_id: UUID, import_id: UUID, after_line: int, limit: int
    ) -> list[ImportRejection]:
        """Rows that were not imported, in the order of the file, behind a line."""
        rows = await self._pool.fetch(
            "SELECT r.line, r.error, r.record FROM import_rejection AS r"
            " JOIN import_run AS i ON i.id = r.import_id"
            " WHERE i.id = $1 AND i.organization_id = $2 AND r.line > $3 ORDER BY r.line LIMIT $4",
            import_id,
            organization_id,
            after_line,
            limit,
        )
        return [
            ImportRejection(row["line"], row["error"], orjson.loads(row["record"])) for row in rows
        ]

    def encode(self, shape: TableShape, run: Import, chunk: ImportChunk) -> EncodedChunk:
        """The chunk as COPY takes it. About 10 µs a row of 19 columns: call it in a thread."""
        merge = encode_merge(chunk, chunk.merge) if chunk.merge is not None else None
        return EncodedChunk(chunk, _Payload(encode(shape, run.created_by, chunk), merge))

    async def add_whole(self, shape: TableShape, new: Import, chunk: EncodedChunk) -> Import:
        """Store the import and all its rows at once; the one that has its key already, if any."""
        try:
            try:
                async with self._revision(shape, new, chunk) as (connection, write):
                    made = await _insert(connection, new, ImportStatus.RUNNING)
                    return await _store(connection, write, made, chunk)
            except _NothingToWrite as nothing:
                async with writing(self._pool) as connection:
                    made = await _insert(connection, new, ImportStatus.RUNNING)
                    return await _advance(connection, made, chunk.chunk, nothing.outcome)
        except _Superseded:
            return await self._taken(new)

    async def queue(self, new: Import) -> Import:
        """Store the import with its job; the import that has its key already, if any."""
        try:
            async with writing(self._pool) as connection:
                made = await _insert(connection, new, ImportStatus.QUEUED)
                await jobs.enqueue(connection, JOB, {"importId": str(new.id)})
        except _Superseded:
            return await self._taken(new)
        return made

    async def begin(self, import_id: UUID) -> Import | None:
        """Take up a queued or interrupted import; None for one that has ended."""
        return _found(await self._pool.fetchrow(_BEGIN, import_id))

    async def write_chunk(
        self, shape: TableShape, run: Import, chunk: EncodedChunk
    ) -> Import | None:
        """Write the chunk that begins where `run` stands; the import behind it.

        None when the import was cancelled or goes on elsewhere. Raises `StructureMoved`."""
        try:
            try:
                async with self._revision(shape, run, chunk) as (connection, write):
                    return await _store(connection, write, run, chunk)
            except _NothingToWrite as nothing:
                async with writing(self._pool) as connection:
                    return await _advance(connection, run, chunk.chunk, nothing.outcome)
        except _Superseded:
            return None

    async def finish(
        self,
        shape: TableShape | None,
        actor: str,
        run: Import,
        status: ImportStatus,
        error: str | None,
    ) -> Import | None:
        """End an import, with an entry in the table's log so that whoever follows it hears of it.

        None when it had ended before. Without a shape the table is gone and there is no log."""
        if shape is None:
            return _found(await self._pool.fetchrow(_FINISH, run.id, status, error, 0))
        try:
            async with write_table(self._pool, shape, actor, _cause(run), self._wake) as w:
                ended = _found(
                    await w.connection.fetchrow(_FINISH, run.id, status, error, w.revision)
                )
                if ended is None:
                    raise _Superseded
                await _log_end(w, status)
                return ended
        except _Superseded:
            return None

    async def resume(self, organization_id: UUID, import_id: UUID) -> Import | None:
        """Queue a cancelled or failed import again, where it stopped; None in any other state."""
        async with writing(self._pool) as connection:
            resumed = _found(await connection.fetchrow(_RESUME, import_id, organization_id))
            if resumed is not None:
                await jobs.enqueue(connection, JOB, {"importId": str(import_id)})
        return resumed

    @asynccontextmanager
    async def _revision(
        self, shape: TableShape, run: Import, chunk: EncodedChunk
    ) -> AsyncIterator[tuple[Connection, TableWrite | None]]:
        """A transaction: with a revision of the table when there are rows, or when somebody may
        follow the import and has to hear of its end; without when all records were refused."""
        followed = run.status is ImportStatus.RUNNING
        if chunk.chunk.count or (chunk.chunk.last and followed):
            cause = _cause(run)
            async with write_table(self._pool, shape, run.created_by, cause, self._wake) as write:
                yield write.connection, write
        else:
            async with self._pool.acquire() as connection, connection.transaction():
                yield connection, None

    async def _taken(self, new: Import) -> Import:
        if new.import_key is not None:
            found = await self.by_key(new.organization_id, new.import_key)
            if found is not None:
                return found
        raise NotFound("File")


class _Superseded(Exception):
    """The import is not where this transaction believed it; it is rolled back."""


@dataclass(frozen=True, slots=True)
class _Payload:
    """A chunk as it is written: its rows, and with what they may meet."""

    rows: EncodedRows
    merge: EncodedMerge | None


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What becomes of a chunk. `revision` is the last one it made, 0 for none."""

    imported: int
    updated: int
    rejections: Sequence[ImportRejection]
    revision: int = 0


class _NothingToWrite(Exception):
    """No row of the chunk is new and none differs; rolled back, so that no revision is used."""

    def __init__(self, outcome: _Outcome) -> None:
        super().__init__()
        self.outcome = outcome


async def _insert(connection: Connection, new: Import, status: ImportStatus) -> Import:
    row = await connection.fetchrow(
        _INSERT,
        new.id,
        new.organization_id,
        new.table_id,
        new.file_id,
        new.import_key,
        status,
        dumps(new.plan),
        new.bytes_total,
        new.byte_offset,
        new.next_line,
        new.created_by,
    )
    made = _found(row)
    if made is None:
        raise _Superseded
    return made


async def _store(
    connection: Connection, write: TableWrite | None, run: Import, encoded: EncodedChunk
) -> Import:
    """Write the rows of a chunk, move the import on and keep what was refused."""
    chunk, payload = encoded.chunk, encoded.payload
    if write is None:
        return await _advance(connection, run, chunk, _Outcome(0, 0, chunk.rejections))
    if payload.merge is not None and chunk.count:
        outcome = await _merge_rows(write, payload, chunk)
        if not outcome.revision:
            if not (chunk.last and run.status is ImportStatus.RUNNING):
                raise _NothingToWrite(outcome)
            outcome = replace(outcome, revision=write.revision)
            await _log_end(write, ImportStatus.COMPLETED)
        return await _advance(connection, run, chunk, outcome)
    outcome = _Outcome(chunk.count, 0, chunk.rejections, write.revision)
    # First the progress: who comes too late must not write anything.
    advanced = await _advance(connection, run, chunk, outcome)
    if chunk.count:
        await _add_rows(write, payload.rows)
    else:
        await _log_end(write, ImportStatus.COMPLETED)
    return advanced


async def _merge_rows(write: TableWrite, payload: _Payload, chunk: ImportChunk) -> _Outcome:
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
    return _Outcome(len(found.added), updated, rejections, write.revision if wrote else 0)


async def _advance(
    connection: Connection, run: Import, chunk: ImportChunk, outcome: _Outcome
) -> Import:
    """Move the import behind the chunk. Raises `_Superseded` when it is not at its beginning."""
    advanced = _found(
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
        raise _Superseded
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
    if write.shape.external_columns:
        await write.connection.execute(_resolve(write.shape), write.shape.id, write.revision)
    await write.log(ChangeKind.ROWS_ADDED, added=count)


async def _log_end(write: TableWrite, status: ImportStatus) -> None:
    await write.log(ChangeKind.TABLE_CHANGED, details={"importStatus": status.value})


def _resolve(shape: TableShape) -> str:
    """A value imported into a column of an outside worker resolves its cell."""
    return f"""
WITH given AS (
  SELECT v.row_id, x.number, v.updated_at
  FROM row_version AS v, {external_values(shape)} AS x(number, name)
  WHERE v.table_id = $1 AND v.revision = $2 AND v.data->>x.name IS NOT NULL
), states AS (
  INSERT INTO cell_state (table_id, row_id, column_number, status, updated_at)
  SELECT $1, row_id, number, 'resolved', updated_at FROM given
)
INSERT INTO cell_change (table_id, row_id, column_number, revision, previous, status, at)
SELECT $1, row_id, number, $2, 'initialized', 'resolved', updated_at FROM given
"""


def _cause(run: Import) -> Cause:
    skip = ImportPlan.from_json(run.plan).skip_triggers
    return Cause(CauseKind.IMPORT, str(run.id), skip_triggers=skip)


def _found(row: "asyncpg.Record | None") -> Import | None:
    if row is None:
        return None
    fields = dict(row) | {"plan": orjson.loads(row["plan"]), "status": ImportStatus(row["status"])}
    return Import(**fields)
