"""Filled fields of forms, and texts that somebody put onto a page of a PDF."""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pypdfium2.raw as pdfium

from domain.documents import Box, Field
from processing.documents.bounds import FIELDS
from processing.documents.characters import clean
from processing.documents.lines import Span
from processing.documents.pdf_text import Frame

_HIDDEN = pdfium.FPDF_ANNOT_FLAG_HIDDEN | pdfium.FPDF_ANNOT_FLAG_NOVIEW
_TICKED = (pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON)
_WITHOUT_VALUE = (pdfium.FPDF_FORMFIELD_PUSHBUTTON, pdfium.FPDF_FORMFIELD_SIGNATURE)
_LONGEST = 100_000
_LINE_HEIGHT = 12.0


def fields_of(page: Any, form: Any, frame: Frame) -> tuple[list[Field], list[Span]]:
    """The fields with values, and the words that those and the notes on the page show.

    `page` and `form` are handles; `form` may be None."""
    fields: list[Field] = []
    words: list[Span] = []
    for index in range(min(max(pdfium.FPDFPage_GetAnnotCount(page), 0), FIELDS)):
        with _annotation(page, index) as note:
            if not note or pdfium.FPDFAnnot_GetFlags(note) & _HIDDEN:
                continue
            kind = pdfium.FPDFAnnot_GetSubtype(note)
            box = _box(note, frame)
            if kind == pdfium.FPDF_ANNOT_WIDGET and form is not None and box is not None:
                found = _field(note, form, box)
                if found is not None:
                    fields.append(found)
                    words += _spread(found.value, box)
            elif kind == pdfium.FPDF_ANNOT_FREETEXT and box is not None:
                words += _spread(_text(_contents(note)), box)
    return fields, words


@contextmanager
def _annotation(page: Any, index: int) -> Iterator[Any]:
    note = pdfium.FPDFPage_GetAnnot(page, index)
    try:
        yield note
    finally:
        if note:
            pdfium.FPDFPage_CloseAnnot(note)


def _box(note: Any, frame: Frame) -> Box | None:
    told = pdfium.FS_RECTF()
    if not pdfium.FPDFAnnot_GetRect(note, ctypes.byref(told)):
        return None
    box = frame.box(told.left, told.bottom, told.right, told.top)
    return box if frame.shows(box) else None


def _field(note: Any, form: Any, box: Box) -> Field | None:
    kind = pdfium.FPDFAnnot_GetFormFieldType(form, note)
    if kind in _WITHOUT_VALUE or kind < 0:
        return None
    if kind in _TICKED:
        if not pdfium.FPDFAnnot_IsChecked(form, note):
            return None
        value = _text(_from(pdfium.FPDFAnnot_GetFormFieldExportValue, form, note)) or "Yes"
    else:
        value = _text(_from(pdfium.FPDFAnnot_GetFormFieldValue, form, note))
    if not value:
        return None
    return Field(_text(_from(pdfium.FPDFAnnot_GetFormFieldName, form, note)), value, box)


_Fill = Callable[[Any, int], int]


def _from(ask: Any, form: Any, note: Any) -> _Fill:
    return lambda buffer, size: int(ask(form, note, buffer, size))


def _contents(note: Any) -> _Fill:
    return lambda buffer, size: int(
        pdfium.FPDFAnnot_GetStringValue(note, b"Contents", buffer, size)
    )


def _text(fill: _Fill) -> str:
    """A text that pdfium writes as UTF-16 with a zero behind it."""
    size = fill(None, 0)
    if size <= 2 or size > _LONGEST:
        return ""
    buffer = ctypes.create_string_buffer(size)
    fill(ctypes.cast(buffer, ctypes.POINTER(pdfium.FPDF_WCHAR)), size)
    text = buffer.raw[: size - 2].decode("utf-16-le", "replace")
    lines = (" ".join(filter(None, map(clean, line.split()))) for line in text.splitlines())
    return "\n".join(filter(None, lines))


def _spread(text: str, box: Box) -> list[Span]:
    """Words in a field: its lines one under another, each word by its share of the line."""
    words = []
    lines = text.split("\n") if text else []
    height = min(box.height / max(len(lines), 1), _LINE_HEIGHT) if len(lines) > 1 else box.height
    for number, line in enumerate(lines):
        step = min(box.width / max(len(line), 1), height / 2)
        left, top = box.left, box.top + number * height
        for word in line.split(" "):
            right = left + len(word) * step
            words.append(Span(word, Box(left, top, right, top + height)))
            left = right + step
    return words
