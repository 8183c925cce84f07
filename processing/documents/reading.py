"""Documents from files: each is read by a process of its own, which a hostile file may kill."""

import asyncio
import importlib.util
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from domain import file_types
from domain.document_json import load_page
from domain.documents import Attachment, Document, Page, Unreadable
from persistence import child_process
from persistence.child_process import ChildFailed
from persistence.confinement import OUT_OF_MEMORY, REFUSED
from persistence.scratch import PREFIX
from processing.documents import bounds
from processing.documents.child import Options

#: The module that reads files of a type, and the processor time that it gets.
_READERS = {
    file_types.PDF: ("pdf", bounds.CPU_SECONDS),
    file_types.PNG: ("pictures", bounds.CPU_SECONDS),
    file_types.JPEG: ("pictures", bounds.CPU_SECONDS),
    file_types.TIFF: ("pictures", bounds.CPU_SECONDS),
    file_types.ZIPPED_SHEET: ("sheets", bounds.CPU_SECONDS),
    file_types.OLD_SHEET: ("sheets", bounds.CPU_SECONDS),
    file_types.OPEN_SHEET: ("sheets", bounds.CPU_SECONDS),
    file_types.CSV: ("sheets", bounds.TEXT_CPU_SECONDS),
    file_types.TSV: ("sheets", bounds.TEXT_CPU_SECONDS),
    file_types.HTML: ("html_text", bounds.TEXT_CPU_SECONDS),
    file_types.MAIL: ("mail", bounds.TEXT_CPU_SECONDS),
    file_types.PLAIN: ("plain_text", bounds.TEXT_CPU_SECONDS),
    file_types.JSON: ("plain_text", bounds.TEXT_CPU_SECONDS),
    file_types.JSON_LINES: ("plain_text", bounds.TEXT_CPU_SECONDS),
}
#: Types of files that a document can be read from.
READABLE = frozenset(_READERS)

_SHOWN_BY_OCR = ("pdf", "pictures")
_MODELS = "rapidocr_onnxruntime"
_OF_TESSERACT = ("TESSDATA_PREFIX", "LD_LIBRARY_PATH")
_DAMAGED = "The file is damaged and cannot be read"
_TOO_LARGE = "The file makes its reader use too much memory or fail, and cannot be read"


@dataclass(slots=True)
class _Lines:
    """What a reading process writes, taken apart: pages, and what closes the document."""

    pages: list[Page] = field(default_factory=list)
    end: dict[str, Any] | None = None
    rest: bytearray = field(default_factory=bytearray)
    size: int = 0

    def take(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > bounds.OUTPUT_BYTES:
            raise Unreadable(f"The file holds more than {bounds.OUTPUT_BYTES // 1_000_000} MB")
        *whole, rest = piece.split(b"\n")
        for line in whole:
            self.rest += line
            self._line(bytes(self.rest))
            self.rest.clear()
        self.rest += rest

    def _line(self, line: bytes) -> None:
        if line.startswith(b'{"end"'):
            self.end = json.loads(line)
        else:
            self.pages.append(load_page(line))


class DocumentReader:
    """Reads documents, some at once. `languages` are those that tesseract is to look for, as it
    names them: `eng+deu`; without them it takes its own default."""

    def __init__(self, *, at_once: int = 2, languages: str | None = None) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._languages = languages

    @property
    def edition(self) -> str:
        """What this machine can read: a document that was read without OCR is another one."""
        if shutil.which("tesseract") is not None:
            return f"tesseract-{self._languages or 'default'}"
        return "plain" if importlib.util.find_spec(_MODELS) is None else "models"

    async def read(self, source: Path | bytes, *, depth: int = 0) -> Document:
        """The document that a file is, by its bytes. The files in e-mails are read too, as deep
        as told, at most `bounds.DEPTH`. Raises `Unreadable`."""
        async with _folder() as folder:
            path = await _laid(source, folder)
            kind = await asyncio.to_thread(kind_of, path)
            parts = folder / "parts"
            parts.mkdir()
            options = self._options(kind, parts=str(parts))
            lines = _Lines()
            async with self._places:
                async for piece in _output(path, options, folder, bounds.SECONDS):
                    await asyncio.to_thread(lines.take, piece)
            if lines.end is None or lines.end["end"] != len(lines.pages):
                raise Unreadable(_DAMAGED)
            headers = tuple((name, text) for name, text in lines.end["headers"])
            carried = await self._carried(lines.end["attachments"], parts, depth)
            return Document(kind, tuple(lines.pages), headers, carried)

    async def picture(self, source: Path | bytes, page: int, width: int) -> bytes:
        """A page as PNG of this width in pixels, or less where the page is very long. Raises
        `Unreadable`."""
        if not (1 <= width <= bounds.SHOWN_WIDTH and 1 <= page <= bounds.PAGES):
            raise Unreadable(
                f"Pictures are of pages 1 to {bounds.PAGES}, 1 to {bounds.SHOWN_WIDTH} pixels wide"
            )
        async with _folder() as folder:
            path = await _laid(source, folder)
            kind = await asyncio.to_thread(kind_of, path)
            options = replace(self._options(kind), page=page, width=width, models=False)
            picture = bytearray()
            async with self._places:
                async for piece in _output(path, options, folder, bounds.PICTURE_SECONDS):
                    picture += piece
                    if len(picture) > bounds.OUTPUT_BYTES:
                        raise Unreadable(_TOO_LARGE)
            return bytes(picture)

    async def attachment(self, source: Path | bytes, number: int) -> bytes:
        """The bytes of one of the files that an e-mail carries, counted from 0. Raises
        `Unreadable`."""
        async with _folder() as folder:
            path = await _laid(source, folder)
            kind = await asyncio.to_thread(kind_of, path)
            options = self._options(kind, parts=str(folder))
            async with self._places:
                async for _ in _output(path, options, folder, bounds.SECONDS):
                    pass
            found = folder / str(number)
            if not found.is_file():
                raise Unreadable(f"The file carries no file {number}")
            return await asyncio.to_thread(found.read_bytes)

    async def _carried(
        self, told: list[dict[str, Any]], parts: Path, depth: int
    ) -> tuple[Attachment, ...]:
        carried = []
        for number, each in enumerate(told):
            attachment = Attachment(each["name"], each["kind"], each["size"])
            if min(depth, bounds.DEPTH) > 0:
                try:
                    document = await self.read(
                        parts / str(number), depth=min(depth, bounds.DEPTH) - 1
                    )
                    attachment = replace(attachment, document=document)
                except Unreadable as error:
                    attachment = replace(attachment, problem=str(error))
            carried.append(attachment)
        return tuple(carried)

    def _options(self, kind: str, parts: str | None = None) -> Options:
        reader, cpu_seconds = _READERS[kind]
        options = Options(kind, cpu_seconds=cpu_seconds, parts=parts)
        if reader not in _SHOWN_BY_OCR:
            return options
        tesseract = shutil.which("tesseract")
        if tesseract is not None:
            return replace(options, tesseract=tesseract, languages=self._languages)
        if importlib.util.find_spec(_MODELS) is None:
            return options
        return replace(
            options,
            models=True,
            memory_bytes=bounds.MODELS_MEMORY_BYTES,
            cpu_seconds=cpu_seconds + bounds.OCR_SECONDS,
        )


def kind_of(path: Path) -> str:
    """The type of a file by its bytes. Raises `Unreadable` for one that is no document."""
    size = path.stat().st_size
    if size == 0:
        raise Unreadable("The file is empty")
    if size > bounds.FILE_BYTES:
        raise Unreadable(f"The file has more than {bounds.FILE_BYTES // 1_000_000} MB")
    with path.open("rb") as file:
        kind = file_types.identify(file.read(file_types.HEAD_BYTES), "")
    if kind not in READABLE:
        raise Unreadable(
            f"Files of the type {kind} cannot be read; PDF, PNG, JPEG, TIFF, XLSX, XLS, ODS, CSV, "
            "text, HTML and e-mail can"
        )
    return kind


@asynccontextmanager
async def _folder() -> AsyncIterator[Path]:
    folder = await asyncio.to_thread(tempfile.mkdtemp, prefix=PREFIX)
    try:
        yield Path(folder)
    finally:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, True))


async def _laid(source: Path | bytes, folder: Path) -> Path:
    """Where the file is."""
    if isinstance(source, Path):
        return await asyncio.to_thread(source.absolute)
    path = folder / "file"
    await asyncio.to_thread(path.write_bytes, source)
    return path


async def _output(
    path: Path, options: Options, scratch: Path, seconds: float
) -> AsyncIterator[bytes]:
    """What the reading process writes, with its end told as `Unreadable`."""
    module = f"processing.documents.{_READERS[options.kind][0]}"
    pieces = child_process.output(
        module, [str(path), options.as_argument()], scratch, _environment()
    )
    try:
        async with asyncio.timeout(seconds), aclosing(pieces):
            async for piece in pieces:
                yield piece
    except TimeoutError:
        raise Unreadable(f"The file takes longer than {seconds} seconds to be read") from None
    except ChildFailed as failure:
        raise _told(failure, options) from None


def _environment() -> dict[str, str]:
    """What tesseract may need beside its program."""
    return {name: os.environ[name] for name in _OF_TESSERACT if name in os.environ}


def _told(failure: ChildFailed, options: Options) -> Unreadable:
    if failure.code == REFUSED:
        return Unreadable(failure.message or _DAMAGED)
    if failure.code in child_process.OUT_OF_TIME:
        return Unreadable(
            f"The file takes more than {options.cpu_seconds} seconds of processor time to be read"
        )
    if failure.code == OUT_OF_MEMORY or failure.code < 0:
        # Libraries that find no memory abort, and some fall over.
        return Unreadable(_TOO_LARGE)
    return Unreadable(_DAMAGED)
