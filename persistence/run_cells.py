"""The cells of runs: queueing, taking, finishing and giving them back, each in one statement under
the clock's lock.

The state of a cell is the truth. Who finishes a cell names its run and the attempt that he took it
in: a cell that was cancelled, written by a person or taken again by somebody else is left alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from domain.cells import CellStatus
from domain.columns import Column, TableShape
from domain.run_records import ACTIVE, STATUSES, Batch, CellResult, Search, TakenCell
from domain.run_rules import InputsHash, keeps
from domain.tool_records import ProducerKind, Tool
from persistence.cell_states import citation_json, producer_json
from persistence.engine import Connection
from persistence.json_text import dumps
from persistence.read_sql import value_json
from persistence.statements import statements
from persistence.status_sql import status_sql
from persistence.unit_of_work import TableWrite

QUEUED, CALCULATING = f"'{CellStatus.QUEUED}'", f"'{CellStatus.CALCULATING}'"
WAITING = f"({QUEUED}, {CALCULATING})"
_ACTIVE = ", ".join(f"'{status}'" for status in sorted(ACTIVE))

#: What `before` holds, and what a cell gets back from it.
KEPT = (
    "run_id uuid, error text, attempt int, inputs_hash text, producer jsonb, confidence float8,"
    " citations jsonb, raw text, input_tokens int, output_tokens int, cost numeric"
)
KEPT_NAMES = [part.split()[0] for part in KEPT.split(", ")]
RESTORED = ", ".join(f"{name} = b.{name}" for name in KEPT_NAMES if name != "attempt")
_BEFORE = "to_jsonb(s) - '{table_id,row_id,column_number,before,updated_at,progress}'::text[]"


#: Cells that another run keeps. What an ended run still holds, because a worker died at the wrong
#: moment, is free; so is what is being made from inputs that are others by now, which would only
#: become stale.
_HELD = f"""coalesce(s.status IN {WAITING} AND NOT (s.status = {CALCULATING} AND s.outdated)
 AND EXISTS (SELECT 1 FROM cell_run r WHERE r.id = s.run_id AND r.status IN ({_ACTIVE})), FALSE)"""


def wanted_cells(shape: TableShape, search: Search, rows: str) -> str:
    """The cells of the search's columns in the rows `rows` (a source with the alias t): row,
    position, column, status, the stored one, the state's record, and whether another run keeps it.
    A search that takes over knows of no other runs."""
    held = "FALSE" if search.takes_over else _HELD
    return " UNION ALL ".join(_wanted(shape, column, rows, held) for column in search.columns)


def _wanted(shape: TableShape, column: Column, rows: str, held: str) -> str:
    free = f"CASE WHEN s.status IN {WAITING} THEN s.previous ELSE s.status END"
    return (
        f"SELECT t.id AS row_id, t.position, {column.number} AS number, s.status AS stored,"
        f" {status_sql(shape, column, 't', free)} AS status, {held} AS held,"
        f" CASE WHEN s.status IN {WAITING} THEN s.before WHEN s.status IS NOT NULL THEN {_BEFORE}"
        f" END AS before FROM {rows} LEFT JOIN cell_state s ON s.table_id = '{shape.id}'"
        f" AND s.row_id = t.id AND s.column_number = {column.number}"
    )


@dataclass(frozen=True, slots=True)
class QueuedRows:
    """What queueing did: the rows with cells of the run in the order of the table, and counts."""

    row_ids: Sequence[UUID]
    cells: int
    skipped: int


async def queue_cells(
    write: TableWrite, run_id: UUID, search: Search, row_ids: Sequence[UUID]
) -> QueuedRows:
    """Queue the cells of these rows that the mode takes. Those that other runs keep are counted
    only; one that is taken over is dropped by the run that had it."""
    shape = write.shape
    purpose = ("queue", search.takes_over, *(column.number for column in search.columns))
    text = statements.get(shape, purpose, lambda: _queue_statement(shape, search))
    records = await write.connection.fetch(
        text,
        shape.id,
        list(row_ids),
        [status.value for status in STATUSES[search.mode]],
        run_id,
        write.revision,
        write.at,
    )
    rows = [record["row_id"] for record in records if record["cells"]]
    cells = sum(record["cells"] for record in records)
    return QueuedRows(rows, cells, sum(record["held"] for record in records))


def _queue_statement(shape: TableShape, search: Search) -> str:
    rows = f"{shape.sql_name} AS t"
    source = wanted_cells(shape, search, f"(SELECT * FROM {rows} WHERE t.id = ANY($2)) AS t")
    return f"""
WITH wanted AS MATERIALIZED ({source}),
chosen AS (SELECT * FROM wanted WHERE NOT held AND status = ANY($3)),
states AS (
  INSERT INTO cell_state
    (table_id, row_id, column_number, status, run_id, previous, before, attempt, updated_at)
  SELECT $1, row_id, number, {QUEUED}, $4, status, before, 0, $6 FROM chosen
  ON CONFLICT (table_id, row_id, column_number)
  DO UPDATE SET status = excluded.status, error = NULL, progress = NULL, run_id = excluded.run_id,
    previous = excluded.previous, before = excluded.before, attempt = 0,
    updated_at = excluded.updated_at
), moves AS (
  INSERT INTO cell_change (table_id, row_id, column_number, revision, previous, status, at)
  SELECT $1, row_id, number, $5, CASE WHEN stored = {CALCULATING} THEN stored ELSE status END,
         {QUEUED}, $6
  FROM chosen WHERE stored IS DISTINCT FROM {QUEUED}
)
SELECT row_id, count(*) FILTER (WHERE NOT held AND status = ANY($3)) AS cells,
       count(*) FILTER (WHERE held) AS held
FROM wanted GROUP BY row_id, position
HAVING bool_or(held OR status = ANY($3)) ORDER BY position
"""


_TAKE = f"""
WITH mine AS (
  SELECT s.row_id, s.column_number, s.status FROM cell_state s
  WHERE s.table_id = $1 AND s.row_id = ANY($2) AND s.column_number = ANY($3) AND s.run_id = $4
    AND s.status IN {WAITING}
), taken AS (
  UPDATE cell_state s SET status = {CALCULATING}, attempt = s.attempt + 1, updated_at = $6,
                          outdated = FALSE
  FROM mine m
  WHERE s.table_id = $1 AND s.row_id = m.row_id AND s.column_number = m.column_number
  RETURNING s.row_id, s.column_number, s.attempt, s.previous, s.inputs_hash,
            coalesce(s.producer->>'kind', '') AS producer, m.status AS was
), moves AS (
  INSERT INTO cell_change (table_id, row_id, column_number, revision, previous, status, at)
  SELECT $1, row_id, column_number, $5, was, {CALCULATING}, $6 FROM taken
  WHERE was <> {CALCULATING}
)
SELECT * FROM taken
"""

_FAILED_INPUTS = f"""
SELECT row_id, column_number FROM cell_state
WHERE table_id = $1 AND row_id = ANY($2) AND column_number = ANY($3) AND run_id = $4
  AND status = '{CellStatus.ERROR}'
"""


async def take_cells(
    write: TableWrite, batch: Batch, columns: Sequence[tuple[Column, Tool]]
) -> list[TakenCell]:
    """Set the batch's waiting cells of these columns to calculating, and read their inputs as of
    the same moment. In the order of its rows."""
    shape, run, row_ids = write.shape, batch.run, batch.row_ids
    numbers = [column.number for column, _ in columns]
    records = await write.connection.fetch(
        _TAKE, shape.id, list(row_ids), numbers, run.id, write.revision, write.at
    )
    if not records:
        return []
    inputs = await read_inputs(write.connection, shape, [r["row_id"] for r in records], columns)
    failed = await _failed_inputs(write, run.id, run.columns, row_ids, columns)
    tools = {column.number: (column, tool) for column, tool in columns}
    hashes = input_hashes(batch, columns)
    found = {}
    for r in records:
        row_id, number = r["row_id"], r["column_number"]
        if row_id not in inputs:
            continue
        tool = tools[number][1]
        values = {key: inputs[row_id].get(key) for key in tool.inputs}
        digest = hashes[number].of(values)
        cached = (
            run.use_cache
            and keeps(tool)
            and r["inputs_hash"] == digest
            and r["previous"] in (CellStatus.RESOLVED, CellStatus.STALE)
            # The rules are asked again: that costs nothing, and a model may be there by now.
            and r["producer"] not in (ProducerKind.PERSON, ProducerKind.RULES)
        )
        waits_for = failed.get((row_id, number))
        found[row_id, number] = TakenCell(
            row_id, number, r["attempt"], values, digest, cached, waits_for
        )
    keys = ((row_id, number) for number in numbers for row_id in row_ids)
    return [found[key] for key in keys if key in found]


def input_hashes(batch: Batch, columns: Sequence[tuple[Column, Tool]]) -> Mapping[int, InputsHash]:
    """What hashes the inputs of columns, by number."""
    answered_by = batch.answered_by
    return {
        column.number: InputsHash(column, tool, answered_by.get(column.number, ""))
        for column, tool in columns
    }


async def _failed_inputs(
    write: TableWrite,
    run_id: UUID,
    run_columns: Sequence[int],
    row_ids: Sequence[UUID],
    columns: Sequence[tuple[Column, Tool]],
) -> dict[tuple[UUID, int], str]:
    """For cells that read one that failed in this run: the key of its column."""
    graph, known = write.shape.tool_graph, write.shape.columns_by_number
    reads = {column.number: graph.inputs.get(column.number, frozenset()) for column, _ in columns}
    sources = frozenset().union(*reads.values()) & frozenset(run_columns)
    if not sources:
        return {}
    records = await write.connection.fetch(
        _FAILED_INPUTS, write.shape.id, list(row_ids), list(sources), run_id
    )
    found = {}
    for r in records:
        for number, wanted in reads.items():
            if r["column_number"] in wanted and r["column_number"] in known:
                found[r["row_id"], number] = known[r["column_number"]].key
    return found


async def read_inputs(
    connection: Connection,
    shape: TableShape,
    row_ids: Sequence[UUID],
    columns: Sequence[tuple[Column, Tool]],
) -> dict[UUID, dict[str, str | None]]:
    """The inputs of tools as JSON texts by key, for the rows that are there."""
    keys = input_keys(shape, columns)
    text = statements.get(shape, ("inputs", keys), lambda: _inputs_statement(shape, keys))
    records = await connection.fetch(text, list(set(row_ids)))
    return {r["id"]: dict(zip(keys, r["vals"], strict=True)) for r in records}


def input_keys(shape: TableShape, columns: Sequence[tuple[Column, Tool]]) -> tuple[str, ...]:
    """The keys of all inputs that are there, each once."""
    keys = dict.fromkeys(key for _, tool in columns for key in tool.inputs)
    return tuple(key for key in keys if key in shape.columns_by_key)


def inputs_array(shape: TableShape, keys: Sequence[str], alias: str) -> str:
    """The values of columns as an array of JSON texts."""
    values = ", ".join(value_json(shape.columns_by_key[key], alias) for key in keys)
    return f"ARRAY[{values}]::text[]"


def _inputs_statement(shape: TableShape, keys: Sequence[str]) -> str:
    values = inputs_array(shape, keys, "t")
    return f"SELECT t.id, {values} AS vals FROM {shape.sql_name} AS t WHERE t.id = ANY($1)"


_FINISH = f"""
WITH given AS (
  SELECT * FROM jsonb_to_recordset($1::jsonb) AS g
    (row_id uuid, number int, attempt int, status text, error text, keeps bool, inputs_hash text,
     producer jsonb, confidence float8, citations jsonb, raw text, input_tokens int,
     output_tokens int, cost numeric)
), held AS (
  UPDATE cell_state s SET status = g.status, error = g.error, progress = NULL, updated_at = $5,
    inputs_hash = CASE WHEN keeps THEN s.inputs_hash ELSE g.inputs_hash END,
    producer = CASE WHEN keeps THEN s.producer WHEN g.error IS NULL THEN g.producer
                    ELSE coalesce(g.producer, s.producer) END,
    confidence = CASE WHEN keeps OR g.error IS NOT NULL THEN s.confidence ELSE g.confidence END,
    citations = CASE WHEN keeps OR g.error IS NOT NULL THEN s.citations ELSE g.citations END,
    raw = CASE WHEN keeps THEN s.raw ELSE g.raw END,
    input_tokens = CASE WHEN keeps THEN s.input_tokens ELSE g.input_tokens END,
    output_tokens = CASE WHEN keeps THEN s.output_tokens ELSE g.output_tokens END,
    cost = CASE WHEN keeps THEN s.cost ELSE g.cost END
  FROM given g
  WHERE s.table_id = $2 AND s.row_id = g.row_id AND s.column_number = g.number AND s.run_id = $3
    AND s.attempt = g.attempt AND s.status = {CALCULATING}
    AND EXISTS (SELECT 1 FROM cell_run r WHERE r.id = $3 AND r.status IN ({_ACTIVE}))
  RETURNING s.row_id, s.column_number, s.status, s.error
), moves AS (
  INSERT INTO cell_change (table_id, row_id, column_number, revision, previous, status, error, at)
  SELECT $2, row_id, column_number, $4, {CALCULATING}, status, error, $5 FROM held
)
SELECT row_id, column_number FROM held
"""


async def finish_cells(
    write: TableWrite, run_id: UUID, results: Sequence[CellResult], outdated: set[int]
) -> set[tuple[UUID, int]]:
    """Store the states of results, those at the places `outdated` as stale. The cells that were
    still held, by row and column."""
    given = [_state(each, place in outdated) for place, each in enumerate(results)]
    records = await write.connection.fetch(
        _FINISH, dumps(given), write.shape.id, run_id, write.revision, write.at
    )
    return {(r["row_id"], r["column_number"]) for r in records}


def _plain(text: str | None) -> str | None:
    """A text as PostgreSQL takes it, whatever a model wrote."""
    return None if text is None else text.encode(errors="replace").decode().replace("\0", "")


def _state(result: CellResult, outdated: bool) -> dict[str, Any]:
    cell, answer = result.cell, result.answer
    told: dict[str, Any] = {
        "row_id": str(cell.row_id),
        "number": cell.column_number,
        "attempt": cell.attempt,
        "keeps": result.is_kept,
        "error": _plain(result.error or (answer.error if answer else None)),
        "status": CellStatus.STALE if outdated else CellStatus.RESOLVED,
    }
    if told["error"] is not None:
        told["status"] = CellStatus.ERROR
    elif not told["keeps"]:
        told["inputs_hash"] = cell.inputs_hash
    if answer is not None:
        usage = answer.usage
        told |= {"raw": _plain(answer.raw), "input_tokens": usage.input_tokens}
        told |= {"output_tokens": usage.output_tokens, "cost": usage.cost}
        told["producer"] = orjson.Fragment(producer_json(answer.producer))
        if answer.error is None:
            told["confidence"] = answer.confidence
            told["citations"] = [citation_json(each) for each in answer.citations] or None
    return told
