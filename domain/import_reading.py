"""Reading the files of imports: what is in one, and its rows chunk by chunk.

Parsing and checking are slow work for the processor and run in threads, so that whoever shares the
event loop does not wait."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from domain import checks
from domain.columns import TableShape
from domain.csv_text import (
    Batch,
    CsvError,
    CsvFormat,
    CsvKind,
    CsvReader,
    known_encoding,
    sniff,
)
from domain.entities import File, Import
from domain.errors import ErrorCode, invalid
from domain.file_types import CSV_KINDS, HEAD_BYTES, IMPORTABLE, JSON, JSON_LINES
from domain.file_values import name_imported_files
from domain.import_chunks import EncodedChunk, ImportChunk, rejection
from domain.import_merges import merge_of
from domain.import_plans import ImportPlan
from domain.import_rows import CheckedRecords, RecordChecker
from domain.inference import SAMPLED_RECORDS, Kind, Preview, preview
from domain.ports import Storage
from domain.rejections import show


@dataclass(frozen=True, slots=True)
class Reading:
    """How a client wants a file to be read: a sheet of a workbook other than the first one, an
    encoding of a text other than the one that its bytes suggest."""

    sheet: str | None = None
    encoding: str | None = None


#: Characters of the name of a sheet. Excel takes 31; the name is handed to another process.
_MAX_SHEET = 1_000
_LITERAL = frozenset({JSON, JSON_LINES})


@dataclass(frozen=True, slots=True)
class Opened:
    """What the beginning of a file tells. Data begins behind the header, at `offset`.

    `text` is the file itself, or the text that it was converted to. `literal` texts mean what they
    say: JSON guards no formulas."""

    text: File
    form: CsvFormat
    preview: Preview
    offset: int
    literal: bool

    def reader(self, rows: int) -> CsvReader:
        """A reader of the data, in batches of `rows`."""
        return CsvReader(self.form, rows, offset=self.offset, record=2)


async def open_file(storage: Storage, file: File, reading: Reading) -> Opened:
    """Look into a file: format, header, inferred columns. A spreadsheet or JSON is converted first.

    Raises `Invalid` for what cannot be imported or read."""
    if file.mime_type not in IMPORTABLE:
        message = f"Unsupported mime type for import: {file.mime_type}"
        raise invalid(ErrorCode.INVALID, message, "fileId")
    checks.refuse(checks.text_problems("sheet", reading.sheet, 0, _MAX_SHEET))
    encoding = None if reading.encoding is None else known_encoding(reading.encoding)
    if reading.encoding is not None and encoding is None:
        message = f"Unknown encoding: {show(reading.encoding)}"
        raise invalid(ErrorCode.NOT_AN_OPTION, message, "encoding")
    try:
        text = await storage.files.as_csv(file, reading.sheet)
        return await _open(storage, text, encoding, file.mime_type in _LITERAL)
    except CsvError as error:
        raise invalid(ErrorCode.INVALID, str(error), "fileId") from None


async def _open(storage: Storage, text: File, encoding: str | None, literal: bool) -> Opened:
    head = b""
    async for chunk in storage.files.read_bytes(text, 0):
        head = chunk
        break
    kind = CSV_KINDS[text.mime_type]
    guess = storage.files.guess_encoding
    form = await asyncio.to_thread(sniff, head[:HEAD_BYTES], kind, guess, encoding)
    whole = len(head) == text.size
    found, offset = await asyncio.to_thread(_look, head, form, kind, whole)
    return Opened(text, form, found, offset, literal)


def _look(head: bytes, form: CsvFormat, kind: CsvKind, whole: bool) -> tuple[Preview, int]:
    """Header and sample of a text, and where its data begins."""
    # A converted text tells the kinds of its columns in a second record.
    first = 2 if kind is CsvKind.TYPED else 1
    reader = CsvReader(form, 1)
    batches = reader.feed(head[form.start :])
    if whole and len(batches) < first + SAMPLED_RECORDS:
        batches += reader.finish()
    if len(batches) < first:
        raise CsvError("The file is empty" if whole else "The header is too long")
    records = [batch.records[0] for batch in batches[: first + SAMPLED_RECORDS]]
    kinds = [Kind(each) for each in records[1]] if first == 2 else []
    return preview(records[0], records[first:], kinds), batches[first - 1].offset_after


async def count_rows(storage: Storage, opened: Opened) -> int:
    """Rows of the whole file without its header. Raises `Invalid` when it cannot be read."""
    count = 0
    reader = opened.reader(2_000)
    try:
        async for batch, _ in batches_of(storage, opened.text, reader, opened.offset):
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
    text = await storage.files.as_csv(file, plan.sheet)
    checker = plan.checker(shape)
    reader = plan.reader(plan.chunk_rows, run.byte_offset, run.next_line)
    ended = False
    async for batch, last in batches_of(storage, text, reader, run.byte_offset):
        ended = last
        yield await encode_batch(storage, shape, run, checker, batch, last)
    if not ended:
        empty = ImportChunk(plan.session_id, {}, 0, [], run.byte_offset, run.next_line, True)
        yield storage.imports.encode(shape, run, empty)


async def encode_batch(
    storage: Storage,
    shape: TableShape,
    run: Import,
    checker: RecordChecker,
    batch: Batch,
    last: bool,
) -> EncodedChunk:
    """Check the records of a batch and bring the good ones into the form that storage wants."""
    checked = await asyncio.to_thread(checker.check, batch.records, batch.first)
    checked = await name_imported_files(storage, shape, checked)
    chunk = _chunk(run, checker, batch, checked, last)
    return await asyncio.to_thread(storage.imports.encode, shape, run, chunk)


def _chunk(
    run: Import, checker: RecordChecker, batch: Batch, checked: CheckedRecords, last: bool
) -> ImportChunk:
    plan = ImportPlan.from_json(run.plan)
    columns, merge = checked.columns, None
    if plan.keys:
        columns, merge = merge_of(checked, batch, checker, plan.keys)
    return ImportChunk(
        plan.session_id,
        columns,
        len(merge.records) if merge else checked.count,
        [
            rejection(each.record, each.message, batch.records[each.record - batch.first])
            for each in checked.rejected
        ],
        batch.offset_after,
        batch.after,
        last,
        merge,
    )
