"""Records of a file, all texts, turned into checked rows of a table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress
from typing import Any

from domain import values
from domain.columns import MADE_OF_PARTS, Column, ColumnType
from domain.formula_guard import unguarded
from domain.rejections import Rejected, show
from domain.row_values import RowValues, needs_value

#: Texts remembered for each column. Most columns of a file repeat few texts: a hit costs 60 ns.
REMEMBERED = 4_096
#: Longer texts are not remembered, so that the memory stays under 2 MB a column.
REMEMBERED_CHARACTERS = 64

#: Turns a text of the file into the one that is meant.
Mend = Callable[[str], str]
_Faults = dict[int, list[str]]


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A record that is not imported. `record` is its number in the file: the header is 1."""

    record: int
    message: str


@dataclass(frozen=True, slots=True)
class CheckedRecords:
    """The good rows in the order of the file, and every record that was refused.

    `columns` holds for each column number the values of all `count` rows, None for empty: rows as
    objects of their own would cost as much as everything else of an import. `numbers` says which
    record of the file each row was.
    """

    columns: Mapping[int, Sequence[Any]]
    count: int
    rejected: list[RejectedRecord]
    numbers: Sequence[int]

    @property
    def rows(self) -> list[RowValues]:
        """The rows one by one, without empty values."""
        numbers = list(self.columns)
        turned = zip(*self.columns.values(), strict=True) if numbers else [()] * self.count
        return [
            RowValues({n: v for n, v in zip(numbers, row, strict=True) if v is not None})
            for row in turned
        ]


class RecordChecker:
    """Checks batches of records for one import.

    `sources` maps fields of a record (from 0) to the columns that they fill. `columns` are all of
    the table's: a column without a source gets its default value, a blank field is empty, and a
    required column that stays empty refuses the record. A record may be shorter than the header;
    one with text behind the header's last field (`width` fields) is refused.

    With `keys`, numbers of columns, rows may update others: a key must not be blank, and what the
    file does not fill refuses nothing yet; `no_additions` says why a new row would be refused.
    `mend` is applied to texts first: exports guard what a spreadsheet would run as a formula.
    """

    def __init__(
        self,
        width: int,
        sources: Mapping[int, Column],
        columns: Sequence[Column],
        keys: Sequence[int] = (),
        mend: Mend = unguarded,
    ) -> None:
        self._width = width
        self._sources = [
            _Source(index, column, needs_value(column) or column.number in keys, mend)
            for index, column in sources.items()
            if column.stored
        ]
        filled = {source.column.number for source in self._sources}
        self._defaults: dict[int, Any] = {}
        self._faults_of_all: list[str] = []
        for column in columns:
            if column.number not in filled and column.stored:
                self._add_default(column)
        self.given = tuple(source.column.number for source in self._sources)
        self.no_additions: str | None = None
        if keys and self._faults_of_all:
            self.no_additions = "; ".join(self._faults_of_all)
            self._faults_of_all = []

    def check(self, records: Sequence[list[str]], first: int) -> CheckedRecords:
        """The good rows and the refused records. `first` numbers the first record."""
        faults: _Faults = {}
        if self._faults_of_all:
            faults = {index: list(self._faults_of_all) for index in range(len(records))}
        fields = self._fields(records, faults)
        count = len(records)
        columns: dict[int, Sequence[Any]] = {
            source.column.number: source.read_all(fields[source.index], faults)
            for source in self._sources
        }
        columns |= {number: [default] * count for number, default in self._defaults.items()}
        numbers: Sequence[int] = range(first, first + count)
        if faults:
            good = [index not in faults for index in range(count)]
            columns = {number: list(compress(read, good)) for number, read in columns.items()}
            numbers = list(compress(numbers, good))
        rejected = [
            RejectedRecord(first + index, "; ".join(faults[index])) for index in sorted(faults)
        ]
        return CheckedRecords(columns, count - len(faults), rejected, numbers)

    def _add_default(self, column: Column) -> None:
        try:
            default = values.accept_default(column)
        except Rejected as error:
            self._faults_of_all.append(f"{column.key}: the default value {error.message}")
            return
        if default is not None:
            self._defaults[column.number] = default
        elif needs_value(column):
            self._faults_of_all.append(f"{column.key}: a value is required")

    def _fields(self, records: Sequence[list[str]], faults: _Faults) -> list[Sequence[str]]:
        """The records turned on their side: for each field the texts of all records."""
        width = self._width
        if any(len(record) != width for record in records):
            records = [_fit(record, width, index, faults) for index, record in enumerate(records)]
        return list(zip(*records, strict=True)) if records else [()] * width


class _Source:
    """One field of the file and the column that it fills."""

    def __init__(self, index: int, column: Column, needs_value: bool, mend: Mend) -> None:
        self.index = index
        self.column = column
        self._needs_value = needs_value
        read_value = values.file_reader(column)

        def read(text: str) -> Any:
            return read_value(mend(text)) if text and not text.isspace() else None

        self._read = read
        # A remembered list or object would be shared between rows.
        self._read_short = (
            read if column.type in MADE_OF_PARTS else lru_cache(maxsize=REMEMBERED)(read)
        )

    def read_all(self, texts: Sequence[str], faults: _Faults) -> list[Any]:
        """The values of all texts; those that are refused are None and have a fault."""
        short = max(map(len, texts), default=0) <= REMEMBERED_CHARACTERS
        read = self._read_short if short else self._read
        try:
            found = list(map(read, texts))
        except Rejected:
            found = [self._read_one(text, index, faults) for index, text in enumerate(texts)]
        if self._needs_value and None in found:
            self._find_missing(texts, found, faults)
        return found

    def _read_one(self, text: str, index: int, faults: _Faults) -> Any:
        try:
            return self._read(text)
        except Rejected as error:
            faults.setdefault(index, []).append(f"{self.column.key}: {error.message}")
            return None

    def _find_missing(self, texts: Sequence[str], found: list[Any], faults: _Faults) -> None:
        for index, value in enumerate(found):
            text = texts[index]
            if value is not None:
                continue
            if not text or text.isspace():
                fault = "a value is required"
            elif self.column.type is ColumnType.NUMBER:
                # Elsewhere a text that is no number is blank; here it cannot be.
                fault = f"{show(text)} is not a number, and a value is required"
            else:
                continue  # refused above
            faults.setdefault(index, []).append(f"{self.column.key}: {fault}")


def _fit(record: list[str], width: int, index: int, faults: _Faults) -> list[str]:
    if any(field and not field.isspace() for field in record[width:]):
        message = f"{len(record)} fields where the header has {width}"
        faults.setdefault(index, []).append(message)
    return record[:width] + [""] * (width - len(record))
