"""Runs over a model server that misbehaves: no run says that it is complete when it is not."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from domain import runs
from domain.columns import ColumnType
from domain.run_records import Run, RunMode, RunStatus
from domain.tool_records import AiTool, Tool
from tests.models import replies
from tests.models.replies import Reply
from tests.models.server import ModelServer
from tests.providers.asking import Asking, open_asking
from tests.runs.running import Running, ai, tool_column


@pytest.fixture
async def asking(running: Running) -> AsyncIterator[Asking]:
    async with open_asking(running.world) as opened:
        await opened.provider()
        running.tools = opened.tools  # type: ignore[assignment]
        opened.models.answer = lambda call: f"about {call.inputs['name']}"
        yield opened


async def _table(running: Running, count: int, type_: ColumnType = ColumnType.TEXT) -> UUID:
    table_id = await running.world.table("name", tool_column("one", ai("name"), type_))
    await running.world.add(table_id, *({"name": f"n{n}"} for n in range(count)))
    return table_id


def _for(models: ModelServer, name: str, reply: Reply) -> None:
    """Answer so about one row, always; all others are answered well."""

    def answer(call: replies.Call) -> Any:
        asked = call.inputs["name"]
        return reply if asked == name else f"about {asked}"

    models.answer = answer


async def _failed(running: Running, run: Run) -> list[str]:
    viewer, storage = running.world.viewer, running.world.storage
    return [each.error for each in await runs.failed_cells(viewer, storage, run.id)]


@pytest.mark.parametrize(
    "reply",
    [
        replies.prose(),
        replies.truncated(),
        replies.wrong_json(),
        replies.duplicates("a", "b"),
        replies.failing(500),
        replies.closes(),
    ],
    ids=["prose", "truncated", "wrong JSON", "duplicates", "500", "closes"],
)
async def test_one_bad_answer_is_named_and_stops_nobody(
    running: Running, asking: Asking, reply: Reply
) -> None:
    table_id = await _table(running, 5)
    _for(asking.models, "n2", reply)
    run = await running.filled(table_id)
    assert run.status is RunStatus.PARTIAL
    assert (run.cells_resolved, run.cells_failed) == (4, 1)
    [error] = await _failed(running, run)
    assert error
    expected = [None if n == 2 else f"about n{n}" for n in range(5)]
    assert await running.values(table_id, "one") == expected
    statuses = await running.statuses(table_id, "one")
    assert statuses == ["error" if n == 2 else "resolved" for n in range(5)]
    await running.check_log(table_id)


async def test_a_model_that_says_nothing_has_not_answered(running: Running, asking: Asking) -> None:
    table_id = await _table(running, 3)
    said = {"n0": replies.empty(), "n1": replies.text('{"value": " "}'), "n2": "NOT_FOUND"}
    asking.models.answer = lambda call: said[call.inputs["name"]]
    run = await running.filled(table_id)
    assert (run.status, run.cells_failed, run.cells_resolved) == (RunStatus.PARTIAL, 2, 1)
    assert await running.statuses(table_id, "one") == ["error", "error", "resolved"]
    assert sorted(await _failed(running, run)) == [
        "The model gave no value: the answer is empty",
        "The model gave no value: the value is an empty text; null says that there is none",
    ]
    # Twice more each, and then it is an error that says who failed.
    assert asking.models.count == 7
    [state, *_] = await running.states(table_id, "one")
    assert state is not None
    assert (state["producer"]["provider"], state["producer"]["model"]) == ("local", "test-model")


async def test_where_a_run_brings_its_own_tool_a_blank_answer_leaves_the_cell(
    running: Running, asking: Asking
) -> None:
    table_id = await _table(running, 1)
    asking.models.answer = lambda call: replies.empty()
    run = await running.filled(table_id, columns=["one"], tool=ai("name"))
    assert (run.status, run.cells_dropped, asking.models.count) == (RunStatus.COMPLETED, 1, 1)
    # And nobody else takes it for an answer to the same question.
    run = await running.filled(table_id)
    assert (run.status, run.cells_failed, asking.models.count) == (RunStatus.FAILED, 1, 4)


async def test_a_model_that_does_not_answer_in_time_ends_as_an_error(running: Running) -> None:
    async with open_asking(running.world) as opened:
        await opened.provider(timeout_seconds=0.2)
        running.tools = opened.tools  # type: ignore[assignment]
        _for(opened.models, "n1", replies.hangs())
        table_id = await _table(running, 3)
        run = await running.filled(table_id)
        assert (run.status, run.cells_resolved, run.cells_failed) == (RunStatus.PARTIAL, 2, 1)
        [error] = await _failed(running, run)
        assert error == "The model did not answer within 0.2 seconds"
        assert await running.values(table_id, "one") == ["about n0", None, "about n2"]
        assert opened.models.count == 5


async def test_another_default_provider_answers_anew(running: Running, asking: Asking) -> None:
    table_id = await _table(running, 2)
    await running.filled(table_id)
    run = await running.filled(table_id, mode=RunMode.ALL)
    assert (run.cells_cached, asking.models.count) == (2, 2)
    asking.models.answer = lambda call: f"better {call.inputs['name']}"
    await asking.provider("other", model="better-model", is_default=True)
    run = await running.filled(table_id, mode=RunMode.ALL)
    assert (run.cells_resolved, run.cells_cached, asking.models.count) == (2, 0, 4)
    assert await running.values(table_id, "one") == ["better n0", "better n1"]
    run = await running.filled(table_id, mode=RunMode.ALL)
    assert (run.cells_cached, asking.models.count) == (2, 4)


async def test_a_call_without_a_price_leaves_the_cost_unknown(
    running: Running, asking: Asking
) -> None:
    run = await running.filled(await _table(running, 1))
    assert (run.status, run.unpriced) == (RunStatus.COMPLETED, True)


async def test_too_many_requests_are_waited_for(running: Running, asking: Asking) -> None:
    table_id = await _table(running, 3)
    asking.models.next(replies.soon(), replies.soon())
    run = await running.filled(table_id)
    assert (run.status, run.cells_resolved) == (RunStatus.COMPLETED, 3)


async def test_a_stopped_run_hangs_up(running: Running, asking: Asking) -> None:
    table_id = await _table(running, 3)
    asking.models.hold()
    async with running.worker():
        run = await running.start(table_id)
        await asking.models.arrived(3)
        run = await runs.stop_run(running.world.viewer, running.world.storage, run.id)
        assert run.status is RunStatus.CANCELLED
        async with asyncio.timeout(20):
            while asking.models.open:
                asking.models.release()
                await asyncio.sleep(0)
    assert await running.values(table_id, "one") == [None] * 3
    assert await running.statuses(table_id, "one") == [None] * 3


async def test_the_same_question_is_paid_for_once(running: Running, asking: Asking) -> None:
    table_id = await _table(running, 3)
    await running.filled(table_id)
    other = await _table(running, 3)
    run = await running.filled(other)
    assert (run.status, run.cells_cached) == (RunStatus.COMPLETED, 3)
    assert asking.models.count == 3
    run = await running.filled(other, mode=RunMode.ALL, use_cache=False)
    assert (run.status, run.cells_cached, asking.models.count) == (RunStatus.COMPLETED, 0, 6)


async def test_a_model_that_came_later_is_asked(running: Running) -> None:
    async with open_asking(running.world) as opened:
        running.tools = opened.tools  # type: ignore[assignment]
        opened.models.answer = lambda call: "from the model"
        tool = Tool(AiTool("Make {{name}} lowercase"), ("name",))
        table_id = await running.world.table("name", tool_column("one", tool))
        await running.world.add(table_id, {"name": "ADA"})
        await running.filled(table_id)
        assert await running.values(table_id, "one") == ["ada"]
        await opened.provider()
        run = await running.filled(table_id, mode=RunMode.ALL)
        assert (run.cells_resolved, run.cells_cached) == (1, 0)
        assert await running.values(table_id, "one") == ["from the model"]
