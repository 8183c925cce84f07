"""What a definition may say: everything wrong is listed, and nothing breaks the server."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import bindings, workflows
from domain.bindings import TooMuch
from domain.errors import Invalid
from domain.trigger_actions import HIDDEN
from domain.workflow_definitions import Retries, definition_problems, steps_of
from domain.workflow_records import WorkflowCreate, WorkflowUpdate
from domain.workflow_secrets import shown_definition
from tests.workflows.running import Automation, a_task, sequence


def _told(definition: Any) -> list[tuple[str, str]]:
    return [(".".join(each.path), each.message) for each in definition_problems(definition)]


def test_every_problem_is_told_with_its_place() -> None:
    call = {"kind": "http_request", "url": "ftp://x", "method": "get", "headers": {"a": 1}}
    assert _told(
        {
            "pattern": "parallel",
            "more": 1,
            "steps": [
                {"id": "One", "kind": "row_add", "data": []},
                {"id": "two", "kind": "dance", "text": "x"},
                {"id": "two", **call, "expectStatus": [99], "retries": {"attempts": 6}},
                {"id": "four", "kind": "task_create", "title": " ", "priority": 4, "due": "now"},
                "five",
                {"id": "six", "kind": "row_update", "tableId": "t", "rowId": "r", "data": {}},
            ],
        }
    ) == [
        ("more", 'There is no setting "more"'),
        ("pattern", "pattern must be sequence"),
        ("steps.0.id", "id must be lower-case letters, digits and _, and begin with a letter"),
        ("steps.0.tableId", "tableId is missing"),
        ("steps.0.data", "data must be an object: values by column key"),
        (
            "steps.1.kind",
            'There are no steps of kind "dance"; there are row_add, row_update, task_create,'
            " http_request, prompt, python",
        ),
        ("steps.2.id", "Two steps have the id two"),
        ("steps.2.retries.attempts", "attempts must be 1 to 5"),
        ("steps.2.url", "url must begin with http:// or https://"),
        ("steps.2.method", "method must be one of GET, HEAD, POST, PUT, PATCH, DELETE"),
        ("steps.2.headers", "headers must be an object of texts"),
        (
            "steps.2.expectStatus",
            "expectStatus must be a status such as 200, or a list of up to 20",
        ),
        ("steps.3.due", 'There is no setting "due"'),
        ("steps.3.title", "title must be a text that is not empty"),
        ("steps.3.priority", "priority must be 0 to 3"),
        ("steps.4", "a step must be an object"),
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{{input}}", None),
        ("{{ input.row.name }} and {{run.id}}", None),
        ("{{steps.s0.taskId}}", None),
        ("no { binding } here }}", None),
        ("{{}}", "is no binding"),
        ("{{row.name}}", "is no binding"),
        ("{{input..x}}", "is no binding"),
        ("{{input.x y}}", "is no binding"),
        ("{{run.secret}}", "is not known of a run"),
        ("{{steps.s1.x}}", "does not name an earlier step"),
        ("{{steps.s2.x}}", "does not name an earlier step"),
        ("{{steps}}", "does not name an earlier step"),
    ],
)
def test_bindings_name_what_there_will_be(text: str, fault: str | None) -> None:
    found = _told(sequence(a_task(), a_task(description=text), a_task()))
    assert found == [] if fault is None else fault in found[0][1]
    assert [place for place, _ in found] == ["steps.1.description"] * len(found)


def test_a_definition_has_bounds() -> None:
    assert _told([]) == [("", "definition must be an object")]
    assert _told(sequence()) == [("steps", "steps must be a list of 1 to 50 steps")]
    assert _told(sequence(*[a_task()] * 51))[0][1] == "steps must be a list of 1 to 50 steps"
    assert "more than 100000 bytes" in _told(sequence(a_task(description="x" * 100_001)))[0][1]
    deep: Any = 1
    for _ in range(50):
        deep = [deep]
    assert "nested more than" in _told({"pattern": "sequence", "steps": deep})[0][1]
    assert "U+0000" in _told(sequence(a_task("\0")))[0][1]


SCOPE: dict[str, Any] = {
    "input": {"name": "Ann", "age": 3, "list": [1, {"a": None}], "big": 12345678901234567890123},
    "steps": {"s0": {"body": {"ok": True}}},
    "run": {"number": 1},
}


@pytest.mark.parametrize(
    ("given_", "filled"),
    [
        ("{{input.age}}", 3),
        (" {{ input.list }} ", [1, {"a": None}]),
        ("{{input.list.1.a}}", None),
        ("{{input.list.7}}", None),
        ("{{input.name.first}}", None),
        (
            "{{input.name}} is {{input.age}}, {{input.none}}{{steps.s0.body}}",
            'Ann is 3, {"ok":true}',
        ),
        ({"a": ["{{run.number}}", "x{{input.list}}"]}, {"a": [1, 'x[1,{"a":null}]']}),
        ("{{input.big}}!", "12345678901234567890123!"),
        ({"{{input.name}}": 1}, {"{{input.name}}": 1}),
    ],
)
def test_bindings_bring_values(given_: Any, filled: Any) -> None:
    assert bindings.fill(given_, SCOPE, most=1_000) == filled


def test_what_bindings_bring_is_not_filled_again() -> None:
    scope = {"input": {"text": "{{run.id}} {{input.text}}"}}
    assert bindings.fill("{{input.text}}!", scope, most=100) == "{{run.id}} {{input.text}}!"
    with pytest.raises(TooMuch):
        bindings.fill(["{{input.text}}"] * 5, scope, most=100)


def test_pauses_double_up_to_an_hour() -> None:
    assert [Retries(5, 10).pause(failed) for failed in (1, 2, 3, 4)] == [10, 20, 40, 80]
    assert Retries(5, 3000).pause(3) == 3600


async def test_headers_are_written_and_never_shown(auto: Automation) -> None:
    viewer, storage = auto.world.viewer, auto.world.storage
    call = {"id": "call", "kind": "http_request", "url": "https://example.com"}
    made = await auto.make({**call, "headers": {"authorization": "secret"}})
    shown = shown_definition(made.definition)
    assert shown["steps"][0]["headers"] == {"authorization": HIDDEN}
    shown["steps"][0]["headers"]["x-new"] = "plain"
    shown["steps"].append({**call, "id": "other", "headers": {"authorization": HIDDEN}})
    changed = await workflows.update_workflow(
        viewer, storage, made.id, WorkflowUpdate(definition=shown)
    )
    assert [step["headers"] for step in changed.definition["steps"]] == [
        {"authorization": "secret", "x-new": "plain"},
        {"authorization": HIDDEN},
    ]


WORDS = (
    "pattern steps sequence id kind row_add task_create http_request url title retries attempts"
    " data headers {{input.x}} {{ s0 \0"
)
words = st.sampled_from(["", *WORDS.split(" ")])
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), words, st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(words, inner, max_size=6)),
    max_leaves=25,
)
steps = st.lists(
    st.fixed_dictionaries(
        {"id": st.sampled_from(["a", "b", "C"]), "kind": words},
        optional=dict.fromkeys(("title", "url", "data", "headers", "retries", "body"), anything),
    ),
    max_size=4,
)


@given(anything | st.fixed_dictionaries({"pattern": words, "steps": steps}))
def test_any_json_is_told_its_problems_or_read(definition: Any) -> None:
    if not definition_problems(definition):
        assert len(steps_of(definition)) == len(definition["steps"])


async def test_bad_workflows_are_refused_whole(auto: Automation) -> None:
    with pytest.raises(Invalid) as caught:
        await workflows.create_workflow(
            auto.world.viewer, auto.world.storage, WorkflowCreate("", {"steps": []}, "\0")
        )
    assert [each.path for each in caught.value.problems] == [
        ("name",),
        ("description",),
        ("definition", "pattern"),
        ("definition", "steps"),
    ]
