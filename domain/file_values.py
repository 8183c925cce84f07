"""Files in cells: each must exist in the organisation, and the cell keeps its name beside its id.

A file that is deleted later leaves its id and name behind, as a deleted row does in a relation."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.columns import Column, ColumnType, TableShape
from domain.errors import ErrorCode, Problem
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
            message = f"rows[{cell.index}].{cell.column.key}: {unknown_file(cell.value)}"
            problems.append(Problem(ErrorCode.NOT_FOUND, message, path, cell.index))
        else:
            cell.values[cell.column.number] = found


async def named_files(
    storage: Storage, organization_id: UUID, values: Iterable[Any]
) -> dict[str, dict[str, str]]:
    """The value of a cell for each file that exists, by its id. `values` are checked ones."""
    file_ids = {UUID(value["id"]) for value in values}
    if not file_ids:
        return {}
    names = await storage.files.names(organization_id, list(file_ids))
    return {str(file_id): {"id": str(file_id), "name": name} for file_id, name in names.items()}


def unknown_file(value: Any) -> str:
    """What to tell about a file that does not exist."""
    return f'there is no file "{value["id"]}"'


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
