"""The encoders of exports, read back by independent readers."""

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from domain import numbers
from domain.columns import Column, ColumnType
from domain.errors import TooLarge
from domain.export_formats import FORMATS, EncoderInput, ExportFormat
from domain.export_records import ExportRow
from domain.export_xlsx import MAX_CHARACTERS, sheet_title
from domain.formula_guard import guarded, unguarded

#: Characters that PostgreSQL can store, without two that are no characters: XML has no form for
#: them, and readers differ in what they make of the escape.
TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00\ufffe\uffff"), max_size=30
)
FORMULAS = ("=1+1", "+49 30 1234", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "'=1", "''=1", "=")


def column(type_: ColumnType, key: str = "a", label: str = "A", **config: Any) -> Column:
    """A column."""
    return Column(uuid4(), 1, key, label, type_, 0, config=config or None)


def encoded(
    format_: ExportFormat,
    columns: Sequence[Column],
    rows: Sequence[Sequence[str | None]],
    *,
    guards: bool = False,
    title: str = "Table",
) -> bytes:
    """A whole file. Values are JSON texts."""
    encoder = FORMATS[format_].encoder(EncoderInput(title, tuple(columns), guards))
    found = [ExportRow(values, None) for values in rows]
    half = len(found) // 2
    try:
        parts = [encoder.head(), encoder.rows(found[:half]), encoder.rows(found[half:])]
        return b"".join([*parts, encoder.tail()])
    finally:
        encoder.close()


def sheet(data: bytes) -> list[list[Any]]:
    """The rows of a workbook below its header, by calamine."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    return book.get_sheet_by_index(0).to_python(skip_empty_area=False)[1:]


def json_texts(values: Sequence[Any]) -> list[list[str | None]]:
    """Rows of one value, as PostgreSQL would write them."""
    return [[json.dumps(value, ensure_ascii=False)] for value in values]


@given(st.lists(TEXTS, min_size=1, max_size=20))
@example(["_x0041_", "_x005F_x0041_", "a\r\nb", "a\rb", "\x01\x1f\x7f", " x ", "<&>\"'"])
def test_any_text_survives_csv_and_xlsx(texts: list[str]) -> None:
    columns = [column(ColumnType.TEXT), column(ColumnType.TEXT)]
    rows = [[each, each] for [each] in json_texts(texts)]
    wanted = [[text, text] for text in texts]
    written = encoded(ExportFormat.CSV, columns, rows).decode()
    assert list(csv.reader(io.StringIO(written, newline="")))[1:] == wanted
    assert sheet(encoded(ExportFormat.XLSX, columns, rows)) == wanted


@given(st.lists(TEXTS | st.sampled_from(FORMULAS), min_size=1, max_size=20))
def test_no_guarded_cell_begins_like_a_formula_and_all_can_be_unguarded(texts: list[str]) -> None:
    columns = [column(ColumnType.TEXT), column(ColumnType.SELECT)]
    rows = [[each, each] for [each] in json_texts(texts)]
    written = encoded(ExportFormat.CSV, columns, rows, guards=True).decode()
    in_csv = list(csv.reader(io.StringIO(written, newline="")))[1:]
    in_sheet = sheet(encoded(ExportFormat.XLSX, columns, rows, guards=True))
    for found in (in_csv, in_sheet):
        assert [[unguarded(cell) for cell in row] for row in found] == [[t, t] for t in texts]
        assert not any(cell[:1] in set("=+-@\t\r\n") - {""} for row in found for cell in row)


@pytest.mark.parametrize("text", FORMULAS)
def test_the_guard_is_one_apostrophe(text: str) -> None:
    assert guarded(text) == f"'{text}"
    assert unguarded(f"'{text}") == text
    for harmless in ("", "a=1", "'", "'a", " =1", "1-2", "“=1"):
        assert guarded(harmless) == unguarded(harmless) == harmless


def test_labels_are_guarded_and_numbers_are_not() -> None:
    columns = [column(ColumnType.NUMBER, label="=cmd()"), column(ColumnType.TEXT, label="T")]
    rows = [["-5", '"-5"']]
    assert encoded(ExportFormat.CSV, columns, rows, guards=True) == b"'=cmd(),T\n-5,'-5\n"
    assert encoded(ExportFormat.CSV, columns, rows) == b"=cmd(),T\n-5,-5\n"
    assert sheet(encoded(ExportFormat.XLSX, columns, rows, guards=True)) == [[-5.0, "'-5"]]
    data = [{"a": -5, "b": "=1"}]
    both = [column(ColumnType.NUMBER), column(ColumnType.TEXT, key="b")]
    for format_ in (ExportFormat.JSON, ExportFormat.JSONL):
        text = encoded(format_, both, [["-5", '"=1"']], guards=True)
        assert (json.loads(text) if format_ is ExportFormat.JSON else [json.loads(text)]) == data


NUMBERS = st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=6)


@given(st.lists(NUMBERS, min_size=1, max_size=20))
@example([2**53, 2**53 + 1, Decimal("0.1"), 10**400, Decimal(1) / 3, Decimal("1e-400"), 10**22])
def test_numbers_are_exact(given_: list[Any]) -> None:
    texts = [numbers.text(numbers.normal(each)) for each in given_]
    kind = [column(ColumnType.NUMBER), column(ColumnType.NUMBER)]
    rows = [[each, each] for each in texts]
    lines = encoded(ExportFormat.CSV, kind, rows).decode().splitlines()[1:]
    assert lines == [f"{each},{each}" for each in texts]
    for [cell, _], text in zip(sheet(encoded(ExportFormat.XLSX, kind, rows)), texts, strict=True):
        if isinstance(cell, str):
            assert cell == text
            assert Decimal(repr(float(text))) != Decimal(text)
        else:
            assert Decimal(repr(float(cell))) == Decimal(text)


@given(st.lists(st.dates(), min_size=1, max_size=20))
@example([date(1900, 2, 28), date(1900, 3, 1), date(9999, 12, 31), date(1, 1, 1)])
def test_dates_are_dates_in_a_sheet(days: list[date]) -> None:
    found = sheet(
        encoded(ExportFormat.XLSX, [column(ColumnType.DATE)], json_texts([*map(str, days)]))
    )
    early = date(1900, 3, 1)
    assert [row[0] for row in found] == [str(day) if day < early else day for day in days]


@given(st.lists(st.datetimes(min_value=datetime(1900, 3, 1)), min_size=1, max_size=20))
def test_moments_keep_their_milliseconds_in_a_sheet(moments: list[datetime]) -> None:
    cut = [moment.replace(microsecond=moment.microsecond // 1000 * 1000) for moment in moments]
    texts = [moment.isoformat(timespec="milliseconds") + "Z" for moment in cut]
    data = encoded(ExportFormat.XLSX, [column(ColumnType.DATETIME)], json_texts(texts))
    # The serial numbers themselves: readers differ in how they round them.
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        tree = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    serials = [float(each.text or "") for each in tree.iter(f"{space}v")]
    start = datetime(1899, 12, 30, tzinfo=UTC)
    found = [start + timedelta(milliseconds=round(each * 86_400_000)) for each in serials]
    assert [each.replace(tzinfo=None) for each in found] == cut


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)


@given(st.lists(JSON, max_size=5))
def test_json_is_written_like_other_writers_do(values: list[Any]) -> None:
    rows = json_texts(values)
    text = encoded(ExportFormat.JSON, [column(ColumnType.JSON)], rows).decode()
    assert text == json.dumps([{"a": value} for value in values], indent=2, ensure_ascii=False)
    lines = encoded(ExportFormat.JSONL, [column(ColumnType.JSON)], rows).decode()
    assert [json.loads(line) for line in lines.split("\n")[:-1]] == [{"a": v} for v in values]


def test_lists_objects_and_measurements() -> None:
    columns = [
        column(ColumnType.MEASUREMENT, unit="kg"),
        column(ColumnType.MULTI_SELECT),
        column(ColumnType.JSON),
        column(ColumnType.BOOLEAN),
    ]
    rows: list[list[str | None]] = [
        ['{"amount":12.50,"unit":"kg"}', '["a", "b,c"]', '"5"', "true"],
        ['{"amount":-1,"unit":"kg"}', None, "5", "false"],
    ]
    text = encoded(ExportFormat.CSV, columns, rows, guards=True).decode()
    assert list(csv.reader(io.StringIO(text)))[1:] == [
        ["12.5", '["a", "b,c"]', '"5"', "true"],
        ["-1", "", "5", "false"],
    ]
    assert sheet(encoded(ExportFormat.XLSX, columns, rows)) == [
        [12.5, '["a", "b,c"]', '"5"', True],
        [-1.0, "", "5", False],
    ]


def test_what_a_cell_cannot_hold_is_refused() -> None:
    kind = [column(ColumnType.TEXT)]
    fits = json_texts(["x" * MAX_CHARACTERS])
    assert sheet(encoded(ExportFormat.XLSX, kind, fits)) == [["x" * MAX_CHARACTERS]]
    for text in ("x" * (MAX_CHARACTERS + 1), "😀" * (MAX_CHARACTERS // 2 + 1)):
        with pytest.raises(TooLarge, match="more than 32,767 characters"):
            encoded(ExportFormat.XLSX, kind, json_texts([text]))


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Flights", "Flights"),
        ("a/b\\c?d*e[f]g:h", "a_b_c_d_e_f_g_h"),
        ("x" * 40, "x" * 31),
        ("😀" * 20, "😀" * 15),
        ("'quoted'", "quoted"),
        ("History", "History_"),
        (" ' ", "Sheet1"),
        ("<&>", "<&>"),
    ],
)
def test_titles_of_sheets(name: str, title: str) -> None:
    assert sheet_title(name) == title
    data = encoded(ExportFormat.XLSX, [column(ColumnType.TEXT)], [], title=name)
    assert CalamineWorkbook.from_filelike(io.BytesIO(data)).sheet_names == [title]


def test_wide_sheets() -> None:
    columns = [column(ColumnType.NUMBER, key=f"k{n}", label=f"L{n}") for n in range(500)]
    rows = [[str(n) for n in range(500)]] * 3
    data = encoded(ExportFormat.XLSX, columns, rows)
    assert sheet(data) == [[float(n) for n in range(500)]] * 3
