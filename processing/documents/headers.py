"""Which rows of a table are its header, and which tables go on on the next page."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from domain.documents import Page, Table
from processing.documents.aligned_tables import is_figure

_HEADER_FILLED = 0.8
_FIGURES = 0.5
#: Heads and feet of pages: this part of the height, in which words do not end a table.
_MARGIN = 0.12
#: How far the columns of two parts of one table may be shifted.
_SHIFT = 6.0
_OVERLAP = 0.75


def header_rows(rows: Sequence[Sequence[str]]) -> int:
    """1 when the first row names what stands below it, as far as one can tell; else 0."""
    if len(rows) < 2:
        return 0
    first = [text for text in rows[0] if text]
    if len(first) < _HEADER_FILLED * len(rows[0]) or any(map(is_figure, first)):
        return 0
    shares = [_figure_share([row[column] for row in rows[1:]]) for column in range(len(rows[0]))]
    if any(share >= _FIGURES for share in shares):
        return 1
    return int(len(rows[0]) > 2 and len(set(first)) == len(first))


def with_continuations(pages: Iterable[Page]) -> Iterator[Page]:
    """The same pages, with tables that go on on the next page marked."""
    held: Page | None = None
    header: list[str] | None = None
    for page in pages:
        if held is not None:
            last = _last_table(held)
            goes_on = last is not None and _goes_on(held, last, page)
            if goes_on and last is not None:
                if not last.continued:
                    header = last.texts[0] if last.header_rows else None
                held = _replaced(held, last, replace(last, continues=True))
                page = _continued(page, header)
            yield held
        held = page
    if held is not None:
        yield held


def _figure_share(texts: Sequence[str]) -> float:
    filled = [text for text in texts if text]
    return sum(map(is_figure, filled)) / len(filled) if filled else 0.0


def _last_table(page: Page) -> Table | None:
    """The table below which there is nothing but the foot of the page."""
    last = max(page.tables, key=lambda table: table.box.bottom, default=None)
    if last is None or page.name is not None:
        return None
    foot = max(page.height * (1 - _MARGIN), last.box.bottom)
    below = [word for word in page.words if word.box.middle[1] > last.box.bottom]
    return last if all(word.box.bottom >= foot for word in below) else None


def _goes_on(page: Page, table: Table, following: Page) -> bool:
    if not following.tables or following.number != page.number + 1:
        return False
    first = following.tables[0]
    head = following.height * _MARGIN
    above = [word for word in following.words if word.box.middle[1] < first.box.top]
    if any(word.box.top > head for word in above):
        return False
    if len(first.rows[0]) != len(table.rows[0]) or first.ruled != table.ruled:
        return False
    if table.ruled:
        edges = zip(_edges(table), _edges(first), strict=True)
        return all(abs(one - other) <= _SHIFT for one, other in edges)
    common = min(table.box.right, first.box.right) - max(table.box.left, first.box.left)
    return common >= _OVERLAP * max(table.box.width, first.box.width)


def _edges(table: Table) -> list[float]:
    """Where the columns begin and the last one ends, by the cells that span nothing."""
    edges = [table.box.left] * len(table.rows[0])
    for row in table.rows:
        for column, cell in enumerate(row):
            if cell.column_span == 1:
                edges[column] = cell.box.left
    return [*edges, table.box.right]


def _continued(page: Page, header: list[str] | None) -> Page:
    first = page.tables[0]
    repeated = int(header is not None and first.texts[0] == header)
    return _replaced(page, first, replace(first, continued=True, header_rows=repeated))


def _replaced(page: Page, old: Table, new: Table) -> Page:
    return replace(page, tables=tuple(new if each is old else each for each in page.tables))
