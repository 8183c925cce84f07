"""Reads PDF files. pdfium does what is hard, and this process is what it may destroy."""

import io
import math
import sys
from collections.abc import Iterator
from contextlib import closing
from ctypes import byref
from pathlib import Path
from typing import Any

import pypdfium2.raw as raw
from PIL import Image
from pypdfium2 import PdfDocument, PdfiumError

from domain.document_json import tenth
from domain.documents import Page, TextSource, Unreadable
from processing.documents import bounds
from processing.documents.bounds import too_many
from processing.documents.child import Contents, Options, main
from processing.documents.layout import laid_out
from processing.documents.lines import Span
from processing.documents.ocr import DOTS, Ocr
from processing.documents.pdf_fields import fields_of
from processing.documents.pdf_rules import Drawn, drawn_on
from processing.documents.pdf_text import Frame, words_of

_POINTS = 72
#: A page larger than this, in points, is none: some 1,700 m.
_LARGEST = 5_000_000.0
#: Invisible words count where a picture covers this much of a page: they are its text by OCR.
_SCANNED = 0.5
#: So much of a page is picture, with so few words, that the picture is read.
_PICTURED, _FEW_WORDS = 0.8, 10
_USUAL = 612.0, 792.0
_DAMAGED_PAGE = "This page of the PDF is damaged"
_TOO_MUCH_DRAWN = "Too much is drawn on this page to look for the lines of tables"


def read(path: Path, options: Options) -> Contents:
    return Contents(_pages(path, Ocr(options)))


def draw(path: Path, number: int, width: int, options: Options) -> bytes:
    """A page as PNG, with the values of its fields."""
    with closing(_opened(path)) as pdf:
        if number > len(pdf):
            raise Unreadable(f"The PDF has no page {number}; it has {len(pdf)}")
        try:
            page = pdf[number - 1]
            picture = _picture(page, _frame(page.raw), width)
        except (PdfiumError, ValueError):
            raise Unreadable(_DAMAGED_PAGE) from None
        out = io.BytesIO()
        picture.save(out, "PNG")
        return out.getvalue()


def _opened(path: Path) -> PdfDocument:
    try:
        pdf = PdfDocument(path)
    except PdfiumError as error:
        if error.err_code == raw.FPDF_ERR_PASSWORD:
            raise Unreadable("The PDF is protected with a password") from None
        if error.err_code == raw.FPDF_ERR_SECURITY:
            raise Unreadable("The PDF is encrypted in a way that cannot be read") from None
        raise Unreadable("The PDF is damaged or was cut off") from None
    if len(pdf) > bounds.PAGES:
        raise too_many("pages", bounds.PAGES)
    if pdf.get_formtype() != raw.FORMTYPE_NONE:
        pdf.init_forms()
    return pdf


def _pages(path: Path, ocr: Ocr) -> Iterator[Page]:
    with closing(_opened(path)) as pdf:
        for index in range(len(pdf)):
            try:
                page = pdf[index]
            except PdfiumError:
                yield Page(index + 1, *_USUAL, source=TextSource.NONE, note=_DAMAGED_PAGE)
                continue
            # Pages that stay open keep all that was ever decoded for them.
            with closing(page):
                yield _page(page, index + 1, pdf.formenv, ocr)


def _page(page: Any, number: int, form: Any, ocr: Ocr) -> Page:
    try:
        frame = _frame(page.raw)
    except ValueError:
        return Page(number, *_USUAL, source=TextSource.NONE, note=_DAMAGED_PAGE)
    width, height = frame.size
    shown, hidden = words_of(page.raw, frame)
    drawn = drawn_on(page.raw, frame)
    rules = drawn.rules()
    fields, filled = fields_of(page.raw, form.raw if form is not None else None, frame)
    spans = shown + filled + (hidden if drawn.pictured >= _SCANNED else [])
    source, note = TextSource.FILE, None if drawn.is_whole else _TOO_MUCH_DRAWN
    if _wants_ocr(drawn, spans):
        seen, problem = _by_ocr(page, frame, ocr)
        if len(seen) > len(spans):
            spans, source = seen, TextSource.OCR
        if not spans:
            note = problem or note
    laid = laid_out(number, spans, rules)
    return Page(
        number=number,
        width=tenth(width),
        height=tenth(height),
        text=laid.text,
        words=laid.words,
        tables=laid.tables,
        fields=tuple(fields),
        rotation=90 * frame.quarters,
        source=source if laid.words else TextSource.NONE,
        note=note,
    )


def _frame(page: Any) -> Frame:
    """Raises ValueError for a page without a size."""
    box = raw.FS_RECTF()
    told = raw.FPDF_GetPageBoundingBox(page, byref(box))
    edges = box.left, box.bottom, box.right, box.top
    if not told or not all(math.isfinite(edge) and abs(edge) <= _LARGEST for edge in edges):
        raise ValueError("The page has no size")
    frame = Frame(*edges, raw.FPDFPage_GetRotation(page) % 4)
    if min(frame.size) < 1:
        raise ValueError("The page has no size")
    return frame


def _wants_ocr(drawn: Drawn, spans: list[Span]) -> bool:
    if not spans:
        return drawn.left < bounds.DRAWN  # something is drawn
    return drawn.pictured >= _PICTURED and len(spans) < _FEW_WORDS


def _by_ocr(page: Any, frame: Frame, ocr: Ocr) -> tuple[list[Span], str]:
    if not ocr.is_there:
        return ocr.read(Image.new("L", (1, 1)), 1, 1)
    width, height = frame.size
    picture = _picture(page, frame, round(width * DOTS / _POINTS))
    return ocr.read(picture, width, height)


def _picture(page: Any, frame: Frame, width: int) -> Image.Image:
    """A page of this width, or less where it would have too many pixels."""
    across, down = frame.size
    scale = min(width / across, math.sqrt(bounds.SHOWN_PIXELS / (across * down)))
    scale = max(scale, 1 / min(across, down))
    if across * scale * down * scale > 2 * bounds.SHOWN_PIXELS:
        raise ValueError("The page is too long for its width")
    picture = page.render(scale=scale).to_pil()
    return picture if isinstance(picture, Image.Image) else Image.fromarray(picture)


if __name__ == "__main__":
    sys.exit(main(read, draw))
