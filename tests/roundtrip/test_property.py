"""Import(export(x)) = x, over all column types and formats."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import column_editing, files, imports
from domain.columns import ColumnType, NewColumn
from domain.entities import ImportStatus
from domain.export_formats import ExportFormat
from domain.exports import ExportRequest, open_export
from domain.files import FileUpload
from domain.formula_guard import guarded
from domain.imports import ImportStart
from domain.inference import MappingEntry
from persistence.blobs import Blobs
from persistence.storage import PostgresStorage
from tests.examples import examples
from tests.imports.importing import pieces
from tests.worlds import World, open_world

OPTIONS = ["Low", "high, or so", 'a "quoted" one', "ümlaut 😀", "=1+1", "1"]

TYPES: dict[str, NewColumn] = {
    column.key: column
    for column in (
        NewColumn("text", "Text", ColumnType.TEXT),
        NewColumn("number", "Number", ColumnType.NUMBER),
        NewColumn("flag", "Flag", ColumnType.BOOLEAN),
        NewColumn("day", "Day", ColumnType.DATE),
        NewColumn("moment", "Moment", ColumnType.DATETIME),
        NewColumn("choice", "Choice", ColumnType.SELECT, config={"options": OPTIONS}),
        NewColumn("link", "Link", ColumnType.URL),
        NewColumn("mail", "Mail", ColumnType.EMAIL),
        NewColumn("choices", "Choices", ColumnType.MULTI_SELECT, config={"options": OPTIONS}),
        NewColumn("tags", "Tags", ColumnType.MULTI_SELECT),
        NewColumn("object", "Object", ColumnType.JSON),
        NewColumn("file", "File", ColumnType.FILE),
        NewColumn("weight", "Weight", ColumnType.MEASUREMENT, config={"unit": "2nd kg"}),
        NewColumn("other", "Other", ColumnType.RELATION),
        NewColumn("others", "Others", ColumnType.RELATION, config={"multiple": True}),
    )
}
DOUBLE = NewColumn("double", "Double", ColumnType.COMPUTED, config={"formula": "{{number}} * 2"})

# Without what no text file holds (control characters), what XML cannot hold (two that are no
# characters), and texts of white space alone, which files of texts cannot tell from empty cells.
TEXT = st.text(
    st.characters(
        exclude_categories=["Cs", "Cc"],
        include_characters="\t\r\n",
        exclude_characters="\ufffe\uffff",
    ),
    max_size=12,
).filter(lambda text: bool(text.strip()))
TEXTS = TEXT | st.sampled_from(
    ["=1+1", "'=1", "''-2", "-5", "0123", "true", "NULL", '"', "a,b\nc\r"]
)
NUMBERS = (
    st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False, places=9)
    | st.sampled_from([2**63, 10**300, Decimal("0.1"), Decimal("1e-30"), 2**53 + 1])
)
MOMENTS = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30))
IDS = st.uuids().map(str)
JSON = st.recursive(
    st.booleans() | st.integers(-(2**70), 2**70) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
# A text alone is read as JSON where it stands in a file of JSON.
WHOLE_JSON = JSON.filter(lambda value: not isinstance(value, str))
HOSTS = st.from_regex(r"[a-z]{1,8}\.(org|com)", fullmatch=True)


#: What cells of each column may be given. Of a file only the test knows the id.
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": TEXTS,
    "number": NUMBERS,
    "flag": st.booleans(),
    "day": st.dates().map(str),
    "moment": MOMENTS.map(lambda moment: moment.isoformat(timespec="milliseconds") + "Z"),
    "choice": st.sampled_from(OPTIONS),
    "link": st.builds("https://{}/{}".format, HOSTS, st.sampled_from(["", "a,b", "?q=1#x"])),
    "mail": st.builds("{}@{}".format, st.sampled_from(["a", "-b", "+c", "=d"]), HOSTS),
    "choices": st.lists(st.sampled_from(OPTIONS), min_size=1, max_size=3),
    "tags": st.lists(TEXTS, min_size=1, max_size=3),
    "object": WHOLE_JSON,
    "file": st.just(None),
    "weight": NUMBERS,
    "other": IDS,
    "others": st.lists(IDS, min_size=1, max_size=3),
}
ROWS = st.lists(st.fixed_dictionaries({}, optional=VALUES).filter(bool), min_size=1, max_size=6)


@dataclass
class Place:
    """An organisation with two tables of the same columns and a file."""

    world: World
    first: UUID
    second: UUID
    file_id: str


@pytest.fixture(scope="module")
async def place(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Place]:
    """Storage with room for files."""
    async with open_world(postgres_url) as world:
        blobs = Blobs.open(tmp_path_factory.mktemp("files"))
        world.storage = PostgresStorage(world.database, lambda *_: None, blobs)
        upload = FileUpload("a, b.txt", pieces(b"hello"))
        file = await files.upload_file(world.viewer, world.storage, upload)
        first, second = [await world.table(*TYPES.values()) for _ in range(2)]
        for table_id in (first, second):
            await column_editing.add_column(world.viewer, world.storage, table_id, DOUBLE)
        yield Place(world, first, second, str(file.id))


async def exported(
    world: World, table_id: UUID, format_: ExportFormat, *, guards: bool = True
) -> bytes:
    """A whole file."""
    request = ExportRequest(table_id, format_, guards=guards)
    export = await open_export(world.viewer, world.storage, request)
    return b"".join([part async for part in export.stream()])


async def imported(world: World, table_id: UUID, content: bytes, format_: ExportFormat) -> int:
    """Import a file of which no row may be refused; the count of its rows."""
    upload = FileUpload(f"data.{format_}", pieces(content))
    file = await files.upload_file(world.viewer, world.storage, upload)
    mapping = [
        MappingEntry(column.key, column.label, column.type.value) for column in TYPES.values()
    ]
    command = ImportStart(table_id, file.id, mapping)
    run = await imports.start_import(world.viewer, world.storage, command)
    rejected = await imports.import_rejections(world.viewer, world.storage, run.id)
    assert not rejected, rejected
    assert run.status is ImportStatus.COMPLETED, run.error
    return run.rows_imported


async def emptied(world: World, *tables: UUID) -> None:
    """Take all rows out of tables, past everything that is under test."""
    for table_id in tables:
        shape = await world.shape(table_id)
        await world.database.pool.execute(f"DELETE FROM {shape.sql_name}")
        await world.database.pool.execute(
            "UPDATE table_clock SET row_count = 0, revision = revision + 1 WHERE table_id = $1",
            table_id,
        )


@examples(8)
@given(rows=ROWS)
@pytest.mark.parametrize("format_", ExportFormat)
async def test_all_types_come_back(
    place: Place, format_: ExportFormat, rows: list[dict[str, Any]]
) -> None:
    world, first, second = place.world, place.first, place.second
    rows = [row | ({"file": {"id": place.file_id}} if "file" in row else {}) for row in rows]
    await emptied(world, first, second)
    await world.add(first, *rows)
    count = await imported(world, second, await exported(world, first, format_), format_)
    assert count == len(rows)
    for other in (ExportFormat.JSONL, ExportFormat.CSV):
        assert await exported(world, second, other) == await exported(world, first, other)


async def test_every_type_is_there(place: Place) -> None:
    shape = await place.world.shape(place.first)
    assert {column.type for column in shape.columns} == set(ColumnType)
    assert set(VALUES) == set(TYPES)


@pytest.mark.parametrize("format_", ExportFormat)
async def test_the_exceptions_are_those_that_are_documented(
    place: Place, format_: ExportFormat
) -> None:
    world = place.world
    first, second = [await world.table(*TYPES.values()) for _ in range(2)]
    await world.add(first, {"text": " ", "flag": True}, {"text": "", "flag": True, "loose": 1})
    await imported(world, second, await exported(world, first, format_), format_)
    lines = (await exported(world, second, ExportFormat.JSONL)).splitlines()
    found = [json.loads(line) for line in lines]
    assert [row["text"] for row in found] == [None, None]
    # A key without a column becomes a column, where the format has it at all.
    assert ("loose" in found[1]) is (format_ in (ExportFormat.JSON, ExportFormat.JSONL))


@pytest.mark.parametrize("format_", [ExportFormat.CSV, ExportFormat.XLSX])
async def test_an_import_takes_off_a_guard_that_was_not_put_on(
    place: Place, format_: ExportFormat
) -> None:
    world, first, second = place.world, place.first, place.second
    await emptied(world, first, second)
    await world.add(first, {"text": "=1"}, {"text": guarded("=1")})
    for guards, texts in ((True, ["=1", "'=1"]), (False, ["=1", "=1"])):
        await emptied(world, second)
        content = await exported(world, first, format_, guards=guards)
        await imported(world, second, content, format_)
        lines = (await exported(world, second, ExportFormat.JSONL)).splitlines()
        assert [json.loads(line)["text"] for line in lines] == texts
