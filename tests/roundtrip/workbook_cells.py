"""Cells of a sheet as other readers see them: openpyxl, xlrd, and the XML itself for ODS."""

import datetime
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl  # type: ignore[import-untyped]
import xlrd  # type: ignore[import-untyped]

#: What a cell holds: None, a text, a number, a boolean, a day, a moment or a time of day.
Cells = Sequence[Any]

#: At the beginning of a text of XLS it says how the text is written, and is no part of it.
_MARK = "\ufeff"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"


def rows_of(path: Path, sheet: str | None = None) -> list[Cells]:
    """The rows of the sheet, or of the first one of an XLSX, that have a value, without the empty
    cells at their ends."""
    found: list[Cells] = []
    for row in _READERS[kind_of(path)](path, sheet):
        cells = list(row)
        while cells and cells[-1] in (None, ""):
            cells.pop()
        if cells:
            found.append(cells)
    return found


def kind_of(path: Path) -> str:
    """XLS, XLSX or ODS, whatever the name of the file says."""
    if not path.read_bytes().startswith(b"PK"):
        return "XLS"
    with zipfile.ZipFile(path) as packed:
        return "ODS" if "content.xml" in packed.namelist() else "XLSX"


def text_of(cell: Any) -> str:
    """The cell as documented for texts: whole numbers without a point, ISO days and moments."""
    if cell is None or isinstance(cell, str):
        return cell or ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        return str(int(cell)) if cell == int(cell) else format(Decimal(repr(cell)), "f")
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time():
        return cell.date().isoformat()
    return str(cell.isoformat())


def _xlsx(path: Path, name: str | None) -> Iterator[Iterator[Any]]:
    with warnings.catch_warnings(), path.open("rb") as file:
        warnings.simplefilter("ignore")  # of extensions that openpyxl does not know
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        sheet = book[name or book.sheetnames[0]]
        sheet.reset_dimensions()
        for row in sheet.iter_rows():
            yield (None if cell.data_type == "e" else cell.value for cell in row)


def _xls(path: Path, name: str | None) -> Iterator[Iterator[Any]]:
    book = xlrd.open_workbook(path)
    for row in book.sheet_by_name(name).get_rows():
        yield (_xls_cell(cell, book.datemode) for cell in row)


def _xls_cell(cell: Any, datemode: int) -> Any:
    match cell.ctype:
        case xlrd.XL_CELL_BOOLEAN:
            return bool(cell.value)
        case xlrd.XL_CELL_DATE:
            moment = xlrd.xldate.xldate_as_datetime(cell.value, datemode)
            return moment.time() if cell.value < 1 else moment
        case xlrd.XL_CELL_NUMBER:
            return cell.value
        case xlrd.XL_CELL_TEXT:
            return cell.value.removeprefix(_MARK)
    return None


def _ods(path: Path, name: str | None) -> Iterator[Iterator[Any]]:
    with zipfile.ZipFile(path) as packed:
        root = ElementTree.fromstring(packed.read("content.xml"))
    (table,) = (each for each in root.iter(f"{_TABLE}table") if each.get(f"{_TABLE}name") == name)
    for row in table.iter(f"{_TABLE}table-row"):
        cells = list(_ods_cells(row))
        if any(cell is not None for cell in cells):
            for _ in range(int(row.get(f"{_TABLE}number-rows-repeated", 1))):
                yield iter(cells)


def _ods_cells(row: ElementTree.Element) -> Iterator[Any]:
    for element in row:
        yield from [_ods_cell(element)] * int(element.get(f"{_TABLE}number-columns-repeated", 1))


def _ods_cell(element: ElementTree.Element) -> Any:
    match element.get(f"{_OFFICE}value-type"):
        case "float" | "currency" | "percentage":
            return float(element.attrib[f"{_OFFICE}value"])
        case "boolean":
            return element.attrib[f"{_OFFICE}boolean-value"] == "true"
        case "date":
            return datetime.datetime.fromisoformat(element.attrib[f"{_OFFICE}date-value"])
        case "string":
            return "\n".join(_paragraph(each) for each in element.findall(f"{_TEXT}p"))
    return None


def _paragraph(element: ElementTree.Element) -> str:
    text = element.text or ""
    for child in element:
        if child.tag == f"{_TEXT}s":
            text += " " * int(child.get(f"{_TEXT}c", 1))
        elif child.tag == f"{_TEXT}line-break":
            text += "\n"
        else:
            text += _paragraph(child)
        text += child.tail or ""
    return text


_READERS = {"XLSX": _xlsx, "XLS": _xls, "ODS": _ods}
