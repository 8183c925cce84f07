"""What an import will do, decided once at its start and kept with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.columns import Column, TableShape
from domain.csv_text import CsvFormat, CsvReader
from domain.errors import StructureMoved
from domain.formula_guard import unguarded
from domain.import_rows import RecordChecker
from domain.inference import InferredColumn

_MOST_ROWS = 2_000
#: Each chunk that updates looks at the whole table once, so it is worth more rows.
_MOST_MERGED_ROWS = 5_000
_LEAST_ROWS = 100
_HEADER_CHARACTERS = 256
#: Cells of a chunk at most: its transaction must stay far from five seconds in wide tables too.
_CELLS = 100_000


class ColumnGone(Exception):
    """A column that the import fills was deleted."""

    def __init__(self, key: str) -> None:
        super().__init__(f'The column "{key}" was deleted while the import ran')


class ImportMode(StrEnum):
    """Whether rows are added whatever is there, or update the rows that have their key."""

    APPEND = "append"
    UPSERT = "upsert"


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """How to read the file and where its fields go.

    `headers` are those of the file, `sheet` names one of a workbook. `sources` maps fields, from 0,
    to numbers of columns. `columns` are as told to clients: `name`, `displayName`, `dataType`,
    perhaps `config`. `keys` are the numbers of the columns by which rows are updated; without any,
    all rows are added. `literal` texts, those of JSON, are no export that guards formulas.
    """

    form: CsvFormat
    headers: Sequence[str]
    session_id: UUID
    sources: Mapping[int, int]
    columns: Sequence[Mapping[str, Any]]
    keys: Sequence[int] = ()
    sheet: str | None = None
    skip_triggers: bool = False
    literal: bool = False

    @classmethod
    def of(
        cls,
        form: CsvFormat,
        headers: Sequence[str],
        wanted: Sequence[InferredColumn],
        shape: TableShape,
        **options: Any,
    ) -> "ImportPlan":
        """The plan for a table that has all wanted columns; `StructureMoved` when it has not."""
        found = [(each.index, shape.columns_by_key.get(each.key)) for each in wanted]
        sources: dict[int, Column] = {}
        for index, column in found:
            if column is None:
                raise StructureMoved
            sources[index] = column
        return cls(
            form,
            headers,
            shape.first_session_id,
            {index: column.number for index, column in sources.items()},
            [_shown(column) for column in sources.values()],
            **options,
        )

    @classmethod
    def from_json(cls, plan: Mapping[str, Any]) -> "ImportPlan":
        """The plan as it was stored."""
        return cls(
            CsvFormat(plan["encoding"], plan["delimiter"], plan["start"]),
            # Plans of earlier versions have their number only.
            plan.get("headers") or [""] * plan["width"],
            UUID(plan["sessionId"]),
            dict(plan["sources"]),
            plan["columns"],
            plan.get("keys", ()),
            plan.get("sheet"),
            plan.get("triggers") == "skip",
            plan.get("literal", False),
        )

    def as_json(self) -> dict[str, Any]:
        """The plan to store."""
        more = {"keys": list(self.keys), "sheet": self.sheet, "literal": self.literal}
        told = {name: option for name, option in more.items() if option}
        if self.skip_triggers:
            told["triggers"] = "skip"
        return told | {
            "encoding": str(self.form.encoding),
            "delimiter": self.form.delimiter,
            "start": self.form.start,
            "headers": [_kept(header) for header in self.headers],
            "sessionId": str(self.session_id),
            "sources": list(self.sources.items()),
            "columns": list(self.columns),
        }

    def reader(self, rows: int, offset: int, line: int) -> CsvReader:
        """A reader that goes on at a place in the file, in batches of `rows`."""
        return CsvReader(self.form, rows, offset=offset, record=line)

    def checker(self, shape: TableShape) -> RecordChecker:
        """The check of records against the table's columns. Raises `ColumnGone`."""
        sources = {}
        for (index, number), told in zip(self.sources.items(), self.columns, strict=True):
            column = shape.columns_by_number.get(number)
            if column is None:
                raise ColumnGone(told["name"])
            sources[index] = column
        mend = str if self.literal else unguarded
        return RecordChecker(self.width, sources, shape.columns, self.keys, mend)

    @property
    def width(self) -> int:
        """Fields of the header."""
        return len(self.headers)

    @property
    def mode(self) -> ImportMode:
        """Whether rows are added or update others."""
        return ImportMode.UPSERT if self.keys else ImportMode.APPEND

    @property
    def chunk_rows(self) -> int:
        """Rows of one chunk: 2,000, or 5,000 when they update; fewer in wide tables."""
        most = _MOST_MERGED_ROWS if self.keys else _MOST_ROWS
        return max(_LEAST_ROWS, min(most, _CELLS // max(self.width, 1)))


def _kept(header: str) -> str:
    return header[:_HEADER_CHARACTERS].replace("\0", "\ufffd")


def _shown(column: Column) -> dict[str, Any]:
    shown = {"name": column.key, "displayName": column.label, "dataType": column.type.value}
    return shown | ({"config": dict(column.config)} if column.config else {})
