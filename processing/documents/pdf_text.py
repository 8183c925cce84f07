"""Words of a page of a PDF, with boxes."""

import ctypes
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

from domain.documents import Box, around
from processing.documents.bounds import CHARACTERS, too_many
from processing.documents.characters import clean
from processing.documents.lines import Span

#: Characters further apart than this part of their height belong to two words.
_SPACE = 0.35
#: What is further from the page than this is not on it.
_OUTSIDE = 1.0
#: Letters at more than this angle, in radians, do not run to the right.
_TURNED = 0.3
_LARGEST = 10_000_000.0
_HYPHEN = 0x02  # pdfium's own mark of a hyphen at the end of a line
_LAST_CODE, _SURROGATES = 0x10FFFF, range(0xD800, 0xE000)


class Frame(NamedTuple):
    """What of a page is shown, in the file's own coordinates (from the bottom), and how far it is
    turned, in quarters to the right."""

    left: float
    bottom: float
    right: float
    top: float
    quarters: int

    @property
    def size(self) -> tuple[float, float]:
        width, height = self.right - self.left, self.top - self.bottom
        return (height, width) if self.quarters % 2 else (width, height)

    def point(self, x: float, y: float) -> tuple[float, float]:
        """A place of the file as it is shown: from the left, from the top."""
        if self.quarters == 1:
            return y - self.bottom, x - self.left
        if self.quarters == 2:
            return self.right - x, y - self.bottom
        if self.quarters == 3:
            return self.top - y, self.right - x
        return x - self.left, self.top - y

    def box(self, left: float, bottom: float, right: float, top: float) -> Box:
        (x1, y1), (x2, y2) = self.point(left, bottom), self.point(right, top)
        return Box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))

    def shows(self, box: Box) -> bool:
        across, down = box.middle
        width, height = self.size
        return -_OUTSIDE <= across <= width + _OUTSIDE and -_OUTSIDE <= down <= height + _OUTSIDE


def words_of(page: Any, frame: Frame) -> tuple[list[Span], list[Span]]:
    """The words that are shown, and the invisible ones that lie under pictures of scanned pages.

    `page` is the handle of a loaded page."""
    text = pdfium.FPDFText_LoadPage(page)
    if not text:
        return [], []
    shown: list[Span] = []
    hidden: list[Span] = []
    try:
        count = pdfium.FPDFText_CountChars(text)
        if count > CHARACTERS:
            raise too_many("characters", CHARACTERS)
        for letters, is_hidden in _words(text, count):
            box = around([frame.box(*corners) for _, corners in letters])
            word = clean("".join(letter for letter, _ in letters))
            if word and frame.shows(box):
                (hidden if is_hidden else shown).append(Span(word, box))
    finally:
        pdfium.FPDFText_ClosePage(text)
    return shown, hidden


_Letter = tuple[str, tuple[float, float, float, float]]


def _words(text: Any, count: int) -> Iterator[tuple[list[_Letter], bool]]:
    """Letters with their corners (left, bottom, right, top), and whether they are invisible."""
    box = pdfium.FS_RECTF()
    modes: dict[int | None, bool] = {}
    word: list[_Letter] = []
    was_hidden = is_guessed = False
    for index in range(count):
        code = pdfium.FPDFText_GetUnicode(text, index)
        letter = _letter(code)
        if letter.isspace() or not letter:
            if word and pdfium.FPDFText_IsGenerated(text, index) == 1:
                is_guessed = True
            elif word:
                yield word, was_hidden
                word = []
            continue
        if not pdfium.FPDFText_GetLooseCharBox(text, index, ctypes.byref(box)):
            continue
        corners = box.left, box.bottom, box.right, box.top
        if not all(math.isfinite(each) and abs(each) < _LARGEST for each in corners):
            continue
        hidden = _is_hidden(text, index, modes)
        # pdfium guesses breaks between letters, wrongly where they stand one above another.
        ends = is_guessed and not _is_turned(text, index)
        if word and (ends or hidden != was_hidden or _apart(word[-1][1], corners)):
            yield word, was_hidden
            word = []
        is_guessed = False
        word.append((letter, corners))
        was_hidden = hidden
    if word:
        yield word, was_hidden


def _letter(code: int) -> str:
    if code == _HYPHEN:
        return "-"
    if code > _LAST_CODE or code in _SURROGATES:
        return "\ufffd"
    return chr(code) if code > ord(" ") else " "


def _is_turned(text: Any, index: int) -> bool:
    angle: float = pdfium.FPDFText_GetCharAngle(text, index) % (2 * math.pi)
    return _TURNED < angle < 2 * math.pi - _TURNED


def _is_hidden(text: Any, index: int, modes: dict[int | None, bool]) -> bool:
    """Whether a character is drawn in the mode that shows nothing."""
    thing = pdfium.FPDFText_GetTextObject(text, index)
    address = ctypes.cast(thing, ctypes.c_void_p).value
    known = modes.get(address)
    if known is None:
        mode = pdfium.FPDFTextObj_GetTextRenderMode(thing) if thing else None
        known = modes[address] = mode == pdfium.FPDF_TEXTRENDERMODE_INVISIBLE
    return known


def _apart(
    one: tuple[float, float, float, float], other: tuple[float, float, float, float]
) -> bool:
    """Whether two characters in a row do not touch, in whatever direction they run."""
    across = max(one[0], other[0]) - min(one[2], other[2])
    down = max(one[1], other[1]) - min(one[3], other[3])
    height = min(one[3] - one[1], other[3] - other[1])
    width = min(one[2] - one[0], other[2] - other[0])
    return max(across, down) > _SPACE * max(height, width, 1.0)
