"""Tables of a document as rows of a schema: columns by their heads and by what they hold."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from domain.columns import ColumnType
from domain.documents import Box, Cell, Document, Table
from domain.extraction_records import DocumentCitation, ExtractedCell
from processing.extraction import values
from processing.extraction.rules_fields import Role, Sought, is_price, take
from processing.extraction.rules_labels import is_total, phrase_of, speaks_of_totals
from processing.extraction.values import Habits

#: A head fits from here on; a little less does when the values are of the column's type.
_FITS, _NEARLY = 0.75, 0.55
#: The head is one of the schema's own names.
_EXACT = 0.97
#: The share of values that a column of a type must be able to hold.
_READABLE, _READABLE_EXACT = 0.6, 0.4
_SAMPLE = 20
_HEAD_ROWS = 6
#: A line nearer to the one above than this many heights goes on with it.
_TIGHT = 0.8
#: Columns of a table of which nobody can tell rows from sums.
_FEW = 3
#: A row of a table with more columns fills so many.
_LEAST_CELLS = 2
#: Part of the best table's columns that another one has to have, to hold rows of the same kind.
_LIKE = 0.75
#: After every page.
LAST_PAGE = 2**31


@dataclass(frozen=True, slots=True)
class Match:
    """A table, in its parts over the pages, that holds rows of a schema's table. `columns` are the
    fields by the places of the columns, with how well each fits; `head` says where its body
    begins."""

    parts: Sequence[Table]
    columns: Mapping[int, tuple[Sought, float]]
    head: int
    score: float
    habits: Habits

    @property
    def typed(self) -> list[int]:
        """The places of the columns that take more than any text."""
        return [place for place, (sought, _) in self.columns.items() if not sought.is_text]


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table that becomes a row: its cells by the places of the columns."""

    page: int
    cells: Mapping[int, Cell]


def matches_in(
    document: Document, tables: Sequence[Sequence[Sought]], habits: Habits
) -> list[list[Match]]:
    """For each of the schema's tables the tables of the document that hold its rows. A table of the
    document has rows of one table of the schema only."""
    found: list[list[Match]] = [[] for _ in tables]
    for parts in _whole_tables(document):
        best: tuple[float, int, Match] | None = None
        for at, fields in enumerate(tables):
            match = _match(parts, fields, habits)
            if match is not None and (best is None or match.score > best[0]):
                best = (match.score, at, match)
        if best is not None:
            found[best[1]].append(best[2])
    return [alike(matches) for matches in found]


def alike(matches: Sequence[Match]) -> list[Match]:
    """Those of the best kind: a table with half of the columns is another table."""
    most = max((len(match.columns) for match in matches), default=0)
    top = max((match.score for match in matches if len(match.columns) == most), default=0.0)
    return [
        each for each in matches if len(each.columns) >= _LIKE * most and each.score >= _LIKE * top
    ]


def _whole_tables(document: Document) -> Iterator[list[Table]]:
    """Tables with their continuations. One without a head right after one of as many columns goes
    on with it, also when something stands between them."""
    whole: list[list[Table]] = []
    for parts in document.whole_tables():
        last = whole[-1] if whole else None
        if last is not None and _goes_on(last[-1], parts[0], last[0]):
            last += parts
        else:
            whole.append(list(parts))
    yield from whole


def _goes_on(last: Table, following: Table, first: Table) -> bool:
    if len(last.rows[0]) != len(following.rows[0]) or following.page - last.page > 1:
        return False
    if abs(last.box.left - following.box.left) > 6 or abs(last.box.right - following.box.right) > 6:
        return False
    same_head = following.texts[0] == first.texts[0]
    return same_head or (following.header_rows == 0 and first.header_rows > 0)


def _match(parts: Sequence[Table], fields: Sequence[Sought], habits: Habits) -> Match | None:
    first = parts[0]
    best: Match | None = None
    for head in range(min(_HEAD_ROWS, len(first.rows))):
        match = _headed(parts, head, fields, habits)
        if match is not None and (best is None or match.score > best.score + 0.2):
            best = match
    if best is None or not _is_enough(best, fields):
        return None
    return replace(best, columns=_with_nameless(best, fields))


def match_at(table: Table, head: int, fields: Sequence[Sought], habits: Habits) -> Match | None:
    """A table whose head is this row; None when its columns are not those of the fields."""
    match = _headed([table], head, fields, habits)
    return match if match is not None and _is_enough(match, fields) else None


def _headed(
    parts: Sequence[Table], head: int, fields: Sequence[Sought], habits: Habits
) -> Match | None:
    columns = _columns(parts, head, fields, habits)
    score = sum(fit for _, fit in columns.values())
    return Match(parts, columns, head + 1, score, habits) if columns else None


def _is_enough(match: Match, fields: Sequence[Sought]) -> bool:
    """Two columns at least and a third of the fields, or all fields."""
    count = len(match.columns)
    if count < min(2, len(fields)) or count < len(fields) / 3:
        return False
    if count == 1:
        return len(match.parts[0].rows[0]) <= 2
    return True


def _columns(
    parts: Sequence[Table], head: int, fields: Sequence[Sought], habits: Habits
) -> dict[int, tuple[Sought, float]]:
    """Fields for columns, the best fitting pairs first. A pair whose field or column has another
    pair that is as good is none."""
    row = parts[0].rows[head]
    pairs: list[tuple[float, int, Sought]] = []
    for place, cell in enumerate(row):
        for sought in fields:
            fit = _head_fit(sought, cell.text)
            if fit >= _NEARLY:
                pairs.append((fit, place, sought))
    if not pairs:
        return {}
    sample = _Sample(parts, head + 1)
    kept = []
    for fit, place, sought in pairs:
        share = sample.readable(place, sought, habits)
        typed = sought.role is not Role.TEXT
        if share is not None and share < (_READABLE_EXACT if fit >= _EXACT else _READABLE):
            continue
        if fit >= _FITS or (typed and share is not None and share >= 0.9):
            kept.append((fit, place, sought))
    return _paired(kept)


def _paired(pairs: Sequence[tuple[float, int, Sought]]) -> dict[int, tuple[Sought, float]]:
    chosen: dict[int, tuple[Sought, float]] = {}
    left = sorted(pairs, key=lambda pair: (-pair[0], pair[1]))
    while left:
        fit, place, sought = left[0]
        rivals = [
            pair
            for pair in left[1:]
            if (pair[1] == place) != (pair[2] is sought) and pair[0] >= fit - 0.005
        ]
        if not rivals:
            chosen[place] = (sought, fit)
            left = [pair for pair in left if pair[1] != place and pair[2] is not sought]
        else:
            # As good for another one: nobody can say which.
            tied = {id(pair[2]) for pair in rivals if pair[1] == place} | {id(sought)}
            places = {pair[1] for pair in rivals if pair[2] is sought} | {place}
            left = [p for p in left if id(p[2]) not in tied and p[1] not in places]
    return chosen


def _head_fit(sought: Sought, text: str) -> float:
    """How well a head fits. Its first line, and what stands before a comma, count less."""
    if not text.strip():
        return 0.0
    lines = text.split("\n")
    forms = [(" ".join(lines), 1.0)]
    if len(lines) > 1:
        forms.append((lines[0], 0.88))
    if "," in text or "/" in text:
        forms.append((" ".join(lines).replace("/", ",").split(",")[0], 0.88))
    return max(weight * sought.names.fit(phrase_of(form)) for form, weight in forms)


class _Sample:
    """Some of the values of the columns of a table."""

    def __init__(self, parts: Sequence[Table], start: int) -> None:
        rows = parts[0].rows[start : start + _SAMPLE]
        self.rows = [row for row in rows if not is_total_row([cell.text.strip() for cell in row])]

    def readable(self, place: int, sought: Sought, habits: Habits) -> float | None:
        """The share of texts that the field can hold; None when there are none."""
        texts = [row[place].text for row in self.rows if row[place].text.strip()]
        if not texts:
            return None
        good = sum(
            read_cell(sought, text, habits).value is not None and _describes(sought, text)
            for text in texts
        )
        return good / len(texts)


def _describes(sought: Sought, text: str) -> bool:
    """Whether a text can be a description, when one is sought: a number alone is none."""
    if not sought.names.lists & {"description", "narrative"}:
        return True
    return any(map(str.isalpha, text))


def read_cell(sought: Sought, text: str, habits: Habits) -> ExtractedCell:
    """The cell of a table as a cell of the field. A text column that asks for a number, a date or a
    currency takes the text as it stands."""
    text = text.strip()
    if sought.planned.column.type is ColumnType.TEXT and sought.role in _CHECKED:
        partly = sought.role is Role.DATE and _PART_OF_DATE.fullmatch(text)
        if not partly and take(sought, text, habits) is None:
            return ExtractedCell(None)
    if sought.role is Role.CODE and is_price(text):
        return ExtractedCell(None)
    if _counts_lines(sought) and not _POSITION.fullmatch(text):
        return ExtractedCell(None)
    return values.read(sought.planned.column, sought.planned.field, text, habits)


def _read_under(sought: Sought, fit: float, text: str, habits: Habits) -> ExtractedCell:
    """A cell under a head. Under the very name of a text column any text is its value: a price
    may be "on request"."""
    if fit >= _EXACT and sought.planned.column.type is ColumnType.TEXT:
        return values.read(sought.planned.column, sought.planned.field, text, habits)
    return read_cell(sought, text, habits)


def _counts_lines(sought: Sought) -> bool:
    """Whether a field is the place of a line alone. "No." and "code" may also be what an article is
    called, with letters in it."""
    return "position" in sought.names.lists and "item number" not in sought.names.lists


#: A day without its year.
_PART_OF_DATE = re.compile(r"[0-9]{1,2}[./-][0-9]{1,2}\.?|[0-9]{1,2}\.? [^\W\d_]{3,9}\.?")
_POSITION = re.compile(r"[0-9]{1,6}(?:[.-][0-9]{1,4}){0,3}\.?")
_CHECKED = frozenset({Role.AMOUNT, Role.DATE, Role.EMAIL, Role.IBAN, Role.PHONE})


def _with_nameless(match: Match, fields: Sequence[Sought]) -> Mapping[int, tuple[Sought, float]]:
    """With the first column, when it has no head, for the only text that is still sought."""
    first = match.parts[0]
    if match.head > len(first.rows) or first.rows[match.head - 1][0].text.strip():
        return match.columns
    taken = {id(sought) for sought, _ in match.columns.values()}
    left = [sought for sought in fields if sought.role is Role.TEXT and id(sought) not in taken]
    if len(left) != 1 or 0 in match.columns or len(match.columns) < 2:
        return match.columns
    return {**match.columns, 0: (left[0], _FITS)}


def lines_of(match: Match, first_page: int = 0, last_page: int = LAST_PAGE) -> list[Line]:
    """The rows of a table on these pages, without heads that are repeated, rows of totals, and
    headings between the rows. What goes on with a row stands in it."""
    found: list[Line] = []
    head = [cell.text for cell in match.parts[0].rows[match.head - 1]]
    for part in match.parts:
        if not first_page <= part.page <= last_page:
            continue
        above: Sequence[Cell] | None = None
        is_over = False
        for row in part.rows[match.head if part is match.parts[0] else 0 :]:
            texts = [cell.text.strip() for cell in row]
            if not any(texts) or texts == head:
                above = None
            elif is_total_row(texts):
                above, is_over = None, True
            elif above is not None and _goes_on_with(match, above, row, part.ruled):
                found[-1] = _joined(found[-1], row, match)
                above = row
            elif _is_row(match, row) and not (is_over and _is_summary(match, row)):
                found.append(Line(part.page, {place: row[place] for place in match.columns}))
                above = row
            else:
                above = None
    return found


def is_total_row(texts: Sequence[str]) -> bool:
    """Whether a row is about other rows: one of its first texts says so, and there are figures."""
    filled = [text for text in texts if text]
    if not any(character.isdigit() for text in filled for character in text):
        return False
    return is_total(filled[0].split("\n")[0]) or any(is_total(text) for text in filled[:-1])


def _is_summary(match: Match, row: Sequence[Cell]) -> bool:
    """Whether a row behind one of totals is such a one too: it has less than a row, or rows have
    so little that nobody can say."""
    return len(match.columns) < _FEW or not all(row[place].text.strip() for place in match.columns)


def _is_row(match: Match, row: Sequence[Cell]) -> bool:
    """Whether a row has a value of a column that takes more than any text. Texts alone are a row
    where no column takes more, and between drawn lines."""
    mapped = [place for place in match.columns if row[place].text.strip()]
    typed = [place for place in match.typed if row[place].text.strip()]
    if len(mapped) < _LEAST_CELLS and len(match.columns) > _FEW:
        return False
    if not typed:
        drawn = match.parts[0].ruled and len(mapped) > 1
        return bool(mapped) and (not match.typed or drawn)
    if len(typed) < len(match.typed) and any(speaks_of_totals(cell.text) for cell in row):
        return False
    for place in typed:
        text = row[place].text
        if any(map(str.isdigit, text)):
            return True
        if read_cell(match.columns[place][0], text, match.habits).value is not None:
            return True
    # Between drawn lines a row is one, also when nothing in it can be read.
    return match.parts[0].ruled and len(mapped) > len(typed)


def _goes_on_with(match: Match, above: Sequence[Cell], row: Sequence[Cell], ruled: bool) -> bool:
    """Whether a row has only texts and stands as near to the one above as lines of one text do."""
    texts = [place for place, (sought, _) in match.columns.items() if sought.role is Role.TEXT]
    others = [place for place in match.columns if place not in texts]
    if ruled or not others or any(row[place].text.strip() for place in others):
        return False
    if not any(row[place].text.strip() for place in texts):
        return False
    upper = [cell.box for cell in above if cell.text.strip()]
    lower = [cell.box for cell in row if cell.text.strip()]
    gap = min(box.top for box in lower) - max(box.bottom for box in upper)
    return gap <= _TIGHT * median(box.height for box in lower)


def _joined(line: Line, row: Sequence[Cell], match: Match) -> Line:
    cells = dict(line.cells)
    for place, (sought, _) in match.columns.items():
        text = row[place].text.strip()
        if text and sought.role is Role.TEXT:
            old = cells[place]
            box = Box(
                min(old.box.left, row[place].box.left),
                min(old.box.top, row[place].box.top),
                max(old.box.right, row[place].box.right),
                max(old.box.bottom, row[place].box.bottom),
            )
            cells[place] = Cell(f"{old.text}\n{text}".strip(), box)
    return replace(line, cells=cells)


def cells_of(match: Match, line: Line) -> dict[int, ExtractedCell]:
    """The cells of a row by column number; those that are empty are not there."""
    found: dict[int, ExtractedCell] = {}
    for place, (sought, fit) in match.columns.items():
        cell = line.cells[place]
        text = cell.text.strip()
        read = _read_under(sought, fit, text, match.habits)
        if read.raw is None:
            continue
        citation = DocumentCitation(line.page, cell.box, text)
        confidence = None
        if read.value is not None:
            confidence = round(min(0.98, 0.55 + 0.43 * fit) * (read.confidence or 1.0), 2)
        found[sought.number] = replace(read, citation=citation, confidence=confidence)
    return found
