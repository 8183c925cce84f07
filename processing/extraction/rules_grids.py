"""Tables that have no lines and whose columns only their heads tell: rows are cut where the heads
stand."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median

from domain.documents import Box, Cell, Page, Table, around
from processing.documents.lines import Span
from processing.extraction.rules_fields import Sought
from processing.extraction.rules_labels import FITS, phrase_of
from processing.extraction.rules_layout import Layout, Piece
from processing.extraction.rules_tables import Match, is_total_row, match_at, read_cell
from processing.extraction.values import Habits

_ALIGNED = 2.5
#: A value without a head over it belongs to one that is no further away.
_NEAR = 24.0
#: So many lines that are no rows end a table; so does a gap of that many heights.
_MOST_STRAY = 4
_GAP = 8.0


#: Heads of tables with what they were found to be, by their words without spaces.
Heads = dict[str, tuple[Sequence[Piece], Match]]


def grids_of(pages: Iterable[Page], fields: Sequence[Sought], habits: Habits) -> Iterator[Match]:
    """The tables of these pages whose heads are those of the fields. Heads that are repeated stand
    where they stood first, also where their words are nearer to each other."""
    known: Heads = {}
    for page in pages:
        yield from _grids_on(page, fields, habits, known)


def _grids_on(
    page: Page, fields: Sequence[Sought], habits: Habits, known: Heads
) -> Iterator[Match]:
    lines = _lines(Layout(page))
    at = 0
    while at < len(lines):
        words = "".join("".join(piece.text.split()) for piece in lines[at])
        heads, before = known.get(words, (lines[at], None))
        if before is not None or _may_head(heads, fields):
            match = _grid(page, heads, lines[at + 1 :], fields, habits, before)
            if match is not None:
                known.setdefault(words, (heads, match))
                at += len(match.parts[0].rows)
                yield match
                continue
        at += 1


def _lines(layout: Layout) -> list[list[Piece]]:
    lines: dict[int, list[Piece]] = {}
    for piece in layout.pieces:
        if piece.field is None:
            lines.setdefault(piece.line, []).append(piece)
    return [sorted(line, key=lambda piece: piece.box.left) for line in lines.values()]


def _may_head(line: Sequence[Piece], fields: Sequence[Sought]) -> bool:
    if len(line) < 2:
        return False
    fitting = {
        id(sought)
        for piece in line
        for sought in fields
        if sought.names.fit(phrase_of(piece.text)) >= FITS
    }
    return len(fitting) >= 2


def _grid(
    page: Page,
    head: Sequence[Piece],
    lines: Sequence[Sequence[Piece]],
    fields: Sequence[Sought],
    habits: Habits,
    before: Match | None,
) -> Match | None:
    heads = [piece.box for piece in head]
    rows = [tuple(Cell(piece.text, piece.box) for piece in head)]
    height = median(box.height for box in heads)
    bottom = min((piece.box.top for piece in lines[0]), default=0.0) if lines else 0.0
    for line in lines:
        top = min(piece.box.top for piece in line)
        if top - bottom > _GAP * height:
            break
        rows.append(_row(line, heads))
        bottom = max(piece.box.bottom for piece in line)
    if len(rows) < 2:
        return None
    table = _table(page, rows)
    match = replace(before, parts=[table]) if before else match_at(table, 0, fields, habits)
    if match is None:
        return None
    kept = _trimmed(match, rows)
    if len(kept) < 2:
        return None
    return replace(match, parts=[_table(page, kept)])


def _table(page: Page, rows: Sequence[tuple[Cell, ...]]) -> Table:
    boxes = [cell.box for row in rows for cell in row if cell.text]
    return Table(page.number, around(boxes), tuple(rows), False, 1)


def _row(line: Sequence[Piece], heads: Sequence[Box]) -> tuple[Cell, ...]:
    """The cells of a line. A text that reaches under the next head, where nothing else stands, is
    nobody's: it may be two values."""
    found: list[list[Span]] = [[] for _ in heads]
    for piece in line:
        for group in _cut(piece.words, heads):
            box = around([word.box for word in group])
            column = _column(box, heads)
            if column is not None:
                found[column] += group
    cells = []
    for column, words in enumerate(found):
        box = around([word.box for word in words]) if words else heads[column]
        over = column + 1 < len(heads) and box.right > heads[column + 1].left + _ALIGNED
        if words and over and not found[column + 1]:
            words = []
        cells.append(Cell(" ".join(word.text for word in words), box))
    return tuple(cells)


def _cut(words: Sequence[Span], heads: Sequence[Box]) -> list[list[Span]]:
    """Words cut where one begins exactly under a head, and between figures under two heads."""
    groups = [[words[0]]]
    for one, word in pairwise(words):
        figures = one.text[-1].isdigit() and word.text[0].isdigit()
        parted = figures and _column(one.box, heads) != _column(word.box, heads)
        if parted or any(abs(word.box.left - head.left) <= _ALIGNED for head in heads):
            groups.append([])
        groups[-1].append(word)
    return groups


def _column(box: Box, heads: Sequence[Box]) -> int | None:
    """The column that a value stands in: its edges or its middle are those of the head, or it
    overlaps it most, or the head is the nearest."""
    for aligned in (
        [at for at, head in enumerate(heads) if abs(head.left - box.left) <= _ALIGNED],
        [at for at, head in enumerate(heads) if abs(head.right - box.right) <= _ALIGNED],
    ):
        if len(aligned) == 1:
            return aligned[0]
    overlaps = [min(box.right, head.right) - max(box.left, head.left) for head in heads]
    best = max(range(len(heads)), key=lambda at: overlaps[at])
    return best if overlaps[best] > -_NEAR else None


def _trimmed(match: Match, rows: Sequence[tuple[Cell, ...]]) -> list[tuple[Cell, ...]]:
    """The rows as long as they are such of the table."""
    kept, stray = [rows[0]], 0
    last = 1
    for row in rows[1:]:
        texts = [cell.text for cell in row]
        if any(texts) and is_total_row(texts):
            break
        kept.append(row)
        if _is_readable(match, row):
            stray, last = 0, len(kept)
        else:
            stray += 1
            if stray > _MOST_STRAY:
                break
    # Lines that go on with the last row stay with it.
    return kept[: last + _MOST_STRAY] if len(kept) > last else kept


def _is_readable(match: Match, row: Sequence[Cell]) -> bool:
    texts = [place for place in match.columns if row[place].text.strip()]
    figures = [place for place in match.typed if row[place].text.strip()]
    return len(texts) >= 2 and bool(figures) and all(
        read_cell(match.columns[place][0], row[place].text, match.habits).value is not None
        for place in figures
    )  # fmt: skip
