"""Files: their records in PostgreSQL, their bytes in the blob store."""

from collections.abc import AsyncIterator, Mapping, Sequence
from uuid import UUID

import structlog
from sqlalchemy import exists
from sqlmodel import col, select

from domain.entities import File, ImportStatus
from domain.errors import Conflict
from domain.file_types import CONVERTED
from persistence import conversions, encodings
from persistence.blobs import Blobs
from persistence.engine import Database
from persistence.models import FileRow, ImportRow

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

    async def add(self, file: File) -> File:
        """Store the record of a file whose bytes are there; without it they are removed again."""
        try:
            async with self._database.transaction() as session:
                row = FileRow(**{name: getattr(file, name) for name in File.__slots__})
                session.add(row)
                await session.flush()
                await session.refresh(row)
                return _record(row)
        except BaseException:
            await self._blobs.delete(file.storage_key)
            raise

    async def get(self, organization_id: UUID, file_id: UUID) -> File | None:
        """The record of a file."""
        statement = select(FileRow).where(
            FileRow.id == file_id, FileRow.organization_id == organization_id
        )
        async with self._database.read() as session:
            row = (await session.exec(statement)).one_or_none()
        return _record(row) if row is not None else None

    async def names(self, organization_id: UUID, file_ids: Sequence[UUID]) -> Mapping[UUID, str]:
        """The names of those that exist, by id: one statement, however many."""
        found = await self._database.pool.fetch(
            "SELECT id, name FROM file WHERE organization_id = $1 AND id = ANY($2)",
            organization_id,
            list(file_ids),
        )
        return {record["id"]: record["name"] for record in found}

    async def delete(self, organization_id: UUID, file_id: UUID) -> bool:
        """Remove record and bytes; False when there is no such file.

        Raises `Conflict` while an import of the file is queued or runs."""
        async with self._database.transaction() as session:
            statement = (
                select(FileRow)
                .where(FileRow.id == file_id, FileRow.organization_id == organization_id)
                .with_for_update()
            )
            row = (await session.exec(statement)).one_or_none()
            if row is None:
                return False
            active = exists().where(
                col(ImportRow.file_id) == file_id,
                col(ImportRow.status).in_((ImportStatus.QUEUED, ImportStatus.RUNNING)),
            )
            if (await session.exec(select(active))).one():
                raise Conflict("The file is being imported; cancel the import first")
            key = row.storage_key
            await session.delete(row)
        try:
            await self._blobs.delete_all(conversions.folder(key))
            await self._blobs.delete(key)
        except Exception:
            # The file is gone for everybody; bytes without a record only take room.
            _log.warning("bytes of a deleted file are left", key=key, exc_info=True)
        return True


def _record(row: FileRow) -> File:
    return File(**{name: getattr(row, name) for name in File.__slots__})
