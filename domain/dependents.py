"""Which cells of tools take something from rows other than their own.

A tool reads another table through a formula that rolls up or looks up what a relation leads to, or
by being a lookup. It reads its own table through such a relation too, and through formulas that
aggregate over all rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.columns import Column, TableShape
from domain.formula_nodes import Aggregate, Node, Reference, Rollup, children
from domain.tool_records import LookupTool


@dataclass(frozen=True, slots=True)
class Reader:
    """Tool columns that read rows of a source table.

    `columns` are their numbers, with all that depend on them; `sources` those columns of the source
    that they read. Rows are affected whose `relation` names a changed row; or whose `match` equals
    what a changed row holds or held in `against`; or all, when neither is set."""

    columns: frozenset[int]
    sources: frozenset[int]
    relation: Column | None = None
    match: Column | None = None
    against: Column | None = None


@dataclass(frozen=True, slots=True)
class Affects:
    """A reader with the changed rows that concern it; None stands for all."""

    reader: Reader
    row_ids: Sequence[UUID] | None


def readers_of(shape: TableShape, source: TableShape) -> list[Reader]:
    """How the tools of a table read the source, which may be the same table."""
    found: list[Reader] = []
    for column in shape.columns:
        if column.tool is None:
            continue
        concerned = shape.tool_graph.dependents.get(column.number, frozenset()) | {column.number}
        inputs = [shape.columns_by_key.get(key) for key in column.tool.inputs]
        for node in _elsewhere(each for each in inputs if each is not None):
            if node.table == source.sql_name:
                relation = node.relation if isinstance(node, Rollup) else None
                found.append(Reader(concerned, _read(node.value), relation))
        found += _looked_up(shape, source, column, concerned)
    return found


def outdated_by_columns(shape: TableShape, details: Mapping[str, Any]) -> frozenset[int]:
    """The tool columns of a table whose cells an entry about its columns makes stale, in all rows:
    those whose tool is another, and those that read a formula that is another."""
    begun = {number for number in details.get("tools", ()) if number in shape.columns_by_number}
    formulas = set(details.get("formulas", ()))
    for column in shape.columns:
        for key in column.tool.inputs if column.tool else ():
            if (read := shape.columns_by_key.get(key)) is not None and _uses(read, formulas):
                begun.add(column.number)
    dependents = shape.tool_graph.dependents
    return frozenset(begun).union(*(dependents.get(number, ()) for number in begun))


def changed_sources(shape: TableShape, details: Mapping[str, Any]) -> frozenset[int]:
    """The columns of a table of which an entry about columns says that any value may be another
    now: of another type, back again, or of another formula."""
    ids = {str(each) for each in details.get("added", ())}
    ids.add(str((details.get("retyped") or {}).get("id")))
    found = {column.number for column in shape.columns if str(column.id) in ids}
    formulas = set(details.get("formulas", ()))
    for column in shape.columns:
        if column.computation is not None and _uses(column, formulas):
            found |= column.computation.inputs
    return frozenset(found)


def _uses(column: Column, formulas: Iterable[int]) -> bool:
    if column.computation is None:
        return False
    return not {column.number, *column.computation.inputs}.isdisjoint(formulas)


def _elsewhere(columns: Iterable[Column]) -> Iterator[Rollup | Aggregate]:
    """The parts of formulas, and of those that they use, that look at other rows."""
    roots = [each.computation.root for each in columns if each.computation is not None]
    while roots:
        node = roots.pop()
        if isinstance(node, Rollup | Aggregate):
            yield node
        elif isinstance(node, Reference) and node.column.computation is not None:
            roots.append(node.column.computation.root)
        roots += children(node)


def _read(value: Node) -> frozenset[int]:
    """The columns of the other rows that a value over one of them reads."""
    found: set[int] = set()
    todo = [value]
    while todo:
        node = todo.pop()
        if isinstance(node, Reference):
            found |= _stored(node.column)
        todo += children(node)
    return frozenset(found)


def _stored(column: Column) -> frozenset[int]:
    if column.stored:
        return frozenset({column.number})
    inputs = column.computation.inputs if column.computation else frozenset()
    return inputs | {column.number}


def _looked_up(
    shape: TableShape, source: TableShape, column: Column, concerned: frozenset[int]
) -> Iterator[Reader]:
    settings = column.tool.settings if column.tool else None
    if not isinstance(settings, LookupTool) or settings.table_id != source.id:
        return
    match = shape.columns_by_key.get(settings.match)
    against = source.columns_by_key.get(settings.against)
    take = source.columns_by_key.get(settings.take)
    if match is not None and against is not None and take is not None:
        yield Reader(concerned, _stored(against) | _stored(take), None, match, against)
