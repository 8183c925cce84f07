"""What a query selects of rows, as the neutral tree that storage turns into finished JSON.

Whatever the tree cannot say (a row's table, a cell's row) makes the whole list fall back to
records and resolvers. Both ways give the same answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal as OneOf
from typing import TypeAlias

import orjson
from graphql import FieldNode

from domain.columns import Column, TableShape
from domain.selection import (
    CellField,
    CellPart,
    CellSelection,
    CellsSelection,
    CitationsSelection,
    Literal,
    ProducerSelection,
    RowField,
    RowPart,
    RowSelection,
)
from gql.answers import to_json
from gql.execution import Executor, Selected
from gql.scalars import moment_text
from gql.types.columns import Column as ColumnObject

_ROW_PARTS = {
    "id": RowPart.ID,
    "version": RowPart.VERSION,
    "position": RowPart.POSITION,
    "data": RowPart.DATA,
    "createdBy": RowPart.CREATED_BY,
    "createdAt": RowPart.CREATED_AT,
    "updatedAt": RowPart.UPDATED_AT,
}
_CELL_PARTS = {
    "id": CellPart.ID,
    "rowId": CellPart.ROW_ID,
    "status": CellPart.STATUS,
    "value": CellPart.VALUE,
    "error": CellPart.ERROR,
    "progress": CellPart.PROGRESS,
    "updatedAt": CellPart.UPDATED_AT,
    "attempt": CellPart.ATTEMPT,
    "confidence": CellPart.CONFIDENCE,
    "runId": CellPart.RUN_ID,
    "inputTokens": CellPart.INPUT_TOKENS,
    "outputTokens": CellPart.OUTPUT_TOKENS,
    "cost": CellPart.COST,
    "raw": CellPart.RAW,
}
#: Fields of a Producer whose names in the stored record differ.
_PRODUCER_PARTS = {"promptHash": "prompt_hash"}


class _NotCompilable(Exception):
    """The selection asks for something that needs a resolver."""


EdgeParts: TypeAlias = tuple[tuple[str, OneOf["cursor", "node", "__typename"]], ...]


@dataclass(frozen=True, slots=True)
class ConnectionPlan:
    """What a selection of a RowConnection needs from storage.

    `rows` makes the selection for a shape, or None when records are needed. `edges` holds the
    response names of a compiled edge in their order."""

    rows: Callable[[TableShape], RowSelection | None]
    edges: EdgeParts | None
    wants_total: bool
    wants_cursors: bool


def plan_connection(executor: Executor, nodes: list[FieldNode]) -> ConnectionPlan:
    """The plan for the field nodes that select one RowConnection."""
    selected = executor.selected("RowConnection", nodes)
    asked = [name for name, _ in selected.values()]
    lists = [found for found in selected.values() if found[0] in ("nodes", "edges")]
    plan = _plan_list(executor, lists)
    info = [
        executor.selected("PageInfo", found)
        for name, found in selected.values()
        if name == "pageInfo"
    ]
    in_info = {name for each in info for name, _ in each.values()}
    in_edges = {
        name
        for field, found in lists
        if field == "edges"
        for name, _ in executor.selected("RowEdge", found).values()
    }
    return ConnectionPlan(
        rows=plan[0],
        edges=plan[1],
        wants_total="totalCount" in asked,
        wants_cursors="cursor" in in_edges or bool(in_info & {"startCursor", "endCursor"}),
    )


def _plan_list(
    executor: Executor, lists: list[tuple[str, list[FieldNode]]]
) -> tuple[Callable[[TableShape], RowSelection | None], EdgeParts | None]:
    if not lists:
        return lambda _: RowSelection(()), None
    if len(lists) > 1:
        return lambda _: None, None
    field, found = lists[0]
    if field == "nodes":
        return row_selector(executor, found), None
    edge = executor.selected("RowEdge", found)
    parts: list[tuple[str, OneOf["cursor", "node", "__typename"]]] = []
    rows: list[list[FieldNode]] = []
    for response, (name, nodes) in edge.items():
        if name == "cursor" or name == "__typename":
            parts.append((response, name))  # type: ignore[arg-type]
        else:
            parts.append((response, "node"))
            rows.append(nodes)
    if len(rows) > 1:
        return lambda _: None, None
    select = row_selector(executor, rows[0]) if rows else (lambda _: RowSelection(()))
    return select, tuple(parts)


def edges_json(parts: EdgeParts, rows: list[str], cursors: list[str]) -> list[str]:
    """Each edge as a JSON object."""
    edges = []
    for index, row in enumerate(rows):
        values = {"node": row, "__typename": '"RowEdge"'}
        if cursors:
            values["cursor"] = f'"{cursors[index]}"'
        members = [f"{orjson.dumps(name).decode()}:{values[part]}" for name, part in parts]
        edges.append("{" + ",".join(members) + "}")
    return edges


def row_selector(
    executor: Executor, nodes: list[FieldNode]
) -> Callable[[TableShape], RowSelection | None]:
    """Makes the selection of rows for a shape; None when it needs resolvers."""
    selected = executor.selected("Row", nodes)

    def select(shape: TableShape) -> RowSelection | None:
        try:
            return RowSelection(
                tuple(
                    (response, _row_field(executor, shape, name, found))
                    for response, (name, found) in selected.items()
                )
            )
        except _NotCompilable:
            return None

    return select


def _row_field(
    executor: Executor, shape: TableShape, name: str, nodes: list[FieldNode]
) -> RowField:
    if name in _ROW_PARTS:
        return _ROW_PARTS[name]
    if name == "__typename":
        return Literal('"Row"')
    if name == "cells":
        parts = executor.selected("Cell", nodes)
        return CellsSelection(tuple(_cell(executor, column, parts) for column in shape.columns))
    if name == "cell":
        key = executor.arguments("Row", nodes[0])["column"]
        column = shape.columns_by_key.get(key)
        if column is None:
            return Literal("null")
        return _cell(executor, column, executor.selected("Cell", nodes))
    raise _NotCompilable


def _cell(executor: Executor, column: Column, parts: Selected) -> CellSelection:
    return CellSelection(
        column.number,
        tuple(
            (response, _cell_part(executor, column, name, nodes))
            for response, (name, nodes) in parts.items()
        ),
    )


def _cell_part(executor: Executor, column: Column, name: str, nodes: list[FieldNode]) -> CellField:
    if name in _CELL_PARTS:
        return _CELL_PARTS[name]
    if name == "producer":
        return ProducerSelection(_named(executor, "Producer", nodes))
    if name == "citations":
        return CitationsSelection(_named(executor, "Citation", nodes))
    if name == "__typename":
        return Literal('"Cell"')
    if name == "columnId":
        return Literal(f'"{column.id}"')
    if name == "column":
        return Literal(_column_json(column, executor.selected("Column", nodes)))
    raise _NotCompilable


def _named(
    executor: Executor, kind: str, nodes: list[FieldNode]
) -> tuple[tuple[str, str | Literal], ...]:
    """What is selected of a small object that stands whole in storage."""
    return tuple(
        (
            response,
            Literal(f'"{kind}"') if name == "__typename" else _PRODUCER_PARTS.get(name, name),
        )
        for response, (name, _) in executor.selected(kind, nodes).items()
    )


def _column_json(column: Column, selected: Selected) -> str:
    if any(name == "tool" for name, _ in selected.values()):
        raise _NotCompilable
    values = _column_values(column)
    shown = {response: values[name] for response, (name, _) in selected.items()}
    return to_json(shown).decode()


def _column_values(column: Column) -> dict[str, object]:
    """Every field of a Column but `tool`, which has fields of its own; a test compares it with
    the schema."""
    shown = ColumnObject.of(column)
    return {
        "__typename": "Column",
        "id": shown.id,
        "key": shown.key,
        "label": shown.label,
        "type": shown.type.name,
        "position": shown.position,
        "required": shown.required,
        "defaultValue": shown.default_value,
        "config": shown.config,
        "computedBy": shown.computed_by.name if shown.computed_by else None,
        "createdAt": moment_text(shown.created_at) if shown.created_at else None,
        "updatedAt": moment_text(shown.updated_at) if shown.updated_at else None,
    }
