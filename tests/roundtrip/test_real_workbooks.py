"""Public workbooks of many origins come in and go out again cell by cell."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.rest.calls import Calls
from tests.roundtrip.choosing import few, parameters
from tests.roundtrip.journeys import exported, goes_round
from tests.roundtrip.real_files import Content, fits
from tests.roundtrip.real_workbooks import RealSheet, cells_of, content_of, real_sheets
from tests.roundtrip.workbook_cells import kind_of, rows_of
from tests.rules.source import ROOT
from tests.serving import Site

SHEETS = real_sheets()


def _kind(sheet: RealSheet) -> tuple[str, str]:
    return sheet.package, sheet.path.suffix


FEW = few(SHEETS, _kind)
PREVIEW = """
mutation Look($input: ImportPreviewInput!) {
  importPreview(input: $input) {
    headers totalRows columns { key label type config } errors { message }
  }
}
"""
START = """
mutation Start($input: ImportStartInput!) {
  importStart(input: $input) {
    import { status rowsImported rowsSkipped }
    errors { message }
  }
}
"""


def test_there_are_enough() -> None:
    assert len({sheet.path for sheet in SHEETS}) >= 20
    assert len({sheet.package for sheet in SHEETS}) >= 4
    assert {kind_of(sheet.path) for sheet in SHEETS} == {"XLSX", "XLS", "ODS"}


@pytest.mark.parametrize(
    "sheets", [pytest.param(FEW, id="few"), pytest.param(SHEETS, id="all", marks=pytest.mark.long)]
)
def test_each_is_listed_with_its_origin_its_licence_and_its_size(sheets: list[RealSheet]) -> None:
    text = (ROOT / "docs" / "real-files.md").read_text()
    listed = dict(re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", text, re.MULTILINE))
    assert {sheet.workbook for sheet in SHEETS} <= set(listed)
    for sheet in sheets:
        rows = len(content_of(sheet).records)
        assert f"`{sheet.sheet}` {rows}" in listed[sheet.workbook], sheet


@pytest.mark.parametrize("sheet", parameters(SHEETS, _kind))
async def test_a_real_sheet_round_trips(
    site: Site, calls: Calls, tmp_path: Path, sheet: RealSheet
) -> None:
    content = content_of(sheet)
    table_id, types = await imported(site, calls, sheet, content)
    _, rows = cells_of(sheet)
    for place, column in enumerate(zip(*rows, strict=True)):
        assert types[place] in types_for(column), (content.header[place], column)
    await goes_round(calls, table_id, content, types)
    path = tmp_path / "out.xlsx"
    path.write_bytes(await exported(calls, table_id, "xlsx"))
    _, *found = rows_of(path)
    for row, told in zip(rows, found, strict=True):
        for type_, cell, out in zip(types, row, [*told, *[None] * len(row)], strict=False):
            assert out_of(type_, cell) in (out, ...), (type_, cell, out)
            assert isinstance(out, bool) == (type_ == "boolean" and cell not in (None, ""))


async def imported(
    site: Site, calls: Calls, sheet: RealSheet, content: Content
) -> tuple[str, list[str]]:
    """A table with all rows of the sheet, and the types of its columns by place.

    Where the suggested type does not fit the whole sheet, the column is taken as numbers or else
    as text."""
    document = await calls.upload(content.data, sheet.path.name)
    table = await calls.table(name=str(sheet))
    given = {"tableId": table["id"], "fileId": document["id"], "sheet": sheet.sheet}
    seen = (await site.graphql(PREVIEW, input=given))["importPreview"]
    assert (seen["errors"], seen["totalRows"]) == ([], len(content.records))
    assert seen["headers"] == names(content.header)
    columns, types = [], []
    for place, column in enumerate(seen["columns"]):
        texts = [record[place] for record in content.records]
        options = (column["config"] or {}).get("options", [])
        suggested = column["type"].lower()
        types += [each for each in (suggested, "number", "text") if fits(each, options, texts)][:1]
        if types[-1] != suggested:
            told = {"key": column["key"], "label": column["label"]}
            columns.append(told | {"type": types[-1].upper()})
    told = (await site.graphql(START, input=given | {"columns": columns}))["importStart"]
    figures = {"status": "COMPLETED", "rowsImported": len(content.records), "rowsSkipped": 0}
    assert told == {"import": figures, "errors": []}
    return table["id"], types


def out_of(type_: str, cell: Any) -> Any:
    """What the cell must hold in the XLSX of a column of this type; ... for what stands in texts,
    which have been compared."""
    if cell is None or isinstance(cell, str):
        return ...
    if type_ in ("date", "datetime"):
        # Excel's own calendar is wrong before.
        return cell if cell >= datetime(1900, 3, 1) else cell.date().isoformat()
    return {"number": cell, "boolean": bool(cell)}.get(type_, ...)


def names(header: Sequence[str]) -> list[str]:
    """The headers as documented: a blank one is called by its place, a repeated one numbered."""
    found: list[str] = []
    for place, text in enumerate(header, 1):
        name = text.strip() or f"col_{place}"
        times = 2
        while name in found:
            name, times = f"{text.strip()}_{times}", times + 1
        found.append(name)
    return found


def types_for(cells: tuple[Any, ...]) -> set[str]:
    """The types that a column of such cells may get: texts any, others their own."""
    kinds = {type(cell) for cell in cells if cell not in (None, "")}
    if kinds == {bool}:
        return {"boolean"}
    if kinds and kinds <= {int, float}:
        return {"boolean"} if set(cells) <= {None, "", 0, 1} else {"number"}
    if kinds and all(issubclass(kind, date) for kind in kinds):
        return {"date", "datetime"}
    return {"text", "select", "number", "boolean", "date", "datetime", "email", "url"}
