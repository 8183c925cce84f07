"""Groups of rows and their figures: one statement, with the revision of the same snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from domain.aggregation import Aggregate, AggregateQuery, Delta, Group, GroupOrder, Rest
from domain.columns import TableShape
from domain.errors import StructureMoved
from domain.filters import Direction
from persistence.aggregate_changes import DELTAS, delta_of, deltas_statement
from persistence.aggregate_sql import (
    figure,
    joined,
    json_sql,
    key_sql,
    measured,
    parts,
    same,
    width_sql,
    widths,
)
from persistence.engine import Database
from persistence.fetching import fetch
from persistence.filter_sql import (
    Params,
    bind_values,
    compile_filter,
    compile_search,
    filter_shape,
)
from persistence.statements import statements

_CLOCK = "c.table_id = $1 AND c.organization_id = $2 AND c.columns_version = $3"


class Aggregates:
    """The `AggregateStore` port."""

    def __init__(self, database: Database) -> None:
        self._pool = database.pool

    async def groups(self, shape: TableShape, query: AggregateQuery) -> Aggregate:
        text = statements.get(
            shape, ("aggregate", query_form(query)), lambda: _Statement(shape, query).text()
        )
        params = _bound(shape, query)
        records = await fetch(self._pool, text, params.values)
        if not records:
            raise StructureMoved
        return _aggregate(query, records)

    async def deltas(
        self, shape: TableShape, query: AggregateQuery, revisions: Sequence[int]
    ) -> list[Delta]:
        purpose = (DELTAS, query_form(query))
        text = statements.get(shape, purpose, lambda: deltas_statement(shape, query))
        params = Params(shape.id, list(revisions))
        if query.filter is not None:
            bind_values(query.filter, params)  # of the rows before the change
            bind_values(query.filter, params)  # and after it
        return [delta_of(record) for record in await self._pool.fetch(text, *params.values)]


def query_form(query: AggregateQuery) -> tuple[Any, ...]:
    """A hashable key: queries with equal keys have the same statement, whatever their values."""
    return (
        tuple(
            (
                key.field.sql_name if key.field is not None else None,
                key.bucket,
                key.bin_width is not None,
                key.bins is not None,
            )
            for key in query.keys
        ),
        tuple(
            (metric.function, metric.field.sql_name if metric.field else None, metric.lenient)
            for metric in query.metrics
        ),
        filter_shape(query.filter) if query.filter is not None else None,
        bool(query.search),
        query.order,
    )


def _bound(shape: TableShape, query: AggregateQuery) -> Params:
    """The values of the statement, in the order in which `_Statement` refers to them."""
    params = Params(shape.id, shape.organization_id, shape.columns_version)
    if query.filter is not None:
        bind_values(query.filter, params)
    if query.search:
        compile_search(shape, query.search, params)
    for key in query.keys:
        if key.bin_width is not None:
            params.add(key.bin_width, "numeric")
        if key.bins is not None:
            params.add(key.bins, "numeric")
    params.add(query.limit, "bigint")
    return params


@dataclass(frozen=True, slots=True)
class _Key:
    """A key in the statement: its name in a group, the expression over a row, and the width of its
    bins."""

    name: str
    sql: str
    width: str | None
    bins: str | None


class _Statement:
    """Writes the statement of a query, piece by piece. Aliases: the clock `c`, rows `t`, bounds
    of bins `b`, groups `g`, groups in order `r`."""

    def __init__(self, shape: TableShape, query: AggregateQuery) -> None:
        self._query = query
        params = Params(shape.id, shape.organization_id, shape.columns_version)
        conditions = []
        if query.filter is not None:
            conditions.append(f"({compile_filter(query.filter, params)})")
        if query.search:
            conditions.append(compile_search(shape, query.search, params))
        self._where = " AND ".join(conditions) or "TRUE"
        self._rows = f"{shape.sql_name} AS t"
        self._keys = [self._key(place, params) for place in range(len(query.keys))]
        self._limit = params.add(query.limit, "bigint")
        self._bounds = self._widths(shape)
        if self._bounds is not None:
            self._rows += " CROSS JOIN b"

    def _key(self, place: int, params: Params) -> _Key:
        key = self._query.keys[place]
        width = bins = None
        if key.bin_width is not None:
            width = params.add(key.bin_width, "numeric")
        if key.bins is not None:
            bins = params.add(key.bins, "numeric")
            width = widths(self._query).get(place)
        return _Key(f"k{place}", key_sql(key, "t", width), width, bins if width else None)

    def _widths(self, shape: TableShape) -> str | None:
        chosen = [
            f"{width_sql(self._query.keys[place], 't', key.bins)} AS w{place}"
            for place, key in enumerate(self._keys)
            if key.bins is not None and key.width is not None
        ]
        if not chosen:
            return None
        return f"b AS (SELECT {', '.join(chosen)} FROM {shape.sql_name} AS t WHERE {self._where})"

    def text(self) -> str:
        """The whole statement. Without a group it still gives one row, with the revision."""
        steps = ", ".join(filter(None, [self._bounds, self._groups(), self._ordered()]))
        return (
            "SELECT c.revision, x.* FROM table_clock c LEFT JOIN LATERAL ("
            f"WITH {steps} {self._shown()} UNION ALL {self._rest()}) x ON TRUE"
            f" WHERE {_CLOCK} ORDER BY x.place"
        )

    def _groups(self) -> str:
        selected = [f"{key.sql} AS {key.name}" for key in self._keys]
        for place, metric in enumerate(self._query.metrics):
            selected += parts(metric, f"m{place}", "t")
        by = ""
        if self._keys:
            by = " GROUP BY " + ", ".join(str(n + 1) for n in range(len(self._keys)))
        return f"g AS (SELECT {', '.join(selected)} FROM {self._rows} WHERE {self._where}{by})"

    def _ordered(self) -> str:
        terms = [self._term(order) for order in self._query.order]
        terms += [f"{key.name} ASC NULLS LAST" for key in self._keys]
        window = f"ORDER BY {', '.join(terms)}" if terms else ""
        return f"r AS MATERIALIZED (SELECT *, row_number() OVER ({window}) AS place FROM g)"

    def _term(self, order: GroupOrder) -> str:
        value = f"k{order.place}"
        if order.by == "metric":
            value = figure(self._query.metrics[order.place], f"m{order.place}")
        return f"{value} {'DESC' if order.direction is Direction.DESC else 'ASC'} NULLS LAST"

    def _shown(self) -> str:
        keys = ", ".join(
            json_sql(self._query.keys[place].family, key.name)
            for place, key in enumerate(self._keys)
        )
        values = ", ".join(
            json_sql(metric.family, figure(metric, f"m{place}"))
            for place, metric in enumerate(self._query.metrics)
        )
        return (
            f"SELECT place, ARRAY[{keys}]::text[] AS keys, ARRAY[{values}]::text[] AS vals,"
            f" NULL::bigint AS others, ARRAY[{self._shown_widths()}]::text[] AS widths"
            f" FROM r WHERE place <= {self._limit}"
        )

    def _shown_widths(self) -> str:
        return ", ".join("NULL" if key.width is None else _width_json(key) for key in self._keys)

    def _rest(self) -> str:
        """All groups behind the limit as one; no row when there are none."""
        values = ", ".join(
            json_sql(metric.family, self._joined(place))
            for place, metric in enumerate(self._query.metrics)
        )
        return (
            f"SELECT {self._limit} + 1, NULL, ARRAY[{values}]::text[], count(*), NULL"
            f" FROM r WHERE place > {self._limit} HAVING count(*) > 0"
        )

    def _joined(self, place: int) -> str:
        metric = self._query.metrics[place]
        if metric.function is not metric.function.COUNT_DISTINCT:
            return joined(metric, f"m{place}")
        # How many different values several groups have cannot be told from how many each has.
        equal = " AND ".join(
            same(self._query.keys[n].family, f"s.{key.name}", key.sql)
            for n, key in enumerate(self._keys)
        )
        return (
            f"(SELECT count(DISTINCT {measured(metric, 't')}) FROM {self._rows}"
            f" WHERE {self._where} AND NOT EXISTS (SELECT 1 FROM r AS s"
            f" WHERE s.place <= {self._limit} AND {equal or 'TRUE'}))"
        )


def _width_json(key: _Key) -> str:
    width = f"(SELECT {key.width} FROM b)" if key.bins is not None else str(key.width)
    return f"trim_scale({width})::text"


def _aggregate(query: AggregateQuery, records: Sequence[asyncpg.Record]) -> Aggregate:
    found = [record for record in records if record["place"] is not None]
    groups = [Group(r["keys"], r["vals"]) for r in found if r["others"] is None]
    rest = [Rest(r["others"], r["vals"]) for r in found if r["others"] is not None]
    return Aggregate(
        revision=records[0]["revision"],
        groups=groups,
        rest=rest[0] if rest else None,
        widths=found[0]["widths"] if groups else [None] * len(query.keys),
    )
