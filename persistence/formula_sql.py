"""Computed columns as SQL: the bound formula over a row with an alias, live or an image alike.

No user text stands outside literals, and whatever the values, no expression fails: where a node
could, the text guards it without writing a part twice, because that would double with each level.
"""

from collections.abc import Callable
from typing import Any

from domain.columns import Column
from domain.formula_nodes import (
    FRACTION_DIGITS,
    INTEGER_DIGITS,
    MOMENT_PATTERN,
    NUMBER_CHARACTERS,
    NUMBER_PATTERN,
    QUOTIENT_PLACES,
    SPACES,
    TEXT_CHARACTERS,
    Aggregate,
    AggregateFunction,
    Bounded,
    Choice,
    Constant,
    Convert,
    Cut,
    DaysBetween,
    Equal,
    Fallback,
    Join,
    Kind,
    Less,
    Node,
    Not,
    Product,
    Quotient,
    Reference,
    Remainder,
    Rollup,
    Rounding,
    Sum,
    Today,
    ToNumber,
    ToText,
    Truth,
)
from domain.values import Family, family

COLLATION = "pg_c_utf8"

_TYPES = {
    Kind.NUMBER: "numeric",
    Kind.TEXT: "text",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "text",
}
_SCALE = f"1e{QUOTIENT_PLACES}"
_UNSCALE = f"1e-{QUOTIENT_PLACES}"
_ISO_DAY = "'YYYY-MM-DD'"
_ISO_MOMENT = """'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'"""


def literal(text: str) -> str:
    """A text as SQL. Whatever could mean something to anybody on the way is written as its code."""
    safe = "".join(
        character
        if not character.isascii() or character.isalnum() or character in " _.,"
        else f"\\x{ord(character):02x}"
        for character in text
    )
    return f"E'{safe}'"


_NUMBER = literal(f"^{NUMBER_PATTERN}[$]$")
_MOMENT = literal(f"^(?:{MOMENT_PATTERN})$")
_FILLED = literal(f"[^{SPACES}]")


def column_value(column: Column, alias: str) -> str:
    """The value of a column in the PostgreSQL type of its family, computed or stored."""
    if column.stored:
        return f"{alias}.{column.sql_name}"
    if column.computation is None:
        return f"NULL::{FAMILY_TYPES[family(column)]}"
    value = compile_node(column.computation.root, alias)
    return f"(({value}) COLLATE {COLLATION})" if family(column) is Family.TEXT else f"({value})"


#: What formulas can give, as PostgreSQL types.
FAMILY_TYPES = {
    Family.TEXT: "text",
    Family.NUMBER: "numeric",
    Family.BOOLEAN: "boolean",
    Family.DATE: "date",
    Family.DATETIME: "timestamptz",
}


def compile_node(node: Node, alias: str) -> str:
    """The node over the row that `alias` names, in parentheses where they matter."""
    return _COMPILERS[type(node)](node, alias)


def _constant(node: Constant, alias: str) -> str:
    if node.value is None:
        return f"NULL::{_TYPES[node.kind]}"
    if isinstance(node.value, bool):
        return "TRUE" if node.value else "FALSE"
    if isinstance(node.value, str):
        return f"{literal(node.value)}::text"
    return f"{node.value:f}::numeric"


def _reference(node: Reference, alias: str) -> str:
    value = column_value(node.column, alias)
    match family(node.column):
        case Family.DATE:
            return f"to_char({value}, {_ISO_DAY})"
        case Family.DATETIME:
            return f"to_char({value} AT TIME ZONE 'UTC', {_ISO_MOMENT})"
        case Family.IDS | Family.TEXTS:
            return f"array_to_string({value}, ', ')"
        case Family.JSON | Family.FILE:
            return f"{value}::text"
    return value


def _to_number(node: ToNumber, alias: str) -> str:
    part = compile_node(node.part, alias)
    if node.kind_before is Kind.BOOLEAN:
        return f"({part})::int::numeric"
    # The mark at the end is cut off from a text that is too long, which then matches nothing.
    return f"substring(left({part} || '$', {NUMBER_CHARACTERS + 1}), {_NUMBER})::numeric"


def _to_text(node: ToText, alias: str) -> str:
    part = compile_node(node.part, alias)
    return f"trim_scale({part})::text" if node.kind_before is Kind.NUMBER else f"({part})::text"


def _sum(node: Sum, alias: str) -> str:
    terms = [f"{'+' if sign > 0 else '-'} {compile_node(part, alias)}" for sign, part in node.parts]
    return f"({' '.join(terms).removeprefix('+ ')})"


def _quotient(node: Quotient, alias: str) -> str:
    left, right = compile_node(node.left, alias), compile_node(node.right, alias)
    return f"(div({left} * {_SCALE}, NULLIF({right}, 0)) * {_UNSCALE})"


def _remainder(node: Remainder, alias: str) -> str:
    left, right = compile_node(node.left, alias), compile_node(node.right, alias)
    return f"coalesce({left} % NULLIF({right}, 0), 0)"


def _rounding(node: Rounding, alias: str) -> str:
    part = compile_node(node.part, alias)
    return f"floor({part} + 0.5)" if node.function == "round" else f"{node.function}({part})"


def _bounded(node: Bounded, alias: str) -> str:
    rounded = f"round({compile_node(node.part, alias)}, {FRACTION_DIGITS})"
    return _between(rounded, f"-1e{INTEGER_DIGITS}", f"1e{INTEGER_DIGITS}")


def _between(value: str, low: str, high: str) -> str:
    """The value strictly between the bounds, else null; null too, which `greatest` passes over."""
    return f"NULLIF(NULLIF(least(greatest({value}, {low}), {high}), {low}), {high})"


def _equal(node: Equal, alias: str) -> str:
    left, right = compile_node(node.left, alias), compile_node(node.right, alias)
    if node.nulls_equal:
        return f"({left} IS NOT DISTINCT FROM {right})"
    return f"(({left} = {right}) IS TRUE)"


def _less(node: Less, alias: str) -> str:
    left, right = compile_node(node.left, alias), compile_node(node.right, alias)
    collation = f" COLLATE {COLLATION}" if node.kind_before is Kind.DATE else ""
    return f"({left} {'<=' if node.or_equal else '<'} {right}{collation})"


def _truth(node: Truth, alias: str) -> str:
    part = compile_node(node.part, alias)
    match node.kind_before:
        case Kind.NUMBER:
            return f"(({part} <> 0) IS TRUE)"
        case Kind.BOOLEAN:
            return f"(({part}) IS TRUE)"
    return f"(({part} <> '') IS TRUE)"


def _choice(node: Choice, alias: str) -> str:
    condition = compile_node(node.condition, alias)
    then, otherwise = compile_node(node.then, alias), compile_node(node.otherwise, alias)
    return f"CASE WHEN {condition} THEN {then} ELSE {otherwise} END"


def _moment(node: Node, alias: str) -> str:
    """A text as timestamp in UTC, null when it is none. Columns of dates need no text between."""
    if isinstance(node, Reference):
        match family(node.column):
            case Family.DATE:
                return f"({column_value(node.column, alias)})::timestamp"
            case Family.DATETIME:
                return f"({column_value(node.column, alias)} AT TIME ZONE 'UTC')"
    text = compile_node(node, alias)
    return f"(substring({text}, {_MOMENT})::timestamptz AT TIME ZONE 'UTC')"


def _days_between(node: DaysBetween, alias: str) -> str:
    left, right = (
        f"extract(epoch FROM {_moment(part, alias)})" for part in (node.left, node.right)
    )
    return f"div(abs({left} - {right}), 86400)"


def _convert(node: Convert, alias: str) -> str:
    if node.family is Family.BOOLEAN:
        return _to_boolean(node, alias)
    moment = _moment(node.part, alias)
    if node.family is Family.DATE:
        return _between(f"{moment}::date", "'0001-12-31 BC'::date", "'10000-01-01'::date")
    first, last = "'0001-12-31 23:59:59.999 BC'::timestamp", "'10000-01-01'::timestamp"
    cut = _between(f"date_trunc('milliseconds', {moment})", first, last)
    return f"({cut} AT TIME ZONE 'UTC')"


def _to_boolean(node: Convert, alias: str) -> str:
    part = compile_node(node.part, alias)
    if node.kind_before is Kind.NUMBER:
        return f"CASE {part} WHEN 1 THEN TRUE WHEN 0 THEN FALSE END"
    word = f'lower(btrim({part}, {literal(SPACES)}) COLLATE "C")'
    return (
        f"CASE {word} WHEN 'true' THEN TRUE WHEN '1' THEN TRUE"
        f" WHEN 'false' THEN FALSE WHEN '0' THEN FALSE END"
    )


def _aggregate(node: Aggregate, alias: str) -> str:
    inner = f"{alias}x"
    value = compile_node(node.value, inner)
    return _over(node.function, value, node.kind_before, f"{node.table} AS {inner}")


def _rollup(node: Rollup, alias: str) -> str:
    inner, links = f"{alias}x", f"{alias}_links"
    value = compile_node(node.value, inner)
    relation = f"{alias}.{node.relation.sql_name}"
    if node.function is AggregateFunction.LOOKUP:
        return f"(SELECT {value} FROM {node.table} AS {inner} WHERE {inner}.id = {relation}[1])"
    # Found by primary key, one by one: a list of ids would be planned anew for each length.
    rows = (
        f"unnest({relation}) WITH ORDINALITY AS {links}(id, n)"
        f" JOIN {node.table} AS {inner} ON {inner}.id = {links}.id"
    )
    if node.function is AggregateFunction.CONCAT:
        return _concatenated(value, f"{links}.n", rows)
    return _over(node.function, value, node.kind_before, rows)


def _over(function: AggregateFunction, value: str, kind: Kind, rows: str) -> str:
    """An aggregate of values over rows. Those of texts are counted unless blank."""
    match function:
        case AggregateFunction.COUNT:
            filled = f"~ {_FILLED}" if kind in (Kind.TEXT, Kind.DATE) else "IS NOT NULL"
            return f"(SELECT count(*)::numeric FROM {rows} WHERE {value} {filled})"
        case AggregateFunction.SUM:
            return f"(SELECT coalesce(sum({value}), 0) FROM {rows})"
        case AggregateFunction.AVG:
            # OFFSET 0 keeps the planner from writing the value twice.
            return (
                f"(SELECT div(sum(x) * {_SCALE}, NULLIF(count(x), 0)::numeric) * {_UNSCALE}"
                f" FROM (SELECT {value} AS x FROM {rows} OFFSET 0) AS avg_of)"
            )
    collation = f" COLLATE {COLLATION}" if kind is Kind.DATE else ""
    return f"(SELECT {function.value}({value}{collation}) FROM {rows})"


def _concatenated(value: str, place: str, rows: str) -> str:
    """Texts in order, as many as fit: what stands behind is not even put together."""
    return (
        f"(SELECT left(string_agg(x, ', ' ORDER BY n), {TEXT_CHARACTERS}) FROM ("
        f"SELECT x, n, sum(length(x) + 2) OVER (ORDER BY n) - length(x) AS start FROM ("
        f"SELECT {value} AS x, {place} AS n FROM {rows} OFFSET 0) AS found WHERE x <> ''"
        f") AS placed WHERE start <= {TEXT_CHARACTERS + 2})"
    )


def _today(node: Today, alias: str) -> str:
    return f"to_char(now() AT TIME ZONE 'UTC', {_ISO_DAY})"


_COMPILERS: dict[type[Any], Callable[[Any, str], str]] = {
    Constant: _constant,
    Reference: _reference,
    Today: _today,
    ToNumber: _to_number,
    ToText: _to_text,
    Fallback: lambda node, alias: (
        f"coalesce({compile_node(node.part, alias)}, {_constant(node.value, alias)})"
    ),
    Sum: _sum,
    Product: lambda node, alias: (
        f"({compile_node(node.left, alias)} * {compile_node(node.right, alias)})"
    ),
    Quotient: _quotient,
    Remainder: _remainder,
    Rounding: _rounding,
    Bounded: _bounded,
    Join: lambda node, alias: (
        f"({' || '.join(compile_node(part, alias) for part in node.parts)})"
        if node.parts
        else "''::text"
    ),
    Cut: lambda node, alias: f"left({compile_node(node.part, alias)}, {TEXT_CHARACTERS})",
    Equal: _equal,
    Less: _less,
    Not: lambda node, alias: f"(NOT {compile_node(node.part, alias)})",
    Truth: _truth,
    Choice: _choice,
    DaysBetween: _days_between,
    Aggregate: _aggregate,
    Rollup: _rollup,
    Convert: _convert,
}
