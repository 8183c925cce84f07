"""Sums in rows of tables: what each is of is told by its row and its column together."""

from collections.abc import Iterator
from dataclasses import dataclass

from domain.documents import Cell, Page, Table
from processing.extraction.rules_tables import is_total_row

_HEAD_ROWS = 4
_MOST_ROWS = 400


@dataclass(frozen=True, slots=True)
class Sum:
    """A figure in a row of sums. `name` is that of its row and the head of its column."""

    name: str
    cell: Cell


def sums_on(page: Page) -> Iterator[Sum]:
    """The sums of all tables of a page: of "Total | 100.00 | 20.00" under "Net | VAT" the total
    net and the total VAT. Of rows with one figure the row alone tells, as a label does."""
    for table in page.tables:
        titles, start = _titles(table)
        for row in table.rows[start:][-_MOST_ROWS:]:
            texts = [cell.text.strip() for cell in row]
            figures = [at for at, text in enumerate(texts) if any(map(str.isdigit, text))]
            named = next((text for text in texts if text), "")
            if len(figures) < 2 or not is_total_row(texts) or texts[figures[0]] == named:
                continue
            for at in figures:
                if titles and titles[at]:
                    yield Sum(f"{named} {titles[at]}", row[at])


def _titles(table: Table) -> tuple[list[str], int]:
    """What the columns are called, by the first rows with several texts and no figures, and the
    row behind them."""
    titles: list[list[str]] = []
    for at, row in enumerate(table.rows):
        texts = [" ".join(cell.text.split()) for cell in row]
        is_head = sum(map(bool, texts)) > 1 and not any(map(str.isdigit, "".join(texts)))
        if is_head:
            titles.append(texts)
        elif titles:
            return [" ".join(filter(None, column)) for column in zip(*titles, strict=True)], at
        elif at >= _HEAD_ROWS:
            break
    return [], len(table.rows)
