"""Imports that a worker runs: exact to the cell, through cancels, kills and moving columns."""

import asyncio
from functools import cache
from typing import Any
from uuid import UUID

import pytest

from domain import column_editing, imports, tables
from domain.columns import ColumnType, NewColumn
from domain.entities import ColumnUpdate, Import, ImportStatus
from domain.errors import Conflict, NotFound
from domain.import_reading import chunks_of
from tests.imports.importing import (
    Importer,
    expected_flights,
    flight_columns,
    flights,
)
from tests.waiting import between_looks

#: Six chunks, and more than a request imports itself.
FLIGHTS = 12_000


@cache
def _content() -> bytes:
    return flights(FLIGHTS)


@cache
def _expected() -> list[dict[str, Any]]:
    return expected_flights(_content())


async def _queued(importer: Importer) -> tuple[UUID, Import]:
    table_id = await importer.world.table(*flight_columns())
    run = await importer.start(table_id, _content(), import_key=f"flights {table_id}")
    assert run.status is ImportStatus.QUEUED
    return table_id, run


async def _rows(importer: Importer, run: Import, at_least: int) -> Import:
    """The import once it has imported so many rows, or has ended."""
    async with asyncio.timeout(60):
        while True:
            seen = await importer.get(run)
            if seen.rows_imported >= at_least or seen.finished_at is not None:
                return seen
            await between_looks()


async def _check_whole(importer: Importer, table_id: UUID, run: Import) -> None:
    assert (run.status, run.error) == (ImportStatus.COMPLETED, None)
    assert (run.rows_imported, run.rows_skipped) == (FLIGHTS, 0)
    assert (run.byte_offset, run.next_line) == (run.bytes_total, FLIGHTS + 2)
    await importer.check_log(table_id, FLIGHTS)
    assert await importer.cells(table_id) == _expected()


async def test_every_cell_of_the_flights_arrives(importer: Importer) -> None:
    table_id, run = await _queued(importer)
    async with importer.worker():
        done = await importer.finished(run)
    await _check_whole(importer, table_id, done)
    chunks = await importer.world.database.pool.fetch(
        "SELECT revision, rows_added FROM change WHERE table_id = $1 AND cause->>'id' = $2"
        " ORDER BY revision",
        table_id,
        str(run.id),
    )
    assert [chunk["rows_added"] for chunk in chunks] == [2_000] * (FLIGHTS // 2_000)
    assert done.revision == chunks[-1]["revision"]
    woken = [revision for _, subject, revision in importer.world.woken if subject == table_id]
    assert woken[-len(chunks) :] == [chunk["revision"] for chunk in chunks]


async def test_a_cancelled_import_stops_between_chunks_and_goes_on_where_it_was(
    importer: Importer,
) -> None:
    viewer, storage = importer.world.viewer, importer.world.storage
    table_id, run = await _queued(importer)
    async with importer.worker():
        await _rows(importer, run, 1)
        cancelled = await imports.cancel_import(viewer, storage, run.id)
        assert cancelled.status is ImportStatus.CANCELLED
        assert 0 < cancelled.rows_imported < FLIGHTS
        assert cancelled.rows_imported % 2_000 == 0
        assert await imports.cancel_import(viewer, storage, run.id) == cancelled
    # The worker has stopped: nothing more was written after the cancel.
    assert await importer.get(run) == cancelled
    assert len(await importer.cells(table_id)) == cancelled.rows_imported
    resumed = await imports.resume_import(viewer, storage, run.id)
    assert (resumed.status, resumed.rows_imported) == (
        ImportStatus.QUEUED,
        cancelled.rows_imported,
    )
    async with importer.worker():
        done = await importer.finished(run)
    with pytest.raises(Conflict):
        await imports.resume_import(viewer, storage, run.id)
    assert await imports.cancel_import(viewer, storage, run.id) == done
    assert done.rows_imported == FLIGHTS
    assert await importer.cells(table_id) == _expected()


async def test_a_killed_worker_loses_and_doubles_nothing(
    importer: Importer, redis_url: str
) -> None:
    table_id, run = await _queued(importer)
    for rows in (1, 8_000):
        worker = importer.worker_process(redis_url)
        try:
            seen = await _rows(importer, run, rows)
        finally:
            worker.kill()
        assert seen.finished_at is None
    last = importer.worker_process(redis_url)
    try:
        done = await importer.finished(run)
    finally:
        code = await asyncio.to_thread(last.stop)
    assert code == 0
    await _check_whole(importer, table_id, done)


async def test_an_import_outlives_its_connections(importer: Importer, redis_url: str) -> None:
    table_id, run = await _queued(importer)
    pool = importer.world.database.pool
    worker = importer.worker_process(redis_url)
    try:
        for rows in (1, 8_000):
            await _rows(importer, run, rows)
            cut = await pool.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name LIKE 'tablecast%' AND pid <> pg_backend_pid()"
                " AND datname = current_database()"
            )
            assert cut  # the worker may be about to make its second one anew
        done = await importer.finished(run)
    finally:
        code = await asyncio.to_thread(worker.stop)
    assert code == 0
    await _check_whole(importer, table_id, done)


async def test_two_workers_on_one_import_do_not_write_a_row_twice(importer: Importer) -> None:
    world = importer.world
    table_id, queued = await _queued(importer)
    shape = await world.shape(table_id)
    run = await world.storage.imports.begin(queued.id)
    file = await world.storage.files.get(queued.organization_id, queued.file_id)
    assert run is not None
    assert file is not None
    async for chunk in chunks_of(world.storage, file, shape, run):
        both = await asyncio.gather(
            world.storage.imports.write_chunk(shape, run, chunk),
            world.storage.imports.write_chunk(shape, run, chunk),
        )
        [run] = [each for each in both if each is not None]
        if run.rows_imported == 10_000:
            break
    assert len(await importer.cells(table_id)) == 10_000
    await importer.check_log(table_id, 10_000)


async def test_columns_that_are_added_meanwhile_do_not_disturb(importer: Importer) -> None:
    world = importer.world
    table_id, run = await _queued(importer)
    async with importer.worker():
        for number in range(5):
            await _rows(importer, run, number * 2_000)
            new = NewColumn(f"more{number}", f"More {number}", ColumnType.TEXT)
            await column_editing.add_column(world.viewer, world.storage, table_id, new)
        done = await importer.finished(run)
    assert (done.status, done.rows_imported) == (ImportStatus.COMPLETED, FLIGHTS)
    await importer.check_log(table_id, FLIGHTS)
    empty = {f"more{number}": None for number in range(5)}
    assert await importer.cells(table_id) == [row | empty for row in _expected()]


async def test_an_import_fails_with_a_sentence_when_its_column_is_deleted(
    importer: Importer,
) -> None:
    world = importer.world
    table_id, run = await _queued(importer)
    column = await world.column(table_id, "dest")
    await column_editing.delete_column(world.viewer, world.storage, table_id, column.id)
    async with importer.worker():
        done = await importer.finished(run)
    assert done.status is ImportStatus.FAILED
    assert done.error == 'The column "dest" was deleted while the import ran'
    assert await importer.cells(table_id) == []


async def test_an_import_fails_when_its_table_is_deleted(importer: Importer) -> None:
    world = importer.world
    table_id, run = await _queued(importer)
    await tables.delete_table(world.viewer, world.storage, table_id)
    async with importer.worker():
        done = await importer.finished(run)
    assert (done.status, done.error) == (ImportStatus.FAILED, "Table not found")
    with pytest.raises(NotFound):
        await imports.resume_import(world.viewer, world.storage, run.id)


async def test_a_fault_in_the_file_keeps_the_rows_before_it(importer: Importer) -> None:
    table_id = await importer.world.table(*flight_columns())
    run = await importer.start(table_id, _content() + b'2013,1,"open\n')
    async with importer.worker():
        done = await importer.finished(run)
    assert done.status is ImportStatus.FAILED
    assert done.error == f"Record {FLIGHTS + 2}: a quote is opened and never closed"
    kept = await importer.cells(table_id)
    assert len(kept) == done.rows_imported
    assert kept == _expected()[: len(kept)]
    assert len(kept) >= FLIGHTS - 2_000


async def test_refused_rows_of_a_large_file_are_all_kept(importer: Importer) -> None:
    world = importer.world
    table_id = await world.table(NewColumn("n", "N", ColumnType.BOOLEAN))
    lines = ["yes" if number % 3 else f"row {number}" for number in range(12_000)]
    run = await importer.start(table_id, ("n\n" + "\n".join(lines)).encode())
    async with importer.worker():
        done = await importer.finished(run)
    assert (done.rows_imported, done.rows_skipped) == (8_000, 4_000)
    told = []
    after = 0
    while page := await imports.import_rejections(world.viewer, world.storage, run.id, after, 1000):
        told += page
        after = page[-1].line
    assert [(each.line, each.record) for each in told] == [
        (number + 2, [f"row {number}"]) for number in range(0, 12_000, 3)
    ]
    await importer.check_log(table_id, 8_000)


async def test_an_end_without_rows_is_in_the_log_too(importer: Importer) -> None:
    world = importer.world
    table_id = await world.table(NewColumn("n", "N", ColumnType.BOOLEAN))
    run = await importer.start(table_id, b"n\n" + b"nonsense\n" * 6_000)
    async with importer.worker():
        done = await importer.finished(run)
    assert (done.status, done.rows_skipped) == (ImportStatus.COMPLETED, 6_000)
    last = await world.database.pool.fetchrow(
        "SELECT kind, revision FROM change WHERE table_id = $1 ORDER BY revision DESC LIMIT 1",
        table_id,
    )
    assert last is not None
    assert (last["kind"], last["revision"]) == ("table_changed", done.revision)
    assert ("table", table_id, done.revision) in world.woken
    await importer.check_log(table_id, 0)


async def test_rules_that_change_meanwhile_hold_from_the_next_chunk(importer: Importer) -> None:
    world = importer.world
    table_id, run = await _queued(importer)
    column = await world.column(table_id, "dep_time")
    command = ColumnUpdate(required=True)
    await column_editing.update_column(world.viewer, world.storage, table_id, column.id, command)
    async with importer.worker():
        done = await importer.finished(run)
    wanted = [row for row in _expected() if row["dep_time"] is not None]
    assert done.rows_skipped == FLIGHTS - len(wanted)
    assert await importer.cells(table_id) == wanted
