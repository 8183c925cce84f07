"""Files in cells: each must exist in the organisation, and the cell keeps its name beside its id.

A file that is deleted later leaves its id and name behind, as a deleted row does in a relation."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any
from uuid import UUID

from domain.columns import Column, ColumnType, TableShape
from domain.errors import ErrorCode, Problem
from domain.import_rows import CheckedRecords, RejectedRecord
from domain.ports import Storage
from domain.row_values import RowValues


async def name_files(
    storage: Storage, shape: TableShape, rows: Sequence[RowValues], problems: list[Problem]
) -> None:
    """Put the name of each file into its cell, or a problem for one that does not exist.

    One statement for all rows, and none without a file in them."""
    cells = list(_cells(shape, rows))
    if not cells:
        return
    named = await named_files(storage, shape.organization_id, (cell.value for cell in cells))
    for cell in cells:
        found = named.get(cell.value["id"])
        if found is None:
            path = ("rows", str(cell.index), "data", cell.column.key)
            message = f"rows[{cell.index}].{cell.column.key}: {named.fault(cell.value)}"
            problems.append(Problem(ErrorCode.NOT_FOUND, message, path, cell.index))
        else:
            cell.values[cell.column.number] = found


class NamedFiles(dict[str, dict[str, str]]):
    """The values of cells by the ids of their files. `expected` are the ids of those whose bytes
    are still to come: they stand in no cell yet."""

    def __init__(
        self, values: Mapping[str, dict[str, str]], expected: frozenset[str] = frozenset()
    ) -> None:
        super().__init__(values)
        self._expected = expected

    def fault(self, value: Any) -> str:
        """What to tell about a file that is not among these."""
        if value["id"] in self._expected:
            return f'the file "{value["id"]}" has not been uploaded yet'
        return f'there is no file "{value["id"]}"'


async def named_files(storage: Storage, organization_id: UUID, values: Iterable[Any]) -> NamedFiles:
    """The value of a cell for each file that is there, by its id. `values` are checked ones."""
    file_ids = {UUID(value["id"]) for value in values}
    if not file_ids:
        return NamedFiles({})
    names = await storage.files.names(organization_id, list(file_ids))
    return NamedFiles(
        {str(id_): {"id": str(id_), "name": name} for id_, name in names.items() if name},
        frozenset(str(id_) for id_, name in names.items() if name is None),
    )


async def name_imported_files(
    storage: Storage, shape: TableShape, checked: CheckedRecords
) -> CheckedRecords:
    """The records of a file with the names of the files in them; those with a file that does not
    exist are refused. One statement, and none without a file in them."""
    columns = [
        column
        for column in shape.columns
        if column.type is ColumnType.FILE and column.number in checked.columns
    ]
    values = [each for column in columns for each in checked.columns[column.number] if each]
    if not values:
        return checked
    named = await named_files(storage, shape.organization_id, values)
    found = dict(checked.columns)
    faults: dict[int, list[str]] = {}
    for column in columns:
        given = found[column.number]
        found[column.number] = [named.get(each["id"]) if each else None for each in given]
        for index, each in enumerate(given):
            if each and each["id"] not in named:
                faults.setdefault(index, []).append(f"{column.key}: {named.fault(each)}")
    good = [index not in faults for index in range(checked.count)]
    refused = [
        RejectedRecord(checked.numbers[index], "; ".join(each)) for index, each in faults.items()
    ]
    return CheckedRecords(
        {number: list(compress(each, good)) for number, each in found.items()},
        checked.count - len(faults),
        sorted([*checked.rejected, *refused], key=lambda each: each.record),
        list(compress(checked.numbers, good)),
    )


@dataclass(frozen=True, slots=True)
class _Cell:
    """A file in a row of a request."""

    index: int
    column: Column
    values: dict[int, Any]
    value: Any


def _cells(shape: TableShape, rows: Sequence[RowValues]) -> Iterator[_Cell]:
    columns = [column for column in shape.columns if column.type is ColumnType.FILE]
    if not columns:
        return
    for index, row in enumerate(rows):
        for column in columns:
            value = row.values.get(column.number)
            # What was refused before is no object.
            if isinstance(value, dict):
                yield _Cell(index, column, row.values, value)
