"""Which tool columns of a table depend on which of its columns, and in what order they are filled.

Formulas stand between: a tool that reads a formula depends on what the formula reads. What a
formula takes from other rows or other tables is no part of the graph of one row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domain.columns import Column


@dataclass(frozen=True, slots=True)
class ToolGraph:
    """Columns by number.

    `inputs` are the stored columns that each tool column reads itself; `dependents` the tool
    columns that a change of a stored column makes stale, directly or through others; `order` the
    tool columns so that each stands behind those that it reads; `cycle` the keys of a circle, when
    there is one."""

    inputs: Mapping[int, frozenset[int]]
    dependents: Mapping[int, frozenset[int]]
    order: tuple[int, ...]
    cycle: tuple[str, ...] = ()


def tool_graph(columns: Sequence["Column"]) -> ToolGraph:
    """The graph of a table's columns, whose computations are attached."""
    tools = {column.number: column for column in columns if column.tool is not None}
    if not tools:
        return _EMPTY
    by_key = {column.key: column for column in columns}
    inputs = {
        number: frozenset().union(
            *(_reads(by_key[key]) for key in column.tool.inputs if key in by_key)
        )
        for number, column in tools.items()
        if column.tool is not None
    }
    order, circle = _in_order({number: reads & tools.keys() for number, reads in inputs.items()})
    return ToolGraph(
        inputs,
        _dependents(inputs),
        order,
        tuple(tools[number].key for number in circle),
    )


def _reads(column: "Column") -> frozenset[int]:
    """The stored columns of the row that an input stands for."""
    if column.stored:
        return frozenset({column.number})
    return column.computation.inputs if column.computation else frozenset()


def _dependents(inputs: Mapping[int, frozenset[int]]) -> Mapping[int, frozenset[int]]:
    readers: dict[int, set[int]] = {}
    for number, reads in inputs.items():
        for each in reads:
            readers.setdefault(each, set()).add(number)
    found: dict[int, frozenset[int]] = {}
    for start in readers:
        reached: set[int] = set()
        waiting = [start]
        while waiting:
            for each in readers.get(waiting.pop(), ()):
                if each not in reached:
                    reached.add(each)
                    waiting.append(each)
        found[start] = frozenset(reached)
    return found


def _in_order(needs: Mapping[int, frozenset[int]]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The numbers in an order that respects the needs; those that stand in or behind a circle come
    last, and are told apart."""
    left = {number: set(wanted) for number, wanted in needs.items()}
    order: list[int] = []
    while ready := [number for number, wanted in left.items() if not wanted]:
        for number in ready:
            del left[number]
        order += ready
        for wanted in left.values():
            wanted.difference_update(ready)
    return (*order, *left), tuple(_circle(left)) if left else ()


def _circle(left: Mapping[int, set[int]]) -> list[int]:
    """Follow needs until a number comes again."""
    path: list[int] = []
    number = next(iter(left))
    while number not in path:
        path.append(number)
        number = min(left[number])
    return path[path.index(number) :]


_EMPTY = ToolGraph({}, {}, ())
