"""An XLSX workbook of one sheet as a stream: a ZIP of XML, written front to back.

Nothing is kept but the compressor's window, so the size of the table does not matter. Cells are
inline strings, for a table of shared strings would have to be remembered to the end."""

import re
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile

from domain.columns import Column, ColumnType
from domain.errors import TooLarge
from domain.export_records import ExportRow
from domain.values import Family, family

#: What a sheet holds: rows below the header, and characters in a cell.
MAX_ROWS = 1_048_575
MAX_CHARACTERS = 32_767
#: Excel does not open a sheet whose XML needs the 64-bit form of ZIP.
MAX_XML_BYTES = 2_000_000_000
MAX_TITLE = 31

#: A tenth larger than with the usual 6, in half of the time.
_COMPRESSION = 3
_EPOCH = date(1899, 12, 30).toordinal()
# Excel takes 1900 for a leap year: its days are right from March on.
_FIRST_DAY = "1900-03-01"
_DAY_MS = 86_400_000
#: Up to this many digits every decimal number survives float64.
_SAFE_DIGITS = 15

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_DATE_STYLE, _MOMENT_STYLE = 1, 2

_TYPES = (
    f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels"'
    ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/></Types>'
)
_ROOT = (
    f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1"'
    f' Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
_BOOK_RELATIONS = (
    f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_RELATIONS}/styles" Target="styles.xml"/></Relationships>'
)
_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}"><numFmts count="2">'
    '<numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss.000"/></numFmts>'
    '<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    "</cellXfs></styleSheet>"
)


def _book(title: str) -> str:
    return (
        f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>'
        f'<sheet name="{_escaped(title)}" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )


_NOT_IN_TITLES = re.compile(r"[\[\]:*?/\\\x00-\x1f\ufffe\uffff]")


def sheet_title(name: str) -> str:
    """The name as a title that Excel takes: 31 characters as UTF-16 counts them, none of
    `[ ] : * ? / \\`."""
    units = _NOT_IN_TITLES.sub("_", name).strip().encode("utf-16-le")[: 2 * MAX_TITLE]
    title = units.decode("utf-16-le", "ignore").strip().strip("'")
    if not title:
        return "Sheet1"
    return f"{title}_" if title.lower() == "history" else title  # a name that Excel keeps


# What XML cannot hold or would change, and what looks like the escape for it.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_MARKUP = re.compile(r"[&<>\"]")
_SPECIAL = re.compile(f"{_MARKUP.pattern}|{_UNWRITABLE.pattern}").search
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}


def _escaped(text: str) -> str:
    if _SPECIAL(text) is None:
        return text
    text = _MARKUP.sub(lambda found: _ENTITIES[found[0]], text)
    return _UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def _letters(index: int) -> str:
    """The name of a column by its place from 0: A, B, … Z, AA."""
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(65 + rest) + name
    return name


#: Turns a text into attributes and content of a cell, without its place: `<c r="A1"` goes before.
Cell = Callable[[str], str]


def _text_cell(text: str) -> str:
    # Excel counts as UTF-16 does, where no character takes more than two units.
    if len(text) * 2 > MAX_CHARACTERS and len(text.encode("utf-16-le")) > 2 * MAX_CHARACTERS:
        raise TooLarge(
            f"A text has more than {MAX_CHARACTERS:,} characters, and a cell of a spreadsheet holds"
            " no more; export as csv or json"
        )
    space = "" if text.strip() == text else ' xml:space="preserve"'
    return f' t="inlineStr"><is><t{space}>{_escaped(text)}</t></is></c>'


def _number_cell(text: str) -> str:
    if len(text) > _SAFE_DIGITS and Decimal(repr(float(text))) != Decimal(text):
        return _text_cell(text)
    return f"><v>{text}</v></c>"


def _boolean_cell(text: str) -> str:
    return f' t="b"><v>{int(text == "true")}</v></c>'


@lru_cache(maxsize=8192)  # columns of dates repeat themselves
def _day(text: str) -> int:
    return date.fromisoformat(text).toordinal() - _EPOCH


def _date_cell(text: str) -> str:
    if text < _FIRST_DAY:
        return _text_cell(text)
    return f' s="{_DATE_STYLE}"><v>{_day(text)}</v></c>'


def _moment_cell(text: str) -> str:
    if text < _FIRST_DAY:
        return _text_cell(text)
    hours, minutes = int(text[11:13]), int(text[14:16])
    milliseconds = (hours * 60 + minutes) * 60_000 + int(text[17:19]) * 1000 + int(text[20:23])
    serial = _day(text[:10]) + milliseconds / _DAY_MS
    return f' s="{_MOMENT_STYLE}"><v>{serial!r}</v></c>'


_CELLS: dict[Family, Cell] = {
    Family.NUMBER: _number_cell,
    Family.BOOLEAN: _boolean_cell,
    Family.DATE: _date_cell,
    Family.DATETIME: _moment_cell,
}


def cell_of(column: Column, text: Callable[[str], str]) -> Cell:
    """The function that makes a cell of a value's JSON text. `text` gives the plain text of it."""
    make = _CELLS.get(family(column), _text_cell)
    if column.type in (ColumnType.JSON, ColumnType.MEASUREMENT):
        return lambda value: make(text(value))
    match family(column):
        case Family.NUMBER | Family.BOOLEAN:
            return make
        case Family.DATE | Family.DATETIME:
            return lambda value: make(value[1:-1])

    def cell(value: str) -> str:
        if _is_plain(value) and len(value) < _SHORT:
            return f' t="inlineStr"><is><t>{value[1:-1]}</t></is></c>'
        return _text_cell(text(value))

    return cell


# JSON texts that are written as they are: nothing is escaped, special or could be a formula.
_is_plain = re.compile(r'"[^\s=+\-@\'"\\&<>_\ufffe\uffff][^\\&<>_\ufffe\uffff]*(?<!\s)"\Z').match
_SHORT = 10_000


class XlsxEncoder:
    """Writes the workbook. `cells` holds for each column what `cell_of` made.

    Raises `TooLarge` for what a sheet cannot hold."""

    def __init__(
        self,
        title: str,
        header: Sequence[str],
        cells: Sequence[Cell],
    ) -> None:
        self._title = sheet_title(title)
        self._header = header
        self._cells = cells
        self._names = [f'<c r="{_letters(index)}' for index in range(len(cells))]
        self._out = _Outlet()
        self._zip = ZipFile(self._out, "w", ZIP_DEFLATED, compresslevel=_COMPRESSION)
        self._sheet: IO[bytes] | None = None
        self._row = 0
        self._bytes = 0

    def head(self) -> bytes:
        for name, text in (
            ("[Content_Types].xml", _TYPES),
            ("_rels/.rels", _ROOT),
            ("xl/workbook.xml", _book(self._title)),
            ("xl/_rels/workbook.xml.rels", _BOOK_RELATIONS),
            ("xl/styles.xml", _STYLES),
        ):
            self._zip.writestr(name, text)
        self._sheet = self._zip.open("xl/worksheets/sheet1.xml", "w")
        self._write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>')
        self._write(self._line([_text_cell(label) for label in self._header]))
        return self._out.take()

    def rows(self, rows: Sequence[ExportRow]) -> bytes:
        if not rows:
            return b""
        if self._row + len(rows) > MAX_ROWS + 1:
            raise TooLarge(f"A sheet holds at most {MAX_ROWS:,} rows; export as csv or json")
        columns = zip(*(row.values for row in rows), strict=True)
        made = [
            [None if value is None else cell(value) for value in values]
            for values, cell in zip(columns, self._cells, strict=True)
        ]
        lines = zip(*made, strict=True) if made else [()] * len(rows)
        self._write("".join(map(self._line, lines)))
        return self._out.take()

    def tail(self) -> bytes:
        self._write("</sheetData></worksheet>")
        self.close()
        return self._out.take()

    def close(self) -> None:
        """Also in the middle: a ZIP that is left open complains."""
        if self._sheet is not None:
            self._sheet.close()
            self._sheet = None
        self._zip.close()

    def _line(self, cells: Sequence[str | None]) -> str:
        self._row += 1
        number = self._row
        filled = [
            f'{name}{number}"{cell}'
            for name, cell in zip(self._names, cells, strict=True)
            if cell is not None
        ]
        return f'<row r="{number}">{"".join(filled)}</row>'

    def _write(self, text: str) -> None:
        data = text.encode()
        self._bytes += len(data)
        if self._bytes > MAX_XML_BYTES:
            raise TooLarge("The table is too large for a spreadsheet; export as csv or json")
        assert self._sheet is not None
        self._sheet.write(data)


class _Outlet:
    """Where the ZIP goes: bytes wait here until they are taken, and cannot be gone back to."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._chunks.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits in front of this."""

    def close(self) -> None:
        """Whoever made it takes what is left."""

    def take(self) -> bytes:
        taken = b"".join(self._chunks)
        self._chunks.clear()
        return taken
