"""A request that is repeated never imports twice, whatever state the first one is in; an import may
keep triggers still."""

import asyncio
from uuid import UUID

import pytest

from domain import column_editing, imports
from domain.columns import ColumnType, NewColumn
from domain.entities import Import, ImportStatus
from domain.errors import Conflict
from domain.import_plans import ImportMode
from domain.imports import ImportStart
from tests.imports.importing import Importer

ROWS = 12_000
LARGE = b"n\n" + b"".join(b"%d\n" % number for number in range(ROWS))
NUMBER = NewColumn("n", "N", ColumnType.NUMBER)


async def _ask(importer: Importer, table_id: UUID, file_id: UUID) -> Import:
    command = ImportStart(table_id, file_id, import_key="once")
    return await imports.start_import(importer.world.viewer, importer.world.storage, command)


async def _ask_together(importer: Importer, table_id: UUID, file_id: UUID) -> Import:
    """Five times at once: all are answered the same import."""
    runs = await asyncio.gather(*(_ask(importer, table_id, file_id) for _ in range(5)))
    assert len({run.id for run in runs}) == 1
    return runs[0]


async def test_a_repeated_request_is_one_import_in_every_state(importer: Importer) -> None:
    world = importer.world
    table_id = await world.table(NUMBER)
    file = await importer.upload(LARGE)
    queued = await _ask_together(importer, table_id, file.id)
    assert queued.status is ImportStatus.QUEUED
    async with importer.worker():
        async with asyncio.timeout(60):
            while (await importer.get(queued)).status is ImportStatus.QUEUED:
                pass
        running = await _ask_together(importer, table_id, file.id)
        assert running.id == queued.id
        await imports.cancel_import(world.viewer, world.storage, queued.id)
    cancelled = await _ask_together(importer, table_id, file.id)
    assert cancelled.id == queued.id
    if cancelled.status is ImportStatus.CANCELLED:
        # A repeat tells how things stand; only `importResume` goes on.
        assert len(await importer.cells(table_id)) == cancelled.rows_imported < ROWS
        await imports.resume_import(world.viewer, world.storage, queued.id)
    async with importer.worker():
        done = await importer.finished(queued)
    again = await _ask_together(importer, table_id, file.id)
    assert again == done
    assert (again.status, again.rows_imported) == (ImportStatus.COMPLETED, ROWS)
    assert [row["n"] for row in await importer.cells(table_id)] == list(range(ROWS))
    runs = "SELECT count(*) FROM import_run WHERE table_id = $1"
    assert await importer.count(table_id, runs) == 1


async def test_a_failed_import_is_told_and_not_begun_again(importer: Importer) -> None:
    world = importer.world
    table_id = await world.table(NUMBER, "other")
    file = await importer.upload(LARGE)
    run = await _ask(importer, table_id, file.id)
    column = await world.column(table_id, "n")
    await column_editing.delete_column(world.viewer, world.storage, table_id, column.id)
    async with importer.worker():
        failed = await importer.finished(run)
    assert failed.status is ImportStatus.FAILED
    # Even though the file would now make the column anew.
    assert await _ask_together(importer, table_id, file.id) == failed
    assert [column.key for column in (await world.shape(table_id)).columns] == ["other"]


@pytest.mark.parametrize("mode", list(ImportMode))
async def test_small_imports_at_once_are_one(importer: Importer, mode: ImportMode) -> None:
    world = importer.world
    table_id = await world.table("other")
    file = await importer.upload(b"code,n\na,1\nb,2\n")
    keys = ["code"] if mode is ImportMode.UPSERT else []
    command = ImportStart(table_id, file.id, import_key="once", mode=mode, key_columns=keys)
    runs = await asyncio.gather(
        *(imports.start_import(world.viewer, world.storage, command) for _ in range(8))
    )
    assert len({run.id for run in runs}) == 1
    assert (runs[0].rows_imported, runs[0].rows_updated) == (2, 0)
    assert len(await importer.cells(table_id)) == 2
    await importer.check_log(table_id, 2)
    another = await world.table()
    with pytest.raises(Conflict):
        await _ask(importer, another, file.id)


@pytest.mark.parametrize("content", [b"code,n\na,1\nb,2\n", b"code,n\nc,1\n" + b"a,7\n" * 6_000])
@pytest.mark.parametrize("skip", [True, False])
async def test_the_log_says_that_triggers_were_skipped(
    importer: Importer, content: bytes, skip: bool
) -> None:
    world = importer.world
    table_id = await world.table("code", NUMBER)
    await world.add(table_id, {"code": "a", "n": 0})
    first = await importer.count(table_id, "SELECT revision FROM table_clock WHERE table_id = $1")
    run = await importer.start(
        table_id, content, mode=ImportMode.UPSERT, key_columns=["code"], skip_triggers=skip
    )
    async with importer.worker():
        await importer.finished(run)
    causes = await world.database.pool.fetch(
        "SELECT kind, cause->>'id' AS id, cause->>'triggers' AS triggers FROM change"
        " WHERE table_id = $1 AND revision > $2",
        table_id,
        first,
    )
    assert {each["kind"] for each in causes} >= {"rows_added", "rows_changed"}
    assert {(each["id"], each["triggers"]) for each in causes} == {
        (str(run.id), "skip" if skip else None)
    }
