"""Lines that look like the lines of rows that were read, where no table was found: who gives ten of
forty such lines has left out thirty."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from domain.documents import Page, Word
from processing.extraction.model_lines import Line, Lines
from processing.rules.word_sets import word_set
from processing.rules.words import fold

#: Points by which columns may be shifted from one line to the next.
_SHIFT = 4.0
#: Lines with fewer figures look like many others.
_LEAST_FIGURES = 2
#: Fewer lines that are set alike are no list.
_LEAST_LINES = 3
#: Lines that others are compared with.
_MODELS = 100

_FIGURE = re.compile(r"[^\w]*[0-9][0-9.,:/'’%€$£+*()-]*(?:[^\W\d_]{1,3})?[^\w]*")  # noqa: RUF001
#: How lines of sums begin: they are printed like rows, and are none.
_SUMS = word_set(
    """total totals subtotal sub-total sum summe zwischensumme gesamt gesamtsumme gesamtbetrag
    endbetrag rechnungsbetrag nettobetrag bruttobetrag netto brutto net gross balance saldo
    carried brought ubertrag uebertrag vat mwst ust tva iva btw tax steuer sous-total montant totale
    subtotaal totaal suma razem due shipping versand discount rabatt"""
)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A figure, or words between figures, of a line."""

    is_figure: bool
    left: float
    right: float

    def stands_like(self, other: "_Piece") -> bool:
        return self.is_figure == other.is_figure and (
            abs(self.left - other.left) <= _SHIFT
            or (self.is_figure and abs(self.right - other.right) <= _SHIFT)
        )


#: What a line looks like in two ways.
_Shapes = tuple[Sequence[_Piece], Sequence[_Piece]]


def alike(lines: Lines, known: Collection[int], candidates: Sequence[int]) -> list[int]:
    """The candidates that are set like one of the known lines next to them. One that says the same
    as a known line is that line again, as pages repeat their heads."""
    if not candidates:
        return []
    middle = candidates[len(candidates) // 2]
    near = sorted(known, key=lambda number: abs(number - middle))[:_MODELS]
    models = [_shapes(lines, lines[number]) for number in near]
    texts = {lines[number].text for number in known}
    return [
        number
        for number in candidates
        if lines[number].text not in texts and _fits_any(_shapes(lines, lines[number]), models)
    ]


def lists_in(lines: Lines, candidates: Iterable[int]) -> list[int]:
    """Those of the candidates that are set like several others of their page: a list, whatever it
    lists."""
    groups: list[tuple[_Shapes, list[int]]] = []
    for number in candidates:
        shapes = _shapes(lines, lines[number])
        page = lines[number].page
        near = (group for group in groups if lines[group[1][0]].page == page)
        group = next((found for model, found in near if _fits_any(shapes, [model])), None)
        if group is not None:
            group.append(number)
        elif any(shapes):
            groups.append((shapes, [number]))
    return sorted(number for _, found in groups if len(found) >= _LEAST_LINES for number in found)


def is_sum(text: str) -> bool:
    """Whether a line is one of sums, by its first word."""
    words = text.replace("|", " ").split()
    return bool(words) and fold(words[0].strip(".:,;()")) in _SUMS


def _fits_any(shapes: _Shapes, models: Sequence[_Shapes]) -> bool:
    return any(
        _fits(shape, other)
        for model in models
        for shape, other in zip(shapes, model, strict=True)
        if shape
    )


def _fits(one: Sequence[_Piece], other: Sequence[_Piece]) -> bool:
    return len(one) == len(other) and all(
        mine.stands_like(its) for mine, its in zip(one, other, strict=True)
    )


def _shapes(lines: Lines, line: Line) -> _Shapes:
    """A line as the parts that stand apart, and as figures with words between them; nothing for
    lines that look like any other."""
    if line.box is not None or is_sum(line.text):
        return (), ()
    page = lines.pages[line.page]
    parts, figures = _groups(page, line), _pieces(_words(page, line))
    return _telling(parts), _telling(figures)


def _telling(pieces: Sequence[_Piece]) -> Sequence[_Piece]:
    figures = sum(piece.is_figure for piece in pieces)
    return pieces if _LEAST_FIGURES <= figures < len(pieces) else ()


def _words(page: Page, line: Line) -> Sequence[Word]:
    return page.words_of(line.start, line.end)


def _groups(page: Page, line: Line) -> list[_Piece]:
    """The parts of a line that stand apart; a figure among words is one of them."""
    pieces = []
    start = line.start
    for text in page.text[line.start : line.end].split("\t"):
        words = page.words_of(start, start + len(text))
        start += len(text) + 1
        if words:
            is_figure = all(_FIGURE.fullmatch(word.text) for word in words)
            pieces.append(_Piece(is_figure, words[0].box.left, words[-1].box.right))
    return pieces


def _pieces(words: Sequence[Word]) -> list[_Piece]:
    """The figures of a line, and the words between them."""
    pieces: list[_Piece] = []
    for word in words:
        is_figure = _FIGURE.fullmatch(word.text) is not None
        if pieces and not is_figure and not pieces[-1].is_figure:
            pieces[-1] = _Piece(False, pieces[-1].left, word.box.right)
        else:
            pieces.append(_Piece(is_figure, word.box.left, word.box.right))
    return pieces
