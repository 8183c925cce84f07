"""Where in documents the answers of tools stand: pages, and boxes on them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from domain.columns import Column, ColumnType
from domain.documents import around
from domain.tool_records import Citation
from processing.document_inputs import DocumentInput
from processing.rules import dates, quantities
from processing.rules.records import Passage

#: Longer answers are the model's own words.
_MOST_CITED = 500
_LEAST_CITED = 2
#: Characters of a document in which the value of an answer is looked for.
_MOST_SEARCHED = 200_000

_TEXTS = frozenset({ColumnType.TEXT, ColumnType.EMAIL, ColumnType.URL})
_MOMENTS = frozenset({ColumnType.DATE, ColumnType.DATETIME})


def with_places(citation: Citation, read: Mapping[str, DocumentInput]) -> Citation:
    """The citation with file, page and box when it is of a document. The box is around what stands
    on the first of its pages."""
    found = read.get(citation.column)
    if found is None:
        return citation
    places = found.document.places(citation.start, citation.end)
    if not places:
        return replace(citation, file_id=found.file.id)
    page = places[0].page
    box = around([place.box for place in places if place.page == page])
    return replace(citation, file_id=found.file.id, page=page, box=box)


def cited_by_value(column: Column, value: Any, read: Mapping[str, DocumentInput]) -> list[Citation]:
    """Where the value of an answer stands in the documents that it was made from: the first place,
    if any. A yes or an option is nobody's words, so it is not looked for."""
    for key, each in read.items():
        text = each.text[:_MOST_SEARCHED]
        span = next(_spans(column, value, Passage(key, column.label, text)), None)
        if span is not None:
            start, end = span
            return [Citation(key, text[start:end], start, end)]
    return []


def _spans(column: Column, value: Any, passage: Passage) -> Iterator[tuple[int, int]]:
    if column.type in _TEXTS and isinstance(value, str):
        yield from _of_text(value, passage.text)
    elif column.type is ColumnType.NUMBER:
        yield from _of_number(value, passage)
    elif column.type is ColumnType.MEASUREMENT and isinstance(value, Mapping):
        yield from _of_number(value.get("amount"), passage)
    elif column.type in _MOMENTS:
        yield from _of_moment(column, str(value), passage)


def _of_text(value: str, text: str) -> Iterator[tuple[int, int]]:
    words = value.split()
    if not words or not _LEAST_CITED <= len(value) <= _MOST_CITED:
        return
    pattern = r"\s+".join(map(re.escape, words))
    for match in re.finditer(rf"(?<!\w){pattern}(?!\w)", text):
        yield match.span()


def _of_number(value: Any, passage: Passage) -> Iterator[tuple[int, int]]:
    if not isinstance(value, int | float | Decimal):
        return
    wanted = Decimal(str(value))
    for each in quantities.find([passage], dates.find([passage], "")):
        if Decimal(str(each.value)) == wanted:
            yield each.start, each.end


def _of_moment(column: Column, value: str, passage: Passage) -> Iterator[tuple[int, int]]:
    for each in dates.find([passage], ""):
        moment: datetime = each.value
        written = dates.iso_date(moment)
        if value == written or value.startswith(written):
            yield each.start, each.end
