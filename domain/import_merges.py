"""Imports that update rows by key: which columns may be keys, and which records meet each other."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.columns import Column, ColumnType, NewColumn, TableShape
from domain.csv_text import Batch
from domain.errors import ErrorCode, Invalid, Problem
from domain.import_chunks import Merge
from domain.import_plans import ImportMode
from domain.import_rows import CheckedRecords, RecordChecker
from domain.inference import InferredColumn
from domain.rejections import show

MAX_KEYS = 10

#: Types that tell rows apart: values that are equal or not, and written in one way only.
_KEY_TYPES = frozenset(
    {
        ColumnType.TEXT,
        ColumnType.NUMBER,
        ColumnType.BOOLEAN,
        ColumnType.DATE,
        ColumnType.DATETIME,
        ColumnType.SELECT,
        ColumnType.URL,
        ColumnType.EMAIL,
    }
)


def check_keys(
    mode: ImportMode,
    keys: Sequence[str],
    wanted: Sequence[InferredColumn],
    shape: TableShape,
) -> None:
    """Refuse keys that the mode, the file or the table do not allow. Raises `Invalid`."""
    problems = [] if mode is ImportMode.UPSERT or not keys else [_ONLY_UPSERT]
    if mode is ImportMode.UPSERT and not keys:
        message = "An import that updates rows needs at least one key column"
        problems.append(Problem(ErrorCode.REQUIRED, message, ("keyColumns",)))
    if len(keys) > MAX_KEYS:
        message = f"At most {MAX_KEYS} key columns may be given"
        problems.append(Problem(ErrorCode.TOO_MANY, message, ("keyColumns",)))
    found: dict[str, Column | InferredColumn | NewColumn] = {each.key: each for each in wanted}
    found |= {key: shape.columns_by_key[key] for key in found if key in shape.columns_by_key}
    for place, key in enumerate(keys):
        path = ("keyColumns", str(place))
        if key not in found:
            message = f"The file fills no column {show(key)}"
            problems.append(Problem(ErrorCode.UNKNOWN_COLUMN, message, path))
        elif found[key].type not in _KEY_TYPES:
            message = f"A column of the type {found[key].type.value} cannot be a key: {show(key)}"
            problems.append(Problem(ErrorCode.INVALID_TYPE, message, path))
        elif key in keys[:place]:
            problems.append(Problem(ErrorCode.DUPLICATE, f"{show(key)} is given twice", path))
    if problems:
        raise Invalid(problems)


_ONLY_UPSERT = Problem(
    ErrorCode.INVALID, "Key columns are of use only when rows are updated", ("keyColumns",)
)


def merge_of(
    checked: CheckedRecords, batch: Batch, checker: RecordChecker, keys: Sequence[int]
) -> tuple[Mapping[int, Sequence[Any]], Merge]:
    """The rows that remain, by column, when of those with the same key the last one wins.

    It wins with all its cells, as it would if the others had been written before it."""
    records = [(number, batch.records[number - batch.first]) for number in checked.numbers]
    places: dict[tuple[Any, ...], list[int]] = {}
    for place, key in enumerate(zip(*(checked.columns[number] for number in keys), strict=True)):
        places.setdefault(key, []).append(place)
    last = [each[-1] for each in places.values()]
    earlier = {
        row: [records[place] for place in each[:-1]]
        for row, each in enumerate(places.values())
        if len(each) > 1
    }
    columns = checked.columns
    if earlier:
        columns = {number: [read[place] for place in last] for number, read in columns.items()}
        records = [records[place] for place in last]
    return columns, Merge(keys, checker.given, records, earlier, checker.no_additions)
