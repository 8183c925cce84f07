"""Documents as PDF, with what they say known: a long report, and invoices of suppliers."""

import io
import random
from collections.abc import Sequence
from dataclasses import dataclass

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

_HEIGHT = A4[1]
_TEXT = (
    "the of harbour winter copper garden between motion letter under silver paper stone window "
    "river morning candle bridge orchard carpet lantern meadow thunder village market"
)
_WORDS = _TEXT.split()
_ROWS_OF_A_PAGE = 6
_HEADS = ("Code", "Name", "Quantity", "Amount")
_EDGES = (60, 140, 340, 420, 520)

#: code, name, quantity, amount
Line = tuple[str, str, float, float]


@dataclass(frozen=True, slots=True)
class Paper:
    """A PDF, the number and total that it prints, and its lines."""

    content: bytes
    number: str
    total: float
    lines: Sequence[Line]


def report(pages: int) -> Paper:
    """Pages with 40 lines of words and a ruled table of six rows each."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1)
    lines = [
        [_line(f"R{page:03}-{row}", page * 31 + row) for row in range(_ROWS_OF_A_PAGE)]
        for page in range(pages)
    ]
    total = _total([line for page in lines for line in page])
    for page in range(pages):
        canvas.setFont("Helvetica", 9)
        if page == 0:
            canvas.drawString(60, 815, "Report number: R-2026-500")
        if page == pages - 1:
            canvas.drawString(60, 60, f"Total: {total:,.2f} EUR")
        for row in range(40):
            words = [_WORDS[(page * 31 + row * 7 + at * at) % 24] for at in range(11)]
            canvas.drawString(60, 790 - 13 * row, " ".join(words))
        _table(canvas, lines[page], 250, ruled=True)
        canvas.showPage()
    canvas.save()
    return Paper(out.getvalue(), "R-2026-500", total, [line for page in lines for line in page])


def invoice(number: int) -> Paper:
    """A page with 3 to 20 lines, every other one with drawn lines around its cells."""
    chance = random.Random(number)
    name = f"INV-2026-{number:04}"
    lines = [
        _line(f"A{number:04}-{row:02}", chance.randrange(10_000))
        for row in range(chance.randint(3, 20))
    ]
    total = _total(lines)
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1)
    canvas.setFont("Helvetica-Bold", 18)
    canvas.drawString(60, _HEIGHT - 70, "Northwind Fittings Ltd")
    canvas.setFont("Helvetica", 10)
    canvas.drawString(60, _HEIGHT - 110, "Invoice number:")
    canvas.drawString(160, _HEIGHT - 110, name)
    canvas.drawString(60, _HEIGHT - 124, "Date:")
    canvas.drawString(160, _HEIGHT - 124, f"2026-03-{number % 28 + 1:02}")
    foot = _table(canvas, lines, _HEIGHT - 180, ruled=number % 2 == 0)
    canvas.drawString(60, foot - 40, f"Total: {total:,.2f} EUR")
    canvas.showPage()
    canvas.save()
    return Paper(out.getvalue(), name, total, lines)


def _line(code: str, seed: int) -> Line:
    name = f"{_WORDS[2 + seed % 20].capitalize()} {_WORDS[2 + seed * 7 % 20]}"
    return code, name, float(1 + seed % 40), 12.5 + seed * 3 % 4_000


def _total(lines: Sequence[Line]) -> float:
    return round(sum(line[3] for line in lines), 2)


def _table(canvas: Canvas, lines: Sequence[Line], top: float, *, ruled: bool) -> float:
    """Draw a table below `top`; where it ends."""
    levels = [top - 16 * row for row in range(len(lines) + 2)]
    if ruled:
        canvas.grid(list(_EDGES), levels)
    rows = [_HEADS, *((code, name, f"{n:.0f}", f"{x:,.2f}") for code, name, n, x in lines)]
    for y, row in zip(levels[1:], rows, strict=True):
        for place, text in enumerate(row):
            if place < 2:
                canvas.drawString(_EDGES[place] + 4, y + 4, text)
            else:
                canvas.drawRightString(_EDGES[place + 1] - 4, y + 4, text)
    return levels[-1]
