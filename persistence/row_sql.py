"""Pieces of SQL that writing and reading rows share, made from a table's shape."""

from collections.abc import Sequence

from domain.columns import Column, TableShape
from domain.row_writes import PreparedRow
from domain.values import TYPES
from persistence.json_text import dumps

#: Columns of every users' table beside the cells.
SYSTEM_COLUMNS = (
    "id",
    "position",
    "session_id",
    "version",
    "created_by",
    "created_at",
    "updated_at",
)
_SYSTEM_ARRAY = "'{" + ",".join(SYSTEM_COLUMNS) + "}'::text[]"


def stored_columns(shape: TableShape) -> list[Column]:
    """The columns that have a place in storage."""
    return [column for column in shape.columns if column.stored]


def record_definition(columns: Sequence[Column]) -> str:
    """Typed names for `jsonb_to_record`, such as `c1 text, c2 numeric, _extra jsonb`."""
    return ", ".join([*(f"{c.sql_name} {TYPES[c.type].storage}" for c in columns), "_extra jsonb"])


def image(alias: str) -> str:
    """The image of a row for its version: cells and extra keys, without system columns."""
    return f"to_jsonb({alias}) - {_SYSTEM_ARRAY}"


def rows_json(rows: Sequence[PreparedRow]) -> str:
    """The rows of a write as one JSON array: `id`, `_by`, `_version`, then `c<number>` and
    `_extra`."""
    items = []
    for row in rows:
        item = {_NAMES[number]: value for number, value in row.values.values.items()}
        item["id"] = row.id
        if row.created_by is not None:
            item["_by"] = row.created_by
        if row.version is not None:
            item["_version"] = row.version
        if row.values.extra:
            item["_extra"] = row.values.extra
        items.append(item)
    return dumps(items)


class _Names(dict[int, str]):
    """Names of columns by number, each written out once: a request may hold 10,000 cells."""

    def __missing__(self, number: int) -> str:
        name = self[number] = f"c{number}"
        return name


_NAMES = _Names()


def column_names(shape: TableShape, alias: str) -> list[str]:
    """Every column of the users' table by name, system columns first."""
    cells = [column.sql_name for column in stored_columns(shape)]
    return [f"{alias}.{name}" for name in (*SYSTEM_COLUMNS, *cells, "_extra")]
