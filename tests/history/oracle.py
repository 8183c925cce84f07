"""What a rollback has to do to one row, said as simply as possible: value by value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Step:
    """A version of a row. `data` is None when the row is not there after it."""

    undone: bool
    data: Mapping[str, Any] | None
    last: Mapping[str, Any]


def expected(steps: Sequence[Step], force: bool) -> tuple[Mapping[str, Any] | None, bool]:
    """The data that the row should have, None for no row, and whether it is a conflict."""
    current = steps[-1].data
    if not any(step.undone for step in steps):
        return current, False
    there = _there(steps, force)
    if there == "conflict":
        return current, True
    if there == "absent":
        return None, False
    target: dict[str, Any] = {}
    conflict = False
    for key in {key for step in steps for key in step.last}:
        value, in_the_way = _value([(step.undone, step.last.get(key)) for step in steps])
        conflict = conflict or in_the_way
        target[key] = value
    if current is not None and target == dict(current):
        return current, False
    if conflict and not force:
        return current, True
    return target, False


def _there(steps: Sequence[Step], force: bool) -> str:
    """Whether the row should be there: present, absent, or a conflict."""
    moves = []
    was = False
    for place, step in enumerate(steps):
        if (step.data is not None) is not was:
            moves.append((place, step))
        was = step.data is not None
    undone = [(place, step) for place, step in moves if step.undone]
    if undone and undone[0][1].data is not None:
        kept_later = any(not step.undone for step in steps[undone[0][0] :])
        return "conflict" if was and kept_later and not force else "absent"
    if not was and not moves[-1][1].undone and not (undone and force):
        return "conflict"
    return "present"


def _value(timeline: Sequence[tuple[bool, Any]]) -> tuple[Any, bool]:
    """What one value should be, and whether a kept change of it came after an undone one."""
    changes = [
        (undone, before, after)
        for (_, before), (undone, after) in zip([(False, None), *timeline], timeline, strict=False)
        if before != after
    ]
    first = next((place for place, change in enumerate(changes) if change[0]), None)
    if first is None:
        return timeline[-1][1], False
    return changes[first][1], any(not change[0] for change in changes[first:])
