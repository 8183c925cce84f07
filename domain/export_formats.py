"""The formats of an export. An encoder turns chunks of rows into bytes; it keeps none of them.

Values come as JSON texts, as PostgreSQL wrote them. Most texts are copied and never parsed."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from domain import numbers
from domain.columns import Column, ColumnType
from domain.export_records import ExportBounds, ExportRow
from domain.export_xlsx import MAX_CHARACTERS, MAX_ROWS, XlsxEncoder, cell_of
from domain.formula_guard import guarded
from domain.values import Family, family


class ExportFormat(StrEnum):
    """What a table can be exported to."""

    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    XLSX = "xlsx"


class Encoder(Protocol):
    """Writes one export: its head, then rows chunk by chunk, then its tail. Close it in any
    case."""

    def head(self) -> bytes: ...

    def rows(self, rows: Sequence[ExportRow]) -> bytes: ...

    def tail(self) -> bytes: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class EncoderInput:
    """What an encoder is made from. Without `guards` texts that look like formulas stay as they
    are; JSON is never guarded."""

    title: str
    columns: tuple[Column, ...]
    guards: bool


@dataclass(frozen=True, slots=True)
class FormatEntry:
    """One format. `extra` tells whether it has room for keys without a column."""

    media_type: str
    encoder: Callable[[EncoderInput], Encoder]
    extra: bool
    bounds: ExportBounds | None = None


def plain_text(column: Column) -> Callable[[str], str]:
    """The function that turns a value's JSON text into the text of a cell.

    Texts, dates and ids lose their quotes; numbers and booleans are as in JSON; a measurement is
    its amount; lists, objects and all values of a json column stay JSON."""
    if column.type is ColumnType.MEASUREMENT:
        return _amount
    if column.type is ColumnType.JSON:
        return str
    return _copied if family(column) in (Family.NUMBER, Family.BOOLEAN) else _unquoted


def _copied(value: str) -> str:
    return value


def _unquoted(value: str) -> str:
    if value[0] != '"':
        return value
    if "\\" not in value:
        return value[1:-1]
    text: str = json.loads(value)
    return text


def _amount(value: str) -> str:
    return str(numbers.text(numbers.loads(value)["amount"])) if value[0] == "{" else value


#: Columns whose texts are no free texts, and so cannot be taken for formulas.
_NEVER_FORMULAS = frozenset({Family.NUMBER, Family.BOOLEAN, Family.DATE, Family.DATETIME})


def cell_text(column: Column, guards: bool) -> Callable[[str], str]:
    """The function that gives the text of a cell that is not empty."""
    plain = plain_text(column)
    if not guards or family(column) in _NEVER_FORMULAS:
        return plain
    return lambda value: guarded(plain(value))


class _TextEncoder:
    """What keeps nothing open."""

    def close(self) -> None:
        """There is nothing to close."""


class CsvEncoder(_TextEncoder):
    """Comma-separated UTF-8: labels first, `\\n` at the end of each line, quotes only where a
    field needs them."""

    def __init__(self, given: EncoderInput) -> None:
        labels = (column.label for column in given.columns)
        self._header = [_field(guarded(label) if given.guards else label) for label in labels]
        self._fields = [_field_of(column, given.guards) for column in given.columns]

    def head(self) -> bytes:
        return self._lines([self._header])

    def rows(self, rows: Sequence[ExportRow]) -> bytes:
        if not rows:
            return b""
        columns = zip(*(row.values for row in rows), strict=True)
        fields = [
            ["" if value is None else field(value) for value in values]
            for field, values in zip(self._fields, columns, strict=True)
        ]
        return self._lines(zip(*fields, strict=True) if fields else [()] * len(rows))

    def tail(self) -> bytes:
        return b""

    def _lines(self, records: Iterable[Sequence[str]]) -> bytes:
        if len(self._fields) == 1:
            # Readers pass over a blank line, so a single empty field says that it is there.
            lines = [record[0] or '""' for record in records]
        else:
            lines = [",".join(record) for record in records]
        return "".join(f"{line}\n" for line in lines).encode()


def _field_of(column: Column, guards: bool) -> Callable[[str], str]:
    """The function that turns a value's JSON text into a field."""
    if family(column) in _NEVER_FORMULAS:
        return plain_text(column)  # without a character that needs quotes
    text = cell_text(column, guards)

    def field(value: str) -> str:
        # Most texts: nothing is escaped in them, so they hold neither quotes nor line breaks.
        if "\\" not in value and value[0] == '"' and value[1] not in _DOUBTFUL:
            return value if "," in value else value[1:-1]
        return _field(text(value))

    return field if column.type is not ColumnType.JSON else lambda value: _field(text(value))


#: First characters that a guard looks at, and the quote at the end of an empty text.
_DOUBTFUL = frozenset("=+-@'\t\"")
_needs_quotes = re.compile(r'[",\r\n]').search


def _field(text: str) -> str:
    if _needs_quotes(text) is None:
        return text
    escaped = text.replace('"', '""')
    return f'"{escaped}"'


class JsonEncoder(_TextEncoder):
    """One array of the rows' data objects, indented by two spaces."""

    def __init__(self, given: EncoderInput) -> None:
        self._names = [f"\n    {_quoted(column.key)}: " for column in given.columns]
        self._first = True

    def head(self) -> bytes:
        return b"["

    def rows(self, rows: Sequence[ExportRow]) -> bytes:
        pieces = []
        for row in rows:
            pieces.append(f"{'' if self._first else ','}\n  {self._object(row)}")
            self._first = False
        return "".join(pieces).encode()

    def tail(self) -> bytes:
        return b"]" if self._first else b"\n]"

    def _object(self, row: ExportRow) -> str:
        members = [
            name + _indented(value) for name, value in zip(self._names, row.values, strict=True)
        ]
        if row.extra is not None:
            extra = numbers.loads(row.extra)
            members += [f"\n    {_quoted(key)}: {_pretty(extra[key], 4)}" for key in extra]
        return f"{{{','.join(members)}\n  }}" if members else "{}"


class JsonLinesEncoder(_TextEncoder):
    """One data object a line."""

    def __init__(self, given: EncoderInput) -> None:
        self._names = [f"{_quoted(column.key)}:" for column in given.columns]

    def head(self) -> bytes:
        return b""

    def rows(self, rows: Sequence[ExportRow]) -> bytes:
        return "".join(f"{self._object(row)}\n" for row in rows).encode()

    def tail(self) -> bytes:
        return b""

    def _object(self, row: ExportRow) -> str:
        values = zip(self._names, row.values, strict=True)
        members = [name + ("null" if value is None else value) for name, value in values]
        if row.extra is not None and row.extra != "{}":
            members.append(row.extra[1:-1])
        return f"{{{','.join(members)}}}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _indented(value: str | None) -> str:
    """A member's value inside a row's object."""
    if value is None:
        return "null"
    return _pretty(numbers.loads(value), 4) if value[0] in "[{" else value


def _pretty(value: Any, indent: int) -> str:
    """JSON with two spaces for each level, and numbers digit by digit."""
    if isinstance(value, dict):
        members = [f"{_quoted(key)}: {_pretty(each, indent + 2)}" for key, each in value.items()]
        return _enclosed("{}", members, indent)
    if isinstance(value, list):
        return _enclosed("[]", [_pretty(each, indent + 2) for each in value], indent)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return numbers.text(value)
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _enclosed(marks: str, items: Sequence[str], indent: int) -> str:
    if not items:
        return marks
    gap = "\n" + " " * (indent + 2)
    return f"{marks[0]}{gap}{f',{gap}'.join(items)}\n{' ' * indent}{marks[1]}"


def _xlsx(given: EncoderInput) -> Encoder:
    labels = [column.label for column in given.columns]
    return XlsxEncoder(
        given.title,
        [guarded(label) if given.guards else label for label in labels],
        [cell_of(column, cell_text(column, given.guards)) for column in given.columns],
    )


#: Every format. Faces and documents go by this table.
FORMATS = {
    ExportFormat.CSV: FormatEntry("text/csv; charset=utf-8", CsvEncoder, extra=False),
    ExportFormat.JSON: FormatEntry("application/json", JsonEncoder, extra=True),
    ExportFormat.JSONL: FormatEntry("application/jsonl", JsonLinesEncoder, extra=True),
    ExportFormat.XLSX: FormatEntry(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _xlsx,
        extra=False,
        bounds=ExportBounds(MAX_ROWS, MAX_CHARACTERS),
    ),
}
