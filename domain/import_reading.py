"""Reading the files of imports: what is in one, and its rows chunk by chunk.

Parsing and checking are slow work for the processor and run in threads, so that whoever shares the
event loop does not wait."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from domain.columns import TableShape
from domain.csv_text import Batch, CsvError, CsvFormat, CsvKind, CsvReader, sniff
from domain.entities import File, Import, ImportRejection
from domain.errors import ErrorCode, invalid
from domain.file_types import CSV_KINDS, HEAD_BYTES
from domain.import_chunks import EncodedChunk, ImportChunk
from domain.import_plans import ImportPlan
from domain.import_rows import RecordChecker, RejectedRecord
from domain.inference import SAMPLED_RECORDS, Preview, preview
from domain.ports import Storage

_SHOWN_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True)
class Opened:
    """What the beginning of a file tells. Data begins behind the header, at `offset`."""

    form: CsvFormat
    preview: Preview
    offset: int

    @property
    def width(self) -> int:
        """Fields of the header."""
        return len(self.preview.headers)

    def reader(self, rows: int) -> CsvReader:
        """A reader of the data, in batches of `rows`."""
        return CsvReader(self.form, rows, offset=self.offset, record=2)


def kind_of(file: File) -> CsvKind:
    """The kind of CSV that a file is. Raises `Invalid` for anything else."""
    kind = CSV_KINDS.get(file.mime_type)
    if kind is None:
        message = f"Unsupported mime type for import: {file.mime_type}"
        raise invalid(ErrorCode.INVALID, message, "fileId")
    return kind


async def open_file(storage: Storage, file: File) -> Opened:
    """Look into a file: format, header, inferred columns. Raises `Invalid` for what is no CSV."""
    kind = kind_of(file)
    head = b""
    async for chunk in storage.files.read_bytes(file, 0):
        head = chunk
        break
    try:
        return await asyncio.to_thread(_open, head, kind, len(head) == file.size)
    except CsvError as error:
        raise invalid(ErrorCode.INVALID, str(error), "fileId") from None


def _open(head: bytes, kind: CsvKind, whole: bool) -> Opened:
    form = sniff(head[:HEAD_BYTES], kind)
    reader = CsvReader(form, 1)
    batches = reader.feed(head[form.start :])
    if whole and len(batches) <= SAMPLED_RECORDS:
        batches += reader.finish()
    if not batches:
        raise CsvError("The file is empty" if whole else "The header is too long")
    records = [batch.records[0] for batch in batches[: SAMPLED_RECORDS + 1]]
    return Opened(form, preview(records[0], records[1:]), batches[0].offset_after)


async def count_rows(storage: Storage, file: File, opened: Opened) -> int:
    """Rows of the whole file without its header. Raises `Invalid` when it cannot be read."""
    count = 0
    try:
        async for batch, _ in batches_of(storage, file, opened.reader(2_000), opened.offset):
            count += len(batch.records)
    except CsvError as error:
        raise invalid(ErrorCode.INVALID, str(error), "fileId") from None
    return count


async def batches_of(
    storage: Storage, file: File, reader: CsvReader, offset: int
) -> AsyncIterator[tuple[Batch, bool]]:
    """The batches of a file from an offset on, each with whether it is the last one.

    Raises `CsvError` behind the good batches."""
    held: Batch | None = None
    try:
        async for chunk in storage.files.read_bytes(file, offset):
            for batch in await asyncio.to_thread(reader.feed, chunk):
                if held is not None:
                    yield held, False
                held = batch
        for batch in await asyncio.to_thread(reader.finish):
            if held is not None:
                yield held, False
            held = batch
    except CsvError:
        if held is not None:
            yield held, False
        raise
    if held is not None:
        yield held, True


async def chunks_of(
    storage: Storage, file: File, shape: TableShape, run: Import
) -> AsyncIterator[EncodedChunk]:
    """What is left of an import, ready to be written. There is always a last chunk, even if empty.

    Raises `CsvError` behind the good chunks, and `ColumnGone`."""
    plan = ImportPlan.from_json(run.plan)
    checker = plan.checker(shape)
    reader = plan.reader(plan.chunk_rows, run.byte_offset, run.next_line)
    ended = False
    async for batch, last in batches_of(storage, file, reader, run.byte_offset):
        ended = last
        yield await asyncio.to_thread(encode_batch, storage, shape, run, checker, batch, last)
    if not ended:
        empty = ImportChunk(plan.session_id, {}, 0, [], run.byte_offset, run.next_line, True)
        yield storage.imports.encode(shape, run, empty)


def encode_batch(
    storage: Storage,
    shape: TableShape,
    run: Import,
    checker: RecordChecker,
    batch: Batch,
    last: bool,
) -> EncodedChunk:
    """Check the records of a batch and bring the good ones into the form that storage wants."""
    checked = checker.check(batch.records, batch.first)
    chunk = ImportChunk(
        ImportPlan.from_json(run.plan).session_id,
        checked.columns,
        checked.count,
        [_rejection(batch, rejected) for rejected in checked.rejected],
        batch.offset_after,
        batch.after,
        last,
    )
    return storage.imports.encode(shape, run, chunk)


def _rejection(batch: Batch, rejected: RejectedRecord) -> ImportRejection:
    record = batch.records[rejected.record - batch.first]
    return ImportRejection(rejected.record, rejected.message, _storable(record))


def _storable(record: Sequence[str]) -> list[str]:
    """The record as it can be kept: cut to size, without the one character that jsonb refuses."""
    return [field[:_SHOWN_CHARACTERS].replace("\0", "\ufffd") for field in record]
