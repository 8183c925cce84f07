"""Values beside labels: in the same words, right of them, or below them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from domain.documents import Box, Page, around
from domain.extraction_records import DocumentCitation, ExtractedCell
from processing.extraction.rules_fields import Role, Sought, Taken, take
from processing.extraction.rules_labels import (
    FITS,
    Phrase,
    glue_removed,
    is_head,
    is_label,
    phrase_of,
)
from processing.extraction.rules_layout import Layout, Piece
from processing.extraction.values import Habits
from processing.rules import dates
from processing.rules.records import Passage

#: Candidates that are worse than this are none.
LEAST = 0.7
#: Two different values whose scores are nearer than this leave the cell empty.
TIE = 0.045
_INLINE, _RIGHT, _RIGHT_BARE, _BELOW, _BELOW_BARE = 1.0, 0.98, 0.95, 0.9, 0.9
_PREFIX, _DATED = 0.95, 0.9
#: A label that fits less names a number only by its noun: Invoice 123.
_STRONG = 0.9
_LABEL_WORDS = 8
_ADDRESS_LINES = 5
_HEAD_LINES = 2

_COLON = re.compile(r"(?<![0-9])\s?[:=](?!//)(?=\s|$|[^\s/])|(?<=[0-9])\s?:(?=\s|$)")
_FIGURE = re.compile(r"[0-9]|[$€£¥₹](?=\s?[0-9])")
#: Figures that labels have: VAT 20 %, Date (dd/mm/2024).
_NO_LABEL = re.compile(r"[0-9]+(?:[.,][0-9]+)? ?%|\([^()]*\)")
_BEFORE_FIGURE = re.compile(r"(?:\b(?:EUR|USD|GBP|CHF|Rs\.?|[A-Z]{1,2}\$)|[$€£¥₹#(+-])\s*$")
#: Letters that a number begins with: INV-12, DE 123.
_CODE_BEFORE = re.compile(r"(?<!\w)[A-Z][A-Za-z]{0,8}[-_/]?$")
#: What is nothing but a number has no label in it: the INV- of INV-2026-12 is none.
_CODE_FROM = re.compile(r"[A-Z]{1,5}[-_/]")
_LETTERS_BEFORE = re.compile(r"(?<!\w)[A-Z]{2,3} $")
_OF_DATE = re.compile(r"\b(?:du|vom|of|dated|from|am|del|van|di|de|den)\s*$", re.IGNORECASE)
_TICK = re.compile(r"^(☑|☒|✓|✔|☐|□|\[[xX ]?\])\s*(.{2,60})$")
_MONEY = re.compile(r"[$€£¥₹]|[0-9][.,][0-9]{2}(?![0-9])|\b(?:EUR|USD|GBP|CHF|Rs)\b")
_STRONG_CODE = re.compile(r"(?=(?:\D*\d){4})|(?=.*[A-Za-z])(?=(?:.*\d){2})")
_ALONE = re.compile(r"[:.\u2026\u2013_-]+|[$€£¥₹]|EUR|USD|GBP|CHF|Rs\.?")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value that a field may have."""

    field: int
    score: float
    cell: ExtractedCell

    @property
    def same(self) -> str:
        """Equal for equal values."""
        value: Any = self.cell.value
        return " ".join(value.casefold().split()) if isinstance(value, str) else repr(value)


class Pairs:
    """Finds candidates for fields on pages."""

    def __init__(self, fields: Sequence[Sought], habits: Habits) -> None:
        self.fields = fields
        self.habits = habits
        self._fits: dict[Phrase, list[tuple[Sought, float]]] = {}

    def on_page(self, page: Page) -> Iterator[Candidate]:
        """All candidates of one page."""
        layout = Layout(page)
        heads = _heads(layout)
        for piece in layout.pieces:
            if piece.field is not None:
                yield from self._form(piece, page.number)
                continue
            parts = list(_parts(piece.text, self._is_own))
            if parts:
                for label, start, end in parts:
                    yield from self._labelled(layout, piece, label, start, end)
                continue
            yield from self._whole(layout, piece, piece.line in heads)
            yield from self._prefix(piece, page.number)
            yield from self._ticked(piece, page.number)

    def named(
        self, name: str, value: str, page: int, box: Box | None, factor: float = 1.0
    ) -> Iterator[Candidate]:
        """Candidates of a value whose name is known without looking where it stands."""
        for sought, fit in self.fitting(name):
            taken = take(sought, value, self.habits)
            if taken is not None:
                citation = DocumentCitation(page, box, value[taken.start : taken.end])
                yield _candidate(sought, fit * factor * taken.factor, taken, citation)

    def fitting(self, label: str) -> list[tuple[Sought, float]]:
        """The fields that a label is of. Of several only those that it fits best."""
        phrase = phrase_of(label)
        if phrase is None:
            return []
        known = self._fits.get(phrase)
        if known is None:
            scored = [(sought, sought.names.fit(phrase)) for sought in self.fields]
            best = max((fit for _, fit in scored), default=0.0)
            known = [(s, fit) for s, fit in scored if fit >= FITS and fit > best - 0.03]
            self._fits[phrase] = known
        return known

    def _is_own(self, text: str) -> bool:
        if _FIGURE.search(_NO_LABEL.sub(" ", text)):
            return False
        return bool(self.fitting(text)) or is_label(text)

    def _form(self, piece: Piece, page: int) -> Iterator[Candidate]:
        name = (piece.field or "").rsplit(".", 1)[-1].split("[", 1)[0]
        yield from self.named(name, piece.text, page, piece.box)

    def _labelled(
        self, layout: Layout, piece: Piece, label: str, start: int, end: int
    ) -> Iterator[Candidate]:
        """A label with a colon: its value follows, or stands right of it or below it."""
        fitting = self.fitting(label)
        if not fitting:
            return
        value = piece.text[start:end]
        if value.strip():
            yield from self._inside(fitting, piece, start, end, _INLINE, layout.page.number)
            return
        if end < len(piece.text):
            return
        right = _right_of(layout, piece)
        if right is not None and not self._is_own_label(right):
            yield from self._inside(
                fitting, right, 0, len(right.text), _RIGHT, layout.page.number, layout
            )
            return
        below = layout.below(piece)
        if below is not None and not self._is_own_label(below):
            yield from self._inside(
                fitting, below, 0, len(below.text), _BELOW, layout.page.number, layout
            )

    def _whole(self, layout: Layout, piece: Piece, is_heading: bool) -> Iterator[Candidate]:
        """A piece that is nothing but a label."""
        if len(piece.text.split()) > _LABEL_WORDS:
            return
        fitting = self.fitting(piece.text)
        if not fitting:
            return
        right, below = _right_of(layout, piece), layout.below(piece)
        for sought, fit in fitting:
            if is_heading:
                continue
            weak = sought.role is Role.CODE and fit < _STRONG
            row = self._in_row(layout, sought, piece, right)
            if row is not None:
                yield from self._inside(
                    [(sought, fit)], row, 0, len(row.text), _RIGHT_BARE, layout.page.number
                )
            elif (
                below is not None and not weak and self._can_be_below(layout, sought, piece, below)
            ):
                yield from self._inside(
                    [(sought, fit)], below, 0, len(below.text), _BELOW_BARE,
                    layout.page.number, layout,
                )  # fmt: skip

    def _in_row(
        self, layout: Layout, sought: Sought, piece: Piece, right: Piece | None
    ) -> Piece | None:
        """The value right of a label without a colon, when it can be told to be one."""
        if right is None or self._is_own_label(right):
            return None
        if right.text.startswith(":") or right.field is not None:
            return right
        if sought.is_text:
            # "Hotel | Check in | Rooms" are heads; "Name | Ada" is a pair.
            others = [piece, *layout.all_right_of(piece)]
            below = layout.below(piece)
            return (
                right if len(others) == 2 and (below is None or self._is_own_label(below)) else None
            )
        readable = []
        for other in layout.all_right_of(piece):
            if self._is_own_label(other):
                break
            if take(sought, other.text, self.habits) is not None:
                readable.append(other)
        return readable[0] if len(readable) == 1 and readable[0] is right else None

    def _can_be_below(self, layout: Layout, sought: Sought, piece: Piece, below: Piece) -> bool:
        """Whether what stands below a label is its value, and no column of many."""
        if self._is_own_label(below) or take(sought, below.text, self.habits) is None:
            return False
        if sought.is_text:
            return self._under_heads(layout, piece, below)
        following = layout.below(below)
        return following is None or take(sought, following.text, self.habits) is None

    def _under_heads(self, layout: Layout, piece: Piece, below: Piece) -> bool:
        """Whether a text under a label is its value: nothing but labels stands right of the label,
        or a row of values with figures under a row of heads without."""
        right = layout.right_of(piece)
        if right is None or self._is_own_label(right):
            return True
        heads = [piece, *layout.all_right_of(piece)]
        row = [below, *layout.all_right_of(below)]
        bare = not any(_FIGURE.search(head.text) for head in heads)
        figures = any(_FIGURE.search(value.text) for value in row)
        return len(heads) >= 3 and len(row) == len(heads) and bare and figures

    def _is_own_label(self, piece: Piece) -> bool:
        return piece.field is None and self._is_own(piece.text)

    def _inside(
        self,
        fitting: Iterable[tuple[Sought, float]],
        piece: Piece,
        start: int,
        end: int,
        factor: float,
        page: int,
        layout: Layout | None = None,
    ) -> Iterator[Candidate]:
        for sought, fit in fitting:
            taken = take(sought, piece.text[start:end], self.habits)
            if taken is None or (fit < _STRONG and _is_weak_code(sought, taken)):
                continue
            first, last = start + taken.start, start + taken.end
            citation = DocumentCitation(page, piece.part(first, last), piece.text[first:last])
            if sought.role is Role.ADDRESS and layout is not None:
                taken, citation = _with_lines(taken, citation, piece, layout)
            yield _candidate(sought, fit * factor * taken.factor, taken, citation)

    def _prefix(self, piece: Piece, page: int) -> Iterator[Candidate]:
        """A label and its value without anything between them: Invoice no. 123."""
        text = piece.text
        match = _FIGURE.search(text)
        if match is None or match.start() == 0 or _CODE_FROM.fullmatch(text[: match.start()]):
            return
        start = match.start()
        starts = {start}
        for form in (_CODE_BEFORE, _BEFORE_FIGURE, _LETTERS_BEFORE):
            before = form.search(text[:start])
            if before is not None and before.start() > 0:
                starts.add(before.start())
        best: dict[int, tuple[float, int, Sought]] = {}
        for at in sorted(starts):
            label = text[:at].rstrip("(+-$€£ ")
            if 0 < len(label.split()) <= _LABEL_WORDS:
                for sought, fit in self.fitting(glue_removed(label)):
                    if not sought.is_text and fit > best.get(sought.number, (0.0,))[0]:
                        best[sought.number] = fit, at, sought
        for fit, at, sought in best.values():
            if sought.money and not _MONEY.search(text[at:]):
                continue  # "Net 30" is a term of payment
            yield from self._inside([(sought, fit)], piece, at, len(text), _PREFIX, page)
        yield from self._dated(piece, page)

    def _dated(self, piece: Piece, page: int) -> Iterator[Candidate]:
        """Invoice no. 123 of 4 May 2024."""
        found = dates.find([Passage("", "", piece.text)], "")
        if len(found) != 1 or not found[0].start:
            return
        before = piece.text[: found[0].start]
        of = _OF_DATE.search(before)
        if of is None:
            return
        words = [word for word in before[: of.start()].split() if not _FIGURE.search(word)]
        phrase = phrase_of(" ".join(words))
        if phrase is None or not words:
            return
        for sought in self.fields:
            dated = Phrase(phrase.special, frozenset({"date"}))
            if sought.names.fit(dated) >= _STRONG and "date" in sought.names.kinds:
                yield from self._inside(
                    [(sought, 1.0)], piece, found[0].start, found[0].end, _DATED, page
                )

    def _ticked(self, piece: Piece, page: int) -> Iterator[Candidate]:
        match = _TICK.match(piece.text)
        if match is not None:
            yield from self.named(match[2], match[1].replace("[X]", "[x]"), page, piece.box)


def _right_of(layout: Layout, piece: Piece) -> Piece | None:
    """What stands right of a label, behind signs that stand alone: Total | EUR | 12.00."""
    right = layout.right_of(piece)
    while right is not None and _ALONE.fullmatch(right.text):
        following = layout.right_of(right)
        if following is None:
            break
        right = following
    return right


def _heads(layout: Layout) -> frozenset[int]:
    """Lines that are the heads of the columns of a list: what stands under them is of one line."""
    by_line: dict[int, list[str]] = {}
    for piece in layout.pieces:
        by_line.setdefault(piece.line, []).append(piece.text)
    found: set[int] = set()
    for line, texts in by_line.items():
        if len(texts) >= 3 and sum(map(is_head, texts)) >= 2:
            found.add(line)
            for following in range(line + 1, line + 1 + _HEAD_LINES):
                # Heads of several lines.
                if any(_FIGURE.search(text) for text in by_line.get(following, ("0",))):
                    break
                found.add(following)
    return frozenset(found)


def _parts(text: str, is_known: Any) -> Iterator[tuple[str, int, int]]:
    """The labels with colons of a text, each with where its value starts and ends."""
    colons = list(_COLON.finditer(text))
    if not colons or not text[: colons[0].start()].strip():
        return
    label, start = text[: colons[0].start()], colons[0].end()
    if len(label.split()) > _LABEL_WORDS:
        return
    for colon in colons[1:]:
        words = list(re.finditer(r"\S+", text[start : colon.start()]))
        for count in range(min(4, len(words)), 0, -1):
            at = start + words[-count].start()
            if is_known(text[at : colon.start()]):
                yield label, start, at
                label, start = text[at : colon.start()], colon.end()
                break
    yield label, start, len(text)


def _is_weak_code(sought: Sought, taken: Taken) -> bool:
    if sought.role is not Role.CODE:
        return False
    text = taken.cell.raw or ""
    return _YEAR.fullmatch(text) is not None or _STRONG_CODE.match(text) is None


def _with_lines(
    taken: Taken, citation: DocumentCitation, piece: Piece, layout: Layout
) -> tuple[Taken, DocumentCitation]:
    """An address with the lines that follow."""
    lines = layout.lines_below(piece, _ADDRESS_LINES)
    kept = []
    for line in lines:
        if ":" in line.text or is_label(line.text):
            break
        kept.append(line)
    if not kept:
        return taken, citation
    text = "\n".join([citation.text, *(line.text for line in kept)])
    box = around([each for each in [citation.box, *(line.box for line in kept)] if each])
    value = ", ".join([str(taken.cell.value), *(line.text for line in kept)])
    cell = replace(taken.cell, raw=text, value=value)
    return replace(taken, cell=cell), DocumentCitation(citation.page, box, text)


def _candidate(sought: Sought, score: float, taken: Taken, citation: DocumentCitation) -> Candidate:
    certainty = taken.cell.confidence if taken.cell.confidence is not None else 1.0
    confidence = round(min(0.98, 0.5 + 0.48 * score) * certainty, 2)
    cell = replace(taken.cell, confidence=confidence, citation=citation)
    return Candidate(sought.number, score, cell)


def choose(candidates: Iterable[Candidate]) -> dict[int, ExtractedCell]:
    """The cell of each field for which one value is clearly the best."""
    by_field: dict[int, dict[str, Candidate]] = {}
    for candidate in candidates:
        if candidate.score < LEAST:
            continue
        values = by_field.setdefault(candidate.field, {})
        known = values.get(candidate.same)
        if known is None or known.score < candidate.score:
            values[candidate.same] = candidate
    chosen: dict[int, ExtractedCell] = {}
    for field, values in by_field.items():
        ranked = sorted(values.values(), key=lambda each: -each.score)
        if len(ranked) == 1 or ranked[0].score - ranked[1].score >= TIE:
            chosen[field] = ranked[0].cell
    return chosen
