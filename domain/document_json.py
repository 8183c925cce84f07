"""Documents as compact JSON, to be stored. Places are whole tenths of a point.

A stored document of another form than `FORM` is not understood: its file is read again."""

import json
from collections.abc import Sequence
from typing import Any

from domain.documents import Attachment, Box, Cell, Document, Field, Page, Table, TextSource, Word

#: Changes whenever the same file is read into another document than before, or is told otherwise.
FORM = 1

_PLAIN_CELL = 5
_WORD = 6


class OtherForm(ValueError):
    """The text is no document of this form."""


def dumps(document: Document) -> str:
    return _text(_document(document))


def loads(text: str | bytes) -> Document:
    """Raises `OtherForm` for a document of another form."""
    told = json.loads(text)
    if not isinstance(told, dict) or told.get("form") != FORM:
        raise OtherForm("The document was stored in another form")
    return _document_of(told)


def dump_page(page: Page) -> str:
    return _text(_page(page))


def load_page(text: str | bytes) -> Page:
    return _page_of(json.loads(text))


def tenth(length: float) -> float:
    """A length as documents keep it: rounded to tenths of a point."""
    return round(length, 1)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _document(document: Document) -> dict[str, Any]:
    told: dict[str, Any] = {
        "form": FORM,
        "kind": document.kind,
        "pages": [_page(page) for page in document.pages],
    }
    if document.headers:
        told["headers"] = document.headers
    if document.attachments:
        told["attachments"] = [_attachment(each) for each in document.attachments]
    return told


def _document_of(told: dict[str, Any]) -> Document:
    return Document(
        told["kind"],
        tuple(_page_of(page) for page in told["pages"]),
        tuple((name, value) for name, value in told.get("headers", ())),
        tuple(_attachment_of(each) for each in told.get("attachments", ())),
    )


def _attachment(attachment: Attachment) -> dict[str, Any]:
    document = None if attachment.document is None else _document(attachment.document)
    return {
        "name": attachment.name,
        "kind": attachment.kind,
        "size": attachment.size,
        "document": document,
        "problem": attachment.problem,
    }


def _attachment_of(told: dict[str, Any]) -> Attachment:
    document = None if told["document"] is None else _document_of(told["document"])
    return Attachment(told["name"], told["kind"], told["size"], document, told["problem"])


def _page(page: Page) -> dict[str, Any]:
    words: list[int] = []
    for word in page.words:
        words += (word.start, len(word.text), *_tenths(word.box))
    told: dict[str, Any] = {
        "n": page.number,
        "size": [_tenths_of(page.width), _tenths_of(page.height)],
        "text": page.text,
        "words": words,
    }
    more = {
        "tables": [_table(table) for table in page.tables],
        "fields": [[field.name, field.value, *_tenths(field.box)] for field in page.fields],
        "rotation": page.rotation,
        "source": "" if page.source is TextSource.FILE else page.source.value,
        "note": page.note,
        "name": page.name,
    }
    return told | {key: value for key, value in more.items() if value}


def _page_of(told: dict[str, Any]) -> Page:
    text, flat = told["text"], told["words"]
    words = tuple(
        Word(text[flat[at] : flat[at] + flat[at + 1]], _box(flat[at + 2 : at + _WORD]), flat[at])
        for at in range(0, len(flat), _WORD)
    )
    return Page(
        number=told["n"],
        width=told["size"][0] / 10,
        height=told["size"][1] / 10,
        text=text,
        words=words,
        tables=tuple(_table_of(each, told["n"]) for each in told.get("tables", ())),
        fields=tuple(
            Field(name, value, _box(place)) for name, value, *place in told.get("fields", ())
        ),
        rotation=told.get("rotation", 0),
        source=TextSource(told.get("source", TextSource.FILE)),
        note=told.get("note"),
        name=told.get("name"),
    )


def _table(table: Table) -> dict[str, Any]:
    told: dict[str, Any] = {
        "box": _tenths(table.box),
        "rows": [[_cell(cell) for cell in row] for row in table.rows],
    }
    more = {
        "ruled": table.ruled,
        "header": table.header_rows,
        "continues": table.continues,
        "continued": table.continued,
    }
    return told | {key: value for key, value in more.items() if value}


def _table_of(told: dict[str, Any], page: int) -> Table:
    return Table(
        page=page,
        box=_box(told["box"]),
        rows=tuple(tuple(_cell_of(cell) for cell in row) for row in told["rows"]),
        ruled=told.get("ruled", False),
        header_rows=told.get("header", 0),
        continues=told.get("continues", False),
        continued=told.get("continued", False),
    )


def _cell(cell: Cell) -> list[Any]:
    told: list[Any] = [cell.text, *_tenths(cell.box)]
    if (cell.row_span, cell.column_span) != (1, 1):
        told += (cell.row_span, cell.column_span)
    return told


def _cell_of(told: list[Any]) -> Cell:
    spans = told[_PLAIN_CELL:] or (1, 1)
    return Cell(told[0], _box(told[1:_PLAIN_CELL]), *spans)


def _tenths(box: Box) -> tuple[int, int, int, int]:
    return (
        _tenths_of(box.left),
        _tenths_of(box.top),
        _tenths_of(box.right),
        _tenths_of(box.bottom),
    )


def _tenths_of(length: float) -> int:
    return round(length * 10)


def _box(tenths: Sequence[int]) -> Box:
    left, top, right, bottom = tenths
    return Box(left / 10, top / 10, right / 10, bottom / 10)
