"""Files that are not CSV as CSV: converted once by a process of their own, then kept beside them.

So a sheet takes the way of every CSV file: chunks, resumed at a byte offset. The text belongs to
its file and goes with it; made again, it is the same."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from domain.csv_text import CsvError
from domain.entities import File
from domain.file_types import CONVERTED, TYPED_CSV
from persistence import child_process
from persistence.blobs import Blobs
from persistence.child_process import ChildFailed
from persistence.confinement import OUT_OF_MEMORY, REFUSED
from persistence.conversion.bounds import SECONDS, TEXT_BYTES
from persistence.scratch import PREFIX

#: Changes when the same file is converted into another text than before.
_FORM = "1"
#: Conversions at once in one process: each may take a gigabyte.
_AT_ONCE = 2

_places = asyncio.Semaphore(_AT_ONCE)


async def as_csv(blobs: Blobs, file: File, sheet: str | None) -> File:
    """The file as a text of `domain.file_types.TYPED_CSV`: its size and storage key are the
    text's. Raises `CsvError` with the reason when it cannot be converted."""
    key = _key(file, sheet)
    size = await blobs.size(key)
    if size is None:
        async with _places:
            await blobs.put(key, _convert(blobs, file, sheet))
        size = await blobs.size(key) or 0
    return replace(file, storage_key=key, size=size, mime_type=TYPED_CSV)


def folder(file_key: str) -> str:
    """Where the texts of a file stand."""
    return f"{file_key}-texts"


def _key(file: File, sheet: str | None) -> str:
    name = "first" if sheet is None else hashlib.sha256(sheet.encode()).hexdigest()[:32]
    # Files with the same bytes share them, and may be of two types by their names.
    return f"{folder(file.storage_key)}/{_FORM}-{CONVERTED[file.mime_type]}-{name}.csv"


async def _convert(blobs: Blobs, file: File, sheet: str | None) -> AsyncIterator[bytes]:
    with tempfile.TemporaryDirectory(prefix=PREFIX) as scratch:
        path = Path(scratch) / "file"
        with path.open("wb") as copy:
            async for chunk in blobs.read(file.storage_key, 0, file.size):
                await asyncio.to_thread(copy.write, chunk)
        try:
            async with asyncio.timeout(SECONDS):
                async for chunk in _run(path, CONVERTED[file.mime_type], sheet):
                    yield chunk
        except TimeoutError:
            raise CsvError(_TOO_LONG) from None


_TOO_LONG = "The file takes too long to be read; save it as CSV"


async def _run(path: Path, kind: str, sheet: str | None) -> AsyncIterator[bytes]:
    """The output of the converting process. It is killed when nobody wants more of it."""
    arguments = [kind, str(path), *([sheet] if sheet is not None else [])]
    size = 0
    pieces = child_process.output("persistence.conversion.child", arguments, path.parent)
    async with aclosing(pieces):
        try:
            async for piece in pieces:
                size += len(piece)
                if size > TEXT_BYTES:
                    raise CsvError(f"The file has more than {TEXT_BYTES // 1_000_000} MB of text")
                yield piece
        except ChildFailed as failure:
            raise _failure(failure) from None


def _failure(failure: ChildFailed) -> CsvError:
    code = failure.code
    if code == REFUSED:
        return CsvError(failure.message or "The file cannot be read")
    if code in child_process.OUT_OF_TIME:
        return CsvError(_TOO_LONG)
    if code == OUT_OF_MEMORY or code < 0:
        # Libraries that find no memory abort, and some fall over.
        return CsvError("The file needs too much memory to be read; save it as CSV")
    return CsvError("The file cannot be read")
