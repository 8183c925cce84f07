"""How a document is divided: into segments, each of which is read and written for itself, and a
segment into parts, each of which is one question."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from uuid import UUID

from domain.documents import Document, Page
from domain.extraction_ports import ExtractionWork, PlannedTable, Unextractable
from domain.extraction_records import Segment
from processing.extraction.model_expected import PrintedRow
from processing.extraction.model_lines import Lines
from processing.extraction.model_parts import Part, asked_tables, is_single, regrouped
from processing.extraction.model_prompt import ENDS

#: What one segment has at most, unless a single page has more.
SEGMENT_CHARACTERS = 48_000
SEGMENT_PAGES = 20
SEGMENT_CELLS = 1_000

#: What one page has at most that a model is asked about.
MOST_CHARACTERS = 1_000_000
MOST_CELLS = 30_000

#: What one question shows at most, and how many cells it asks for at most: an answer has to be
#: written within the provider's time.
_PART_CHARACTERS = 12_000
_PART_CELLS = 120
#: Tokens that a cell of an answer takes.
_CELL_TOKENS = 34


def segments(work: ExtractionWork, rows: Sequence[PrintedRow]) -> list[Segment]:
    """The segments of a document that should give these rows. One that is short has one; of a long
    one the single values are asked from its beginning and its end, and rows from a few pages at a
    time. Raises `Unextractable` for pages that are too much."""
    tables = asked_tables(work)
    document = work.document
    lists = [table for table in tables if not is_single(table)]
    singles = [table for table in tables if is_single(table)]
    widths = widths_of(lists)
    _require_bounded(document, rows, widths)
    windows = list(_windows(document, rows, widths))
    if len(windows) <= 1:
        return [_segment(work, 0, document.pages, tables, rows)]
    found = []
    if singles:
        found.append(_segment(work, 0, document.pages, singles, ()))
    if lists:
        found += [
            _segment(work, number, window, lists, rows)
            for number, window in enumerate(windows, start=len(found))
        ]
    return found


def shown_pages(document: Document, segment: Segment, tables: Sequence[PlannedTable]) -> list[int]:
    """The numbers of the pages that a segment is read from."""
    pages = [
        page for page in document.pages if segment.first_page <= page.number <= segment.last_page
    ]
    if any(not is_single(table) for table in tables) or _size(pages) <= 2 * ENDS:
        return [page.number for page in pages]
    head, tail = _beginning(pages), _beginning(pages[::-1])
    return sorted({*head, *tail})


def parts(
    lines: Lines,
    tables: Sequence[PlannedTable],
    printed: Mapping[int, Sequence[PrintedRow]],
    most_tokens: int,
) -> list[Part]:
    """The questions of a segment. `printed` are the rows that its lines should give, by line."""
    if not lines.own:
        return []
    most_cells = max(min(_PART_CELLS, most_tokens // _CELL_TOKENS), 1)
    singles = [table for table in tables if is_single(table)]
    lists = [table for table in tables if not is_single(table)]
    first, last = lines.own.start, lines.own.stop - 1
    columns = sum(len(table.fields) for table in singles)
    widths = widths_of(lists)
    slices = list(_slices(lines, widths, printed, most_cells)) if lists else []
    if len(slices) == 1 and columns + _cells(slices[0], widths, printed) <= most_cells:
        return [Part(tuple(tables), first, last)]
    found = [Part(each, first, last) for each in _grouped(singles, most_cells)]
    return found + [Part(tuple(lists), each.start, each.stop - 1) for each in slices]


def widths_of(lists: Sequence[PlannedTable]) -> dict[UUID, int]:
    """How many columns are read of tables, by id."""
    return {table.table.table_id: len(table.fields) for table in lists}


def _segment(
    work: ExtractionWork,
    number: int,
    pages: Sequence[Page],
    tables: Sequence[PlannedTable],
    rows: Sequence[PrintedRow],
) -> Segment:
    """A segment with the rows that it gives at least: those that are printed, and the only one of
    the primary table, without which there is no document."""
    numbers = {page.number for page in pages}
    here = sum(row.place.page in numbers for row in rows)
    ids = tuple(table.table.table_id for table in tables)
    primary = work.tables[0]
    first = int(is_single(primary) and primary.table.table_id in ids)
    first_page, last_page = pages[0].number, pages[-1].number
    name = f"page {first_page}" if len(pages) == 1 else f"pages {first_page} to {last_page}"
    if all(is_single(table) for table in tables):
        return Segment(number, f"values of {name}", first_page, last_page, ids, first)
    return Segment(number, name, first_page, last_page, ids, first + here if here else None)


def _windows(
    document: Document, rows: Sequence[PrintedRow], widths: Mapping[UUID, int]
) -> Iterator[list[Page]]:
    """Pages that are read together."""
    cells = _cells_of_pages(rows, widths)
    window: list[Page] = []
    for page in document.pages:
        wider = [*window, page]
        if window and (
            len(wider) > SEGMENT_PAGES
            or _size(wider) > SEGMENT_CHARACTERS
            or sum(cells[each.number] for each in wider) > SEGMENT_CELLS
        ):
            yield window
            wider = [page]
        window = wider
    if window:
        yield window


def _cells_of_pages(
    rows: Sequence[PrintedRow], widths: Mapping[UUID, int]
) -> defaultdict[int, int]:
    cells: defaultdict[int, int] = defaultdict(int)
    for row in rows:
        cells[row.place.page] += widths[row.table_id]
    return cells


def _require_bounded(
    document: Document, rows: Sequence[PrintedRow], widths: Mapping[UUID, int]
) -> None:
    """A sheet is one page, however long it is, and a page is read at once."""
    cells = _cells_of_pages(rows, widths)
    for page in document.pages:
        if len(page.text) > MOST_CHARACTERS or cells[page.number] > MOST_CELLS:
            raise Unextractable(
                f"Page {page.number} has more than {MOST_CHARACTERS:,} characters or"
                f" {MOST_CELLS:,} cells to be read, too much for a model; read it by rules, or"
                " import it"
            )


def _size(pages: Sequence[Page]) -> int:
    return sum(len(page.text) for page in pages)


def _beginning(pages: Sequence[Page]) -> list[int]:
    """The first pages, one at least, that have so many characters together."""
    found: list[int] = []
    size = 0
    for page in pages:
        size += len(page.text)
        if found and size > ENDS:
            break
        found.append(page.number)
    return found


def _slices(
    lines: Lines,
    widths: Mapping[UUID, int],
    printed: Mapping[int, Sequence[PrintedRow]],
    most_cells: int,
) -> Iterator[range]:
    """Lines for one question each."""
    begins = [lines.own.start]
    characters = cells = 0
    for number in lines.own:
        wanted = _cells(range(number, number + 1), widths, printed)
        size = len(lines[number].text)
        if number > begins[-1] and (
            characters + size > _PART_CHARACTERS or cells + wanted > most_cells
        ):
            begins.append(number)
            characters = cells = 0
        characters += size
        cells += wanted
    for begin, end in pairwise([*begins, lines.own.stop]):
        yield range(begin, end)


def _cells(
    numbers: range, widths: Mapping[UUID, int], printed: Mapping[int, Sequence[PrintedRow]]
) -> int:
    """The cells that some lines should give."""
    return sum(widths[row.table_id] for number in numbers for row in printed.get(number, ()))


def _grouped(
    singles: Sequence[PlannedTable], most_cells: int
) -> Iterator[tuple[PlannedTable, ...]]:
    """The columns of single rows, as many at a time as one answer may have."""
    whole = [(table, field) for table in singles for field in table.fields]
    for at in range(0, len(whole), most_cells):
        yield regrouped(whole[at : at + most_cells])
