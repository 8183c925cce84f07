"""Keyset paging as SQL text: the order, the place after a cursor, and the keys to make cursors of.

The text depends on the sort, the direction of reading and which keys of the cursors are null or too
long for one; never on values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from domain.fields import SYSTEM_FIELDS, Field, family_of
from domain.filters import Direction, Nulls, Sort
from domain.paging import (
    DIGEST_CHARACTERS,
    MAX_INLINE_TEXT,
    PREFIX_CHARACTERS,
    Cursor,
    LongText,
    PageRequest,
    decode_cursor,
)
from domain.values import SORTED_AS_TEXT, Family
from persistence.filter_sql import SQL_TYPES, Params, operand, written

_LAST_CHARACTERS = "chr(1114111) || chr(1114111)"


@dataclass(frozen=True, slots=True)
class Page:
    """A page request whose cursors are decoded for its order."""

    sorts: tuple[Sort, ...]
    request: PageRequest
    after: Cursor | None = None
    before: Cursor | None = None

    @property
    def shape(self) -> tuple[Any, ...]:
        """A hashable key: pages with equal keys compile to the same text."""
        return self.sorts, self.request.backward, _kinds(self.after), _kinds(self.before)


def open_page(sorts: tuple[Sort, ...], request: PageRequest) -> Page:
    """Decode the cursors. Raises `Invalid` for junk and for cursors of another order."""
    after = decode_cursor(sorts, request.after, "after") if request.after is not None else None
    before = decode_cursor(sorts, request.before, "before") if request.before is not None else None
    return Page(sorts, request, after, before)


def _kinds(cursor: Cursor | None) -> tuple[str, ...] | None:
    if cursor is None:
        return None
    return tuple(
        "null" if key is None else "long" if isinstance(key, LongText) else "value"
        for key in cursor.keys
    )


def key_selects(sorts: Sequence[Sort], alias: str = "t") -> list[str]:
    """Select expressions `… AS k0`, `… AS k1`: what `encode_cursor` takes, exact and as text."""
    return [f"{_exact(sort.field, alias)} AS k{index}" for index, sort in enumerate(sorts)]


def _exact(field: Field, alias: str) -> str:
    value = _key_value(field, alias)
    match family_of(field):
        case family if family in SORTED_AS_TEXT:
            short = f"octet_length({value}) <= {MAX_INLINE_TEXT}"
            long = f"'~' || {_digest(value)} || left({value}, {PREFIX_CHARACTERS})"
            return f"CASE WHEN {short} THEN '=' || {value} ELSE {long} END"
        case Family.DATE:
            return f"to_char({value}, 'YYYY-MM-DD')"
        case Family.DATETIME:
            return f"""to_char({value} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
    return f"{value}::text"


def _digest(value: str) -> str:
    return f"left(encode(sha256(convert_to({value}, 'UTF8')), 'hex'), {DIGEST_CHARACTERS})"


def _key_value(field: Field, alias: str) -> str:
    # A relation sorts by its first id: a whole list has no bound that would fit into a cursor.
    value = operand(field, alias)
    match family_of(field):
        case Family.IDS:
            return f"({value})[1]"
        case Family.TEXTS | Family.JSON | Family.FILE:
            return written(field, alias)
    return value


def order_by(sorts: Sequence[Sort], alias: str = "t", *, backward: bool = False) -> str:
    """The text after ORDER BY. Backward gives the opposite order; the reader turns the rows round.

    Ties are ordered by position and id. An index on (column NULLS FIRST, position, id) serves the
    ascending order in both directions of reading; descending order sorts only ties on top of it.
    """
    return ", ".join(key.order for key in _keys(sorts, alias, backward))


@dataclass(frozen=True, slots=True)
class _Key:
    """One part of the order, in the direction of reading."""

    field: Field
    value: str
    sql_type: str
    ascending: bool
    nullable: bool
    nulls_first: bool

    @property
    def order(self) -> str:
        nulls = f" NULLS {'FIRST' if self.nulls_first else 'LAST'}" if self.nullable else ""
        return f"{self.value} {'ASC' if self.ascending else 'DESC'}{nulls}"

    @property
    def beyond(self) -> str:
        return ">" if self.ascending else "<"

    @property
    def nulls_follow(self) -> bool:
        return self.nullable and not self.nulls_first


def _keys(sorts: Sequence[Sort], alias: str, backward: bool) -> tuple[_Key, ...]:
    # Equal columns may compute differently, when one that their formula uses has changed.
    computed = any(getattr(sort.field, "computation", None) for sort in sorts)
    make = _make_keys if computed else _cached_keys
    return make(tuple(sorts), alias, backward)


@lru_cache(maxsize=1024)  # made once per order, used several times per request
def _cached_keys(sorts: tuple[Sort, ...], alias: str, backward: bool) -> tuple[_Key, ...]:
    return _make_keys(sorts, alias, backward)


def _make_keys(sorts: tuple[Sort, ...], alias: str, backward: bool) -> tuple[_Key, ...]:
    ties = (Sort(SYSTEM_FIELDS["position"]), Sort(SYSTEM_FIELDS["id"]))
    return tuple(
        _Key(
            field=sort.field,
            value=_key_value(sort.field, alias),
            sql_type="bigint" if sort.field == ties[0].field else _key_type(sort.field),
            ascending=(sort.direction is Direction.ASC) is not backward,
            nullable=getattr(sort.field, "nullable", True),
            nulls_first=(sort.nulls is Nulls.FIRST) is not backward,
        )
        for sort in (*sorts, *ties)
    )


def _key_type(field: Field) -> str:
    family = family_of(field)
    return "text" if family in SORTED_AS_TEXT else SQL_TYPES[family]


def compile_page(page: Page, source: str, where: str, params: Params, alias: str = "t") -> str:
    """The text of a page statement from FROM to LIMIT; put SELECT and its expressions before it.

    `source` is the table's name in SQL, `where` a compiled condition over `alias`, or `TRUE`.
    Gives `request.fetch` rows at most, in `order_by` order for the direction of reading. The cursor
    may name a row that is gone.
    """
    after, before, limit = _bind(page, params)
    backward = page.request.backward
    order = order_by(page.sorts, alias, backward=backward)
    start, end = (before, after) if backward else (after, before)
    if end is not None:
        opposite = _keys(page.sorts, alias, not backward)
        where = f"{where} AND {_any(_parts(opposite, end, source))}"
    if start is None:
        return f"FROM {source} AS {alias} WHERE {where} ORDER BY {order} LIMIT {limit}"
    keys = _keys(page.sorts, alias, backward)
    parts = _parts(keys, start, source)
    endings = [f"ORDER BY {part.order} LIMIT {limit}" for part in parts]
    rows = [f"FROM {source} AS {alias} WHERE {where} AND {part.condition}" for part in parts]
    if len(parts) == 1:
        return f"{rows[0]} {endings[0]}"
    head, tail = (f"SELECT {alias}.id {row}" for row in rows)
    # Values and nulls are two ranges of an index and no single condition over it. The second range
    # is not read when the first fills the page: the count is known before its scan starts.
    return (
        f"FROM (WITH head AS MATERIALIZED ({head} {endings[0]}) SELECT id FROM head UNION ALL "
        f"({tail} AND (SELECT count(*) FROM head) < {limit} {endings[1]})) AS page "
        f"JOIN {source} AS {alias} ON {alias}.id = page.id ORDER BY {order} LIMIT {limit}"
    )


def bind_page(page: Page, params: Params) -> None:
    """Add the values alone, for a text that was compiled from a page of the same shape."""
    _bind(page, params)


#: References to the values of a cursor, one for each key of the order; None for null.
_Place = list["str | _LongReference | None"]


@dataclass(frozen=True, slots=True)
class _LongReference:
    """A key to look up in the row that the cursor was made of."""

    id: str
    digest: str
    prefix: str


def _bind(page: Page, params: Params) -> tuple[_Place | None, _Place | None, str]:
    after = _bind_cursor(page.sorts, page.after, params) if page.after else None
    before = _bind_cursor(page.sorts, page.before, params) if page.before else None
    return after, before, params.add(page.request.fetch, "bigint")


def _bind_cursor(sorts: Sequence[Sort], cursor: Cursor, params: Params) -> _Place:
    place: _Place = []
    position = params.add(cursor.position, "bigint")
    row_id = params.add(cursor.id, "uuid")
    for key, value in zip(_keys(sorts, "t", False), cursor.keys, strict=False):
        if value is None:
            place.append(None)
        elif isinstance(value, LongText):
            digest = params.add(value.digest, "text")
            place.append(_LongReference(row_id, digest, params.add(value.prefix, "text")))
        else:
            place.append(params.add(value, key.sql_type))
    return [*place, position, row_id]


@dataclass(frozen=True, slots=True)
class _Part:
    """A condition for some of the rows beyond a place, and the order among them."""

    condition: str
    order: str


def _any(parts: Sequence[_Part]) -> str:
    conditions = [part.condition for part in parts]
    return conditions[0] if len(parts) == 1 else "(" + " OR ".join(conditions) + ")"


def _parts(keys: Sequence[_Key], place: _Place, source: str) -> list[_Part]:
    """Disjoint parts of the rows beyond the place, in the order of reading: one or two."""
    key, reference = keys[0], place[0]
    order = ", ".join(key.order for key in keys)
    rest = _any(_parts(keys[1:], place[1:], source)) if len(keys) > 1 else None
    if reference is None:
        ties = _Part(f"({key.value} IS NULL AND {rest})", _order_of_nulls(keys))
        return [ties] if key.nulls_follow else [ties, _Part(f"{key.value} IS NOT NULL", order)]
    values = [_reference(key, part, source) for key, part in zip(keys, place, strict=True)]
    if _comparable_as_row(keys, place):
        names = ", ".join(key.value for key in keys)
        body = f"(({names}) {key.beyond} ({', '.join(filter(None, values))}))"
    else:
        # The first half is implied by the second, but it is what an index can start from.
        body = (
            f"({key.value} {key.beyond}= {values[0]}"
            f" AND ({key.value} {key.beyond} {values[0]} OR {rest}))"
        )
    with_value = _Part(body, order)
    if not key.nulls_follow:
        return [with_value]
    return [with_value, _Part(f"{key.value} IS NULL", _order_of_nulls(keys))]


def _order_of_nulls(keys: Sequence[_Key]) -> str:
    # Among nulls the first key says nothing, so it may run the way of the next one: that is how an
    # index on both has them, and nothing is left to sort.
    way = "ASC NULLS FIRST" if keys[1].ascending else "DESC NULLS LAST"
    return ", ".join([f"{keys[0].value} {way}", *(key.order for key in keys[1:])])


def _comparable_as_row(keys: Sequence[_Key], place: _Place) -> bool:
    """Whether one row comparison says it: same direction, no null in the place, none behind it.

    One that meets a null is unknown, which is right for nulls that stand before values.
    """
    return (
        all(key.ascending is keys[0].ascending for key in keys)
        and all(reference is not None for reference in place)
        and not any(key.nulls_follow for key in keys[1:])
    )


def _reference(key: _Key, reference: "str | _LongReference | None", source: str) -> str | None:
    if not isinstance(reference, _LongReference):
        return reference
    # When the row is gone or its text has changed, reading goes on at the edge of the texts that
    # share the prefix: some of them may come twice, none is left out.
    value = _key_value(key.field, "key_row")
    edge = reference.prefix if key.ascending else f"{reference.prefix} || {_LAST_CHARACTERS}"
    return (
        f"coalesce((SELECT {value} FROM {source} AS key_row WHERE key_row.id = {reference.id}"
        f" AND {_digest(value)} = {reference.digest}), {edge})"
    )
