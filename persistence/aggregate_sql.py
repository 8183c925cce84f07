"""Keys and figures of groups as SQL, over the users' table and over row images alike."""

from domain.aggregation import SHOWN_TEXT, AggregateQuery, Function, GroupKey, Metric
from domain.fields import Field, family_of
from domain.values import Family
from persistence.filter_sql import COLLATION, SQL_TYPES, operand, written
from persistence.read_sql import moment_json

#: A text that reads as a plain number. Its length is bounded beside it: bounds inside the pattern,
#: such as {1,200}, make matching thirteen times slower.
_NUMERAL = r"^\s*[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,2})?\s*$"
_LONGEST_NUMERAL = 400

#: Stand-ins by which groups without a value are joined.
_NOTHING = {
    Family.TEXT: "''",
    Family.NUMBER: "0",
    Family.BOOLEAN: "FALSE",
    Family.DATE: "'epoch'",
    Family.DATETIME: "'epoch'",
    Family.TEXTS: "'{}'",
    Family.IDS: "'{}'",
    Family.ID: "'00000000-0000-0000-0000-000000000000'",
}
_LISTS = frozenset({Family.TEXTS, Family.IDS})


def key_sql(key: GroupKey, alias: str, width: str | None) -> str:
    """The key of a row. `width` refers to the width of a bin."""
    if key.field is None:
        return f"NULL::text COLLATE {COLLATION}"
    if width is not None:
        value = numeric_sql(key.field, alias)
        # div() is exact where the quotient of a division would be rounded over an edge.
        below = f"CASE WHEN {value} < 0 AND mod({value}, {width}) <> 0 THEN 1 ELSE 0 END"
        return f"(div({value}, {width}) - {below}) * {width}"
    if key.bucket is not None:
        return _bucket_sql(key, operand(key.field, alias))
    family = family_of(key.field)
    if family in (Family.JSON, Family.FILE):
        return written(key.field, alias)
    if family is Family.TEXT:
        return f"{operand(key.field, alias)} COLLATE {COLLATION}"
    return operand(key.field, alias)


def _bucket_sql(key: GroupKey, value: str) -> str:
    assert key.field is not None
    assert key.bucket is not None
    local = f"{value}::timestamp"
    if family_of(key.field) is Family.DATETIME:
        local = f"{value} AT TIME ZONE 'UTC'"
    return f"date_trunc('{key.bucket.value}', {local})::date"


def numeric_sql(field: Field, alias: str) -> str:
    """A field as a number: those of a number column, and texts that read as one."""
    value = operand(field, alias)
    match family_of(field):
        case Family.NUMBER:
            return value
        case Family.TEXT:
            short = f"length({value}) <= {_LONGEST_NUMERAL}"
            return f"CASE WHEN {short} AND {value} ~ '{_NUMERAL}' THEN {value}::numeric END"
    return "NULL::numeric"


def width_sql(key: GroupKey, alias: str, bins: str) -> str:
    """The width of bins: 1, 2 or 5 times a power of ten, so that at most about this many are
    filled; an aggregate over the rows of `alias`."""
    assert key.field is not None
    value = numeric_sql(key.field, alias)
    raw = f"((max({value}) - min({value})) / {bins})"
    step = f"power(10::numeric, floor(log(nullif({raw}, 0))))"
    ratio = f"{raw} / {step}"
    round_ = f"CASE WHEN {ratio} <= 1 THEN 1 WHEN {ratio} <= 2 THEN 2 WHEN {ratio} <= 5 THEN 5"
    return (
        f"CASE WHEN max({value}) IS NULL THEN NULL"
        f" WHEN max({value}) = min({value}) THEN 1"
        f" ELSE trim_scale({step} * {round_} ELSE 10 END) END"
    )


def measured(metric: Metric, alias: str) -> str:
    """The value that a metric looks at."""
    if metric.field is None:
        return "NULL::numeric"
    if metric.lenient:
        return numeric_sql(metric.field, alias)
    value = operand(metric.field, alias)
    family = family_of(metric.field)
    if family is Family.FILE:
        return f"({value} ->> 'id')"
    if family is Family.TEXT:
        return f"{value} COLLATE {COLLATION}"
    return value


def parts(metric: Metric, name: str, alias: str) -> list[str]:
    """What a group keeps of a metric, so that groups can be joined: a select list over rows."""
    if metric.counts_rows:
        return [f"count(*) AS {name}"]
    value = measured(metric, alias)
    match metric.function:
        case Function.COUNT:
            return [f"count({value}) AS {name}"]
        case Function.COUNT_DISTINCT:
            return [f"count(DISTINCT {value}) AS {name}"]
        case Function.AVG:
            return [f"sum({value}) AS {name}", f"count({value}) AS {name}n"]
    return [f"{metric.function.value}({value}) AS {name}"]


def figure(metric: Metric, name: str) -> str:
    """The figure of one group, from what it keeps."""
    return f"{name} / nullif({name}n, 0)" if metric.function is Function.AVG else name


def joined(metric: Metric, name: str) -> str:
    """The figure of several groups taken as one: an aggregate over what they keep."""
    match metric.function:
        case Function.AVG:
            return f"sum({name}) / nullif(sum({name}n), 0)"
        case Function.MIN | Function.MAX:
            return f"{metric.function.value}({name})"
    return f"sum({name})"


def json_sql(family: Family, value: str) -> str:
    """A typed value as JSON text. Long texts are cut."""
    match family:
        case Family.NUMBER:
            return f"trim_scale(({value})::numeric)::text"
        case Family.BOOLEAN:
            return f"({value})::text"
        case Family.DATE:
            return f"""('"' || to_char({value}, 'YYYY-MM-DD') || '"')"""
        case Family.DATETIME:
            return moment_json(f"({value})")
        case Family.TEXT:
            return f"to_json(left({value}, {SHOWN_TEXT}))::text"
    return f"to_json({value})::text"


def same(family: Family, one: str, other: str) -> str:
    """Whether two keys are equal, nulls too, in a form that PostgreSQL can join by hashing."""
    nothing = f"{_NOTHING[family]}::{SQL_TYPES[family]}{'[]' if family in _LISTS else ''}"
    return (
        f"coalesce({one}, {nothing}) = coalesce({other}, {nothing})"
        f" AND ({one} IS NULL) = ({other} IS NULL)"
    )


def widths(query: AggregateQuery) -> dict[int, str]:
    """References to the widths of bins that PostgreSQL chooses, by the place of the key."""
    return {place: f"b.w{place}" for place, key in enumerate(query.keys) if _chosen(key)}


def _chosen(key: GroupKey) -> bool:
    return key.bins is not None and key.field is not None
