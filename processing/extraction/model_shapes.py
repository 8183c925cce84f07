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


def alike(lines: Lines, known: Collection[int], candidates: Sequence[int]) -> list[int]:
    """The candidates, other than the known lines, that are set like one of the known lines next to
    them."""
    if not candidates:
        return []
    near = sorted(known, key=lambda number: abs(number - candidates[len(candidates) // 2]))
    models = [shape for number in near[:_MODELS] if (shape := _shape(lines, lines[number]))]
    return [
        number
        for number in candidates
        if number not in known
        and (shape := _shape(lines, lines[number]))
        and any(_fits(shape, model) for model in models)
    ]


def lists_in(lines: Lines, candidates: Iterable[int]) -> list[int]:
    """Those of the candidates that are set like several others: a list, whatever it lists."""
    groups: list[tuple[Sequence[_Piece], list[int]]] = []
    for number in candidates:
        shape = _shape(lines, lines[number])
        group = next((found for model, found in groups if shape and _fits(shape, model)), None)
        if group is not None:
            group.append(number)
        elif shape:
            groups.append((shape, [number]))
    return sorted(number for _, found in groups if len(found) >= _LEAST_LINES for number in found)


def is_sum(text: str) -> bool:
    """Whether a line is one of sums, by its first word."""
    words = text.replace("|", " ").split()
    return bool(words) and fold(words[0].strip(".:,;()")) in _SUMS


def _fits(one: Sequence[_Piece], other: Sequence[_Piece]) -> bool:
    return len(one) == len(other) and all(
        mine.stands_like(its) for mine, its in zip(one, other, strict=True)
    )


def _shape(lines: Lines, line: Line) -> list[_Piece]:
    """Figures and words of a line as they are set; nothing for lines that look like any other."""
    if line.box is not None or is_sum(line.text):
        return []
    pieces = _pieces(_words(lines.pages[line.page], line))
    figures = sum(piece.is_figure for piece in pieces)
    return pieces if figures >= _LEAST_FIGURES and figures < len(pieces) else []


def _words(page: Page, line: Line) -> Sequence[Word]:
    return page.words_of(line.start, line.end)


def _pieces(words: Sequence[Word]) -> list[_Piece]:
    pieces: list[_Piece] = []
    for word in words:
        is_figure = _FIGURE.fullmatch(word.text) is not None
        if pieces and not is_figure and not pieces[-1].is_figure:
            pieces[-1] = _Piece(False, pieces[-1].left, word.box.right)
        else:
            pieces.append(_Piece(is_figure, word.box.left, word.box.right))
    return pieces
