"""What a document may cost. One pass over it, linear in its size: each fragment is weighed once.

Runs before validation, whose own rules take quadratic time on documents that this one refuses.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

from domain.paging import DEFAULT_PAGE
from domain.rows import MAX_ROWS
from gql.errors import LimitExceeded


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the GraphQL face. Sizes in bytes, times in seconds, counts as they are."""

    body_bytes: int = 10_000_000
    document_bytes: int = 100_000
    tokens: int = 10_000
    depth: int = 25
    fields: int = 1_000
    aliases: int = 200
    directives: int = 200
    #: Fragments spread, and fields that repeat an answer's name in one selection: validation
    #: compares all that meet in one place pair by pair.
    spreads: int = 60
    repeats: int = 50
    cost: int = 500_000
    cached_documents: int = 500
    socket_operations: int = 100
    socket_message_bytes: int = 10_000_000
    init_seconds: float = 10.0
    #: Origins of web pages that may open sockets, such as `https://tables.example`; None: any. A
    #: socket carries no cookie, so a page needs the key itself.
    origins: frozenset[str] | None = None


#: How many items a list is taken to have when its arguments do not say.
_LISTS = {
    "steps": 10,
    "projects": 20,
    "tables": 20,
    "columns": 20,
    "deletedColumns": 20,
    "sessions": 10,
    "cells": 20,
    "apiKeys": 20,
    "providers": 10,
    "secrets": 10,
    "rejections": 20,
    "charts": 10,
    "groups": 100,
    "points": 100,
    "triggers": 10,
    "webhooks": 10,
    "attempts": 8,
    "extractionSchemas": 20,
    "classifiers": 10,
    "routes": 5,
}
#: Fields that start a statement of their own, beside the value that they give.
_STATEMENTS = {
    "extractionJobs": 20,
    "extractionJob": 10,
    "extractedRows": 50,
    "extraction": 5,
    "extractionSchemas": 10,
    "extractionSchema": 10,
    "problems": 20,
    "versions": 10,
    "examples": 10,
    "classifiers": 10,
    "classifier": 10,
    "runs": 20,
    "run": 10,
    "failedCells": 20,
    "runEstimate": 200,
    "enrichment": 10,
    "enrichmentRuns": 20,
    "webhooks": 10,
    "webhook": 10,
    "webhookDelivery": 10,
    "webhookReplay": 10,
    "deliveries": 20,
    "attempts": 5,
    "providers": 10,
    "provider": 10,
    "secrets": 10,
    "steps": 10,
    "tasks": 10,
    "workflows": 10,
    "workflow": 10,
    "workflowRun": 10,
    "aggregate": 100,
    "cellCounts": 100,
    "points": 100,
    "vegaLite": 100,
    "history": 20,
    "diff": 20,
    "firings": 10,
    "rows": 20,
    "linkedFrom": 10,
    "deletedColumns": 10,
    "row": 10,
    "cell": 10,
    "node": 10,
    "tables": 10,
    "projects": 10,
}
_PAGED = {
    "extractionJobs",
    "versions",
    "examples",
    "tasks",
    "workflows",
    "runs",
    "failedCells",
    "enrichmentRuns",
    "deliveries",
    "history",
    "diff",
    "conflicts",
    "firings",
    "rows",
    "rejections",
    "linkedRows",
    "linkedFrom",
}


@dataclass(frozen=True, slots=True)
class _Weight:
    """Of a selection set, or of everything a fragment brings."""

    cost: int = 0
    depth: int = 0


def check_size(document: DocumentNode, limits: Limits) -> None:
    """Refuse a document with too many fields, aliases, directives, spreads or repeated fields.

    Raises `LimitExceeded`."""
    counts = dict.fromkeys(("fields", "aliases", "directives", "spreads", "repeats"), 0)
    # With each selection the names seen so far in its place; inline fragments share their parent's.
    stack: list[tuple[SelectionSetNode | None, set[str]]] = [
        (getattr(definition, "selection_set", None), set()) for definition in document.definitions
    ]
    while stack:
        selection_set, seen = stack.pop()
        for node in selection_set.selections if selection_set else ():
            counts["fields"] += 1
            counts["directives"] += len(node.directives or ())
            if isinstance(node, FieldNode):
                counts["aliases"] += node.alias is not None
                name = (node.alias or node.name).value
                counts["repeats"] += name in seen
                seen.add(name)
                stack.append((node.selection_set, set()))
            elif isinstance(node, InlineFragmentNode):
                stack.append((node.selection_set, seen))
            else:
                counts["spreads"] += 1
    for name, count in counts.items():
        most = getattr(limits, name)
        if count > most:
            raise LimitExceeded(f"The document has {count} {name}; the limit is {most}")


def size_variables(document: DocumentNode) -> frozenset[str]:
    """The variables that say how long a list is: with them the cost changes."""
    return frozenset(_Sizes(document).found)


def check_cost(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    limits: Limits,
) -> None:
    """Refuse an operation that is too deep or costs too much. Raises `LimitExceeded`.

    A value costs 1, a statement some more; what stands in a list counts as often as the list has
    items. The document must be free of fragment cycles, which validation proves."""
    weigher = _Weigher(document, {**_defaults(operation), **variables})
    weight = weigher.selection(operation.selection_set)
    if weight.depth > limits.depth:
        raise LimitExceeded(f"The query is {weight.depth} levels deep; the limit is {limits.depth}")
    if weight.cost > limits.cost:
        raise LimitExceeded(
            f"The query costs {weight.cost}; the limit is {limits.cost}. Ask for fewer rows or "
            "fields, or in several requests"
        )


def _defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    return {
        definition.variable.name.value: int(definition.default_value.value)
        for definition in operation.variable_definitions or ()
        if isinstance(definition.default_value, IntValueNode)
    }


class _Sizes:
    def __init__(self, document: DocumentNode) -> None:
        self.found: set[str] = set()
        stack: list[SelectionSetNode | None] = [
            getattr(definition, "selection_set", None) for definition in document.definitions
        ]
        while stack:
            selection_set = stack.pop()
            for node in selection_set.selections if selection_set else ():
                if isinstance(node, FieldNode):
                    self._arguments(node)
                if isinstance(node, FieldNode | InlineFragmentNode):
                    stack.append(node.selection_set)

    def _arguments(self, node: FieldNode) -> None:
        for argument in node.arguments or ():
            sizes = argument.name.value in ("first", "last", "ids")
            if sizes and isinstance(argument.value, VariableNode):
                self.found.add(argument.value.name.value)


class _Weigher:
    """Weighs selections. A fragment is weighed once, however often it is spread."""

    def __init__(self, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._variables = variables
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._weighed: dict[str, _Weight] = {}

    def selection(self, selection_set: SelectionSetNode | None) -> _Weight:
        cost = depth = 0
        for node in selection_set.selections if selection_set else ():
            if isinstance(node, FieldNode):
                weight = self._field(node)
            elif isinstance(node, InlineFragmentNode):
                weight = self.selection(node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                weight = self._fragment(node.name.value)
            cost += weight.cost
            depth = max(depth, weight.depth)
        return _Weight(cost, depth)

    def _fragment(self, name: str) -> _Weight:
        found = self._weighed.get(name)
        if found is None:
            fragment = self._fragments.get(name)
            # Marked before it is weighed: a cycle ends here, and validation refuses it.
            self._weighed[name] = _Weight()
            found = self.selection(fragment.selection_set) if fragment else _Weight()
            self._weighed[name] = found
        return found

    def _field(self, node: FieldNode) -> _Weight:
        name = node.name.value
        # The row of a cell or of a link comes with it; one that is asked for has an id.
        own = 1 if name == "row" and not node.arguments else 1 + _STATEMENTS.get(name, 0)
        if name.startswith("__"):
            # Introspection is bounded by the schema; only its depth counts.
            return _Weight(1, 1 + self.selection(node.selection_set).depth)
        inner = self.selection(node.selection_set)
        items = self._items(node) if node.selection_set else 1
        return _Weight(own + items * inner.cost, 1 + inner.depth)

    def _items(self, node: FieldNode) -> int:
        name = node.name.value
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        if name == "nodes" and "ids" in given:
            return self._length(given["ids"])
        if name in _PAGED:
            sizes = [self._number(given[key]) for key in ("first", "last") if key in given]
            return max(sizes, default=DEFAULT_PAGE)
        return _LISTS.get(name, 1)

    def _number(self, value: Any) -> int:
        if isinstance(value, IntValueNode):
            number: Any = int(value.value) if len(value.value) < 10 else MAX_ROWS
        elif isinstance(value, VariableNode):
            number = self._variables.get(value.name.value)
            number = DEFAULT_PAGE if number is None else number
        else:
            number = DEFAULT_PAGE
        # Anything else is refused by coercion or by the page itself.
        return max(0, min(number, MAX_ROWS)) if isinstance(number, int) else MAX_ROWS

    def _length(self, value: Any) -> int:
        if isinstance(value, ListValueNode):
            return max(1, len(value.values))
        if isinstance(value, VariableNode):
            items = self._variables.get(value.name.value)
            return max(1, len(items)) if isinstance(items, list) else 1
        return 1
