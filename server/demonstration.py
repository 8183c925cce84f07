"""Data to look at after the first start: three tables, with tools, formulas and charts."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from domain import charts, column_editing, files, imports, projects, runs, tables
from domain.access import Viewer
from domain.chart_records import ChartCreate
from domain.columns import ColumnType, ComputedBy, NewColumn
from domain.entities import ProjectCreate, TableCreate, TableSource
from domain.files import FileUpload
from domain.imports import ImportStart
from domain.inference import MappingEntry
from domain.run_records import CellsRun
from domain.tool_records import AiTool, PythonTool, ToolSettings
from domain.tools import make_tool
from persistence.storage import PostgresStorage

_FOLDER = Path(__file__).parent / "demo"
_PROJECT = "Flights 2013"

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _DemoTable:
    """A file of the demo folder and the columns that it becomes (header → label and type), with
    formulas, tools and charts over them. Tools are run once, by the worker."""

    file: str
    name: str
    description: str
    columns: Mapping[str, tuple[str, ColumnType]]
    formulas: Sequence[NewColumn] = ()
    tools: Sequence[NewColumn] = ()
    charts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def _computed(key: str, label: str, formula: str) -> NewColumn:
    config = {"formula": formula, "formulaType": "arithmetic"}
    return NewColumn(key, label, ColumnType.COMPUTED, config=config)


def _filled(key: str, label: str, settings: ToolSettings) -> NewColumn:
    tool = make_tool(settings)
    return NewColumn(key, label, _T, computed_by=ComputedBy.TOOL, tool=tool)


_INITIALS = """\
def run(row):
    return "".join([word[0] for word in row["short_name"].split()])
"""

_N, _T = ColumnType.NUMBER, ColumnType.TEXT
_DEMO_TABLES = (
    _DemoTable(
        "airlines.csv",
        "Airlines",
        "The airlines of these flights; rules shorten the names, and Python takes the initials",
        {"carrier": ("Carrier", _T), "name": ("Name", _T)},
        tools=(
            _filled("short_name", "Short name", AiTool("Remove the company suffix from {{name}}")),
            _filled("initials", "Initials", PythonTool(_INITIALS)),
        ),
    ),
    _DemoTable(
        "planes.csv",
        "Planes",
        "The planes of these flights that are registered in the United States",
        {
            "tailnum": ("Tail number", _T),
            "year": ("Year built", _N),
            "manufacturer": ("Manufacturer", _T),
            "model": ("Model", _T),
            "engines": ("Engines", _N),
            "seats": ("Seats", _N),
            "engine": ("Kind of engine", _T),
        },
    ),
    _DemoTable(
        "flights.csv",
        "Flights",
        "3,000 of the flights that left New York in 2013",
        {
            "time_hour": ("Scheduled hour", ColumnType.DATETIME),
            "carrier": ("Carrier", _T),
            "flight": ("Flight", _N),
            "tailnum": ("Tail number", _T),
            "origin": ("From", _T),
            "dest": ("To", _T),
            "dep_delay": ("Departure delay (min)", _N),
            "arr_delay": ("Arrival delay (min)", _N),
            "air_time": ("Air time (min)", _N),
            "distance": ("Distance (mi)", _N),
        },
        formulas=(
            _computed("made_up", "Made up on the way (min)", "{{dep_delay}} - {{arr_delay}}"),
            _computed("speed", "Speed (mph)", "round({{distance}} / {{air_time}} * 60)"),
        ),
        charts={
            "Flights by airline": {"type": "bar", "xColumn": "carrier", "aggregation": "count"},
            "Delay by month": {
                "type": "line",
                "xColumn": "time_hour",
                "yColumn": "dep_delay",
                "aggregation": "avg",
                "bucket": "month",
            },
        },
    ),
)


async def load(storage: PostgresStorage, viewer: Viewer) -> None:
    """Make the project and its tables."""
    project = await projects.create_project(viewer, storage, ProjectCreate(_PROJECT))
    for demo in _DEMO_TABLES:
        command = TableCreate(demo.name, demo.description, project.id, TableSource.IMPORTED)
        table_id = (await tables.create_table(viewer, storage, command)).table.id
        rows = await _fill(storage, viewer, table_id, demo)
        for column in (*demo.formulas, *demo.tools):
            await column_editing.add_column(viewer, storage, table_id, column)
        if demo.tools:
            await runs.start_run(viewer, storage, CellsRun(table_id))
        for name, config in demo.charts.items():
            await charts.create_chart(viewer, storage, ChartCreate(table_id, name, config))
        _log.info("demo data loaded", table=demo.name, rows=rows)


async def _fill(storage: PostgresStorage, viewer: Viewer, table_id: UUID, demo: _DemoTable) -> int:
    upload = FileUpload(demo.file, _chunks((_FOLDER / demo.file).read_bytes()))
    file = await files.upload_file(viewer, storage, upload)
    mapping = [
        MappingEntry(header, label, type_) for header, (label, type_) in demo.columns.items()
    ]
    done = await imports.start_import(viewer, storage, ImportStart(table_id, file.id, mapping))
    return done.rows_imported


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content
