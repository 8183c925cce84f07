"""Files: taking them in, looking them up, giving out their bytes, deleting them.

The bytes come with the request, or later to an address of their own (`domain.upload_links`): then
the file is `uploading` until they are there, and nothing can read it."""

import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from domain import access, checks, file_types, ids
from domain.access import Viewer
from domain.documents import Unreadable
from domain.entities import File, FileStatus
from domain.errors import Conflict, ErrorCode, NotFound, TooLarge, invalid
from domain.extraction_ports import DocumentSource
from domain.ports import Storage
from domain.upload_links import Ticket

MAX_BYTES = 50_000_000
#: The folder of bytes whose file is not known yet.
INCOMING = "incoming"
#: Files of one page of `list_files`.
MAX_PAGE = 100
#: Pixels across a picture of a page, unless told otherwise, and at most.
WIDTH = 1_000
MAX_WIDTH = 4_000
MAX_PAGES = 1_000

_NOT_UPLOADED = "The file has not been uploaded yet"


@dataclass(frozen=True, slots=True)
class FileUpload:
    """A file that comes in. `chunks` is read once, as fast as it can be stored."""

    name: str
    chunks: AsyncIterable[bytes]
    task_id: str | None = None


@dataclass(frozen=True, slots=True)
class FileSearch:
    """Which files to list: those with `text` in their names, in any case, that stand behind
    `after`."""

    text: str | None = None
    after: UUID | None = None
    limit: int = 50


async def upload_file(
    viewer: Viewer, storage: Storage, command: FileUpload, *, most_bytes: int = MAX_BYTES
) -> File:
    """Store a file. Its type is told from its bytes. Raises `Invalid` and `TooLarge`."""
    access.require(viewer, "fileUpload")
    name = _base_name(command.name)
    problems = checks.text_problems("filename", name, 1, 256)
    checks.refuse(problems + checks.text_problems("taskId", command.task_id, 0, 256))
    file = _announced(viewer, name, command.task_id)
    return await storage.files.add(await _filled(storage, file, command.chunks, most_bytes))


async def begin_upload(
    viewer: Viewer,
    storage: Storage,
    name: str,
    schema_id: UUID | None = None,
    classifier_id: UUID | None = None,
) -> File:
    """A file whose bytes will come to an address of its own, for the schema or classifier that is
    to read it. Raises `Invalid`."""
    access.require(viewer, "fileUploadUrl")
    name = _base_name(name)
    checks.refuse(checks.text_problems("filename", name, 1, 256))
    file = replace(_announced(viewer, name), schema_id=schema_id, classifier_id=classifier_id)
    return await storage.files.add(file)


async def receive(
    storage: Storage, ticket: Ticket, chunks: AsyncIterable[bytes], *, most_bytes: int = MAX_BYTES
) -> File:
    """Store the bytes that a ticket is for. They may come again, and replace the ones before, until
    an import or a job reads them.

    Raises `NotFound`, `TooLarge`, and `Conflict` when an import or a job has read the file."""
    file = await storage.files.get(ticket.organization_id, ticket.file_id)
    if file is None:
        raise NotFound("File")
    received = await storage.files.receive(await _filled(storage, file, chunks, most_bytes))
    if received is None:
        raise NotFound("File")
    return received


async def get_file(viewer: Viewer, storage: Storage, file_id: UUID) -> File:
    """What is known of a file. Raises `NotFound`."""
    access.require(viewer, "file")
    file = await storage.files.get(viewer.organization_id, file_id)
    if file is None:
        raise NotFound("File")
    return file


async def list_files(viewer: Viewer, storage: Storage, search: FileSearch) -> Sequence[File]:
    """Files, the last uploaded first; one more than the limit when there are more. Raises
    `Invalid`."""
    access.require(viewer, "files")
    if not 1 <= search.limit <= MAX_PAGE:
        raise invalid(ErrorCode.OUT_OF_RANGE, f"first is 1 to {MAX_PAGE}", "first")
    checks.refuse(checks.text_problems("search", search.text, 0, 256))
    return await storage.files.page(
        viewer.organization_id, search.text, search.after, search.limit + 1
    )


async def read_file(
    viewer: Viewer, storage: Storage, file_id: UUID
) -> tuple[File, AsyncIterator[bytes]]:
    """A file and its bytes as a stream of chunks. Raises `NotFound`, and `Conflict` for one whose
    bytes are still to come."""
    access.require(viewer, "file")
    file = require_bytes(await get_file(viewer, storage, file_id))
    return file, storage.files.read_bytes(file, 0)


async def draw_page(
    viewer: Viewer,
    storage: Storage,
    documents: DocumentSource,
    file_id: UUID,
    page: int,
    width: int = WIDTH,
) -> bytes:
    """A page of a file as PNG of this width in pixels. Raises `NotFound`, `Conflict`, and `Invalid`
    for a file or page that cannot be drawn."""
    access.require(viewer, "filePicture")
    if not 1 <= width <= MAX_WIDTH:
        raise invalid(ErrorCode.OUT_OF_RANGE, f"width is 1 to {MAX_WIDTH}", "width")
    if not 1 <= page <= MAX_PAGES:
        raise NotFound("Page")
    file = require_bytes(await get_file(viewer, storage, file_id))
    try:
        return await documents.picture(file, page, width)
    except Unreadable as error:
        raise invalid(ErrorCode.INVALID, str(error), "fileId") from None


async def delete_file(viewer: Viewer, storage: Storage, file_id: UUID) -> None:
    """Delete a file, and its bytes with the last file that has them. Raises `NotFound`, and
    `Conflict` while an import or a job reads it."""
    access.require(viewer, "fileDelete")
    if not await storage.files.delete(viewer.organization_id, file_id):
        raise NotFound("File")


def require_bytes(file: File) -> File:
    """The file, if its bytes are there. Raises `Conflict`."""
    if file.status is not FileStatus.UPLOADED:
        raise Conflict(_NOT_UPLOADED)
    return file


def _announced(viewer: Viewer, name: str, task_id: str | None = None) -> File:
    """A file without bytes."""
    file_id = ids.new_id(ids.Kind.FILE)
    return File(
        id=file_id,
        organization_id=viewer.organization_id,
        name=name,
        mime_type=file_types.UNKNOWN,
        size=0,
        sha256="",
        storage_key="",
        task_id=task_id,
        created_by=viewer.actor,
        created_at=datetime.now(UTC),
        status=FileStatus.UPLOADING,
    )


async def _filled(
    storage: Storage, file: File, chunks: AsyncIterable[bytes], most_bytes: int
) -> File:
    """The file with bytes that are stored under a key of their own. Raises `TooLarge`."""
    key = f"{INCOMING}/{ids.new_id(ids.Kind.FILE)}"
    meter = _Meter(chunks, most_bytes)
    await storage.files.put_bytes(key, aiter(meter))
    return replace(
        file,
        mime_type=file_types.identify(bytes(meter.head), file.name),
        size=meter.size,
        sha256=meter.digest.hexdigest(),
        storage_key=key,
        status=FileStatus.UPLOADED,
    )


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
