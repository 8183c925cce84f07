"""Workbooks of every kind for tests, made by libraries and, where they must be odd, by hand."""

import datetime
import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import rustpy_xlsxwriter
import xlwt  # type: ignore[import-untyped]
from odf import opendocument, table, text  # type: ignore[import-untyped]

Cells = Sequence[Sequence[Any]]

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><cellXfs count="2"><xf numFmtId="0"/>'
    '<xf numFmtId="22" applyNumberFormat="1"/></cellXfs></styleSheet>'
)


def xlsx(records: Sequence[Mapping[str, Any]], folder: Path) -> bytes:
    """An XLSX workbook with one sheet: the keys of the first record are the header."""
    path = folder / "made.xlsx"
    rustpy_xlsxwriter.write_worksheet(list(records), str(path))
    return path.read_bytes()


def xls(sheets: Mapping[str, Cells]) -> bytes:
    """An XLS workbook of Excel 97."""
    book = xlwt.Workbook()
    day, moment = (
        xlwt.easyxf(num_format_str=form) for form in ("yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss")
    )
    for name, rows in sheets.items():
        sheet = book.add_sheet(name)
        for r, row in enumerate(rows):
            for c, cell in enumerate(row):
                if isinstance(cell, datetime.datetime):
                    sheet.write(r, c, cell, moment)
                elif isinstance(cell, datetime.date):
                    sheet.write(r, c, cell, day)
                elif cell is not None:
                    sheet.write(r, c, cell)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def ods(sheets: Mapping[str, Cells]) -> bytes:
    """An OpenDocument spreadsheet."""
    document = opendocument.OpenDocumentSpreadsheet()
    for name, rows in sheets.items():
        sheet = table.Table(name=name)
        for row in rows:
            line = table.TableRow()
            for cell in row:
                line.addElement(_ods_cell(cell))
            sheet.addElement(line)
        document.spreadsheet.addElement(sheet)
    out = io.BytesIO()
    document.write(out)
    return out.getvalue()


def _ods_cell(cell: Any) -> Any:
    match cell:
        case None:
            return table.TableCell()
        case bool():
            return table.TableCell(valuetype="boolean", booleanvalue=str(cell).lower())
        case int() | float():
            return table.TableCell(valuetype="float", value=str(cell))
        case datetime.date():
            return table.TableCell(valuetype="date", datevalue=cell.isoformat())
    made = table.TableCell(valuetype="string")
    made.addElement(text.P(text=cell))
    return made


def xlsx_by_hand(
    sheet: str | bytes,
    *,
    workbook: str = "",
    more: Mapping[str, str | bytes] | None = None,
    compression: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """An XLSX workbook around the XML of its only sheet. `workbook` stands before its sheets."""
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": (
            f'<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="xml" ContentType="application/xml"/></Types>'
        ),
        "_rels/.rels": _relations("officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": (
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}">{workbook}'
            '<sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": _relations("worksheet", "worksheets/sheet1.xml"),
        "xl/styles.xml": _STYLES,
        "xl/worksheets/sheet1.xml": sheet,
    }
    return zipped(parts | dict(more or {}), compression)


def zipped(parts: Mapping[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The parts as a zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in parts.items():
            # The type of an OpenDocument file stands in it uncompressed.
            method = zipfile.ZIP_STORED if name == "mimetype" else compression
            archive.writestr(name, content, method)
    return out.getvalue()


def sheet_xml(rows: str, before: str = "") -> str:
    """The XML of a sheet around its rows. `before` stands in front of everything."""
    return f'{before}<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData></worksheet>'


def _relations(kind: str, target: str) -> str:
    return (
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1"'
        f' Type="{_LINKS}/{kind}" Target="{target}"/></Relationships>'
    )
