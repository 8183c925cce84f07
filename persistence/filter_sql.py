"""Filters and search as SQL text with positional parameters.

The text depends on the tree's form alone: fields, operators and nesting, never values, so that one
prepared statement serves every filter of that form. Identifiers are `c<number>` and fixed names.
The text names columns through an alias only, so it runs over the live table and over row images
(`jsonb_populate_record`) alike.
"""

from collections.abc import Callable
from typing import Any

from domain.columns import Column, TableShape
from domain.fields import Field, family_of, is_stored
from domain.filters import AllOf, CellWhere, Filter, Not, Operator, Where, conditions
from domain.operators import HOLDERS
from domain.values import Family
from persistence.formula_sql import column_value
from persistence.status_sql import status_sql

#: Same collation for every text comparison: code points for order, all of Unicode for lower().
COLLATION = "pg_c_utf8"

SQL_TYPES = {
    Family.TEXT: "text",
    Family.NUMBER: "numeric",
    Family.BOOLEAN: "boolean",
    Family.DATE: "date",
    Family.DATETIME: "timestamptz",
    Family.TEXTS: "text",
    Family.JSON: "jsonb",
    Family.FILE: "text",
    Family.IDS: "uuid",
    Family.ID: "uuid",
}

#: Families that a search looks into.
SEARCHED = frozenset({Family.TEXT, Family.NUMBER, Family.TEXTS, Family.JSON, Family.FILE})

_COMPARISONS = {
    Operator.GT: ">",
    Operator.GTE: ">=",
    Operator.LT: "<",
    Operator.LTE: "<=",
    Operator.EQ: "=",
    Operator.NEQ: "IS DISTINCT FROM",
}


class Params:
    """Values of a statement in the order of their `$n`. Start with those that are bound already."""

    def __init__(self, *values: Any) -> None:
        self.values: list[Any] = list(values)

    def add(self, value: Any, sql_type: str) -> str:
        """Bind a value; the reference to write into the text, with an explicit cast."""
        self.values.append(value)
        return f"${len(self.values)}::{sql_type}"


def compile_filter(filter: Filter, params: Params, alias: str = "t") -> str:
    """A condition for WHERE that holds exactly for the rows which match; it may be null for others.

    Values go to `params` in the order of `domain.filters.conditions`.
    """
    if isinstance(filter, Where):
        return _compile_where(filter, params, alias)
    if isinstance(filter, CellWhere):
        return _compile_cell(filter, params, alias)
    if isinstance(filter, Not):
        # An unknown comparison counts as false, so its negation is true.
        return f"(({compile_filter(filter.part, params, alias)}) IS NOT TRUE)"
    parts = [compile_filter(part, params, alias) for part in filter.parts]
    if isinstance(filter, AllOf):
        return "(" + " AND ".join(parts) + ")" if parts else "TRUE"
    return "(" + " OR ".join(parts) + ")" if parts else "FALSE"


def filter_shape(filter: Filter) -> tuple[Any, ...]:
    """A hashable key: filters with equal keys compile to the same text, whatever their values."""
    if isinstance(filter, Where):
        return (filter.field.sql_name, family_of(filter.field), filter.operator)
    if isinstance(filter, CellWhere):
        given = tuple(value is not None for _, value, _ in _cell_values(filter))
        return ("cell", filter.field.sql_name, filter.only_written, given)
    if isinstance(filter, Not):
        return ("not", filter_shape(filter.part))
    return (type(filter).__name__, *(filter_shape(part) for part in filter.parts))


def bind_values(filter: Filter, params: Params) -> None:
    """Add the values alone, for a text that was compiled from a filter of the same shape."""
    for where in conditions(filter):
        if isinstance(where, CellWhere):
            for _, value, sql_type in _cell_values(where):
                if value is not None:
                    params.add(value, sql_type)
        elif (bound := _bound(where)) is not None:
            params.add(*bound)


def operand(field: Field, alias: str) -> str:
    """The field's value in SQL. A computed column's is computed where it is asked for."""
    if not is_stored(field):
        family = family_of(field)
        return f"NULL::{SQL_TYPES[family]}{'[]' if family in HOLDERS else ''}"
    if isinstance(field, Column):
        return column_value(field, alias)
    if field.family is Family.TEXT:
        return f"{alias}.{field.sql_name} COLLATE {COLLATION}"
    return f"{alias}.{field.sql_name}"


def written(field: Field, alias: str) -> str:
    """The field's value as the text that clients see."""
    value = operand(field, alias)
    return _WRITTEN[family_of(field)](value)


#: The formats do not depend on the session's DateStyle and TimeZone.
_WRITTEN: dict[Family, Callable[[str], str]] = {
    Family.TEXT: lambda value: value,
    Family.NUMBER: lambda value: f"trim_scale({value}::numeric)::text COLLATE {COLLATION}",
    Family.DATE: lambda value: f"to_char({value}, 'YYYY-MM-DD') COLLATE {COLLATION}",
    Family.DATETIME: lambda value: (
        f"""to_char({value} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""
        f" COLLATE {COLLATION}"
    ),
    Family.TEXTS: lambda value: f"array_to_string({value}, ', ') COLLATE {COLLATION}",
    Family.JSON: lambda value: f"({value})::text COLLATE {COLLATION}",
    Family.FILE: lambda value: f"({value} ->> 'name') COLLATE {COLLATION}",
}


def _bound(where: Where) -> tuple[Any, str] | None:
    """The value that a condition binds, with its SQL type; None for an operator without one."""
    family = family_of(where.field)
    sql_type = SQL_TYPES[family]
    match where.operator:
        case Operator.IS_EMPTY | Operator.IS_NOT_EMPTY:
            return None
        case Operator.IN:
            members = where.value if isinstance(where.value, tuple) else (where.value,)
            return list(members), f"{sql_type}[]"
        case Operator.CONTAINS | Operator.STARTS_WITH if family not in HOLDERS:
            text = where.value if isinstance(where.value, str) else None
            return _pattern(text, where.operator), "text"
    return where.value, sql_type


def _compile_cell(where: CellWhere, params: Params, alias: str) -> str:
    """What only a stored state can have is asked of the states, with the index that they have; a
    status that may follow from values is worked out row by row."""
    number = where.field.number
    state = f"s.table_id = '{where.shape.id}' AND s.column_number = {number}"
    stored, parts = [], []
    for condition, value, sql_type in _cell_values(where):
        if value is None:
            continue
        reference = params.add(value, sql_type)
        if condition != _STATUS or where.only_written:
            stored.append(condition.format(value=reference))
            continue
        own = f"(SELECT s.status FROM cell_state s WHERE {state} AND s.row_id = {alias}.id)"
        found = status_sql(where.shape, where.field, alias, own)
        parts.append(f"({found}) = ANY({reference})")
    if stored:
        among = " AND ".join([state, *stored])
        parts.append(f"{alias}.id IN (SELECT s.row_id FROM cell_state s WHERE {among})")
    return "(" + " AND ".join(parts) + ")"


_STATUS = "s.status = ANY({value})"


def _cell_values(where: CellWhere) -> tuple[tuple[str, Any, str], ...]:
    """Conditions on a stored state, each with its value, None for those that are not asked."""
    statuses = None if where.statuses is None else [each.value for each in where.statuses]
    pattern = _pattern(where.error_contains, Operator.CONTAINS)
    like = f"lower(s.error COLLATE {COLLATION}) LIKE lower({{value}} COLLATE {COLLATION})"
    return (
        (_STATUS, statuses, "text[]"),
        ("s.confidence < {value}", where.confidence_below, "float8"),
        ("s.confidence >= {value}", where.confidence_at_least, "float8"),
        (like, pattern, "text"),
    )


def _pattern(text: str | None, operator: Operator) -> str | None:
    if text is None:
        return None
    literal = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"{literal}%" if operator is Operator.STARTS_WITH else f"%{literal}%"


def _like(value: str, pattern: str) -> str:
    # LIKE with an escaped value, not strpos() or starts_with(): a B-tree on lower(column) serves
    # its prefixes and a trigram index its inner matches, while no index serves both functions.
    return f"lower({value}) LIKE lower({pattern} COLLATE {COLLATION})"


def _compile_where(where: Where, params: Params, alias: str) -> str:
    family = family_of(where.field)
    value = operand(where.field, alias)
    bound = _bound(where)
    if bound is None:
        return _EMPTY[where.operator](family, value)
    reference = params.add(*bound)
    if family in HOLDERS:
        return _compile_holder(where.operator, value, reference)
    match where.operator:
        case Operator.IN:
            return f"{_comparable(family, value)} = ANY({reference})"
        case Operator.CONTAINS | Operator.STARTS_WITH:
            return _like(written(where.field, alias), reference)
    return f"{_comparable(family, value)} {_COMPARISONS[where.operator]} {reference}"


def _comparable(family: Family, value: str) -> str:
    """What stands for a value in a comparison: of a file its id."""
    return f"({value} ->> 'id')" if family is Family.FILE else value


def _compile_holder(operator: Operator, value: str, reference: str) -> str:
    # Containment and overlap are what a GIN index on an array serves; = ANY(column) is not.
    match operator:
        case Operator.IN:
            return f"{value} && {reference}"
        case Operator.NEQ:
            return f"({value} @> ARRAY[{reference}]) IS NOT TRUE"
    return f"{value} @> ARRAY[{reference}]"


_EMPTY_JSON = """('""', '[]', '{}')"""


def _is_empty(family: Family, value: str) -> str:
    if family is Family.TEXT:
        return f"({value} ~ '\\S') IS NOT TRUE"
    if family is Family.JSON:
        return f"({value} IN {_EMPTY_JSON}) IS NOT FALSE"
    if family in HOLDERS:
        return f"coalesce(cardinality({value}), 0) = 0"
    return f"{value} IS NULL"


def _is_not_empty(family: Family, value: str) -> str:
    if family is Family.TEXT:
        return f"{value} ~ '\\S'"
    if family is Family.JSON:
        return f"{value} NOT IN {_EMPTY_JSON}"
    if family in HOLDERS:
        return f"cardinality({value}) > 0"
    return f"{value} IS NOT NULL"


_EMPTY = {Operator.IS_EMPTY: _is_empty, Operator.IS_NOT_EMPTY: _is_not_empty}


def compile_search(shape: TableShape, text: str, params: Params, alias: str = "t") -> str:
    """A condition for the rows where a column of the `SEARCHED` families contains `text`, in any
    case.

    `text` comes from `domain.filters.accept_search` and is taken literally.
    """
    columns = [
        column for column in shape.columns if is_stored(column) and family_of(column) in SEARCHED
    ]
    if not columns:
        return "FALSE"
    pattern = params.add(_pattern(text, Operator.CONTAINS), "text")
    return "(" + " OR ".join(_like(written(column, alias), pattern) for column in columns) + ")"
