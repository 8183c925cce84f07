"""Charts: their definitions, and the points that they show."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain import access, checks
from domain.access import Viewer
from domain.aggregation import Aggregate
from domain.chart_binding import BoundChart, bind_chart
from domain.chart_points import Tallies, bin_points, group_points, pair_points, tallies_of
from domain.chart_records import (
    MAX_CHARTS,
    MAX_TOP,
    Chart,
    ChartCreate,
    ChartData,
    ChartMode,
    ChartPlan,
    ChartUpdate,
)
from domain.columns import TableShape
from domain.entities import UNSET
from domain.errors import ErrorCode, Invalid, NotFound, Problem, invalid
from domain.plain_json import clean_json
from domain.ports import Storage
from domain.rejections import Rejected
from domain.tables import on_table, shape_of

_MAX_NAME = 256
_MAX_WORD = 128
_MAX_FILTER_BYTES = 500_000


@dataclass(frozen=True, slots=True)
class ChartState:
    """A chart with its points of one revision.

    `tallies` are the groups behind the points, all of them, of a chart that can be kept up to date
    by what changes do to groups; else None."""

    chart: Chart
    bound: BoundChart
    data: ChartData
    tallies: Tallies | None


async def list_charts(viewer: Viewer, storage: Storage, table_id: UUID) -> list[Chart]:
    """The charts of a table, oldest first. Raises `NotFound`."""
    access.require(viewer, "charts")
    if await storage.tables.get(viewer.organization_id, table_id) is None:
        raise NotFound("Table")
    return (await storage.charts.of_tables(viewer.organization_id, [table_id])).get(table_id, [])


async def get_chart(viewer: Viewer, storage: Storage, chart_id: UUID) -> Chart:
    """A chart. Raises `NotFound`, also when its table is gone."""
    access.require(viewer, "chart")
    return await _existing(viewer, storage, chart_id)


async def create_chart(viewer: Viewer, storage: Storage, command: ChartCreate) -> Chart:
    """Make a chart. Raises `NotFound` for the table, `Invalid`, also when the table has 100."""
    access.require(viewer, "chartCreate")
    shape = await shape_of(viewer, storage, command.table_id)
    checks.refuse(_name_problems(command.name) + _config_problems(shape, command.config))
    known = await storage.charts.of_tables(viewer.organization_id, [shape.id])
    if len(known.get(shape.id, ())) >= MAX_CHARTS:
        raise invalid(ErrorCode.TOO_MANY, f"A table has at most {MAX_CHARTS} charts")
    made = await storage.charts.create(viewer.organization_id, viewer.actor, command)
    if made is None:
        raise NotFound("Table")
    return made


async def update_chart(
    viewer: Viewer, storage: Storage, chart_id: UUID, command: ChartUpdate
) -> Chart:
    """Change a chart's name, or merge keys into its config. Raises `NotFound` or `Invalid`."""
    access.require(viewer, "chartUpdate")
    chart = await _existing(viewer, storage, chart_id)
    if command == ChartUpdate():
        return chart
    problems = [] if command.name is UNSET else _name_problems(command.name)
    if command.config is not UNSET:
        shape = await shape_of(viewer, storage, chart.table_id)
        problems += _config_problems(shape, command.config)
    checks.refuse(problems)
    changed = await storage.charts.update(viewer.organization_id, viewer.actor, chart, command)
    if changed is None:
        raise NotFound("Chart")
    return changed


async def delete_chart(viewer: Viewer, storage: Storage, chart_id: UUID) -> None:
    """Delete a chart. Raises `NotFound`."""
    access.require(viewer, "chartDelete")
    chart = await _existing(viewer, storage, chart_id)
    if not await storage.charts.delete(viewer.organization_id, viewer.actor, chart):
        raise NotFound("Chart")


async def chart_state(
    viewer: Viewer, storage: Storage, chart_id: UUID, plan: ChartPlan | None = None
) -> ChartState:
    """A chart with its points, computed over the whole table in one statement.

    `plan` draws it in another way than its config says. Raises `NotFound`, `Invalid` when its
    filter does not fit the columns any more, and `TooLarge`."""
    access.require(viewer, "chart")
    chart = await _existing(viewer, storage, chart_id)
    wanted = plan or chart.plan

    async def work(shape: TableShape) -> ChartState:
        bound = bind_chart(shape, wanted)
        if bound.groups is None:
            pairs = await storage.charts.pairs(shape, bound.pairs)
            points = pair_points(wanted, pairs)
            return ChartState(chart, bound, ChartData(pairs.revision, points, pairs.more), None)
        return _of_groups(chart, bound, await storage.aggregates.groups(shape, bound.groups))

    return await on_table(viewer, storage, chart.table_id, work)


async def watch_chart(viewer: Viewer, storage: Storage, chart_id: UUID) -> Chart:
    """The chart that a viewer may follow. Raises `NotFound`."""
    access.require(viewer, "chartChanged")
    return await _existing(viewer, storage, chart_id)


def _of_groups(chart: Chart, bound: BoundChart, found: Aggregate) -> ChartState:
    truncated = found.rest is not None
    if bound.plan.mode is ChartMode.BINS:
        points = bin_points(found)
        return ChartState(chart, bound, ChartData(found.revision, points, truncated), None)
    tallies, rest = tallies_of(bound.plan, found)
    points = group_points(bound.plan, tallies, rest, ordered=bound.ordered)
    kept = tallies if bound.additive and rest is None else None
    return ChartState(chart, bound, ChartData(found.revision, points, truncated), kept)


async def _existing(viewer: Viewer, storage: Storage, chart_id: UUID) -> Chart:
    chart = await storage.charts.get(viewer.organization_id, chart_id)
    if chart is None:
        raise NotFound("Chart")
    try:
        await shape_of(viewer, storage, chart.table_id)
    except NotFound:
        raise NotFound("Chart") from None
    return chart


def _name_problems(name: str) -> list[Problem]:
    return checks.required_text_problems("name", name, _MAX_NAME)


def _config_problems(shape: TableShape, config: Mapping[str, Any]) -> list[Problem]:
    """Columns need not exist, but a filter must fit those that do."""
    problems: list[Problem] = []
    for name in ("type", "xColumn"):
        if name in config:
            problems += checks.required_text_problems(name, config[name], _MAX_WORD)
    for name in ("yColumn", "aggregation", "bucket", "seriesColumn"):
        problems += checks.text_problems(name, config.get(name), 0, _MAX_WORD)
    for name in ("top", "bins"):
        count = config.get(name)
        if count is not None and not 1 <= count <= MAX_TOP:
            message = f"{name} must be 1 to {MAX_TOP}"
            problems.append(Problem(ErrorCode.OUT_OF_RANGE, message, (name,)))
    if config.get("filter") is not None:
        try:
            # It is stored as it came, with values that its operators do not look at.
            clean_json(config["filter"], most_bytes=_MAX_FILTER_BYTES)
            bind_chart(shape, ChartPlan.of({"filter": config["filter"]}))
        except Rejected as error:
            problems.append(Problem(error.code, f"filter: {error.message}", ("filter",)))
        except Invalid as error:
            problems += error.problems
    return problems
