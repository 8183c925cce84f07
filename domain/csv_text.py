"""CSV and TSV as a stream: bytes in, batches of records out, with the byte offset to resume at.

A record may span lines inside quotes. Records are counted, not lines: the header is 1, the first
row of data is 2, and a quoted line break does not count. Blank lines are passed over uncounted.
Parsing is done by the standard library's `csv` on whole lines, so memory holds one batch and one
chunk, whatever the size of the file.
"""

import codecs
import csv
import io
import re
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
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
    """What a file claims to be. `TYPED` is our own form of converted files, which needs no
    sniffing."""

    CSV = "csv"
    TSV = "tsv"
    TYPED = "typed"


class Encoding(StrEnum):
    """How the bytes are text, told without a guess. UTF-8 files may hold lines that are not: those
    are read as cp1252, which is what Latin-1 means in practice."""

    UTF_8 = "utf-8"
    CP1252 = "cp1252"
    UTF_16_LE = "utf-16-le"
    UTF_16_BE = "utf-16-be"


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """How to read a file. `encoding` is one of `Encoding`, or another one of Python's in which line
    breaks are the bytes of ASCII. Reading begins at `start`, behind a byte order mark."""

    encoding: str
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


#: Names the encoding of bytes that are not UTF-8, or None.
Guess = Callable[[bytes], str | None]


def known_encoding(name: str) -> str | None:
    """Python's name of an encoding that files can be read in, None for anything else: line breaks
    and delimiters must be the bytes of ASCII, wherever they stand."""
    try:
        found = codecs.lookup(name).name
        plain = _ASCII.decode(found) == _ASCII.decode("ascii")
    except (LookupError, ValueError, TypeError):
        return None
    if found in ("utf-16", *_UTF_16):
        return Encoding.UTF_16_BE if found == Encoding.UTF_16_BE else Encoding.UTF_16_LE
    if not plain or found.startswith(_STATEFUL):
        return None
    return Encoding.UTF_8 if found == "utf-8-sig" else found


def sniff(
    head: bytes, kind: CsvKind, guess: Guess = lambda _: None, wanted: str | None = None
) -> CsvFormat:
    """The format of a file, from its first bytes (64 kB are plenty; less is fine for small files).

    Encoding: by byte order mark, else UTF-16 if every second byte says so, else UTF-8 if the head
    is valid UTF-8, else what `guess` says, else cp1252; or `wanted`, unless a mark says otherwise.
    Delimiter: the one that a first line such as
    `sep=;` names, which is no record; tab for TSV; for CSV the one of `, ; tab |` that splits the
    first records most evenly. Raises `CsvError` for bytes that are no text.
    """
    if kind is CsvKind.TYPED:
        return CsvFormat(Encoding.UTF_8, ",")
    mark, encoding = _encoding(head, (lambda _: wanted) if wanted else guess)
    if wanted and not mark:
        encoding = wanted
    text = head[len(mark) :].decode(encoding, "replace")
    named = _NAMED_DELIMITER.match(text)
    if named is not None:
        start = len(mark) + len(named[0].encode(encoding))
        return CsvFormat(encoding, named[1], start)
    if kind is CsvKind.TSV:
        return CsvFormat(encoding, "\t", len(mark))
    return CsvFormat(encoding, _sniff_delimiter(text), len(mark))


def utf_16_without_mark(head: bytes) -> Encoding | None:
    """UTF-16 without a mark, told by the zero bytes that letters of ASCII bring; None if it is
    something else."""
    half = len(head) // 2
    # Of each pair the first byte, and the second one.
    zeros = (head[0 : 2 * half : 2].count(0), head[1 : 2 * half : 2].count(0))
    if max(zeros) * 2 < half or min(zeros) * 50 > half or half == 0:
        return None
    encoding = Encoding.UTF_16_LE if zeros[1] > zeros[0] else Encoding.UTF_16_BE
    text = head[: 2 * half].decode(encoding, "replace")
    return None if _CONTROL.search(text) else encoding


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
        self._decode = _decoder(form.encoding)
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


_NAMED_DELIMITER = re.compile(r'"?sep=([,;\t|])"?\r?(?:\n|(?<=\r))', re.IGNORECASE)
_STATEFUL = ("iso2022", "hz", "idna", "punycode", "unicode", "raw")
_ASCII = bytes(set(range(32, 127)) - set(b"\\~")) + b"\t\r\n"  # Japanese has other signs there
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def _decoder(encoding: str) -> Callable[[bytes], str]:
    if encoding == Encoding.UTF_8 or encoding in _UTF_16:  # UTF-16 has been made UTF-8
        return _decode_utf_8
    return lambda line: line.decode(encoding, "replace")


def _decode_utf_8(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode(Encoding.CP1252, "replace")


def _encoding(head: bytes, guess: Guess) -> tuple[bytes, str]:
    """Byte order mark and encoding."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return mark, encoding
    if b"\0" in head:
        wide = utf_16_without_mark(head)
        if wide is None:
            raise CsvError("The file is not a text file")
        return b"", wide
    return b"", Encoding.UTF_8 if _is_utf_8(head) else guess(head) or Encoding.CP1252


def _is_utf_8(head: bytes) -> bool:
    try:
        # Not final: the head may end inside a character.
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _sniff_delimiter(text: str) -> str:
    """The delimiter that splits the first records most evenly, then into most fields. One that
    leaves text behind closing quotes is taken only when all do."""
    scores = {
        (delimiter, strict): score
        for strict in (True, False)
        for delimiter in _DELIMITERS
        if (score := _evenness(text, delimiter, strict)) is not None
    }
    strict_ones = {key: score for key, score in scores.items() if key[1]}
    best = max((strict_ones or scores).items(), key=lambda each: each[1], default=None)
    return best[0][0] if best is not None else ","


def _evenness(text: str, delimiter: str, strict: bool) -> tuple[float, int] | None:
    """How evenly a delimiter splits, and into how many fields; None when it does not at all."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict)
    counts: list[int] = []
    try:
        for record in islice(reader, _SNIFFED_RECORDS):
            if record:
                counts.append(len(record))
    except csv.Error as error:
        # Where the head was cut off, a quote may be open: that is no fault.
        if "unexpected end of data" not in str(error):
            return None
    if 2 < len(counts) < _SNIFFED_RECORDS and not text.endswith(("\n", "\r")):
        counts.pop()  # the head may have cut it off
    if not counts or counts[0] < 2:
        return None
    return counts.count(counts[0]) / len(counts), counts[0]
