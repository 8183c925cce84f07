"""Documents of stored files: read once, kept beside the bytes that they were read from.

A tool of five columns over a hundred rows asks for the same paper five hundred times. So what was
read is kept twice: compressed in the blob store, by the hash of the bytes and the edition of the
reader, where every process finds it; and the last few in the memory of this one. Who asks for a
file that is being read waits for that reading."""

import asyncio
import gzip
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import structlog

from domain import document_json
from domain.document_json import OtherForm
from domain.documents import Document, Unreadable
from domain.entities import File, FileStatus
from domain.file_types import MAIL
from domain.files import WIDTH
from persistence.scratch import PREFIX
from processing.documents.enclosed import place_of, with_enclosed
from processing.documents.reading import DocumentReader

#: Documents are kept in the store up to this size, compressed; larger ones are read again.
KEPT_BYTES = 16_000_000
#: Words and cells of the documents in memory, all together: about 25 MB.
HELD_PARTS = 60_000
#: A file that cannot be read is not tried again so soon: it may take minutes to find out.
REFUSED_SECONDS = 60.0
_MOST_REFUSED = 1_000
#: Changes when the same file becomes another document here than before.
_FORM = f"{document_json.FORM}.1"

_NOT_UPLOADED = "it has not been uploaded yet"
_GONE = "its bytes are gone"

Made = TypeVar("Made")

_log = structlog.get_logger()


class StoredBytes(Protocol):
    """The bytes of files, and what was made of them."""

    def read_bytes(self, file: File, offset: int) -> AsyncIterator[bytes]: ...

    async def kept(self, file: File, name: str) -> bytes | None: ...

    async def keep(self, file: File, name: str, content: bytes) -> None: ...


class StoredDocuments:
    """The documents of a process: a `domain.extraction_ports.DocumentSource`."""

    def __init__(self, files: StoredBytes, reader: DocumentReader) -> None:
        self._files = files
        self._reader = reader
        self._held = _Held()
        self._reading: _Once[Document] = _Once()
        self._drawing: _Once[bytes] = _Once()

    async def aclose(self) -> None:
        """End what is under way."""
        await self._reading.aclose()
        await self._drawing.aclose()

    async def document(self, file: File) -> Document:
        """What a file says. Raises `Unreadable`."""
        name = f"document-{_FORM}-{self._reader.edition}.json.gz"
        key = f"{_bytes_of(file)}/{name}"
        held = self._held.find(key)
        if held is not None:
            return held
        return await self._reading.get(key, lambda: self._document(file, name, key))

    async def picture(self, file: File, page: int, width: int) -> bytes:
        """A page as PNG. Raises `Unreadable`."""
        name = f"page-{_FORM}-{page}-{width}.png"
        return await self._drawing.get(
            f"{_bytes_of(file)}/{name}", lambda: self._picture(file, name, page, width)
        )

    async def _document(self, file: File, name: str, key: str) -> Document:
        document = await self._kept_document(file, name)
        if document is None:
            try:
                async with self._laid(file) as path:
                    document = with_enclosed(await self._reader.read(path, depth=1))
            except Unreadable as error:
                self._held.refuse(key, error)
                raise
            await self._keep_document(file, name, document)
        self._held.hold(key, document)
        return document

    async def _kept_document(self, file: File, name: str) -> Document | None:
        content = await self._files.kept(file, name)
        if content is None:
            return None
        try:
            return await asyncio.to_thread(_unpacked, content)
        except (OtherForm, ValueError, OSError, EOFError):
            _log.warning("a kept document cannot be read", file=str(file.id), exc_info=True)
            return None

    async def _keep_document(self, file: File, name: str, document: Document) -> None:
        content = await asyncio.to_thread(_packed, document)
        if len(content) > KEPT_BYTES:
            return
        try:
            await self._files.keep(file, name, content)
        except Exception:
            # The document is there; only the next process will read the file again.
            _log.warning("a document could not be kept", file=str(file.id), exc_info=True)

    async def _picture(self, file: File, name: str, page: int, width: int) -> bytes:
        # Of other widths there may be four thousand of each page.
        if width == WIDTH and (kept := await self._files.kept(file, name)) is not None:
            return kept
        async with self._laid(file) as path:
            picture = await self._drawn(file, path, page, width)
        if width == WIDTH:
            await self._files.keep(file, name, picture)
        return picture

    async def _drawn(self, file: File, path: Path, page: int, width: int) -> bytes:
        if file.mime_type == MAIL:
            place = place_of(await self._reader.read(path, depth=1), page)
            if place is not None:
                carried, own = place
                content = await self._reader.attachment(path, carried)
                return await self._reader.picture(content, own, width)
        return await self._reader.picture(path, page, width)

    @asynccontextmanager
    async def _laid(self, file: File) -> AsyncIterator[Path]:
        """The file's bytes in a folder of their own."""
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=PREFIX))
        try:
            path = folder / "file"
            with path.open("wb") as copy:
                try:
                    async for chunk in self._files.read_bytes(file, 0):
                        await asyncio.to_thread(copy.write, chunk)
                except FileNotFoundError:
                    raise Unreadable(_GONE) from None
            yield path
        finally:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, True))


def _bytes_of(file: File) -> str:
    """What names the bytes of a file, the same for files that share them. Raises `Unreadable`."""
    if file.status is not FileStatus.UPLOADED:
        raise Unreadable(_NOT_UPLOADED)
    return file.storage_key


def _packed(document: Document) -> bytes:
    return gzip.compress(document_json.dumps(document).encode("utf-8", "surrogatepass"), 5, mtime=0)


def _unpacked(content: bytes) -> Document:
    return document_json.loads(gzip.decompress(content).decode("utf-8", "surrogatepass"))


class _Held:
    """The documents that were asked for last, by key, as many as fit; and files that could not be
    read a moment ago."""

    def __init__(self) -> None:
        self._documents: OrderedDict[str, tuple[Document, int]] = OrderedDict()
        self._refused: OrderedDict[str, tuple[Unreadable, float]] = OrderedDict()
        self._parts = 0

    def find(self, key: str) -> Document | None:
        """The document. Raises `Unreadable` when it was just found to be so."""
        refused = self._refused.get(key)
        if refused is not None:
            if asyncio.get_running_loop().time() < refused[1]:
                raise Unreadable(str(refused[0]))
            del self._refused[key]
        if key not in self._documents:
            return None
        self._documents.move_to_end(key)
        return self._documents[key][0]

    def hold(self, key: str, document: Document) -> None:
        parts = _parts(document)
        if parts > HELD_PARTS or key in self._documents:
            return
        self._documents[key] = document, parts
        self._parts += parts
        while self._parts > HELD_PARTS:
            _, (_, less) = self._documents.popitem(last=False)
            self._parts -= less

    def refuse(self, key: str, error: Unreadable) -> None:
        self._refused[key] = error, asyncio.get_running_loop().time() + REFUSED_SECONDS
        while len(self._refused) > _MOST_REFUSED:
            self._refused.popitem(last=False)


def _parts(document: Document) -> int:
    cells = sum(
        len(table.rows) * len(table.rows[0])
        for page in document.pages
        for table in page.tables
        if table.rows
    )
    return 100 + cells + sum(len(page.words) for page in document.pages)


@dataclass(slots=True)
class _Flight(Generic[Made]):
    """Something under way, and how many wait for it."""

    task: "asyncio.Task[Made]"
    waiting: int = 0


class _Once(Generic[Made]):
    """Does once what several ask for at the same time. When nobody waits any more, it ends."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[Made]] = {}

    async def get(self, key: str, make: Callable[[], Awaitable[Made]]) -> Made:
        flight = self._flights.get(key)
        if flight is None:
            flight = _Flight(asyncio.ensure_future(make()))
            self._flights[key] = flight
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                flight.task.cancel()
                if self._flights.get(key) is flight:
                    del self._flights[key]

    async def aclose(self) -> None:
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
