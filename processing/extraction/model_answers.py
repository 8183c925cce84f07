"""Reading what a model answered: rows as it claims them, and whether the answer is whole.

Of an answer that breaks off, the rows before its last one are taken; that last one may lack its
end."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json

from domain.extraction_ports import PlannedField, PlannedTable
from processing.extraction.model_parts import Part
from processing.extraction.model_prompt import is_chosen, names_of
from processing.providers.contracts import without_fence
from processing.providers.replies import Told

_MOST_TEXT = 10_000
_SURE = 0.9


@dataclass(frozen=True, slots=True)
class Claim:
    """A cell as a model gives it. `choice` is what it means by the text."""

    text: str
    line: int | None
    sure: float
    choice: str | None = None


@dataclass(frozen=True, slots=True)
class RowClaim:
    """A row as a model gives it: cells by column number, and the line of its parent."""

    cells: Mapping[int, Claim]
    parent: int | None = None


@dataclass(frozen=True, slots=True)
class TableClaim:
    """The rows of a table, and how many the model says there are."""

    table: PlannedTable
    rows: Sequence[RowClaim]
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Claims:
    """An answer. `problem` says what is wrong with it as a whole, None when it is whole; `cut`
    that it breaks off where its bound of tokens was reached or its JSON ends."""

    tables: Sequence[TableClaim] = field(default_factory=list)
    cut: bool = False
    problem: str | None = None


def read(told: Told, part: Part) -> Claims:
    """What an answer says."""
    if told.finish == "content_filter":
        return Claims(problem="the model refused to answer, or its provider's filter did")
    text = without_fence(told.text)
    start = text.find("{")
    if start < 0:
        cut = told.finish == "length"
        return Claims(cut=cut, problem="the answer is prose instead of the JSON object")
    given, problem = _loaded(text[start:])
    # What is whole although its bound was reached ends where it should.
    cut = problem is _CUT
    if not isinstance(given, dict):
        return Claims(cut=cut, problem=problem or "the answer is not a JSON object")
    tables = _tables(given, part, cut)
    if not tables and problem is None:
        problem = f"the answer has none of the tables {', '.join(names_of(part.tables))}"
    elif cut and problem is None:
        problem = _CUT
    return Claims(tables, cut, problem)


_CUT = "the answer breaks off"


def _loaded(text: str) -> tuple[Any, str | None]:
    """The JSON value at the beginning of a text, with what is wrong with it."""
    try:
        value, _ = json.JSONDecoder().raw_decode(text)
        return value, None
    except ValueError:
        pass
    except RecursionError:
        return None, "the answer is nested too deep"
    try:
        return from_json(text, allow_partial=True), _CUT
    except ValueError:
        return None, "the answer is broken JSON"


def _tables(given: Mapping[str, Any], part: Part, cut: bool) -> list[TableClaim]:
    """The tables of an answer. Tables come in order, so the last one that is there breaks off."""
    found = []
    for name, table in names_of(part.tables).items():
        told = given.get(name)
        rows = told.get("rows") if isinstance(told, Mapping) else told
        if isinstance(rows, list):
            count = told.get("count") if isinstance(told, Mapping) else None
            claims = [_row(table, row) for row in rows if isinstance(row, Mapping)]
            found.append(TableClaim(table, claims, count if _is_whole(count) else None))
    if cut and found:
        last = found[-1]
        found[-1] = TableClaim(last.table, last.rows[:-1], last.count)
    return found


def _row(table: PlannedTable, given: Mapping[str, Any]) -> RowClaim:
    cells = given.get("cells", given)
    if not isinstance(cells, Mapping):
        return RowClaim({})
    claims = {
        planned.column.number: claim
        for planned in table.fields
        if (claim := _claim(planned, cells.get(planned.column.key))) is not None
    }
    parent = given.get("parent")
    return RowClaim(claims, parent if _is_whole(parent) else None)


def _claim(planned: PlannedField, given: Any) -> Claim | None:
    """A cell; what a model gives without an object around it is taken too."""
    told = given if isinstance(given, Mapping) else {"text": given}
    text = told.get("text")
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        text = ""
    text = _storable(str(text).strip()[:_MOST_TEXT])
    choice = _choice(told.get("choice")) if is_chosen(planned) else None
    if not text and choice is None:
        return None
    line = told.get("line")
    return Claim(text, line if _is_whole(line) else None, _sure(told.get("sure")), choice)


def _sure(given: Any) -> float:
    if isinstance(given, int | float) and not isinstance(given, bool) and 0 <= given <= 1:
        return float(given)
    return _SURE


def _choice(given: Any) -> str | None:
    if isinstance(given, bool):
        return "true" if given else "false"
    return _storable(given.strip()) or None if isinstance(given, str) else None


def _storable(text: str) -> str:
    """A text without what the database does not take."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _is_whole(given: Any) -> bool:
    return isinstance(given, int) and not isinstance(given, bool)
