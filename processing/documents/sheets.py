"""Reads workbooks and CSV: each sheet is a page with one table."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from domain.csv_text import CsvError, CsvReader, sniff
from domain.documents import Page, Unreadable
from domain.file_types import CSV_KINDS
from persistence.conversion import sheets
from persistence.conversion.bounds import Unreadable as NotConverted
from persistence.encodings import guess_encoding
from processing.documents.bounds import CELLS, TEXT_BYTES, too_many
from processing.documents.child import Contents, Options, main
from processing.documents.drawing import drawn_page
from processing.documents.plain_text import content_of
from processing.documents.typewriter import Typewriter

_HEAD = 65_536
_BATCH = 1_000
_PIECE = 1_048_576


def read(path: Path, options: Options) -> Contents:
    if options.kind in CSV_KINDS:
        return Contents(iter([_page(1, "", _csv(path, options.kind))]))
    return Contents(_workbook(path))


def draw(path: Path, number: int, width: int, options: Options) -> bytes:
    return drawn_page(read(path, options).pages, number, width)


def _workbook(path: Path) -> Iterator[Page]:
    try:
        for number, (name, records) in enumerate(sheets.read_all(path), start=1):
            yield _page(number, name, records)
    except NotConverted as error:
        raise Unreadable(str(error)) from None


def _csv(path: Path, kind: str) -> Iterator[list[str]]:
    content = content_of(path)
    try:
        form = sniff(content[:_HEAD], CSV_KINDS[kind], guess_encoding)
        reader = CsvReader(form, _BATCH)
        for at in range(form.start, len(content), _PIECE):
            for batch in reader.feed(content[at : at + _PIECE]):
                yield from batch.records
        for batch in reader.finish():
            yield from batch.records
    except CsvError as error:
        raise Unreadable(str(error)) from None


def _page(number: int, name: str, records: Iterable[list[str]]) -> Page:
    rows: list[list[str]] = []
    cells = characters = 0
    for record in records:
        rows.append(record)
        cells += len(record)
        characters += sum(map(len, record))
        if cells > CELLS:
            raise too_many("cells of tables", CELLS)
        if characters > TEXT_BYTES:
            raise too_many("characters", TEXT_BYTES)
    paper = Typewriter(number, name or "Sheet")
    if rows:
        width = max(map(len, rows))
        if width * len(rows) > CELLS:
            raise too_many("cells of tables", CELLS)
        paper.table([[*row, *[""] * (width - len(row))] for row in rows])
    return paper.pages()[0]


if __name__ == "__main__":
    sys.exit(main(read, draw))
