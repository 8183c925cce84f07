"""The judge of the drill sees every fault that the drill is there to find."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from bench.drill.expectation import table_told, told_by
from bench.drill.filters import where
from bench.drill.subscribers import Subscriber, Wish
from bench.drill.truth import LogEntry, RowImage, Truth
from bench.drill.verdict import Judge, judge_writes
from bench.drill.work_table import KEYS
from bench.drill.writers import Acknowledged, Journal

_AT = "2026-01-02T03:04:05.006Z"
_SECONDS = 1767323045.006


def _values(**given: Any) -> dict[str, Any]:
    return dict.fromkeys(KEYS) | given


def _truth() -> Truth:
    """A row is added, changed from red to blue, and deleted."""
    red, blue = _values(token="t1", kind="red"), _values(token="t2", kind="blue")
    images = [
        ("rows_added", RowImage("r", 1, "create", red, None)),
        ("rows_changed", RowImage("r", 2, "update", blue, red)),
        ("rows_deleted", RowImage("r", 3, "delete", blue, blue)),
    ]
    entries = [
        LogEntry(number, kind, _SECONDS, 1, 0, 0, [image], [])
        for number, (kind, image) in enumerate(images, 1)
    ]
    return Truth(entries, [])


def _events() -> list[dict[str, Any]]:
    """What a subscriber of the whole table must be told of it."""
    base = {"at": _AT}
    added = {"id": "r", "version": 1, "data": {"token": "t1", "kind": "red"}}
    changed = {"id": "r", "version": 2, "data": {"token": "t2", "kind": "blue"}}
    none: dict[str, Any] = {"entered": [], "left": []}
    return [
        {"__typename": "StreamStarted", "revision": 0, "state": "RESUMED"},
        base | {"__typename": "RowsAdded", "revision": 1, "rows": [added]},
        base
        | none
        | {"__typename": "RowsChanged", "revision": 2, "rows": [changed]}
        | {"columns": ["kind", "token"]},
        base | {"__typename": "RowsDeleted", "revision": 3, "rowIds": ["r"]},
    ]


def _subscriber(events: list[dict[str, Any]]) -> Subscriber:
    subscriber = Subscriber(0, [1], "", Wish("table", "tableChanged", "", {}), {})
    for event in events:
        message = {"id": "1", "type": "next", "payload": {"data": {"tableChanged": event}}}
        assert subscriber.take(json.dumps(message))
    return subscriber


def _without_the_second(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if event["revision"] != 2]


def _second_twice(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [*events[:3], events[2], *events[3:]]


def _other_value(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    events[1]["rows"][0]["data"]["kind"] = "green"
    return events


def _other_moment(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    events[1]["at"] = "2026-01-02T03:04:05.007Z"
    return events


def _one_too_many(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [*events, events[-1] | {"revision": 4}]


def _in_disorder(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [events[0], events[2], events[1], events[3]]


def test_a_complete_story_passes() -> None:
    compared = Judge(_truth()).compare(_subscriber(_events()))
    assert compared.passed
    assert (compared.expected, compared.got) == (3, 3)


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (_without_the_second, "lost"),
        (_second_twice, "doubled"),
        (_other_value, "different"),
        (_other_moment, "different"),
        (_one_too_many, "unexpected"),
        (_in_disorder, "unordered"),
    ],
)
def test_every_fault_is_seen(
    spoil: Callable[[list[dict[str, Any]]], list[dict[str, Any]]], fault: str
) -> None:
    compared = Judge(_truth()).compare(_subscriber(spoil(_events())))
    assert not compared.passed
    assert getattr(compared, fault) == 1


def test_a_filter_tells_of_rows_that_come_and_go() -> None:
    told = dict(table_told(_truth().entries, where("kind", "EQ", "red")))
    left = {"__typename": "RowsLeft", "at": _AT, "rowIds": ["r"], "why": "CHANGED"}
    assert set(told) == {1, 2}
    assert told[2] == told_by(left)
    told = dict(table_told(_truth().entries, where("kind", "EQ", "blue")))
    assert [told[revision][0] for revision in told] == ["RowsEntered", "RowsLeft"]


def test_a_hole_in_the_log_is_seen() -> None:
    truth = _truth()
    assert truth.dense
    assert not Truth([truth.entries[0], truth.entries[2]], []).dense


def test_acknowledged_writes_must_be_in_the_log_once() -> None:
    journal = Journal(acknowledged=[Acknowledged(1, ("t1",)), Acknowledged(None, (), ("r",))])
    assert judge_writes(_truth(), [journal]).passed
    for lost in (
        Acknowledged(1, ("t9",)),
        Acknowledged(2, ("t1",)),
        Acknowledged(9, ()),
        Acknowledged(None, (), ("r9",)),
    ):
        assert judge_writes(_truth(), [Journal(acknowledged=[lost])]).missing == 1
    truth = _truth()
    again = LogEntry(4, "rows_added", _SECONDS, 1, 0, 0, [_copy(truth.entries[0].rows[0])], [])
    assert judge_writes(Truth([*truth.entries, again], []), [journal]).doubled == 1


def _copy(image: RowImage) -> RowImage:
    return RowImage("r2", 1, "create", image.values, None)
