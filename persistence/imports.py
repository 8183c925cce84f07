"""Imports: their beginning, their progress and their end; `import_chunks` writes what is between.

Progress moves in the transaction of the rows, on the condition that it stands where the chunk
began. So a worker that was killed loses nothing, and two workers on one import cannot write a row
twice."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

import orjson

from domain.changes import Cause, CauseKind
from domain.columns import TableShape
from domain.entities import Import, ImportRejection, ImportStatus
from domain.errors import NotFound
from domain.import_chunks import EncodedChunk, ImportChunk
from domain.import_plans import ImportPlan
from persistence import jobs
from persistence.claims import writing
from persistence.engine import Connection, Database
from persistence.import_chunks import (
    FIELDS,
    NothingToWrite,
    Outcome,
    Superseded,
    advance,
    encode_chunk,
    found_import,
    log_end,
    store_chunk,
)
from persistence.json_text import dumps
from persistence.unit_of_work import TableWrite, Wake, write_table

#: The job that runs an import; its payload is `{"importId"}`.
JOB = "import"

_INSERT = f"""
INSERT INTO import_run (id, organization_id, table_id, file_id, import_key, status, plan,
                        bytes_total, byte_offset, next_line, created_by, created_at, updated_at,
                        revision)
SELECT $1, $2, $3, f.id, $5, $6, $7, $8, $9, $10, $11, clock_timestamp(), clock_timestamp(),
       coalesce((SELECT c.revision FROM table_clock AS c WHERE c.table_id = $3), 0)
FROM file AS f WHERE f.id = $4 AND f.organization_id = $2
FOR SHARE OF f
ON CONFLICT DO NOTHING
RETURNING {FIELDS}
"""
_BEGIN = f"""
UPDATE import_run SET status = '{ImportStatus.RUNNING}', updated_at = clock_timestamp()
WHERE id = $1 AND status IN ('{ImportStatus.QUEUED}', '{ImportStatus.RUNNING}')
RETURNING {FIELDS}
"""
_FINISH = f"""
UPDATE import_run
SET status = $2, error = $3, updated_at = clock_timestamp(), finished_at = clock_timestamp(),
    revision = greatest(revision, $4)
WHERE id = $1 AND status IN ('{ImportStatus.QUEUED}', '{ImportStatus.RUNNING}')
RETURNING {FIELDS}
"""
_RESUME = f"""
UPDATE import_run
SET status = '{ImportStatus.QUEUED}', error = NULL, finished_at = NULL,
    updated_at = clock_timestamp()
WHERE id = $1 AND organization_id = $2
  AND status IN ('{ImportStatus.CANCELLED}', '{ImportStatus.FAILED}')
RETURNING {FIELDS}
"""


class Imports:
    """Imports of all organisations."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._pool = database.pool
        self._wake = wake

    async def get(self, organization_id: UUID, import_id: UUID) -> Import | None:
        """An import with its progress."""
        return found_import(
            await self._pool.fetchrow(
                f"SELECT {FIELDS} FROM import_run WHERE id = $1 AND organization_id = $2",
                import_id,
                organization_id,
            )
        )

    async def by_key(self, organization_id: UUID, import_key: str) -> Import | None:
        """The import that a client started under this key."""
        return found_import(
            await self._pool.fetchrow(
                f"SELECT {FIELDS} FROM import_run WHERE organization_id = $1 AND import_key = $2",
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
        """The chunk as COPY takes it. Slow: call it in a thread."""
        return encode_chunk(shape, run, chunk)

    async def add_whole(self, shape: TableShape, new: Import, chunk: EncodedChunk) -> Import:
        """Store the import and all its rows at once; the one that has its key already, if any."""
        try:
            try:
                async with self._revision(shape, new, chunk) as (connection, write):
                    made = await _insert(connection, new, ImportStatus.RUNNING)
                    return await store_chunk(connection, write, made, chunk)
            except NothingToWrite as nothing:
                async with writing(self._pool) as connection:
                    made = await _insert(connection, new, ImportStatus.RUNNING)
                    return await advance(connection, made, chunk.chunk, nothing.outcome)
        except Superseded:
            return await self._taken(new)

    async def queue(self, new: Import) -> Import:
        """Store the import with its job; the import that has its key already, if any."""
        try:
            async with writing(self._pool) as connection:
                made = await _insert(connection, new, ImportStatus.QUEUED)
                await jobs.enqueue(connection, JOB, {"importId": str(new.id)})
        except Superseded:
            return await self._taken(new)
        return made

    async def begin(self, import_id: UUID) -> Import | None:
        """Take up a queued or interrupted import; None for one that has ended."""
        return found_import(await self._pool.fetchrow(_BEGIN, import_id))

    async def write_chunk(
        self, shape: TableShape, run: Import, chunk: EncodedChunk
    ) -> Import | None:
        """Write the chunk that begins where `run` stands; the import behind it.

        None when the import was cancelled or goes on elsewhere. Raises `StructureMoved`."""
        try:
            try:
                async with self._revision(shape, run, chunk) as (connection, write):
                    return await store_chunk(connection, write, run, chunk)
            except NothingToWrite as nothing:
                return await self._pass_over(shape, run, chunk.chunk, nothing.outcome)
        except Superseded:
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
            async with writing(self._pool) as connection:
                row = await connection.fetchrow(_FINISH, run.id, status, error, 0)
            return found_import(row)
        try:
            async with write_table(self._pool, shape, actor, _cause(run), self._wake) as w:
                ended = found_import(
                    await w.connection.fetchrow(_FINISH, run.id, status, error, w.revision)
                )
                if ended is None:
                    raise Superseded
                await log_end(w, status)
                return ended
        except Superseded:
            return None

    async def resume(self, organization_id: UUID, import_id: UUID) -> Import | None:
        """Queue a cancelled or failed import again, where it stopped; None in any other state."""
        async with writing(self._pool) as connection:
            resumed = found_import(await connection.fetchrow(_RESUME, import_id, organization_id))
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
            async with writing(self._pool) as connection:
                yield connection, None

    async def _pass_over(
        self, shape: TableShape, run: Import, chunk: ImportChunk, outcome: Outcome
    ) -> Import:
        """Move an import behind a chunk that changes nothing. The last one gets its log entry."""
        if not chunk.last:
            async with writing(self._pool) as connection:
                return await advance(connection, run, chunk, outcome)
        async with write_table(self._pool, shape, run.created_by, _cause(run), self._wake) as write:
            await log_end(write, ImportStatus.COMPLETED)
            ended = replace(outcome, revision=write.revision)
            return await advance(write.connection, run, chunk, ended)

    async def _taken(self, new: Import) -> Import:
        if new.import_key is not None:
            found = await self.by_key(new.organization_id, new.import_key)
            if found is not None:
                return found
        raise NotFound("File")


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
    made = found_import(row)
    if made is None:
        raise Superseded
    return made


def _cause(run: Import) -> Cause:
    skip = ImportPlan.from_json(run.plan).skip_triggers
    return Cause(CauseKind.IMPORT, str(run.id), skip_triggers=skip)
