"""Rows of an import in the form that COPY takes.

COPY is three times as fast as a statement with JSON: 19 columns with history go in at more than
40,000 rows a second. What only the clock knows (position, revision, time) comes first in each line,
so that under the lock nothing is left to do but to put it in front."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from itertools import repeat
from typing import Any

from domain import ids
from domain.columns import Column, ColumnType, TableShape
from domain.import_chunks import ImportChunk
from persistence.json_text import dumps
from persistence.row_sql import stored_columns
from persistence.unit_of_work import TableWrite

_ROW_COLUMNS = ("position", "created_at", "updated_at", "id", "session_id", "version", "created_by")
_VERSION_COLUMNS = (
    "position",
    "revision",
    "created_at",
    "updated_at",
    "row_id",
    "table_id",
    "version",
    "action",
    "session_id",
    "created_by",
    "data",
)


@dataclass(frozen=True, slots=True)
class EncodedRows:
    """The lines of both COPYs without what the clock knows, one each a row."""

    cells: Sequence[Column]
    count: int
    rows: Sequence[str]
    versions: Sequence[str]


class _Lines(list[str]):
    """Takes the lines of a CSV writer one by one."""

    write = list.append


def encode(shape: TableShape, actor: str, chunk: ImportChunk) -> EncodedRows:
    """Both forms of the chunk's rows, with fresh ids in the order of the file."""
    cells = [column for column in stored_columns(shape) if column.number in chunk.columns]
    row_ids = [row_id.hex for row_id in ids.new_ids(ids.Kind.ROW, chunk.count, shape.number)]
    session = chunk.session_id.hex
    return EncodedRows(
        cells,
        chunk.count,
        _row_lines(cells, row_ids, (session, 1, actor), chunk),
        _version_lines(cells, row_ids, f"{shape.id.hex}\t1\tcreate\t{session}\t{actor}\t", chunk),
    )


def _row_lines(
    cells: Sequence[Column], row_ids: Sequence[str], system: tuple[Any, ...], chunk: ImportChunk
) -> Sequence[str]:
    columns = [
        _arrays(chunk.columns[column.number])
        if column.type is ColumnType.RELATION
        else chunk.columns[column.number]
        for column in cells
    ]
    lines = _Lines()
    # Both characters of a line break, so that a lone one of either inside a text is quoted.
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerows(zip(row_ids, *map(repeat, system), *columns, strict=False))
    return lines


def _arrays(values: Sequence[Any]) -> Sequence[str | None]:
    return ["{" + ",".join(value) + "}" if value is not None else None for value in values]


def _version_lines(
    cells: Sequence[Column], row_ids: Sequence[str], system: str, chunk: ImportChunk
) -> Sequence[str]:
    members = [_members(column.sql_name, chunk.columns[column.number]) for column in cells]
    images = map(",".join, map(partial(filter, None), zip(*members, strict=True)))
    lines = []
    for row_id, image in zip(row_ids, images if members else repeat(""), strict=False):
        # JSON holds no raw tab or line break; backslashes are all that COPY would take as its own.
        if "\\" in image:
            image = image.replace("\\", "\\\\")
        lines.append(f"{row_id}\t{system}{{{image}}}\n")
    return lines


def _members(name: str, values: Sequence[Any]) -> Sequence[str]:
    """The column's part of each row image, such as `"c3":17`; empty for no value.

    Columns of a file repeat their values, so each distinct one is written once a chunk."""
    if any(isinstance(value, list) for value in values):
        return [f'"{name}":{dumps(value)}' if value is not None else "" for value in values]
    known = {value: f'"{name}":{dumps(value)}' for value in set(values) if value is not None}
    known[None] = ""
    return list(map(known.__getitem__, values))


async def copy_rows(write: TableWrite, encoded: EncodedRows, start: int) -> None:
    """Write rows and versions under the clock; positions from `start` on."""
    schema, table = write.shape.sql_name.split(".")
    at = write.at.isoformat()
    await write.connection.copy_to_table(
        table,
        schema_name=schema,
        columns=[*_ROW_COLUMNS, *(column.sql_name for column in encoded.cells)],
        source=_source(f",{at},{at},", encoded.rows, start),
        format="csv",
    )
    await write.connection.copy_to_table(
        "row_version",
        columns=_VERSION_COLUMNS,
        source=_source(f"\t{write.revision}\t{at}\t{at}\t", encoded.versions, start),
    )


def _source(head: str, lines: Sequence[str], start: int) -> BytesIO:
    numbered = (f"{position}{head}{line}" for position, line in enumerate(lines, start))
    return BytesIO("".join(numbered).encode())
