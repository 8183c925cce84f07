"""CSV and TSV as a stream: bytes in, batches of records out, with the byte offset to resume at.

A record may span lines inside quotes. Records are counted, not lines: the header is 1, the first
row of data is 2, and a quoted line break does not count. Blank lines are passed over uncounted.
Parsing is done by the standard library's `csv` on whole lines, so memory holds one batch and one
chunk, whatever the size of the file.
"""

import codecs
import csv
import io
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, islice

MAX_FIELD_CHARACTERS = 1_048_576
MAX_RECORD_BYTES = 4_194_304
MAX_FIELDS = 500
HEAD_BYTES = 65_536

_SNIFFED_RECORDS = 50
_DELIMITERS = (",", ";", "\t", "|")
# The limit belongs to the whole process, whose default is 128 kB; nothing else here reads CSV.
csv.field_size_limit(MAX_FIELD_CHARACTERS)


class CsvError(ValueError):
    """The file cannot be read on. The message is short, names the record and is safe to show."""


class CsvKind(StrEnum):
    """What a file claims to be."""

    CSV = "csv"
    TSV = "tsv"


class Encoding(StrEnum):
    """How the bytes are text. UTF-8 files may hold lines that are not: those are read as cp1252."""

    UTF_8 = "utf-8"
    CP1252 = "cp1252"
    UTF_16_LE = "utf-16-le"
    UTF_16_BE = "utf-16-be"


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """How to read a file. `start` is the length of its byte order mark, where reading begins."""

    encoding: Encoding
    delimiter: str
    start: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive records.

    `first` is the number of the first one. `offset_after` is the byte offset in the file behind the
    last one, where a new reader with `record=after` may begin.
    """

    records: list[list[str]]
    first: int
    offset_after: int

    @property
    def after(self) -> int:
        """The number of the record that follows."""
        return self.first + len(self.records)


def sniff(head: bytes, kind: CsvKind) -> CsvFormat:
    """The format of a file, from its first bytes (64 kB are plenty; less is fine for small files).

    Encoding: by byte order mark, else UTF-8 if the head is valid UTF-8, else cp1252. Delimiter: tab
    for TSV; for CSV the one of `, ; tab |` that splits the first records most evenly. Raises
    `CsvError` for bytes that are no text.
    """
    mark, encoding = _encoding(head)
    if kind is CsvKind.TSV:
        return CsvFormat(encoding, "\t", len(mark))
    text = head[len(mark) :].decode(encoding, "replace")
    return CsvFormat(encoding, _sniff_delimiter(text), len(mark))


class CsvReader:
    """Turns chunks of bytes into batches of `size` records: feed it every chunk, then finish.

    To resume, make a reader with `offset` and `record` of where an earlier batch ended and feed it
    the bytes of the file from `offset` on. A new file is fed from `format.start` on.
    """

    def __init__(
        self, form: CsvFormat, size: int = 2_000, *, offset: int | None = None, record: int = 1
    ) -> None:
        self._form = form
        self._size = size
        self._offset = form.start if offset is None else offset
        self._first = record
        self._records: list[list[str]] = []  # of the batch that is being filled
        self._lines: list[bytes] = []  # whole lines behind them
        self._rest = b""  # the beginning of one more line
        self._enough = 0  # bytes of lines below which reading on is of no use
        self._decode = _decode_cp1252 if form.encoding is Encoding.CP1252 else _decode_utf_8
        self._utf_16 = (
            codecs.getincrementaldecoder(form.encoding)() if form.encoding in _UTF_16 else None
        )

    def feed(self, chunk: bytes) -> list[Batch]:
        """The full batches that the chunk completes. Raises `CsvError`."""
        data = self._rest + self._transcode(chunk)
        # A carriage return at the very end may be half of a line break.
        end = max(data.rfind(b"\n"), data.rfind(b"\r", 0, max(len(data) - 1, 0))) + 1
        self._rest = data[end:]
        if len(self._rest) > MAX_RECORD_BYTES:
            raise self._error(f"longer than {MAX_RECORD_BYTES} bytes")
        if not end:
            return []
        self._lines += data[:end].splitlines(keepends=True)
        if self._enough and sum(map(len, self._lines)) < self._enough:
            return []
        return self._read()

    def finish(self) -> list[Batch]:
        """The batches that are left at the end of the file. Raises `CsvError`."""
        self._rest += self._transcode(b"", last=True)
        self._lines += self._rest.splitlines(keepends=True)
        self._rest = b""
        batches = self._read()
        if self._lines:
            raise self._error("a quote is opened and never closed")
        if self._records:
            batches.append(self._batch())
        return batches

    def _read(self) -> list[Batch]:
        """Parse the lines at hand. Those of a record whose quotes are still open stay."""
        batches = []
        while self._lines:
            used = self._parse()
            self._offset += self._width(self._lines[:used])
            del self._lines[:used]
            if len(self._records) < self._size:
                break
            batches.append(self._batch())
        # An open record is parsed again from its start; waiting until it doubled keeps that linear.
        held = sum(map(len, self._lines))
        if held > MAX_RECORD_BYTES:
            raise self._error(f"longer than {MAX_RECORD_BYTES} bytes")
        self._enough = min(2 * held, MAX_RECORD_BYTES)
        return batches

    def _parse(self) -> int:
        """Fill the batch; the number of lines that its records took."""
        reader = csv.reader(
            chain(map(self._decode, self._lines), _no_more()), delimiter=self._form.delimiter
        )
        records, size, used = self._records, self._size, 0
        try:
            for record in reader:
                used = reader.line_num
                if record:
                    records.append(record)
                    if len(records) == size:
                        break
        except _NoMoreLines:
            pass  # raised inside an open record too, where a plain end would pass it as complete
        except csv.Error as error:
            reason = str(error)
            if "field limit" in reason:
                reason = f"a field is longer than {MAX_FIELD_CHARACTERS} characters"
            raise self._error(reason) from None
        return used

    def _batch(self) -> Batch:
        records = self._records
        if max(map(len, records)) > MAX_FIELDS:
            self._records = records[: next(i for i, r in enumerate(records) if len(r) > MAX_FIELDS)]
            raise self._error(f"more than {MAX_FIELDS} fields")
        batch = Batch(records, self._first, self._offset)
        self._records = []
        self._first = batch.after
        return batch

    def _width(self, lines: list[bytes]) -> int:
        """Bytes that the lines take in the file."""
        if self._utf_16 is None:
            return sum(map(len, lines))
        return len(b"".join(lines).decode().encode(self._form.encoding))

    def _transcode(self, chunk: bytes, *, last: bool = False) -> bytes:
        if self._utf_16 is None:
            return chunk
        try:
            return self._utf_16.decode(chunk, last).encode()
        except UnicodeDecodeError:
            raise self._error("the text is not valid UTF-16") from None

    def _error(self, reason: str) -> CsvError:
        return CsvError(f"Record {self._first + len(self._records)}: {reason}")


async def read_batches(chunks: AsyncIterable[bytes], reader: CsvReader) -> AsyncIterator[Batch]:
    """All batches of a stream of chunks, the last one perhaps short. Raises `CsvError`."""
    async for chunk in chunks:
        for batch in reader.feed(chunk):
            yield batch
    for batch in reader.finish():
        yield batch


class _NoMoreLines(Exception):
    """The lines at hand are used up."""


def _no_more() -> Iterator[str]:
    raise _NoMoreLines
    yield ""


_UTF_16 = (Encoding.UTF_16_LE, Encoding.UTF_16_BE)
_MARKS = (
    (codecs.BOM_UTF8, Encoding.UTF_8),
    (codecs.BOM_UTF16_LE, Encoding.UTF_16_LE),
    (codecs.BOM_UTF16_BE, Encoding.UTF_16_BE),
)


def _decode_utf_8(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return _decode_cp1252(line)


def _decode_cp1252(line: bytes) -> str:
    return line.decode("cp1252", "replace")


def _encoding(head: bytes) -> tuple[bytes, Encoding]:
    """Byte order mark and encoding."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return mark, encoding
    if b"\0" in head:
        raise CsvError("The file is not a text file")
    return b"", Encoding.UTF_8 if _is_utf_8(head) else Encoding.CP1252


def _is_utf_8(head: bytes) -> bool:
    try:
        # Not final: the head may end inside a character.
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _sniff_delimiter(text: str) -> str:
    best, best_score = ",", (0.0, 1)
    for delimiter in _DELIMITERS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            counts = [len(record) for record in islice(reader, _SNIFFED_RECORDS) if record]
        except csv.Error:
            continue
        if 2 < len(counts) < _SNIFFED_RECORDS and not text.endswith(("\n", "\r")):
            counts.pop()  # the head may have cut it off
        if counts and counts[0] > 1:
            score = (counts.count(counts[0]) / len(counts), counts[0])
            if score > best_score:
                best, best_score = delimiter, score
    return best
