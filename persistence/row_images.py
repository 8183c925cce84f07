"""Versions of rows as rows: their images with typed columns, and their data as clients see it."""

from collections.abc import Mapping, Sequence

import orjson

from domain.columns import Column, TableShape
from persistence.past_rows import VERSION_COLUMNS
from persistence.read_sql import value_json
from persistence.row_sql import record_definition, stored_columns


def shown_names(shape: TableShape, columns: Sequence[Column]) -> list[str]:
    """The key of each column in data; of a deleted one whose key is taken, with its number."""
    taken = set(shape.columns_by_key)
    names = [column.key for column in shape.columns]
    for column in columns[len(shape.columns) :]:
        name = column.key if column.key not in taken else f"{column.key}#{column.number}"
        taken.add(name)
        names.append(name)
    return names


def image_of(columns: Sequence[Column], version: str) -> str:
    """A row version as a row with these columns."""
    stored = [column for column in columns if column.stored]
    names = "".join(f", r.{column.sql_name}" for column in stored)
    system = VERSION_COLUMNS.format(v=version)
    definition = record_definition(stored)
    source = f"jsonb_to_record({version}.data) AS r({definition})"
    return f"(SELECT {system}{names}, r._extra FROM {source})"


def canonical(shape: TableShape, version: str) -> str:
    """The image of a version with the columns of today only, each value in one form: a moment of an
    insert is written `…Z`, that of an update `…+00:00`."""
    definition = record_definition(stored_columns(shape))
    return f"(SELECT to_jsonb(r) FROM jsonb_to_record({version}.data) AS r({definition}))"


def same_image(shape: TableShape, one: str, other: str) -> str:
    """Whether two versions hold the same values in the columns of today, as their types compare."""
    columns = stored_columns(shape)
    definition = record_definition(columns)
    left, right = (
        ", ".join(
            [*(f"{alias}.{c.sql_name}" for c in columns), f"coalesce({alias}._extra, '{{}}')"]
        )
        for alias in ("a", "b")
    )
    return (
        f"({one}.data = {other}.data OR (SELECT ROW({left}) IS NOT DISTINCT FROM ROW({right})"
        f" FROM jsonb_to_record({one}.data) AS a({definition}),"
        f" jsonb_to_record({other}.data) AS b({definition})))"
    )


def values_of(columns: Sequence[Column], alias: str) -> str:
    """The values of a row as an array of JSON texts."""
    return f"ARRAY[{', '.join(value_json(column, alias) for column in columns)}]::text[]"


def data_text(
    names: Sequence[str], live: int, values: Sequence[str | None], extra: str | None
) -> str:
    """A row's data as JSON: live columns in order, then keys without a column, as a read shows it;
    behind them what deleted columns held. The first `live` names are of live columns."""
    members = [
        f"{orjson.dumps(name).decode()}:{'null' if value is None else value}"
        for name, value in zip(names[:live], values, strict=False)
    ]
    if extra and extra != "{}":
        members.append(extra[1:-1])
    for name, value in zip(names[live:], values[live:], strict=True):
        if value is not None:
            members.append(f"{orjson.dumps(name).decode()}:{value}")
    return "{" + ",".join(members) + "}"


def changed_keys(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """The keys without a column whose values differ."""
    absent = object()
    keys = dict.fromkeys((*before, *after))
    return [key for key in keys if before.get(key, absent) != after.get(key, absent)]
