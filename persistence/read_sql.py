"""A selection of rows as SQL: each row comes out of PostgreSQL as one JSON text.

Text is built with `||` and not with json_build_object: functions take at most 100 arguments (50
columns), and plain text is the quicker way, since the pieces between the values are literals of
the statement."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from domain.cells import CellStatus
from domain.columns import Column, ColumnType, TableShape
from domain.fields import family_of, is_stored
from domain.selection import (
    CellField,
    CellPart,
    CellSelection,
    CellsSelection,
    CellState,
    CitationsSelection,
    Literal,
    ProducerSelection,
    RowField,
    RowPart,
    RowSelection,
)
from domain.values import Family
from persistence.filter_sql import operand
from persistence.status_sql import status_sql

#: Alias of the stored states of a row's cells: one jsonb object by column number.
STATES = "states"


def moment_json(value: str) -> str:
    """A timestamptz as JSON text: ISO 8601, UTC, milliseconds, `Z`."""
    iso = '\'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\''
    return f"""('"' || to_char({value} AT TIME ZONE 'UTC', {iso}) || '"')"""


def value_json(column: Column, alias: str) -> str:
    """The value of a cell as JSON text; SQL null for an empty cell."""
    if not is_stored(column):
        return "NULL::text"
    name = operand(column, alias)
    if column.type is ColumnType.MEASUREMENT:
        return _measurement_json(column, name)
    match family_of(column):
        case Family.NUMBER:
            return f"trim_scale({name})::text"
        case Family.BOOLEAN:
            return f"{name}::text"
        case Family.DATE:
            return f"""('"' || to_char({name}, 'YYYY-MM-DD') || '"')"""
        case Family.DATETIME:
            return moment_json(name)
        case Family.IDS:
            return _ids_json(column, name)
        case Family.JSON | Family.FILE:
            return f"{name}::text"
    return f"to_json({name})::text"


def _measurement_json(column: Column, name: str) -> str:
    unit = orjson.dumps((column.config or {}).get("unit") or None).decode()
    head, tail = quoted('{"amount":'), quoted(f',"unit":{unit}}}')
    return f"({head} || trim_scale({name})::text || {tail})"


def _ids_json(column: Column, name: str) -> str:
    if (column.config or {}).get("multiple"):
        return f"to_json({name})::text"
    single = f"cardinality({name}) = 1"
    return f"CASE WHEN {single} THEN to_json({name}[1])::text ELSE to_json({name})::text END"


def quoted(text: str) -> str:
    """A literal of SQL. The text may hold anything but NUL, which PostgreSQL cannot store."""
    escaped = text.replace("'", "''").replace("\\", "\\\\")
    return f"E'{escaped}'"


def row_json(shape: TableShape, selection: RowSelection, alias: str) -> str:
    """An expression that gives a row as the JSON object that the selection describes."""
    return _object([(name, _row_field(shape, field, alias)) for name, field in selection.fields])


def uses_states(selection: RowSelection) -> bool:
    """Whether the selection shows anything that may stand in stored cell states."""
    return any(isinstance(field, CellSelection | CellsSelection) for _, field in selection.fields)


def states_join(shape: TableShape, alias: str) -> str:
    """A join that adds the stored states of a row's cells."""
    return (
        f"LEFT JOIN LATERAL (SELECT jsonb_object_agg(s.column_number, to_jsonb(s)) AS {STATES}"
        f" FROM cell_state s WHERE s.table_id = '{shape.id}' AND s.row_id = {alias}.id) st ON TRUE"
    )


def _object(members: list[tuple[str, str]]) -> str:
    """Joins literals where they meet, so that constant members cost nothing per row."""
    pieces: list[str] = []
    literal = "{"
    for index, (name, value) in enumerate(members):
        literal += ("," if index else "") + orjson.dumps(name).decode() + ":"
        if value.startswith("\0"):
            literal += value[1:]
        else:
            pieces += [quoted(literal), value]
            literal = ""
    pieces.append(quoted(literal + "}"))
    return "(" + " || ".join(pieces) + ")"


def _constant(json_text: str) -> str:
    """Marks a member whose JSON text is the same in every row."""
    return "\0" + json_text


def _row_field(shape: TableShape, field: RowField, alias: str) -> str:
    if isinstance(field, Literal):
        return _constant(field.json)
    if isinstance(field, CellSelection):
        return _cell(shape, field, alias)
    if isinstance(field, CellsSelection):
        return _cells(shape, field, alias)
    return _ROW_PARTS[field](shape, alias)


_ROW_PARTS: dict[RowPart, Callable[[TableShape, str], str]] = {
    RowPart.ID: lambda _, alias: f"""('"' || {alias}.id || '"')""",
    RowPart.TABLE_ID: lambda shape, _: _constant(f'"{shape.id}"'),
    RowPart.SESSION_ID: lambda _, alias: f"""('"' || {alias}.session_id || '"')""",
    RowPart.VERSION: lambda _, alias: f"{alias}.version::text",
    RowPart.POSITION: lambda _, alias: f"{alias}.position::text",
    RowPart.DATA: lambda shape, alias: data_json(shape, alias),
    RowPart.CREATED_BY: lambda _, alias: f"to_json({alias}.created_by)::text",
    RowPart.CREATED_AT: lambda _, alias: moment_json(f"{alias}.created_at"),
    RowPart.UPDATED_AT: lambda _, alias: moment_json(f"{alias}.updated_at"),
}


def data_json(shape: TableShape, alias: str) -> str:
    """The object of a row's values by column key, then the keys without a column."""
    members = [(c.key, f"coalesce({value_json(c, alias)}, 'null')") for c in shape.columns]
    known = _object(members)
    extra = f"{alias}._extra"
    comma = "," if members else ""
    return (
        f"CASE WHEN {extra} IS NULL OR {extra} = '{{}}' THEN {known}"
        f" ELSE left({known}, -1) || '{comma}' || substr({extra}::text, 2) END"
    )


def _cells(shape: TableShape, field: CellsSelection, alias: str) -> str:
    if not field.cells:
        return _constant("[]")
    cells = " || ',' || ".join(_cell(shape, cell, alias) for cell in field.cells)
    return f"('[' || {cells} || ']')"


def _cell(shape: TableShape, cell: CellSelection, alias: str) -> str:
    column = shape.columns_by_number[cell.column_number]
    return _object([(name, _cell_part(shape, column, part, alias)) for name, part in cell.parts])


def _cell_part(shape: TableShape, column: Column, part: CellField, alias: str) -> str:
    if isinstance(part, Literal):
        return _constant(part.json)
    state = f"{STATES}->'{column.number}'" if column.stateful else None
    if isinstance(part, ProducerSelection):
        return _producer(part, state)
    if isinstance(part, CitationsSelection):
        return _citations(part, state)
    match part:
        case CellPart.ID:
            return f"""('"' || {alias}.id || '.{column.number}"')"""
        case CellPart.ROW_ID:
            return f"""('"' || {alias}.id || '"')"""
        case CellPart.VALUE:
            return f"coalesce({value_json(column, alias)}, 'null')"
        case CellPart.STATUS:
            return _status(shape, column, alias)
        case CellPart.UPDATED_AT:
            own = f"({state}->>'updated_at')::timestamptz" if state else "NULL::timestamptz"
            return moment_json(f"coalesce({own}, {alias}.updated_at)")
        case CellPart.ATTEMPT:
            return f"coalesce({state}->>'attempt', '0')" if state else _constant("0")
    return f"coalesce({_detail(part, state)}, 'null')" if state else _constant("null")


#: Where the details of a state stand in it, as its columns are named.
_DETAILS = {
    CellPart.ERROR: "error",
    CellPart.PROGRESS: "progress",
    CellPart.CONFIDENCE: "confidence",
    CellPart.RUN_ID: "run_id",
    CellPart.INPUT_TOKENS: "input_tokens",
    CellPart.OUTPUT_TOKENS: "output_tokens",
    CellPart.COST: "cost",
    CellPart.RAW: "raw",
}


def _detail(part: CellPart, state: str) -> str:
    """A detail of a stored state as JSON text; null when it is not there."""
    name = _DETAILS[part]
    if part in (CellPart.PROGRESS, CellPart.CONFIDENCE):
        return _float_json(f"({state}->>'{name}')")
    if part is CellPart.COST:
        return f"trim_scale(({state}->>'cost')::numeric)::text"
    return f"({state}->'{name}')::text"


def _float_json(text: str) -> str:
    """A float, given as plain digits, as our JSON writer writes it."""
    short = f"replace({text}::float8::text, 'e-0', 'e-')"
    return (
        f"CASE WHEN {text}::numeric = trunc({text}::numeric) THEN {text} || '.0'"
        f" WHEN abs({text}::numeric) < 0.00001 THEN {short} ELSE {text} END"
    )


def _producer(selection: ProducerSelection, state: str | None) -> str:
    if state is None:
        return _constant("null")
    producer = f"{state}->'producer'"
    parts = []
    for name, part in selection.parts:
        if isinstance(part, Literal):
            parts.append((name, _constant(part.json)))
        elif part == "kind":
            parts.append((name, f"""('"' || upper({producer}->>'kind') || '"')"""))
        else:
            empty = "false" if part == "cached" else "null"
            parts.append((name, f"coalesce(({producer}->'{part}')::text, '{empty}')"))
    # A state that has none holds null, of the past it lacks the key.
    return f"CASE WHEN {producer}->>'kind' IS NULL THEN 'null' ELSE {_object(parts)} END"


def _citations(selection: CitationsSelection, state: str | None) -> str:
    if state is None:
        return _constant("[]")
    one = _object(
        [
            (name, _constant(part.json))
            if isinstance(part, Literal)
            # Of a document some say where in its text, others where on its pages.
            else (name, f"coalesce((c.v->'{part}')::text, 'null')")
            for name, part in selection.parts
        ]
    )
    listed = f"coalesce(nullif({state}->'citations', 'null'), '[]')"
    return (
        f"(SELECT '[' || coalesce(string_agg({one}, ',' ORDER BY c.n), '') || ']'"
        f" FROM jsonb_array_elements({listed}) WITH ORDINALITY AS c(v, n))"
    )


def state_of(stored: Mapping[str, Any]) -> CellState:
    """The state of a record of `cell_state` as JSON; of the past some details are not known."""
    cost = stored.get("cost")
    return CellState(
        status=stored["status"],
        error=stored["error"],
        progress=stored["progress"],
        updated_at=datetime.fromisoformat(stored["updated_at"]),
        attempt=stored.get("attempt") or 0,
        producer=stored.get("producer"),
        confidence=stored.get("confidence"),
        citations=stored.get("citations") or (),
        run_id=stored.get("run_id"),
        input_tokens=stored.get("input_tokens"),
        output_tokens=stored.get("output_tokens"),
        cost=None if cost is None else Decimal(str(cost)),
        raw=stored.get("raw"),
    )


def _status(shape: TableShape, column: Column, alias: str) -> str:
    """Cells that people fill have no stored status, and those of tools need none."""
    if not column.stateful and not is_stored(column):
        return _constant(f'"{CellStatus.INITIALIZED.upper()}"')
    found = status_sql(shape, column, alias, f"({STATES}->'{column.number}'->>'status')")
    return f"""('"' || upper({found}) || '"')"""


def record_columns(shape: TableShape, alias: str) -> str:
    """The select list of a row as a record: system columns, values as JSON texts, extra keys."""
    values = ", ".join(value_json(column, alias) for column in shape.columns)
    return (
        f"{alias}.session_id, {alias}.version, {alias}.created_by, {alias}.created_at,"
        f" {alias}.updated_at, ARRAY[{values}]::text[] AS vals, {alias}._extra::text AS extra"
    )
