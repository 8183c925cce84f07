"""Firings that fill the cells of their rows: those of one trigger and one depth make one run, so
that a change of a thousand rows makes two of them and not a thousand.

The run has an id that follows from its firings. Firings that are done again, because a worker died,
find it and start none."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from domain import ids
from domain.access import Role, Viewer
from domain.changes import Cause, CauseKind
from domain.ids import Kind
from domain.ports import Storage
from domain.run_records import CellsRun, Run, RunMode, Selection
from domain.runs import start_run
from domain.trigger_records import TakenFiring


def together(group: Sequence[TakenFiring]) -> list[list[TakenFiring]]:
    """The firings of which each list makes one run."""
    found: dict[tuple[UUID, int], list[TakenFiring]] = defaultdict(list)
    for taken in group:
        found[taken.trigger.id, taken.firing.depth].append(taken)
    return list(found.values())


async def start_for(storage: Storage, group: Sequence[TakenFiring]) -> Run:
    """The run of some firings. What it writes lies one deeper than what fired. Raises what
    `start_run` does."""
    trigger, depth = group[0].trigger, group[0].firing.depth
    config = trigger.action_config
    rows = [taken.firing.row_id for taken in group if taken.firing.row_id is not None]
    command = CellsRun(
        trigger.table_id,
        config.get("columns"),
        Selection(row_ids=list(dict.fromkeys(rows))),
        RunMode(config.get("mode", RunMode.MISSING)),
        name=trigger.name,
        id=ids.group_id([taken.firing.id for taken in group], Kind.RUN),
    )
    viewer = Viewer(trigger.organization_id, Role.EDITOR, name=f"trigger:{trigger.id}")
    cause = Cause(CauseKind.TRIGGER, str(trigger.id), depth + 1)
    return await start_run(viewer, storage, command, cause)
