"""Values of headers are written and never read."""

from typing import Any

import pytest

from domain.errors import Invalid
from domain.trigger_actions import HIDDEN, shown_config
from domain.trigger_records import ActionType
from tests.triggers.automation import Automation

_URL = "https://example.com/hook"
_HEADERS = {"Authorization": "secret"}
_KEPT = {"Authorization": HIDDEN}


async def _webhook(automation: Automation) -> Any:
    table_id = await automation.world.table("a")
    config = {"url": _URL, "headers": _HEADERS}
    return await automation.trigger(table_id, action=ActionType.CALL_WEBHOOK, config=config)


async def test_a_webhook_that_becomes_a_task_tells_no_headers(automation: Automation) -> None:
    made = await _webhook(automation)
    changed = await automation.update(made, action_type=ActionType.CREATE_TASK)
    assert shown_config(changed.action_config)["headers"] == _KEPT
    back = await automation.update(made, action_type=ActionType.CALL_WEBHOOK)
    assert back.action_config["headers"] == _HEADERS


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com.evil.org/hook",
        "https://evil.org/example.com",
        "http://example.com/hook",
        "https://example.com:8443/hook",
        "https://example.com\\@evil.org/hook",
        "https://example.com@evil.org/hook",
    ],
)
async def test_hidden_headers_do_not_go_to_another_server(automation: Automation, url: str) -> None:
    made = await _webhook(automation)
    with pytest.raises(Invalid, match="another server"):
        await automation.update(made, action_config={"url": url, "headers": _KEPT})
    anew = {"url": url, "headers": {"Authorization": "other"}}
    assert (await automation.update(made, action_config=anew)).action_config == anew


async def test_hidden_headers_stay_with_their_server(automation: Automation) -> None:
    made = await _webhook(automation)
    config = {"url": "https://example.com/other?x=1", "headers": _KEPT}
    changed = await automation.update(made, action_config=config)
    assert changed.action_config == config | {"headers": _HEADERS}
