"""A write makes exactly the cells stale that depend on what it changed."""

from typing import Any
from uuid import UUID

from hypothesis import given

from tests.cells.scripts import STEPS, UNDER_WAY, Graph, Script, Seen, graphs
from tests.examples import examples
from tests.imports.importing import Importer


@examples(25)
@given(graph=graphs(), steps=STEPS)
async def test_exactly_the_dependents_are_stale(
    importer: Importer, graph: Graph, steps: list[Any]
) -> None:
    script = await Script.begin(importer, graph)
    before = await script.look()
    for step in [("add", [{"a": "x", "n": 1}, {"t0": "x", "b": "y", "worker": "z"}]), *steps]:
        await script.step(*step)
        after = await script.look()
        if step[0] not in ("force", "report"):
            expected = script.expected(before, after)
            found = {
                (id_, key): s for id_, seen in after.items() for key, s in seen.statuses.items()
            }
            assert found == expected, step
            await _logged(script, before, after)
        elif step[0] == "report":
            expected = script.expected(before, after)
            for (row_id, key), status in expected.items():
                assert key == "worker" or after[row_id].statuses[key] == status
        await _held(script, before, after, step)
        before = after


async def _logged(script: Script, before: dict[UUID, Seen], after: dict[UUID, Seen]) -> None:
    """Every move of a tool's cell is in the log with where it really stood, and nothing else is;
    those of new rows only when they have values."""
    world = script.importer.world
    numbers = {c.number: c.key for c in (await world.shape(script.table_id)).columns}
    records = await world.database.pool.fetch(
        "SELECT row_id, column_number, previous, status FROM cell_change"
        " WHERE table_id = $1 AND revision > $2",
        script.table_id,
        script.revisions[-2],
    )
    found = {
        (r["row_id"], numbers[r["column_number"]]): (r["previous"], r["status"]) for r in records
    }
    expected = {}
    for row_id, now in after.items():
        then = before.get(row_id)
        for key, status in now.statuses.items():
            previous = then.statuses[key] if then else "initialized"
            if previous != status and (then or status == "resolved"):
                expected[row_id, key] = (previous, status)
    assert found == expected


async def _held(
    script: Script, before: dict[UUID, Seen], after: dict[UUID, Seen], step: Any
) -> None:
    """A cell that a run holds goes back to stale when an input changed meanwhile."""
    world = script.importer.world
    keys = {c.key: c.number for c in (await world.shape(script.table_id)).columns}
    for row_id, now in after.items():
        then = before.get(row_id)
        changed = {k for k in now.values if then and then.values[k] != now.values[k]}
        for key in script.graph:
            if now.statuses[key] in UNDER_WAY and script.reads(key) & changed:
                previous = await world.database.pool.fetchval(
                    "SELECT previous FROM cell_state"
                    " WHERE table_id = $1 AND row_id = $2 AND column_number = $3",
                    script.table_id,
                    row_id,
                    keys[key],
                )
                assert previous == "stale", step
