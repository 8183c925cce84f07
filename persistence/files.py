"""Files: their records in PostgreSQL, their bytes in the blob store.

Files of an organisation with the same bytes share one blob, whose key is the hash of the bytes. Who
takes up a blob and who removes one do it under a lock on its key, so that no file ever stands
without bytes: the last file that has a blob goes first, then whoever holds the lock sees whether
anybody has it now."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, delete, exists, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.entities import File, FileStatus, ImportStatus
from domain.errors import Conflict
from domain.extraction_records import UNENDED
from domain.file_types import CONVERTED
from domain.files import INCOMING
from persistence import conversions, encodings
from persistence.blobs import Blobs
from persistence.engine import Database, run_sql
from persistence.models import ExtractionJobRow, FileRow, ImportRow

#: How often somebody else may remove the same bytes while they are taken up.
_ATTEMPTS = 5
_RACED = "the same bytes were removed again and again"
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
_HAD = """
SELECT EXISTS (SELECT FROM file WHERE organization_id = $1 AND sha256 = $2 AND storage_key = $3)
"""
_FILLED = ("mime_type", "size", "sha256", "storage_key", "status")

Stored = TypeVar("Stored")

_log = structlog.get_logger()


class Files:
    """Files of all organisations; every method that takes an id is scoped to one."""

    def __init__(self, database: Database, blobs: Blobs | None) -> None:
        self._database = database
        self._store = blobs

    @property
    def _blobs(self) -> Blobs:
        if self._store is None:
            raise RuntimeError("This process was started without a store for files")
        return self._store

    async def put_bytes(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        """Store bytes before their file is known. An error of `chunks` comes out as it is."""
        await self._blobs.put(key, chunks)

    def read_bytes(self, file: File, offset: int) -> AsyncIterator[bytes]:
        """The file's bytes from an offset on, in chunks of about 1 MB."""
        return self._blobs.read(file.storage_key, offset, file.size)

    async def as_csv(self, file: File, sheet: str | None) -> File:
        """A spreadsheet or JSON as CSV of our own form, converted once; CSV and TSV as they are.

        Raises `CsvError` when it cannot be converted."""
        if file.mime_type not in CONVERTED:
            return file
        return await conversions.as_csv(self._blobs, file, sheet)

    def guess_encoding(self, head: bytes) -> str | None:
        """The encoding of bytes that are not UTF-8, None for the usual one. Call it in a thread."""
        return encodings.guess_encoding(head)

    async def kept(self, file: File, name: str) -> bytes | None:
        """What was made of the file's bytes and kept under this name; None when nothing was."""
        return await self._blobs.get(f"{_made_folder(file.storage_key)}/{name}")

    async def keep(self, file: File, name: str, content: bytes) -> None:
        """Keep what was made of the file's bytes. It goes with them."""
        await self._blobs.put(f"{_made_folder(file.storage_key)}/{name}", _one(content))

    async def add(self, file: File) -> File:
        """Store the record of a file whose bytes are there, or are to come."""

        async def insert(session: AsyncSession, filled: File) -> File:
            row = FileRow(**{name: getattr(filled, name) for name in File.__slots__})
            session.add(row)
            await session.flush()
            await session.refresh(row)
            return _record(row)

        if file.status is FileStatus.UPLOADING:
            async with self._database.transaction() as session:
                return await insert(session, file)
        return await self._taken_up(file, insert)

    async def receive(self, file: File) -> File | None:
        """Give a file the bytes that were put under its `storage_key`; None when it is gone.

        Raises `Conflict` when an import or a job has begun to read others before."""
        before: list[File] = []

        async def fill(session: AsyncSession, filled: File) -> File | None:
            row = await _locked(session, file.organization_id, file.id)
            if row is None or row.sha256 == filled.sha256:
                return None if row is None else _record(row)
            if row.status == FileStatus.UPLOADED and await _was_read(session, file.id):
                raise Conflict("The file was read already: its bytes stay as they are")
            before.append(_record(row))
            for name in _FILLED:
                setattr(row, name, getattr(filled, name))
            await session.flush()
            return _record(row)

        received = await self._taken_up(file, fill)
        for each in before:
            await self._drop(each)
        return received

    async def get(self, organization_id: UUID, file_id: UUID) -> File | None:
        """The record of a file."""
        statement = select(FileRow).where(
            FileRow.id == file_id, FileRow.organization_id == organization_id
        )
        async with self._database.read() as session:
            row = (await session.exec(statement)).one_or_none()
        return _record(row) if row is not None else None

    async def by_ids(self, organization_id: UUID, file_ids: Sequence[UUID]) -> dict[UUID, File]:
        """The records of those that exist, by id."""
        statement = select(FileRow).where(
            col(FileRow.id).in_(file_ids), FileRow.organization_id == organization_id
        )
        async with self._database.read() as session:
            return {row.id: _record(row) for row in await session.exec(statement)}

    async def page(
        self, organization_id: UUID, search: str | None, after: UUID | None, limit: int
    ) -> Sequence[File]:
        """Files with this text in their names, the last uploaded first, behind `after`."""
        return await self._page(organization_id, search, after, limit)

    async def _page(
        self,
        organization_id: UUID,
        search: str | None,
        after: UUID | None,
        limit: int,
        *more: ColumnElement[bool],
    ) -> Sequence[File]:
        wanted = [col(FileRow.organization_id) == organization_id, *more]
        if search:
            wanted.append(func.strpos(func.lower(col(FileRow.name)), search.lower()) > 0)
        if after is not None:
            wanted.append(col(FileRow.id) < after)
        statement = select(FileRow).where(*wanted).order_by(col(FileRow.id).desc()).limit(limit)
        async with self._database.read() as session:
            return [_record(row) for row in await session.exec(statement)]

    async def names(
        self, organization_id: UUID, file_ids: Sequence[UUID]
    ) -> Mapping[UUID, str | None]:
        """The names of those that exist, by id, None for one without bytes: one statement, however
        many."""
        found = await self._database.pool.fetch(
            "SELECT id, CASE WHEN status = $3 THEN name END AS name FROM file"
            " WHERE organization_id = $1 AND id = ANY($2)",
            organization_id,
            list(file_ids),
            FileStatus.UPLOADED.value,
        )
        return {record["id"]: record["name"] for record in found}

    async def delete(self, organization_id: UUID, file_id: UUID) -> bool:
        """Remove a record, and its bytes with the last one that has them; False when there is no
        such file.

        Raises `Conflict` while an import or a job of the file is queued or runs."""
        async with self._database.transaction() as session:
            row = await _locked(session, organization_id, file_id)
            if row is None:
                return False
            if await _is_any(session, _importing(file_id)):
                raise Conflict("The file is being imported; cancel the import first")
            if await _is_any(session, _processing(file_id)):
                raise Conflict("The file is being processed; cancel the job first")
            file = _record(row)
            await session.delete(row)
        await self._drop(file)
        return True

    async def forget_unfinished(self, age: timedelta) -> None:
        """Drop what uploads left that broke off with their process, and announced files whose bytes
        never came, when they are older than this."""
        before = datetime.now(UTC) - age
        await self._blobs.delete_all(INCOMING, before)
        async with self._database.transaction() as session:
            await session.exec(
                delete(FileRow).where(
                    col(FileRow.status) == FileStatus.UPLOADING, col(FileRow.created_at) < before
                )
            )

    async def _taken_up(
        self, file: File, write: Callable[[AsyncSession, File], Awaitable[Stored]]
    ) -> Stored:
        """Bring the bytes to where files share them, and write the record in one step with them.
        Without it, and without others that have them, they are gone again."""
        key = f"{file.organization_id}/sha256/{file.sha256}"
        filled = replace(file, storage_key=key)
        try:
            for _ in range(_ATTEMPTS):
                if await self._blobs.size(key) is None:
                    await self._blobs.copy(file.storage_key, key)
                async with self._database.transaction() as session:
                    await run_sql(session, _LOCK.replace("$1", ":key"), key=key)
                    if await self._blobs.size(key) is not None:
                        stored = await write(session, filled)
                        break
            else:
                raise RuntimeError(_RACED)
            if stored is None:
                await self._drop(filled)
            return stored
        except BaseException:
            await self._drop(filled)
            raise
        finally:
            await self._blobs.delete(file.storage_key)

    async def _drop(self, file: File) -> None:
        """Remove the bytes of a file that is gone, and what was made of them, unless others have
        them."""
        key = file.storage_key
        if not key:
            return
        try:
            # Not as a write of the request, which may have lost its right to write.
            async with self._database.pool.acquire() as connection, connection.transaction():
                await connection.execute(_LOCK, key)
                had = await connection.fetchval(_HAD, file.organization_id, file.sha256, key)
                if not had:
                    await self._blobs.delete_all(conversions.folder(key))
                    await self._blobs.delete_all(_made_folder(key))
                    await self._blobs.delete(key)
        except Exception:
            # Bytes without a record only take room.
            _log.warning("bytes of a deleted file are left", key=key, exc_info=True)


def _made_folder(key: str) -> str:
    """Where stands what was made of the bytes under a key."""
    return f"{key}-made"


async def _one(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _locked(session: AsyncSession, organization_id: UUID, file_id: UUID) -> FileRow | None:
    statement = (
        select(FileRow)
        .where(FileRow.id == file_id, FileRow.organization_id == organization_id)
        .with_for_update()
    )
    return (await session.exec(statement)).one_or_none()


async def _is_any(session: AsyncSession, condition: ColumnElement[bool]) -> bool:
    return bool((await session.exec(select(condition))).one())


async def _was_read(session: AsyncSession, file_id: UUID) -> bool:
    imported = exists().where(col(ImportRow.file_id) == file_id)
    processed = exists().where(col(ExtractionJobRow.file_id) == file_id)
    return await _is_any(session, imported | processed)


def _importing(file_id: UUID) -> ColumnElement[bool]:
    return exists().where(
        col(ImportRow.file_id) == file_id,
        col(ImportRow.status).in_((ImportStatus.QUEUED, ImportStatus.RUNNING)),
    )


def _processing(file_id: UUID) -> ColumnElement[bool]:
    return exists().where(
        col(ExtractionJobRow.file_id) == file_id, col(ExtractionJobRow.status).in_(UNENDED)
    )


def _record(row: FileRow) -> File:
    fields = {name: getattr(row, name) for name in File.__slots__}
    return File(**fields | {"status": FileStatus(row.status)})
