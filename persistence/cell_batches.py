"""The work of batches: taking up, taking cells, setting budget aside, storing results, ending."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.changes import ChangeKind
from domain.columns import TableShape
from domain.row_values import RowValues
from domain.row_writes import PreparedRow
from domain.run_ports import Filled
from domain.run_records import Affordable, Batch, CellResult, Reserved, RunStatus, TakenCell
from domain.run_rules import affordable
from domain.tool_ports import CallEstimate
from persistence.cell_states import outdate_dependents, outdated_meanwhile
from persistence.claims import writing
from persistence.engine import Connection, Database
from persistence.row_sql import rows_json
from persistence.row_update import merge_assignments, update_statement
from persistence.run_cells import finish_cells, input_hashes, read_inputs, take_cells
from persistence.run_releases import give_back, requeue
from persistence.run_rows import FIELDS, count, run_of
from persistence.run_weights import weigh_rows
from persistence.statements import statements
from persistence.unit_of_work import NothingWritten, TableWrite, Wake, write_table

_BEGIN_RUN = f"""
UPDATE cell_run SET status = '{RunStatus.RUNNING}', updated_at = clock_timestamp(),
  started_at = coalesce(started_at, clock_timestamp())
WHERE id = $1 AND (status = '{RunStatus.QUEUED}'
  OR status = '{RunStatus.RUNNING}' AND started_at IS NULL)
"""
#: What an attempt before this one has set aside and not accounted for may be spent: nobody knows.
#: It stays set aside.
_BEGIN_BATCH = """
UPDATE cell_batch
SET status = 'running', attempt = attempt + 1, reserved_tokens = 0, reserved_cost = 0,
    updated_at = clock_timestamp()
WHERE run_id = $1 AND number = $2 AND status <> 'done'
RETURNING row_ids, attempt
"""
_RESERVE = """
UPDATE {table} SET reserved_tokens = reserved_tokens + $3, reserved_cost = reserved_cost + $4
WHERE {key}
"""
_SET_ASIDE = """
SELECT EXISTS (SELECT 1 FROM cell_batch WHERE run_id = $1 AND number <> $2 AND status <> 'done'
               AND (reserved_tokens > 0 OR reserved_cost > 0))
"""
_OF_RUN, _OF_BATCH = "id = $1 AND $2::int IS NOT NULL", "run_id = $1 AND number = $2"


class CellBatches:
    """The `CellBatchStore` port."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._pool = database.pool
        self._wake = wake

    async def begin(self, run_id: UUID, number: int) -> Batch | None:
        """Take up a batch of a run that runs. One of a paused run waits until it goes on."""
        async with writing(self._pool) as connection:
            await connection.execute(_BEGIN_RUN, run_id)
            found = await connection.fetchrow(
                f"SELECT {FIELDS} FROM cell_run WHERE id = $1 FOR UPDATE", run_id
            )
            if found is None:
                return None
            run = run_of(found)
            if run.status is RunStatus.PAUSED:
                await _set_status(connection, run_id, number, "paused")
            if run.status is not RunStatus.RUNNING:
                return None
            row = await connection.fetchrow(_BEGIN_BATCH, run_id, number)
        return Batch(run, number, row["row_ids"], row["attempt"]) if row else None

    async def weigh(self, shape: TableShape, batch: Batch, columns: Filled) -> Mapping[UUID, int]:
        """About the bytes of the inputs in each row."""
        return await weigh_rows(self._pool, shape, batch.row_ids, columns)

    async def take(self, shape: TableShape, batch: Batch, columns: Filled) -> list[TakenCell]:
        """Take the cells of these columns; no revision is used when none is left."""
        try:
            async with self._write(shape, batch) as write:
                cells = await take_cells(write, batch, columns)
                if not cells:
                    raise NothingWritten(write.revision - 1, write.at)
                await write.log(ChangeKind.CELLS_CHANGED, details={"cells": len(cells)})
                return cells
        except NothingWritten:
            return []

    async def reserve(self, batch: Batch, calls: Sequence[CallEstimate]) -> Affordable:
        """Set aside what calls may take. What is spent and what is set aside never exceed the
        budget together."""
        budget = batch.run.budget
        async with writing(self._pool) as connection:
            row = await connection.fetchrow(
                "SELECT input_tokens + output_tokens + reserved_tokens AS tokens,"
                " cost + reserved_cost AS cost FROM cell_run WHERE id = $1 FOR UPDATE",
                batch.run.id,
            )
            if row is None:
                return Affordable([None] * len(calls))
            tokens = None if budget.tokens is None else budget.tokens - row["tokens"]
            cost = None if budget.cost is None else budget.cost - row["cost"]
            found = affordable(tokens, cost, calls)
            await _set_aside(connection, batch, [each for each in found if each is not None], 1)
            # What a dead worker had set aside stands with its run alone: it will never be free.
            others = await connection.fetchval(_SET_ASIDE, batch.run.id, batch.number)
        return Affordable(found, others)

    async def finish(
        self, shape: TableShape, batch: Batch, columns: Filled, results: Sequence[CellResult]
    ) -> None:
        """Store results: states, values, what depends on them, and the counts of the run."""
        known = {column.number for column, _ in columns}
        paid = results
        results = [each for each in results if each.cell.column_number in known]
        # A column that is not the tool's own keeps what it has where that finds nothing.
        own = batch.run.tool is not None
        left = [each.cell for each in results if own and each.is_nothing]
        made = [each for each in results if not (own and each.is_nothing)]
        try:
            async with self._write(shape, batch) as write:
                outdated = await _outdated(write, batch, columns, made)
                held = await finish_cells(write, batch.run.id, made, outdated)
                dropped = await give_back(write, batch.run.id, left) if left else 0
                if not held and not dropped:
                    raise NothingWritten(write.revision - 1, write.at)
                changed = await _write_values(write, made, held)
                details = {"cells": len(held) + dropped}
                await write.log(ChangeKind.CELLS_CHANGED, changed=changed, details=details)
                counts = _counts(made, held, outdated) | {"cells_dropped": dropped}
                await _account(write.connection, batch, paid, counts, write.revision)
        except NothingWritten:
            async with writing(self._pool) as connection:
                await _account(connection, batch, paid, {}, 0)

    async def give_back(self, shape: TableShape, batch: Batch, cells: Sequence[TakenCell]) -> None:
        """Give cells back that the budget does not allow; the run will end as partial."""
        async with self._write(shape, batch) as write:
            left = await give_back(write, batch.run.id, cells)
            await write.log(ChangeKind.CELLS_CHANGED, details={"cells": left})
            more = {"revision": write.revision, "over_budget": True}
            await count(write.connection, batch.run.id, cells_left=left, **more)

    async def requeue(
        self, shape: TableShape, batch: Batch, cells: Sequence[CellResult], waiting: str | None
    ) -> None:
        """Queue cells again that got no answer, and free what was set aside for them."""
        async with self._write(shape, batch) as write:
            moved = await requeue(write, batch.run.id, [each.cell for each in cells])
            await write.log(ChangeKind.CELLS_CHANGED, details={"cells": moved})
            await _set_aside(write.connection, batch, [each.reserved for each in cells], -1)
            await count(write.connection, batch.run.id, revision=write.revision, error=waiting)

    async def status(self, run_id: UUID) -> RunStatus | None:
        """Where the run stands now."""
        found = await self._pool.fetchval("SELECT status FROM cell_run WHERE id = $1", run_id)
        return RunStatus(found) if found else None

    async def leave(self, batch: Batch) -> bool:
        """Put the batch back for the time after a pause, unless that is over."""
        async with writing(self._pool) as connection:
            status = await connection.fetchval(
                "SELECT status FROM cell_run WHERE id = $1 FOR UPDATE", batch.run.id
            )
            if status != RunStatus.PAUSED:
                return False
            await _set_status(connection, batch.run.id, batch.number, "paused")
            return True

    async def end(self, batch: Batch) -> None:
        """The batch is done. What is still set aside for it is free."""
        async with writing(self._pool) as connection:
            run_id = batch.run.id  # first the run, as everybody does
            await connection.execute("SELECT FROM cell_run WHERE id = $1 FOR UPDATE", run_id)
            left = await connection.fetchrow(
                "SELECT reserved_tokens, reserved_cost FROM cell_batch"
                " WHERE run_id = $1 AND number = $2 AND status <> 'done' FOR UPDATE",
                batch.run.id,
                batch.number,
            )
            if left is not None:
                rest = Reserved(left["reserved_tokens"], left["reserved_cost"])
                await _set_aside(connection, batch, [rest], -1)
                await _set_status(connection, batch.run.id, batch.number, "done")

    def _write(self, shape: TableShape, batch: Batch) -> Any:
        run = batch.run
        return write_table(self._pool, shape, run.created_by, run.cause, self._wake)


async def _set_status(connection: Connection, run_id: UUID, number: int, status: str) -> None:
    await connection.execute(
        "UPDATE cell_batch SET status = $3, updated_at = clock_timestamp()"
        " WHERE run_id = $1 AND number = $2 AND status <> 'done'",
        run_id,
        number,
        status,
    )


async def _set_aside(
    connection: Connection, batch: Batch, parts: Sequence[Reserved], sign: int
) -> None:
    """Set aside, or free, for the batch and its run: first the run, as everybody does."""
    tokens = sign * sum(part.tokens for part in parts)
    cost = sign * sum((part.cost for part in parts), Decimal(0))
    if tokens or cost:
        for table, key in (("cell_run", _OF_RUN), ("cell_batch", _OF_BATCH)):
            statement = _RESERVE.format(table=table, key=key)
            await connection.execute(statement, batch.run.id, batch.number, tokens, cost)


async def _outdated(
    write: TableWrite, batch: Batch, columns: Filled, results: Sequence[CellResult]
) -> set[int]:
    """The places of results whose inputs are others by now, or whose tool is."""
    tools = {column.number: (column, tool) for column, tool in columns}
    rows = [result.cell.row_id for result in results]
    inputs = await read_inputs(write.connection, write.shape, rows, columns)
    hashes = input_hashes(batch, columns)
    elsewhere = await outdated_meanwhile(write, rows)
    found = set()
    for place, result in enumerate(results):
        cell = result.cell
        if (cell.row_id, cell.column_number) in elsewhere:
            found.add(place)
            continue
        now = inputs.get(cell.row_id)
        if now is None or cell.column_number not in hashes:
            continue
        values = {key: now.get(key) for key in tools[cell.column_number][1].inputs}
        if hashes[cell.column_number].of(values) != cell.inputs_hash:
            found.add(place)
    return found


async def _write_values(
    write: TableWrite, results: Sequence[CellResult], held: set[tuple[UUID, int]]
) -> int:
    """The values of answers; how many rows changed."""
    values: dict[UUID, dict[int, Any]] = {}
    for result in results:
        cell = result.cell
        if (cell.row_id, cell.column_number) in held and not (result.failed or result.is_kept):
            values.setdefault(cell.row_id, {})[cell.column_number] = result.value
    if not values:
        return 0
    numbers = frozenset(number for cells in values.values() for number in cells)
    columns = [write.shape.columns_by_number[number] for number in sorted(numbers)]
    text = statements.get(
        write.shape,
        ("merge", numbers),
        lambda: update_statement(write.shape, columns, merge_assignments(columns)),
    )
    # asyncpg's ids are a class of its own, which JSON does not know.
    rows = [PreparedRow(UUID(int=row_id.int), RowValues(cells)) for row_id, cells in values.items()]
    await write.connection.fetch(text, rows_json(rows), write.at, write.shape.id, write.revision)
    await outdate_dependents(write, list(values), numbers)
    return len(values)


def _counts(
    results: Sequence[CellResult], held: set[tuple[UUID, int]], outdated: set[int]
) -> dict[str, int]:
    counts = dict.fromkeys(("cells_resolved", "cells_failed", "cells_stale", "cells_cached"), 0)
    for place, result in enumerate(results):
        cell, answer = result.cell, result.answer
        if (cell.row_id, cell.column_number) not in held:
            continue
        if result.failed:
            counts["cells_failed"] += 1
        elif place in outdated:
            counts["cells_stale"] += 1
        else:
            counts["cells_resolved"] += 1
            counts["cells_cached"] += cell.cached or bool(answer and answer.producer.cached)
    return counts


async def _account(
    connection: Connection,
    batch: Batch,
    results: Sequence[CellResult],
    counts: dict[str, int],
    revision: int,
) -> None:
    """Count what came of cells, and what their calls took: also of those that somebody else took
    away meanwhile."""
    usages = [result.answer.usage for result in results if result.answer is not None]
    await count(
        connection,
        batch.run.id,
        **counts,
        input_tokens=sum(usage.input_tokens for usage in usages),
        output_tokens=sum(usage.output_tokens for usage in usages),
        cost=sum((usage.cost or Decimal(0) for usage in usages), Decimal(0)),
        unpriced=any(usage.cost is None for usage in usages),
        revision=revision,
        error=None,
    )
    await _set_aside(connection, batch, [result.reserved for result in results], -1)
