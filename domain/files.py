"""Files: taking them in, looking them up, giving out their bytes, deleting them."""

import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from domain import access, checks, file_types, ids
from domain.access import Viewer
from domain.entities import File
from domain.errors import NotFound, TooLarge
from domain.ports import Storage

MAX_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class FileUpload:
    """A file that comes in. `chunks` is read once, as fast as it can be stored."""

    name: str
    chunks: AsyncIterable[bytes]
    task_id: str | None = None


async def upload_file(
    viewer: Viewer, storage: Storage, command: FileUpload, *, most_bytes: int = MAX_BYTES
) -> File:
    """Store a file. Its type is told from its bytes. Raises `Invalid` and `TooLarge`."""
    access.require(viewer, "fileUpload")
    name = _base_name(command.name)
    problems = checks.text_problems("filename", name, 1, 256)
    checks.refuse(problems + checks.text_problems("taskId", command.task_id, 0, 256))
    file_id = ids.new_id(ids.Kind.FILE)
    key = f"{viewer.organization_id}/{file_id}"
    meter = _Meter(command.chunks, most_bytes)
    await storage.files.put_bytes(key, aiter(meter))
    file = File(
        id=file_id,
        organization_id=viewer.organization_id,
        name=name,
        mime_type=file_types.identify(bytes(meter.head), name),
        size=meter.size,
        sha256=meter.digest.hexdigest(),
        storage_key=key,
        task_id=command.task_id,
        created_by=viewer.actor,
        created_at=datetime.now(UTC),
    )
    return await storage.files.add(file)


async def get_file(viewer: Viewer, storage: Storage, file_id: UUID) -> File:
    """What is known of a file. Raises `NotFound`."""
    access.require(viewer, "file")
    file = await storage.files.get(viewer.organization_id, file_id)
    if file is None:
        raise NotFound("File")
    return file


async def read_file(
    viewer: Viewer, storage: Storage, file_id: UUID
) -> tuple[File, AsyncIterator[bytes]]:
    """A file and its bytes as a stream of chunks. Raises `NotFound`."""
    access.require(viewer, "file")
    file = await get_file(viewer, storage, file_id)
    return file, storage.files.read_bytes(file, 0)


async def delete_file(viewer: Viewer, storage: Storage, file_id: UUID) -> None:
    """Delete a file and its bytes. Raises `NotFound`, and `Conflict` while an import reads it."""
    access.require(viewer, "fileDelete")
    if not await storage.files.delete(viewer.organization_id, file_id):
        raise NotFound("File")


class _Meter:
    """Passes chunks on, and keeps size, digest and head of what went through."""

    def __init__(self, chunks: AsyncIterable[bytes], most_bytes: int) -> None:
        self._chunks = chunks
        self._most_bytes = most_bytes
        self.size = 0
        self.digest = hashlib.sha256()
        self.head = bytearray()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            self.size += len(chunk)
            if self.size > self._most_bytes:
                raise TooLarge(f"A file has at most {self._most_bytes} bytes")
            self.digest.update(chunk)
            room = file_types.HEAD_BYTES - len(self.head)
            if room > 0:
                self.head += chunk[:room]
            yield chunk


def _base_name(name: str) -> str:
    """The name without folders: some clients send whole paths, of either kind of system."""
    return name.replace("\\", "/").rsplit("/", 1)[-1].strip() or "file"
