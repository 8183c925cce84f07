"""Reads pictures: PNG, JPEG and the pages of TIFF. What they show is read by OCR."""

import io
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from domain.document_json import tenth
from domain.documents import Page, TextSource, Unreadable
from processing.documents import bounds
from processing.documents.child import Contents, Options, main
from processing.documents.layout import laid_out
from processing.documents.ocr import Ocr
from processing.documents.ruled_tables import Rules

_POINTS = 72
#: Resolutions that are believed, in dots per inch.
_DOTS = range(36, 2_401)
_DAMAGED = "The picture is damaged or was cut off"
_DAMAGED_PAGE = "The picture of this page is damaged"
#: What pillow raises for files that lie about themselves.
_FAULTS = (OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, OverflowError)
_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/tiff": "TIFF"}


def read(path: Path, options: Options) -> Contents:
    return Contents(_pages(path, options))


def draw(path: Path, number: int, width: int, options: Options) -> bytes:
    for count, picture in enumerate(_frames(path, options.kind), start=1):
        if count == number:
            out = io.BytesIO()
            _resized(picture, width).save(out, "PNG")
            return out.getvalue()
    raise Unreadable(f"The file has no page {number}")


def _pages(path: Path, options: Options) -> Iterator[Page]:
    ocr = Ocr(options)
    number = 0
    try:
        for number, picture in enumerate(_frames(path, options.kind), start=1):
            yield _page(number, picture, ocr)
    except Unreadable as error:
        if number == 0 or str(error) != _DAMAGED:
            raise
        # The pages before it are good.
        yield Page(number + 1, 612.0, 792.0, source=TextSource.NONE, note=_DAMAGED_PAGE)


def _frames(path: Path, kind: str) -> Iterator[Image.Image]:
    """The pictures of a file, upright. Sizes are looked at before anything is decoded."""
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = None  # our own bound comes first, with a sentence
    try:
        with Image.open(path, formats=[_FORMATS[kind]]) as file:
            for number in range(bounds.PAGES + 1):
                try:
                    file.seek(number)
                except EOFError:
                    return
                _check(file)
                yield _upright(file)
                if kind != "image/tiff":
                    return
    except UnidentifiedImageError:
        raise Unreadable(_DAMAGED) from None
    except Unreadable:
        raise
    except _FAULTS:
        raise Unreadable(_DAMAGED) from None


def _check(file: Image.Image) -> None:
    width, height = file.size
    if width * height > bounds.PIXELS:
        raise Unreadable(
            f"The picture has {width:,} by {height:,} pixels; "
            f"at most {bounds.PIXELS // 1_000_000} million are read"
        )
    if width < 1 or height < 1:
        raise Unreadable(_DAMAGED)


def _upright(file: Image.Image) -> Image.Image:
    """The picture as grey or RGB, on white where it is transparent."""
    dots = file.info.get("dpi")
    file.load()
    picture = ImageOps.exif_transpose(file)
    if picture.mode in ("LA", "PA", "RGBA", "P", "RGBa", "La"):
        seen = picture.convert("RGBA")
        picture = Image.new("RGB", seen.size, "white")
        picture.paste(seen, mask=seen.getchannel("A"))
    elif picture.mode not in ("L", "RGB"):
        picture = picture.convert("L" if picture.mode in ("1", "I;16", "I", "F") else "RGB")
    picture.info["dpi"] = dots
    return picture


def _page(number: int, picture: Image.Image, ocr: Ocr) -> Page:
    width, height = _size(picture)
    words, problem = ocr.read(picture, width, height)
    laid = laid_out(number, words, Rules())
    return Page(
        number=number,
        width=tenth(width),
        height=tenth(height),
        text=laid.text,
        words=laid.words,
        tables=laid.tables,
        source=TextSource.OCR if words else TextSource.NONE,
        note=problem or None,
    )


def _size(picture: Image.Image) -> tuple[float, float]:
    """In points. A picture that tells no resolution has a point for each pixel."""
    try:
        dots = round(float(picture.info["dpi"][0]))
    except (TypeError, ValueError, ArithmeticError, LookupError):
        dots = _POINTS
    scale = _POINTS / dots if dots in _DOTS else 1.0
    return picture.width * scale, picture.height * scale


def _resized(picture: Image.Image, width: int) -> Image.Image:
    height = max(round(picture.height * width / picture.width), 1)
    if width * height > bounds.SHOWN_PIXELS:
        raise Unreadable("The page is too long for its width to be shown")
    return picture.resize((width, height), Image.Resampling.BILINEAR)


if __name__ == "__main__":
    sys.exit(main(read, draw))
