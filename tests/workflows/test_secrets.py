"""Headers of requests in definitions that a client sends back as it was shown them."""

from typing import Any

import pytest

from domain import workflows
from domain.errors import Invalid
from domain.trigger_actions import HIDDEN
from domain.workflow_records import Workflow, WorkflowUpdate
from tests.workflows.running import Automation, sequence


def _request(url: str, key: str) -> dict[str, Any]:
    return {"id": "call", "kind": "http_request", "url": url, "headers": {"Key": key}}


async def test_hidden_headers_do_not_go_to_another_server(auto: Automation) -> None:
    made = await auto.make(_request("https://example.com/{{input.path}}", "secret"))

    async def change(url: str, key: str = HIDDEN) -> Workflow:
        command = WorkflowUpdate(definition=sequence(_request(url, key)))
        return await workflows.update_workflow(
            auto.world.viewer, auto.world.storage, made.id, command
        )

    for url in ("https://evil.org/", "{{input.url}}", "https://example.com{{input.rest}}"):
        with pytest.raises(Invalid, match="another server") as refused:
            await change(url)
        assert refused.value.problems[0].path == ("definition", "steps", "0", "headers")
    kept = await change("https://example.com/other")
    assert kept.definition["steps"][0]["headers"] == {"Key": "secret"}
    anew = await change("https://evil.org/", "other")
    assert anew.definition["steps"][0]["headers"] == {"Key": "other"}
