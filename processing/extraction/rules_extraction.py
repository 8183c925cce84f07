"""Extraction without a model: the same document always gives the same rows, offline.

Values stand beside labels, rows in tables. What is not clear stays empty."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from domain.documents import Document, Page, Table
from domain.extraction_ports import ExtractionWork, PlannedTable, Unextractable
from domain.extraction_records import (
    ExtractedCell,
    ExtractedRow,
    Repeats,
    Segment,
    SegmentFound,
)
from domain.provider_records import RULES
from domain.tool_records import Producer, ProducerKind
from processing.extraction.rules_fields import Sought, sought_in
from processing.extraction.rules_grids import grids_of
from processing.extraction.rules_leftovers import leftovers
from processing.extraction.rules_pairs import Candidate, Pairs, choose
from processing.extraction.rules_sums import sums_on
from processing.extraction.rules_tables import (
    LAST_PAGE,
    Line,
    Match,
    alike,
    cells_of,
    lines_of,
    matches_in,
)
from processing.extraction.rules_words import OF_DOCUMENTS, OF_LINES
from processing.extraction.values import Habits, habits_of

#: Changes whenever the same document may give other rows.
VERSION = "1"

#: Pages on which single values are looked for: the first and the last ones.
_FIRST_PAGES, _LAST_PAGES = 8, 4
#: Pages that tell in which way tables are found, and how much more the other way has to give.
_SAMPLE_PAGES, _BETTER = 12, 1.15
#: What the name of a sum by its row and column counts beside a label.
_OF_SUMS = 0.82
#: Pages of a segment at least, and segments of a document at most.
_LEAST_PAGES, _MOST_SEGMENTS = 50, 5


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a document holds for the tables of a schema. `many` says that the rows of the primary
    table stand in tables; else it has one."""

    habits: Habits
    matches: Sequence[Sequence[Match]]
    many: bool


def plan(work: ExtractionWork) -> Sequence[Segment]:
    """The parts of a document, with the rows that each holds. Raises `Unextractable`."""
    pages = work.document.pages
    if not any(page.has_text or page.tables or page.fields for page in pages):
        note = next((f": {page.note}" for page in pages if page.note), "")
        raise Unextractable(f"No text was found in the document{note}")
    reading = _reading(work)
    size = max(_LEAST_PAGES, math.ceil(len(pages) / _MOST_SEGMENTS))
    tables = tuple(table.table.table_id for table in work.tables)
    segments = []
    for number, start in enumerate(range(0, len(pages), size)):
        first, last = pages[start].number, pages[min(start + size, len(pages)) - 1].number
        expected = sum(len(lines) for lines in _lines(work, reading, first, last))
        expected += _has_single_row(work, reading, first)
        name = f"Pages {first} to {last}" if len(pages) > 1 else "Page 1"
        segments.append(Segment(number, name, first, last, tables, expected))
    return segments


def extract(work: ExtractionWork, segment: Segment) -> SegmentFound:
    """The rows of one part. Time grows with its pages, and a little with those of the document."""
    reading = _reading(work, segment.first_page, segment.last_page)
    lines = _lines(work, reading, segment.first_page, segment.last_page)
    wanted = set(segment.table_ids)
    rows: list[ExtractedRow] = []
    constants = _single_values(work, reading, segment.first_page)
    primary = work.tables[0]
    if primary.table.table_id in wanted:
        rows += _primary_rows(work, reading, constants, lines[0], segment)
    starts = [row.page or 0 for row in rows]
    for at, table in enumerate(work.tables[1:], start=1):
        if table.table.table_id not in wanted:
            continue
        for match, line in lines[at]:
            cells = cells_of(match, line)
            parent = _parent(starts, line.page) if _is_child_of(table, primary) else None
            rows.append(ExtractedRow(table.table.table_id, cells, parent, line.page))
    producer = Producer(ProducerKind.RULES, work.actor, RULES, version=VERSION)
    return SegmentFound(rows, producer, missing=_missing(work, segment, rows))


def _reading(work: ExtractionWork, first: int = 0, last: int = LAST_PAGE) -> _Reading:
    """What the tables of the document hold; of those that are found by their heads alone only those
    on these pages."""
    habits = habits_of(work.document)
    primary = work.tables[0]
    sought = [
        [] if table.table.repeats is Repeats.ONE else sought_in(work, table, OF_LINES)
        for table in work.tables
    ]
    sample = _matches(work.document, sought, habits, _of_sample(work.document))
    many = _has_many(primary, sought[0], sample[0])
    if not many:
        sought[0] = []
    pages = [page for page in work.document.pages if first <= page.number <= last]
    return _Reading(habits, _matches(work.document, sought, habits, pages), many)


def _has_many(primary: PlannedTable, fields: Sequence[Sought], matches: Sequence[Match]) -> bool:
    """Whether the rows of the primary table stand in tables. When the schema does not say so, they
    have half of the fields at least: an invoice has tables of sums too."""
    rows = sum(len(lines_of(match)) for match in matches)
    if primary.table.repeats is Repeats.MANY:
        return rows > 0
    return rows > 1 and any(2 * len(match.columns) >= len(fields) for match in matches)


def _of_sample(document: Document) -> Sequence[Page]:
    return document.pages[:_SAMPLE_PAGES]


def _matches(
    document: Document, sought: Sequence[Sequence[Sought]], habits: Habits, pages: Sequence[Page]
) -> list[list[Match]]:
    """The tables for each table of the schema: those that the document is known to have, or those
    that are found by heads when these give more on the first pages."""
    found = matches_in(document, sought, habits)
    sample = _of_sample(document)
    end = sample[-1].number
    for at, fields in enumerate(sought):
        if not fields or any(match.parts[0].ruled for match in found[at]):
            continue
        grids = _grids(sample, fields, habits)
        if _filled(grids, end) > _BETTER * _filled(found[at], end):
            found[at] = grids if pages is sample else _grids(pages, fields, habits)
    return found


def _grids(pages: Sequence[Page], fields: Sequence[Sought], habits: Habits) -> list[Match]:
    return alike(list(grids_of(pages, fields, habits)))


def _filled(matches: Sequence[Match], last_page: int) -> int:
    """How many cells the rows on the first pages fill."""
    return sum(
        bool(cell.text.strip())
        for match in matches
        for line in lines_of(match, 0, last_page)
        for cell in line.cells.values()
    )


def _lines(
    work: ExtractionWork, reading: _Reading, first: int, last: int
) -> list[list[tuple[Match, Line]]]:
    """The rows that stand in tables on these pages, for each table of the schema."""
    found: list[list[tuple[Match, Line]]] = []
    for at, matches in enumerate(reading.matches):
        if at == 0 and not reading.many:
            found.append([])
            continue
        found.append([(match, line) for match in matches for line in lines_of(match, first, last)])
    return found


def _has_single_row(work: ExtractionWork, reading: _Reading, first_page: int) -> int:
    return int(not reading.many and first_page == work.document.pages[0].number)


def _single_values(
    work: ExtractionWork, reading: _Reading, first_page: int
) -> dict[int, ExtractedCell]:
    """Values that the primary table has from labels: all of its row, or what is the same in all
    rows that stand in tables."""
    if not reading.many and not _has_single_row(work, reading, first_page):
        return {}
    fields = sought_in(work, work.tables[0], OF_DOCUMENTS)
    if reading.many:
        known = {
            sought.number for match in reading.matches[0] for sought, _ in match.columns.values()
        }
        fields = [sought for sought in fields if sought.number not in known]
    if not fields:
        return {}
    pairs = Pairs(fields, reading.habits)
    pages = _pages_of_pairs(work.document)
    candidates = _candidates(pairs, work.document, pages)
    if reading.many:
        parts = [part for match in reading.matches[0] for part in match.parts]
        candidates = (each for each in candidates if not _stands_in(each, parts))
    chosen = choose(candidates)
    return {**leftovers(fields, chosen, pages, reading.habits), **chosen}


def _stands_in(candidate: Candidate, parts: Sequence[Table]) -> bool:
    """Whether a value is one of the rows: it is not the same for all of them."""
    citation = candidate.cell.citation
    if citation is None or citation.box is None:
        return False
    middle = citation.box.middle
    return any(part.page == citation.page and part.box.holds(middle) for part in parts)


def _pages_of_pairs(document: Document) -> Sequence[Page]:
    pages = document.pages
    if len(pages) <= _FIRST_PAGES + _LAST_PAGES:
        return pages
    return (*pages[:_FIRST_PAGES], *pages[-_LAST_PAGES:])


def _candidates(pairs: Pairs, document: Document, pages: Sequence[Page]) -> Iterator[Candidate]:
    for name, value in document.headers:
        yield from pairs.named(name, value, document.pages[0].number, None)
    for page in pages:
        yield from pairs.on_page(page)
        for each in sums_on(page):
            text, box = each.cell.text.strip(), each.cell.box
            yield from pairs.named(each.name, text, page.number, box, _OF_SUMS)


def _primary_rows(
    work: ExtractionWork,
    reading: _Reading,
    constants: dict[int, ExtractedCell],
    lines: Sequence[tuple[Match, Line]],
    segment: Segment,
) -> list[ExtractedRow]:
    table_id = work.tables[0].table.table_id
    if not reading.many:
        if not _has_single_row(work, reading, segment.first_page):
            return []
        holds_others = any(reading.matches[1:])
        return [ExtractedRow(table_id, constants, None, segment.first_page)] if (
            constants or holds_others
        ) else []  # fmt: skip
    return [
        ExtractedRow(table_id, {**constants, **cells_of(match, line)}, None, line.page)
        for match, line in lines
    ]


def _parent(starts: Sequence[int], page: int) -> int | None:
    """The last row of the primary table that begins no later than this page."""
    before = [at for at, start in enumerate(starts) if start <= page]
    return before[-1] if before else None


def _is_child_of(table: PlannedTable, primary: PlannedTable) -> bool:
    return table.table.parent_id in (None, primary.table.table_id)


def _missing(work: ExtractionWork, segment: Segment, rows: Sequence[ExtractedRow]) -> str | None:
    """What of the part could not be read, or is not there: a sentence for people."""
    unread = [
        page
        for page in work.document.pages
        if segment.first_page <= page.number <= segment.last_page
        and page.note
        and not page.has_text
    ]
    if unread:
        numbers = ", ".join(str(page.number) for page in unread[:20])
        return f"Page {numbers} could not be read: {unread[0].note}"
    if segment.expected is not None and len(rows) < segment.expected:
        if not rows:
            return f"Nothing of the table {work.tables[0].name} was found"
        return f"{len(rows)} of {segment.expected} rows were found"
    return None
