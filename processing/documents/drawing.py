"""The picture of a page that has no look of its own: its words at their places, and its tables."""

import io
import math
from collections.abc import Iterable

from PIL import Image, ImageDraw, ImageFont

from domain.documents import Page, Unreadable
from processing.documents.bounds import SHOWN_PIXELS

_INK, _LINE = (30, 30, 30), (190, 190, 190)
#: A page of a sheet goes on for ever; so much of it is shown, in widths.
_LONGEST = 1.5
_SMALLEST = 4


def drawn_page(pages: Iterable[Page], number: int, width: int) -> bytes:
    """The page with this number as PNG. Only the pages before it are read."""
    for page in pages:
        if page.number == number:
            return _drawn(page, width)
    raise Unreadable(f"The file has no page {number}")


def _drawn(page: Page, width: int) -> bytes:
    shown = min(page.height, page.width * _LONGEST)
    scale = min(width / page.width, math.sqrt(SHOWN_PIXELS / (page.width * shown)))
    size = max(round(page.width * scale), 1), max(round(shown * scale), 1)
    picture = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(picture)
    for table in page.tables:
        for row in table.rows:
            for cell in row:
                if cell.box.top <= shown:
                    draw.rectangle([edge * scale for edge in cell.box], outline=_LINE)
    fonts: dict[int, ImageFont.FreeTypeFont | ImageFont.ImageFont] = {}
    for word in page.words:
        if word.box.top > shown:
            continue
        height = max(round(word.box.height * scale), _SMALLEST)
        if height not in fonts:
            fonts[height] = ImageFont.load_default(height)
        draw.text((word.box.left * scale, word.box.top * scale), word.text, _INK, fonts[height])
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
