"""Where a text that a model gave stands in the document. What cannot be found was not read."""

from bisect import bisect_left
from dataclasses import dataclass

from domain.documents import Page, around
from domain.extraction_records import DocumentCitation
from processing.extraction.model_lines import Line, Lines

#: Lines that one value may go over.
_LINES_OF_A_VALUE = 8
#: Signs that models write in another way than documents print them.
_SIGNS = str.maketrans("‐‑‒–—−’‘‚“”„«»·", '------\'\'\'""""".')  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class Found:
    """A text in the document: the line where it begins, and where it stands."""

    line: int
    citation: DocumentCitation


@dataclass(frozen=True, slots=True)
class _Compact:
    """A page's text without white space and in small letters; `places` are those of its letters in
    the text of the page."""

    text: str
    places: list[int]

    def goes_on(self, at: int) -> bool:
        """Whether the letter behind this one belongs to the same number or word."""
        pair, places = self.text[at : at + 3], self.places[at : at + 2]
        if at < 0 or len(places) < 2 or places[1] - places[0] > 1:
            return False
        if pair[0].isdigit():
            return pair[1].isdigit() or (pair[1] in ".," and pair[2:].isdigit())
        if pair[0] in ".,":
            return pair[1].isdigit() and self.text[at - 1 : at].isdigit()
        return pair[0].isalpha() and pair[1].isalpha()


class Finder:
    """Finds texts in the lines of some pages."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._pages: dict[int, _Compact] = {}

    def find(self, raw: str, near: int | None) -> Found | None:
        """Where a text stands: in the line `near`, or else in the line next to it; None when it
        stands nowhere."""
        wanted = compact(raw)
        if not wanted:
            return None
        middle = 1
        if near is not None and near in self._lines:
            middle = near
            found = self._in_line(self._lines[near], wanted)
            if found is not None:
                return found
        for line in sorted(self._lines.all, key=lambda each: abs(each.number - middle)):
            found = self._in_line(line, wanted)
            if found is not None:
                return found
        return None

    def _in_line(self, line: Line, wanted: str) -> Found | None:
        if line.box is not None:
            if wanted not in compact(line.text):
                return None
            return Found(line.number, DocumentCitation(line.page, line.box, line.text))
        page = self._lines.pages[line.page]
        whole = self._compact(page)
        first, end = (bisect_left(whole.places, at) for at in (line.start, line.end))
        # A value may begin here and go on in the next lines.
        last = self._lines.all[min(line.number + _LINES_OF_A_VALUE, len(self._lines.all)) - 1]
        until = len(whole.places)
        if last.page == line.page and last.box is None:
            until = bisect_left(whole.places, last.end)
        at = _place(whole, wanted, first, until)
        if at is None or at >= end:
            return None
        start, stop = whole.places[at], whole.places[at + len(wanted) - 1] + 1
        boxes = page.boxes(start, stop)
        text = " ".join(page.text[start:stop].split())
        box = around(boxes) if boxes else None
        return Found(line.number, DocumentCitation(page.number, box, text))

    def _compact(self, page: Page) -> _Compact:
        known = self._pages.get(page.number)
        if known is None:
            places = [at for at, letter in enumerate(page.text) if not letter.isspace()]
            known = _Compact(compact(page.text), places)
            self._pages[page.number] = known
        return known


def compact(text: str) -> str:
    """A text without white space, in small letters, each of which is one of the text's."""
    letters = (letter.lower() for letter in text if not letter.isspace())
    small = "".join(letter if len(letter) == 1 else letter[0] for letter in letters)
    return small.translate(_SIGNS)


def _place(whole: _Compact, wanted: str, first: int, until: int) -> int | None:
    """Where a text begins that is not a part of a longer number or word."""
    at = whole.text.find(wanted, first, until)
    while at >= 0:
        if not whole.goes_on(at - 1) and not whole.goes_on(at + len(wanted) - 1):
            return at
        at = whole.text.find(wanted, at + 1, until)
    return None
