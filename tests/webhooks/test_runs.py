"""Runs over cells, as endpoints hear of them."""

from collections import defaultdict

from domain.tool_ports import ToolWork
from domain.tool_records import ToolCall
from tests.runs.running import Refuse, Running, python, tool_column
from tests.webhooks.hooks import PHACET, URL, Hooks


def _refuse_bad(_: ToolWork, call: ToolCall) -> str:
    if call.inputs["name"] == "bad":
        raise Refuse("It is bad")
    return "done"


async def test_a_row_has_one_start_and_one_end_in_a_run(hooks: Hooks) -> None:
    """Two tool columns, one of which reads the other: two cells, one calculation."""
    running = Running(hooks.world, hooks.url)
    running.tools.answer = lambda work, call: (
        _refuse_bad(work, call) if "name" in call.inputs else "next"
    )
    table_id = await hooks.world.table(
        "name", tool_column("one", python("name")), tool_column("two", python("one"))
    )
    events = ("row.calculation.started", "row.calculation.completed", "row.calculation.failed")
    await hooks.create(*events, "row.updated", dialect=PHACET)
    await hooks.create("run.ended", url=URL + "/native")
    good, bad = await hooks.world.add(table_id, {"name": "good"}, {"name": "bad"})
    run = await running.filled(table_id)
    told: dict[str, list[str]] = defaultdict(list)
    for message in await hooks.sent():
        if "eventType" in message.told:
            told[message.data["rowId"]].append(message.told["eventType"])
    for row_id, end in ((good, "completed"), (bad, "failed")):
        seen = told[str(row_id)]
        assert (seen[0], seen[-1]) == ("row.calculation.started", f"row.calculation.{end}")
        assert len([each for each in seen if each.startswith("row.calculation")]) == 2
        assert "row.updated" in seen
    [ended] = [m.data for m in hooks.inbox.accepted if m.url.endswith("/native")]
    assert (ended["runId"], ended["status"]) == (str(run.id), run.status.value)
