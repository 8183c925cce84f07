"""Workbooks and JSON come in by the same way as CSV: same cells, same guesses, same counts."""

import asyncio
import datetime
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain import files, imports
from domain.columns import ColumnType, NewColumn
from domain.entities import ImportStatus
from domain.errors import Invalid
from domain.import_reading import Reading
from domain.imports import ImportStart
from tests.imports import workbooks
from tests.imports.importing import Importer

HEADER = ["Name", "Count", "Share", "Born", "Seen", "Ok?", None, "Code"]
DAY = datetime.date(2024, 2, 29)
MOMENT = datetime.datetime(2024, 2, 29, 12, 30, 15)
ROWS: list[list[Any]] = [
    ["Ann", 31, 0.5, DAY, MOMENT, True, "x", "01234"],
    [None] * 8,
    ['Zoë "Z", \n 😀', -7, 1e20, datetime.date(1999, 12, 31), MOMENT, False, None, "00001"],
    ["Bob", None, None, None, None, None, "y", None],
]
EXPECTED: list[dict[str, Any]] = [
    {
        "name": "Ann",
        "count": 31,
        "share": 0.5,
        "born": "2024-02-29",
        "seen": "2024-02-29T12:30:15+00:00",
        "ok": True,
        "col_7": "x",
        "code": 1234,
    },
    {
        "name": 'Zoë "Z", \n 😀',
        "count": -7,
        "share": 100000000000000000000,
        "born": "1999-12-31",
        "seen": "2024-02-29T12:30:15+00:00",
        "ok": False,
        "col_7": None,
        "code": 1,
    },
    {
        "name": "Bob",
        "count": None,
        "share": None,
        "born": None,
        "seen": None,
        "ok": None,
        "col_7": "y",
        "code": None,
    },
]


ODD_TEXT = 'Zoë "Z", 😀'


def _xlsx(folder: Path) -> bytes:
    # A header that is a space is blank too.
    names = [" " if name is None else name for name in HEADER]
    return workbooks.xlsx([dict(zip(names, row, strict=True)) for row in ROWS], folder)


def _xls(_folder: Path) -> bytes:
    return workbooks.xls({"One": [HEADER, *ROWS], "Two": [["a"], [1]]})


def _ods(_folder: Path) -> bytes:
    # In a paragraph a line break is white space.
    rows = [[ODD_TEXT if each == ROWS[2][0] else each for each in row] for row in ROWS]
    return workbooks.ods({"One": [HEADER, *rows], "Two": [["a"], [1]]})


@pytest.mark.parametrize("make", [_xlsx, _xls, _ods])
async def test_a_workbook_arrives_cell_by_cell(
    importer: Importer, tmp_path: Path, make: Callable[[Path], bytes]
) -> None:
    world = importer.world
    table_id = await world.table()
    file = await importer.upload(make(tmp_path), "no-suffix")
    seen = await imports.preview_import(world.viewer, world.storage, table_id, file.id)
    assert seen.total_rows == 3
    assert seen.preview.headers == [name or "col_7" for name in HEADER]
    assert seen.preview.sample_rows[0]["Count"] == "31"
    assert seen.preview.sample_rows[0]["Code"] == "01234"
    assert [column.type.value for column in seen.preview.columns] == [
        "text",
        "number",
        "number",
        "date",
        "datetime",
        "boolean",
        "text",
        "number",
    ]
    command = ImportStart(table_id, file.id)
    run = await imports.start_import(world.viewer, world.storage, command)
    assert (run.status, run.rows_imported, run.rows_skipped) == (ImportStatus.COMPLETED, 3, 0)
    found = await importer.cells(table_id)
    if make is _ods:
        assert found[1].pop("name") == ODD_TEXT
        found[1] = {"name": EXPECTED[1]["name"]} | found[1]
    assert found == EXPECTED
    await importer.check_log(table_id, 3)


@pytest.mark.parametrize("make", [_xls, _ods])
async def test_a_sheet_is_chosen_by_name(
    importer: Importer, tmp_path: Path, make: Callable[[Path], bytes]
) -> None:
    world = importer.world
    table_id = await world.table()
    file = await importer.upload(make(tmp_path))
    command = ImportStart(table_id, file.id, reading=Reading(sheet="Two"))
    await imports.start_import(world.viewer, world.storage, command)
    assert await importer.cells(table_id) == [{"a": 1}]
    with pytest.raises(Invalid, match='no sheet "Three"; it has "One", "Two"'):
        await imports.preview_import(
            world.viewer, world.storage, table_id, file.id, Reading(sheet="Three")
        )


@pytest.mark.parametrize(("system", "day"), [("", "2024-01-02"), ('date1904="1"', "2028-01-03")])
async def test_days_are_counted_from_1900_or_1904(
    importer: Importer, system: str, day: str
) -> None:
    table_id = await importer.world.table()
    rows = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>day</t></is></c></row>'
        '<row r="2"><c r="A2" s="1"><v>45293</v></c></row>'
    )
    made = workbooks.xlsx_by_hand(workbooks.sheet_xml(rows), workbook=f"<workbookPr {system}/>")
    await importer.start(table_id, made)
    assert await importer.cells(table_id) == [{"day": day}]


async def test_queries_that_excel_keeps_beside_the_sheets_are_passed_over(
    importer: Importer,
) -> None:
    table_id = await importer.world.table()
    rows = '<row r="1"><c r="A1"><v>7</v></c></row><row r="2"><c r="A2"><v>8</v></c></row>'
    query = '<?xml version="1.0" encoding="utf-16"?><DataMashup/>'.encode("utf-16")
    made = workbooks.xlsx_by_hand(workbooks.sheet_xml(rows), more={"customXml/item1.xml": query})
    await importer.start(table_id, made)
    (found,) = await importer.cells(table_id)
    assert list(found.values()) == [8]


async def test_merged_odd_and_empty_cells(importer: Importer) -> None:
    """The value of merged cells stands in the first one; errors are empty; a table may begin
    anywhere in the sheet."""
    table_id = await importer.world.table()
    rows = (
        '<row r="3"><c r="B3" t="inlineStr"><is><t>kind</t></is></c>'
        '<c r="C3" t="inlineStr"><is><t>n</t></is></c></row>'
        '<row r="4"><c r="B4" t="inlineStr"><is><t>a</t></is></c><c r="C4"><v>1.0</v></c></row>'
        '<row r="5"><c r="C5"><v>12345678901</v></c></row>'
        '<row r="9"><c r="B9" t="inlineStr"><is><t>b</t></is></c>'
        '<c r="C9" t="e"><v>#DIV/0!</v></c></row>'
    )
    sheet = workbooks.sheet_xml(rows).replace(
        "</worksheet>", '<mergeCells><mergeCell ref="B4:B5"/></mergeCells></worksheet>'
    )
    run = await importer.start(table_id, workbooks.xlsx_by_hand(sheet))
    assert run.rows_imported == 3
    assert await importer.cells(table_id) == [
        {"kind": "a", "n": 1},
        {"kind": None, "n": 12345678901},
        {"kind": "b", "n": None},
    ]


JSON_ROWS = (
    '[{"name":"Ann","zip":"01234","n":12345678901234567890.125,"on":true,"at":"2024-02-29"},\n'
    ' {"zip":"00005","name":null,"n":0,"tags":["a","b, c"],"more":{"x":[1,{"y":"é"}]}},'
    ' {"name":"x\\ny","n":1,"tags":[],"more":[2.50],"last":"="}]'
)


@pytest.mark.parametrize(
    "content",
    [
        JSON_ROWS,
        '\ufeff\n{"rows":' + JSON_ROWS + "}",
        '{"meta":{"rows":[1]},"rows" : ' + JSON_ROWS + ',"more":1}',
        "\n".join(
            JSON_ROWS[1:-1]
            .replace("\n", "")
            .replace('"},', '"}\n', 1)
            .replace("}}, ", "}}\n")
            .splitlines()
        ),
    ],
    ids=["array", "rows with a mark", "rows", "lines"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
async def test_json_knows_its_types(importer: Importer, content: str, encoding: str) -> None:
    world = importer.world
    table_id = await world.table()
    run = await importer.start(table_id, content.encode(encoding), name="data")
    assert (run.status, run.rows_imported, run.rows_skipped) == (ImportStatus.COMPLETED, 3, 0)
    shape = await world.shape(table_id)
    assert [(column.key, column.type.value) for column in shape.columns] == [
        ("name", "text"),
        ("zip", "text"),
        ("n", "number"),
        ("on", "boolean"),
        ("at", "date"),
        ("tags", "multi_select"),
        ("more", "json"),
        ("last", "text"),
    ]
    rows = await importer.cells(table_id)
    assert [row["zip"] for row in rows] == ["01234", "00005", None]
    assert [row["name"] for row in rows] == ["Ann", None, "x\ny"]
    assert [row["tags"] for row in rows] == [None, ["a", "b, c"], None]
    assert [row["more"] for row in rows] == [None, {"x": [1, {"y": "é"}]}, [2.5]]
    assert [row["last"] for row in rows] == [None, None, "="]
    exact = await world.database.pool.fetchval(
        f"SELECT {shape.columns_by_key['n'].sql_name} FROM {shape.sql_name} WHERE position = 0"
    )
    assert exact == Decimal("12345678901234567890.125")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('[{"a":1},2]', "Item 2 is not an object"),
        ('[{"a":1},{"a":2}', "a comma or ] is missing"),
        ('[{"a":1}] x', "something stands behind the array"),
        ('{"a":1}\n{"a":2,}\n', "Line 2"),
        ('{"a":1}\n[2]\n', "is not an object"),
        ('[{"a":' + "[" * 200 + "]" * 200 + "}]", "nested more than 100 levels deep"),
        ('[{"a":' + "1" * 1001 + "}]", "more than 1000 digits"),
        ("[]", "no objects with keys"),
        ('[{"a":NaN}]', "NaN is not JSON"),
        ("[" + ",".join(f'{{"k{n}":1}}' for n in range(501)) + "]", "more than 500 keys"),
    ],
)
async def test_json_that_cannot_be_read_is_refused_with_the_place(
    importer: Importer, content: str, reason: str
) -> None:
    world = importer.world
    table_id = await world.table()
    file = await importer.upload(content.encode(), "data")
    with pytest.raises(Invalid) as refused:
        await imports.start_import(world.viewer, world.storage, ImportStart(table_id, file.id))
    assert reason in str(refused.value)
    assert (await world.shape(table_id)).columns == ()


@pytest.mark.parametrize("kind", ["xlsx", "jsonl"])
async def test_large_files_are_jobs_that_can_be_cancelled_and_resumed(
    importer: Importer, tmp_path: Path, kind: str
) -> None:
    world = importer.world
    table_id = await world.table(NewColumn("n", "N", ColumnType.NUMBER))
    records = [{"n": number, "text": f"row {number}"} for number in range(12_000)]
    if kind == "xlsx":
        content = workbooks.xlsx(records, tmp_path)
    else:
        lines = (f'{{"n":{each["n"]},"text":"{each["text"]}"}}\n' for each in records)
        content = "".join(lines).encode()
    run = await importer.start(table_id, content, name="data")
    assert run.status is ImportStatus.QUEUED
    async with importer.worker():
        async with asyncio.timeout(60):
            while not (await importer.get(run)).rows_imported:
                pass
        cancelled = await imports.cancel_import(world.viewer, world.storage, run.id)
    assert await importer.cells(table_id) == records[: cancelled.rows_imported]
    if cancelled.status is ImportStatus.CANCELLED:
        assert 0 < cancelled.rows_imported < 12_000
        await imports.resume_import(world.viewer, world.storage, run.id)
    async with importer.worker():
        done = await importer.finished(run)
    assert (done.status, done.rows_imported) == (ImportStatus.COMPLETED, 12_000)
    assert done.byte_offset == done.bytes_total
    assert await importer.cells(table_id) == records
    await importer.check_log(table_id, 12_000)


async def test_the_text_of_a_workbook_is_made_once_and_goes_with_it(
    importer: Importer, tmp_path: Path
) -> None:
    world = importer.world
    table_id = await world.table()
    file = await importer.upload(_xlsx(tmp_path))

    def stored() -> list[Path]:
        return sorted(path for path in importer.folder.rglob("*") if path.is_file())

    assert len(stored()) == 1
    await imports.preview_import(world.viewer, world.storage, table_id, file.id)
    with_text = {path: path.stat().st_mtime_ns for path in stored()}
    assert len(with_text) == 2
    await imports.start_import(world.viewer, world.storage, ImportStart(table_id, file.id))
    assert {path: path.stat().st_mtime_ns for path in stored()} == with_text
    await files.delete_file(world.viewer, world.storage, file.id)
    assert stored() == []
