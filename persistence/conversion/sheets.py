"""Sheets of XLSX, XLSM, XLSB, XLS and ODS workbooks as records of texts. calamine reads them."""

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import python_calamine as calamine

from domain import numbers
from persistence.conversion import zips
from persistence.conversion.bounds import COLUMNS, Unreadable

_SHOWN_SHEETS = 20
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: The part of an OLE file in which an encrypted XLSX hides.
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_PROTECTED = "The workbook is protected with a password"
_DAMAGED = "The workbook is damaged, or of a kind that cannot be read"


def read(path: Path, name: str | None) -> tuple[list[str], Iterator[list[str]]]:
    """The first row that is not empty, and the ones behind it, all as wide as the sheet.

    Rows without any value are left out. `name` says which sheet, None the first one. Raises
    `Unreadable`."""
    _check(path)
    try:
        sheet = _sheet(calamine.load_workbook(path), name)
    except calamine.PasswordError:
        raise Unreadable(_PROTECTED) from None
    except calamine.CalamineError:
        raise Unreadable(_DAMAGED) from None
    _check_width(sheet)
    records = _records(sheet)
    header = next(records, None)
    if header is None:
        raise Unreadable("The sheet is empty")
    return header, records


def read_all(path: Path) -> Iterator[tuple[str, Iterator[list[str]]]]:
    """The name of each sheet with cells, and its rows that are not empty. Raises `Unreadable`."""
    _check(path)
    try:
        workbook = calamine.load_workbook(path)
        for each in workbook.sheets_metadata:
            if each.typ == calamine.SheetTypeEnum.WorkSheet:
                sheet = workbook.get_sheet_by_name(each.name)
                _check_width(sheet)
                yield each.name, _records(sheet)
    except calamine.PasswordError:
        raise Unreadable(_PROTECTED) from None
    except calamine.CalamineError:
        raise Unreadable(_DAMAGED) from None


def _check(path: Path) -> None:
    with path.open("rb") as file:
        is_ole = file.read(len(_OLE)) == _OLE
    if not is_ole:
        zips.check(path)
    elif _ENCRYPTED in path.read_bytes():
        raise Unreadable(_PROTECTED)


def _check_width(sheet: calamine.CalamineSheet) -> None:
    if sheet.width > COLUMNS:
        raise Unreadable(f"The sheet has {sheet.width} columns; at most {COLUMNS} can be imported")


def _sheet(workbook: calamine.CalamineWorkbook, name: str | None) -> calamine.CalamineSheet:
    """The sheet of this name, or the first one that holds cells and not only a chart."""
    kind = calamine.SheetTypeEnum.WorkSheet
    names = [each.name for each in workbook.sheets_metadata if each.typ == kind]
    if not names:
        raise Unreadable("The workbook has no sheet")
    if name is None:
        return workbook.get_sheet_by_name(names[0])
    if name not in names:
        listed = ", ".join(f'"{each}"' for each in names[:_SHOWN_SHEETS])
        raise Unreadable(f'The workbook has no sheet "{name}"; it has {listed}')
    return workbook.get_sheet_by_name(name)


def _records(sheet: calamine.CalamineSheet) -> Iterator[list[str]]:
    if sheet.start is None:
        return
    for cells in sheet.iter_rows():
        record = [each if type(each) is str else text_of(each) for each in cells]
        if any(record):
            yield record


def text_of(cell: Any) -> str:
    """A cell as the importer reads it: whole numbers without a point, moments as ISO, true and
    false; a length of time as hours, minutes and seconds."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float | int):
        return _number(cell)
    if isinstance(cell, datetime.datetime):
        return cell.isoformat(timespec="milliseconds").removesuffix(".000")
    if isinstance(cell, datetime.timedelta):
        return _duration(cell)
    return str(cell.isoformat())  # dates and times of day


def _number(cell: float) -> str:
    try:
        return numbers.text(cell)
    except ValueError:
        return ""  # not a number, or infinite


def _duration(length: datetime.timedelta) -> str:
    sign, seconds = ("-", -length) if length < datetime.timedelta() else ("", length)
    whole, rest = divmod(seconds, datetime.timedelta(seconds=1))
    text = f"{sign}{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
    return f"{text}.{rest.microseconds // 1000:03}" if rest.microseconds >= 1000 else text
