"""Charts in storage, and the rows of charts that show each row."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain import ids
from domain.aggregation import GroupKey
from domain.changes import ChangeKind
from domain.chart_records import Chart, ChartCreate, ChartUpdate, Pair, Pairs, PairsQuery
from domain.columns import TableShape
from domain.entities import UNSET
from domain.errors import StructureMoved
from domain.fields import Field
from persistence.aggregate_sql import json_sql, key_sql, numeric_sql
from persistence.engine import Database, run_sql
from persistence.fetching import fetch
from persistence.filter_sql import Params, bind_values, compile_filter, filter_shape
from persistence.models import ChartRow, TableRow
from persistence.statements import statements
from persistence.unit_of_work import Wake, log_table_change

_LIVE = "SELECT id FROM user_table WHERE id = :id AND deleted_at IS NULL"
_NOW = "SELECT clock_timestamp()::timestamptz(3)"


class Charts:
    """The `ChartStore` port, and batch reads for loaders.

    Each write is an entry of the table's log, so that whoever follows a chart hears of it."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake

    async def get(self, organization_id: UUID, chart_id: UUID) -> Chart | None:
        """None also when its table was deleted."""
        statement = (
            select(ChartRow)
            .join(TableRow, col(TableRow.id) == col(ChartRow.table_id))
            .where(
                ChartRow.id == chart_id,
                ChartRow.organization_id == organization_id,
                col(TableRow.deleted_at).is_(None),
            )
        )
        async with self._database.read() as session:
            row = (await session.exec(statement)).one_or_none()
        return entity(row) if row else None

    async def of_tables(
        self, organization_id: UUID, table_ids: Sequence[UUID]
    ) -> dict[UUID, list[Chart]]:
        """The charts of each table, oldest first."""
        statement = (
            select(ChartRow)
            .where(
                ChartRow.organization_id == organization_id, col(ChartRow.table_id).in_(table_ids)
            )
            .order_by(col(ChartRow.created_at), col(ChartRow.id))
        )
        found: dict[UUID, list[Chart]] = defaultdict(list)
        async with self._database.read() as session:
            for row in await session.exec(statement):
                found[row.table_id].append(entity(row))
        return found

    async def create(self, organization_id: UUID, actor: str, command: ChartCreate) -> Chart | None:
        """None when the table is gone."""
        row = ChartRow(
            id=ids.new_id(ids.Kind.CHART),
            organization_id=organization_id,
            table_id=command.table_id,
            name=command.name,
            config=dict(command.config),
            created_by=actor,
        )
        try:
            async with self._database.transaction() as session:
                revision = await _log(session, row, actor, "created")
                session.add(row)
                await session.flush()
                await session.refresh(row)
        except _Gone:
            return None
        self._wake("table", row.table_id, revision)
        return entity(row)

    async def update(
        self, organization_id: UUID, actor: str, chart: Chart, command: ChartUpdate
    ) -> Chart | None:
        """None when it is gone. Keys are merged into the config that is stored at that moment."""
        try:
            async with self._database.transaction() as session:
                # The log first: its lock makes all changes of a table's charts wait in line.
                revision = await _log(session, chart, actor, "updated")
                row = await _found(session, chart)
                if command.name is not UNSET:
                    row.name = command.name
                if command.config is not UNSET:
                    row.config = _merged(row.config, command.config)
                row.updated_at = (await run_sql(session, _NOW)).scalar_one()
        except _Gone:
            return None
        self._wake("table", chart.table_id, revision)
        return entity(row)

    async def delete(self, organization_id: UUID, actor: str, chart: Chart) -> bool:
        """False when it was gone."""
        try:
            async with self._database.transaction() as session:
                revision = await _log(session, chart, actor, "deleted")
                await session.delete(await _found(session, chart))
        except _Gone:
            return False
        self._wake("table", chart.table_id, revision)
        return True

    async def pairs(self, shape: TableShape, query: PairsQuery) -> Pairs:
        """Rows as pairs. Of too many rows those whose ids have the least hashes are taken: a
        sample that edits hardly change."""
        text = statements.get(shape, ("pairs", _form(query)), lambda: _statement(shape, query))
        params = Params(shape.id, shape.organization_id, shape.columns_version)
        if query.filter is not None:
            bind_values(query.filter, params)
        params.add(query.limit + 1, "bigint")
        records = await fetch(self._database.pool, text, params.values)
        if not records:
            raise StructureMoved
        return _pairs(query, records)


class _Gone(Exception):
    """The chart or its table is gone: the transaction is rolled back, with its log entry."""


async def _found(session: AsyncSession, chart: Chart) -> ChartRow:
    row = await session.get(ChartRow, chart.id)
    if row is None:
        raise _Gone
    return row


async def _log(session: AsyncSession, chart: Chart | ChartRow, actor: str, action: str) -> int:
    """Take the table's clock and write the entry. Raises `_Gone` when the table is gone."""
    details = {"fields": ["charts"], "chart": {"id": str(chart.id), "action": action}}
    revision = await log_table_change(
        session,
        chart.organization_id,
        chart.table_id,
        actor,
        ChangeKind.TABLE_CHANGED,
        details,
    )
    live = (await run_sql(session, _LIVE, id=chart.table_id)).one_or_none()
    if revision is None or live is None:
        raise _Gone
    return revision


def _merged(old: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """With the new keys; None takes out those that only we know."""
    merged = {**old, **given}
    return {key: value for key, value in merged.items() if value is not None or key in _ALWAYS}


#: Keys that every config has, with null where nothing is set.
_ALWAYS = frozenset({"type", "xColumn", "yColumn", "aggregation"})


def _form(query: PairsQuery) -> tuple[Any, ...]:
    fields = (query.x, query.y, query.series)
    names = tuple(field.sql_name if field is not None else None for field in fields)
    return (*names, filter_shape(query.filter) if query.filter is not None else None)


def _statement(shape: TableShape, query: PairsQuery) -> str:
    params = Params(shape.id, shape.organization_id, shape.columns_version)
    where = compile_filter(query.filter, params) if query.filter is not None else "TRUE"
    limit = params.add(query.limit + 1, "bigint")
    y = numeric_sql(query.y, "t") if query.y is not None else "NULL::numeric"
    return (
        "SELECT c.revision, x.* FROM table_clock c LEFT JOIN LATERAL ("
        f"SELECT t.id, t.position, f.place, {_shown(query.x)} AS x, trim_scale({y})::text AS y,"
        f" {_shown(query.series)} AS series"
        " FROM (SELECT t.id, row_number() OVER (ORDER BY uuid_hash(t.id), t.id) AS place"
        f" FROM {shape.sql_name} AS t WHERE {where}"
        f" ORDER BY uuid_hash(t.id), t.id LIMIT {limit}) f"
        f" JOIN {shape.sql_name} AS t ON t.id = f.id) x ON TRUE"
        " WHERE c.table_id = $1 AND c.organization_id = $2 AND c.columns_version = $3"
        " ORDER BY x.position, x.id"
    )


def _shown(field: Field | None) -> str:
    key = GroupKey(field)
    return json_sql(key.family, key_sql(key, "t", None))


def _pairs(query: PairsQuery, records: Sequence[asyncpg.Record]) -> Pairs:
    found = [record for record in records if record["id"] is not None]
    kept = [record for record in found if record["place"] <= query.limit]
    return Pairs(
        revision=records[0]["revision"],
        pairs=tuple(Pair(r["id"], r["x"], r["y"], r["series"]) for r in kept),
        more=len(found) > len(kept),
    )


def entity(row: ChartRow) -> Chart:
    """The record that other rooms see."""
    return Chart(
        row.id,
        row.organization_id,
        row.table_id,
        row.name,
        row.config,
        row.created_by,
        row.created_at,
        row.updated_at,
    )
