"""What an import will do, decided once at its start and kept with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.columns import Column, TableShape
from domain.csv_text import CsvFormat, CsvReader, Encoding
from domain.errors import StructureMoved
from domain.import_rows import RecordChecker
from domain.inference import InferredColumn

_MOST_ROWS = 2_000
_LEAST_ROWS = 100
#: Cells of a chunk at most: its transaction must stay far from five seconds in wide tables too.
_CELLS = 100_000


class ColumnGone(Exception):
    """A column that the import fills was deleted."""

    def __init__(self, key: str) -> None:
        super().__init__(f'The column "{key}" was deleted while the import ran')


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """How to read the file and where its fields go.

    `width` is the number of fields of the header. `sources` maps fields, from 0, to numbers of
    columns. `columns` are as told to clients: `name`, `displayName`, `dataType`, perhaps `config`.
    """

    form: CsvFormat
    width: int
    session_id: UUID
    sources: Mapping[int, int]
    columns: Sequence[Mapping[str, Any]]

    @classmethod
    def of(
        cls, form: CsvFormat, width: int, wanted: Sequence[InferredColumn], shape: TableShape
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
            width,
            shape.first_session_id,
            {index: column.number for index, column in sources.items()},
            [_shown(column) for column in sources.values()],
        )

    @classmethod
    def from_json(cls, plan: Mapping[str, Any]) -> "ImportPlan":
        """The plan as it was stored."""
        form = CsvFormat(Encoding(plan["encoding"]), plan["delimiter"], plan["start"])
        sources = dict(plan["sources"])
        session_id = UUID(plan["sessionId"])
        return cls(form, plan["width"], session_id, sources, plan["columns"])

    def as_json(self) -> dict[str, Any]:
        """The plan to store."""
        return {
            "encoding": self.form.encoding.value,
            "delimiter": self.form.delimiter,
            "start": self.form.start,
            "width": self.width,
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
        return RecordChecker(self.width, sources, shape.columns)

    @property
    def chunk_rows(self) -> int:
        """Rows of one chunk: 2,000, fewer in wide tables."""
        return max(_LEAST_ROWS, min(_MOST_ROWS, _CELLS // max(self.width, 1)))


def _shown(column: Column) -> dict[str, Any]:
    shown = {"name": column.key, "displayName": column.label, "dataType": column.type.value}
    return shown | ({"config": dict(column.config)} if column.config else {})
