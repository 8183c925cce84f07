"""Rows with long texts: a batch reads few of them at a time."""

import pytest

from domain import run_previews, runs
from domain.columns import ColumnType, NewColumn
from domain.run_previews import RunPreview
from domain.run_records import CellsRun, RunStatus
from persistence import run_search
from processing import cell_batches
from tests.runs.running import Running, python, tool_column


@pytest.mark.parametrize("type_", [ColumnType.TEXT, ColumnType.JSON])
async def test_a_batch_of_long_texts_is_done_in_parts(
    running: Running, type_: ColumnType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cell_batches, "PART_BYTES", 3_100)
    world = running.world
    long = NewColumn("long", "Long", type_)
    table_id = await world.table(long, tool_column("one", python("long")))
    texts = [str(n) * 1_000 for n in range(10)]
    await world.add(table_id, *({"long": text} for text in texts))
    running.tools.answer = lambda _, call: call.inputs["long"][:3]
    running.tools.hold()
    run = await running.start(table_id)
    async with running.worker():
        await running.tools.arrived.wait()
        statuses = await running.statuses(table_id, "one")
        assert statuses == ["calculating"] * 3 + ["queued"] * 7
        await runs.pause_run(world.viewer, world.storage, run.id)
        running.tools.release()
        paused = await running.until(run, lambda found: found.cells_resolved == 3)
        assert paused.status is RunStatus.PAUSED, "a pause takes effect between two parts"
        await runs.resume_run(world.viewer, world.storage, run.id)
        run = await running.over(run)
    assert (run.status, run.cells_resolved) == (RunStatus.COMPLETED, 10)
    assert await running.values(table_id, "one") == [text[:3] for text in texts]
    assert len(running.tools.calls) == 10
    await running.check_log(table_id)


async def test_looking_before_a_run_reads_few_long_texts(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_search, "SAMPLE_BYTES", 3_100)
    world = running.world
    table_id = await world.table("long", tool_column("one", python("long")))
    await world.add(table_id, *({"long": str(n) * 1_000} for n in range(10)))
    running.tools.tokens = 7
    viewer, storage = world.viewer, world.storage
    estimate = await run_previews.estimate_run(viewer, storage, running.tools, CellsRun(table_id))
    # Three rows stand for all ten.
    assert (estimate.rows, estimate.cells, estimate.tokens_high) == (10, 10, 70)
    preview = RunPreview(table_id, "one", sample=5)
    cells = await run_previews.preview_run(viewer, storage, running.tools, preview)
    assert [cell.inputs["long"][:1] for cell in cells] == ["0", "1", "2"]
    monkeypatch.setattr(run_search, "SAMPLE_BYTES", 10)
    cells = await run_previews.preview_run(viewer, storage, running.tools, preview)
    assert len(cells) == 1
