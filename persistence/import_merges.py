"""Chunks of imports that update rows by key: who meets whom, then what changed, then what is new.

Under the clock, one statement joins the keys of the chunk with the table: a hash join that reads
the table once, or an index where there is one. Nothing can come between that look and the
write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.changes import ChangeKind
from domain.columns import TableShape
from domain.entities import ImportRejection
from domain.import_chunks import ImportChunk, Merge
from domain.values import TYPES
from persistence.cell_states import settle
from persistence.import_rows import EncodedRows
from persistence.json_text import dumps
from persistence.row_sql import image
from persistence.statements import statements
from persistence.unit_of_work import TableWrite

_TWICE = "More than one row of the table has this key"


@dataclass(frozen=True, slots=True)
class EncodedMerge:
    """What is asked and written beside the rows that may be added.

    `keys` is a JSON array of objects: the row's place as `i` and the key's cells. `cells` are for
    each row the members of a JSON object without braces, for every column that the file fills and
    that is no key."""

    merge: Merge
    keys: str
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class Matches:
    """The places of rows in the chunk: those that are new, those that update a row, by its id, and
    the records that are refused."""

    added: Sequence[int]
    updated: Mapping[int, UUID]
    rejections: Sequence[ImportRejection]


def encode_merge(chunk: ImportChunk, merge: Merge) -> EncodedMerge:
    """The keys and cells of a chunk as texts."""
    names = [f"c{number}" for number in merge.keys]
    keys = zip(*(chunk.columns[number] for number in merge.keys), strict=True)
    asked = [dict(zip(names, key, strict=True)) | {"i": place} for place, key in enumerate(keys)]
    written = [number for number in merge.given if number not in merge.keys]
    names = [f"c{number}" for number in written]
    cells = zip(*(chunk.columns[number] for number in written), strict=True)
    members = [dumps(dict(zip(names, row, strict=True)))[1:-1] for row in cells]
    return EncodedMerge(merge, dumps(asked), members)


async def match(write: TableWrite, encoded: EncodedMerge, count: int) -> Matches:
    """Find the rows that the records of a chunk update."""
    merge = encoded.merge
    text = statements.get(
        write.shape, ("match", tuple(merge.keys)), lambda: _match_statement(write.shape, merge.keys)
    )
    found = {record["i"]: record for record in await write.connection.fetch(text, encoded.keys)}
    rejections: list[ImportRejection] = []
    added = [place for place in range(count) if place not in found]
    if merge.no_additions is not None:
        for place in added:
            rejections += merge.reject(place, merge.no_additions)
        added = []
    updated = {}
    for place, record in found.items():
        if record["many"]:
            rejections += merge.reject(place, _TWICE)
        else:
            updated[place] = UUID(record["id"])
    return Matches(added, updated, sorted(rejections, key=lambda each: each.line))


async def update_matched(
    write: TableWrite, encoded: EncodedMerge, updated: Mapping[int, UUID]
) -> int:
    """Update the rows that differ, with their versions and the log entry; how many those were."""
    given = [number for number in encoded.merge.given if number not in encoded.merge.keys]
    if not given or not updated:
        return 0
    text = statements.get(
        write.shape, ("upsert", tuple(given)), lambda: _update_statement(write.shape, given)
    )
    rows = ",".join(
        f'{{"id":"{row_id}",{encoded.cells[place]}}}' for place, row_id in updated.items()
    )
    changed = await write.connection.fetch(
        text, f"[{rows}]", write.at, write.shape.id, write.revision
    )
    if changed:
        await settle(write, [record["id"] for record in changed])
        await write.log(ChangeKind.ROWS_CHANGED, changed=len(changed))
    return len(changed)


def chosen(rows: EncodedRows, places: Sequence[int]) -> EncodedRows:
    """Only some of the rows."""
    if len(places) == rows.count:
        return rows
    return EncodedRows(
        rows.cells,
        len(places),
        [rows.rows[place] for place in places],
        [rows.versions[place] for place in places],
    )


def _match_statement(shape: TableShape, keys: Sequence[int]) -> str:
    """The rows of the table by key. Parameter: the keys. A key that many rows have names one of
    them."""
    same = " AND ".join(f"t.c{number} = g.c{number}" for number in keys)
    return f"""
SELECT g.i, min(t.id::text) AS id, count(*) > 1 AS many
FROM jsonb_to_recordset($1::jsonb) AS g(i int, {_definition(shape, keys)})
JOIN {shape.sql_name} AS t ON {same}
GROUP BY g.i
"""


def _update_statement(shape: TableShape, given: Sequence[int]) -> str:
    """Rows by id where a cell differs. Parameters: rows, moment, table, revision."""
    names = [f"c{number}" for number in given]
    assignments = ", ".join(f"{name} = g.{name}" for name in names)
    before, after = (", ".join(f"{alias}.{name}" for name in names) for alias in "tg")
    return f"""
WITH changed AS (
  UPDATE {shape.sql_name} AS t
  SET {assignments}, version = t.version + 1, updated_at = $2
  FROM jsonb_to_recordset($1::jsonb) AS g(id uuid, {_definition(shape, given)})
  WHERE t.id = g.id AND ROW({before}) IS DISTINCT FROM ROW({after})
  RETURNING new.id, new.version, new.position, new.session_id, new.created_by, new.created_at,
            {image("new")} AS data
), versions AS (
  INSERT INTO row_version (table_id, row_id, version, revision, action, position, session_id,
                           created_by, created_at, updated_at, data)
  SELECT $3, id, version, $4, 'update', position, session_id, created_by, created_at, $2, data
  FROM changed
)
SELECT id FROM changed
"""


def _definition(shape: TableShape, numbers: Sequence[int]) -> str:
    columns: Any = shape.columns_by_number
    return ", ".join(f"c{number} {TYPES[columns[number].type].storage}" for number in numbers)
