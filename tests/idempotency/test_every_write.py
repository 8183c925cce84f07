"""Whoever was replaced by a repeat writes nothing, whatever it does."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from domain import files, firings, imports, tables, workflow_runs
from domain.columns import ColumnType, NewColumn
from domain.errors import Conflict, DomainError, NotFound
from domain.files import FileUpload
from domain.idempotency import Answer, KeyedRequest, once
from domain.imports import ImportStart
from tests.domain.test_isolation import CALLS, Owned, owned, world
from tests.history.running import queued
from tests.imports.importing import pieces
from tests.worlds import World

__all__ = ["owned", "world"]

_READS = (
    "aggregate_",
    "chart_state",
    "check_",
    "classify",
    "count_",
    "deleted_",
    "diff_",
    "draw_page",
    "estimate_",
    "extracted_rows",
    "failed_cells",
    "finished_",
    "get_",
    "import_error_file",
    "import_progress",
    "import_rejections",
    "job",
    "latest_job",
    "list_",
    "open_",
    "plan_",
    "preview_",
    "read_",
    "revision_",
    "rollback_",
    "run_progress",
    "run_steps",
    "runs_of_table",
    "schema_versions",
    "watch_",
)
#: In the world of these tests they find nothing to do, or refuse it before they write.
_NOTHING_TO_DO = {
    "reorder_columns",
    "replay_firing",
    "replay_run",
    "rerun",
    "restore_column",
    "resume_import",
    "start_run",
    "stop_run",
    "verify_webhook",
}


async def _is_stopped(world: World, work: Callable[[], Awaitable[Any]]) -> bool:
    """Whether a request that lost its claim was stopped when it wanted to write."""
    request = KeyedRequest(world.viewer.organization_id, "someone", str(uuid4()), "d")

    async def replaced() -> Answer:
        await world.database.pool.execute("DELETE FROM idempotency")
        await work()
        return Answer("done")

    try:
        await once(world.storage.idempotency, request, replaced)
    except Conflict as error:
        return "took its place" in str(error)
    except DomainError:
        pass
    return False


async def test_no_use_case_writes_without_the_mark(world: World, owned: Owned) -> None:
    viewer, storage = world.viewer, world.storage
    stopped = {
        name
        for name, call in CALLS.items()
        if await _is_stopped(world, lambda call=call: call(viewer, storage, owned))  # type: ignore[misc]
    }
    assert stopped == {name for name in CALLS if not name.startswith(_READS)} - _NOTHING_TO_DO


async def test_firings_and_runs_that_ended_are_not_replayed(world: World, owned: Owned) -> None:
    viewer, storage, pool = world.viewer, world.storage, world.database.pool
    await pool.execute("UPDATE trigger_firing SET status = 'failed' WHERE id = $1", owned.firing)
    await pool.execute(
        "UPDATE workflow_run SET status = 'failed' WHERE id = $1", owned.workflow_run
    )
    assert await _is_stopped(world, lambda: firings.replay_firing(viewer, storage, owned.firing))
    assert await _is_stopped(
        world, lambda: workflow_runs.replay_run(viewer, storage, owned.workflow_run)
    )
    page = await firings.list_firings(viewer, storage, owned.trigger, None, None, 100)
    assert [each.id for each in page.firings] == [owned.firing]


async def test_a_rollback_is_not_queued(world: World, owned: Owned) -> None:
    assert await _is_stopped(world, lambda: queued(world, owned.table))
    count = "SELECT count(*) FROM rollback_run WHERE table_id = $1"
    assert await world.database.pool.fetchval(count, owned.table) == 1


async def test_an_import_of_refused_rows_alone_leaves_no_record(world: World) -> None:
    viewer, storage = world.viewer, world.storage
    table_id = await world.table(NewColumn("mail", "M", ColumnType.EMAIL))
    upload = FileUpload("a.csv", pieces(b"mail\nnone\n"))
    file = await files.upload_file(viewer, storage, upload)
    start = ImportStart(table_id, file.id)
    assert await _is_stopped(world, lambda: imports.start_import(viewer, storage, start))
    done = await imports.start_import(viewer, storage, start)
    assert (done.rows_imported, done.rows_skipped) == (0, 1)


async def test_imports_into_deleted_tables_are_not_cancelled(world: World, owned: Owned) -> None:
    viewer, storage = world.viewer, world.storage
    await tables.delete_table(viewer, storage, owned.table)
    assert await _is_stopped(world, lambda: imports.cancel_import(viewer, storage, owned.run))


async def test_a_firing_whose_trigger_went_meanwhile_is_not_found(
    world: World, owned: Owned
) -> None:
    storage, organization_id = world.storage, world.viewer.organization_id
    firing = await storage.firings.get(organization_id, owned.firing)
    assert firing is not None
    await storage.triggers.delete(organization_id, "someone", owned.trigger)
    for replay in (
        lambda: storage.firings.replay(firing),
        lambda: storage.firings.replay_all(organization_id, owned.trigger, [firing.status], 10),
    ):
        try:
            await replay()
        except NotFound:
            continue
        raise AssertionError("it was replayed")
