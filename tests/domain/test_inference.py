import csv
from typing import Any
from uuid import UUID
from zipfile import ZipFile

import pytest

from domain import inference
from domain.columns import Column, ColumnType
from domain.csv_text import CsvReader
from domain.errors import ErrorCode, Invalid
from domain.import_rows import RecordChecker, RejectedRecord
from domain.inference import InferredColumn, MappingEntry, apply_mapping, infer, preview
from domain.values import file_reader
from tests.domain.test_csv_text import DATA, UTF_8


@pytest.mark.parametrize(
    ("texts", "type_"),
    [
        ([], "text"),
        (["", "  "], "text"),
        (["a@b.org", "c@d.example"], "email"),
        (["https://a.org", "http://b.org/x"], "url"),
        (["0", "1"], "boolean"),
        (["Yes", "no", ""], "boolean"),
        (["2024-01-31", "1/31/2024", "31.1.24"], "date"),
        (["2024-01-31", "2024-01-31T10:00:00Z"], "datetime"),
        (["1/31/2024 10:30 PM", "2024-01-31"], "datetime"),
        (["2024-02-30"], "text"),
        (["31/1/2024"], "text"),
        (["1", "2"], "number"),
        (["$1,234.50", "-€5", "£ 3", "¥7", "50%", "1e5", ".5", "-0"], "number"),
        (["1,23"], "text"),
        (["NA", "3"], "text"),
        (["1_000"], "text"),
        (["٣"], "text"),
        (["a", "b", "a", "b"], "text"),
        (["b", "a", "b", "a", "b"], "select"),
        ([str(n % 11) + "x" for n in range(100)], "text"),
        ([str(n % 10) + "x" for n in range(100)], "select"),
        (["x" * 300] * 5, "text"),
    ],
    ids=lambda case: repr(case)[:30],
)
def test_types_are_inferred(texts: list[str], type_: str) -> None:
    column_type, config = infer(texts)
    assert column_type == type_
    assert config == ({"options": sorted(set(texts))} if type_ == "select" else None)


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("text", " kept as it is ", " kept as it is "),
        ("number", "$1,234.50", 1234.5),
        ("number", "50%", 50),
        ("number", "-€ 5", -5),
        ("number", "1 234\u00a0567", 1234567),
        ("number", "NA", None),
        ("number", "$", None),
        ("number", "9" * 1_001, None),
        ("boolean", "YES", True),
        ("boolean", "1", True),
        ("boolean", "no", False),
        ("date", "2/29/2024", "2024-02-29"),
        ("date", "29.2.24", "2024-02-29"),
        ("date", "2024-02-29", "2024-02-29"),
        ("date", "2/29/2024 0:00", "2024-02-29"),
        ("datetime", "2/29/2024 1:05 PM", "2024-02-29T13:05:00.000Z"),
        ("datetime", "2/29/2024 12:05:09 am", "2024-02-29T00:05:09.000Z"),
        ("datetime", "29.02.2024 13:05", "2024-02-29T13:05:00.000Z"),
        ("datetime", "2013-01-01T10:00:00Z", "2013-01-01T10:00:00.000Z"),
        ("select", " open ", "open"),
        ("url", " http://a.org ", "http://a.org"),
        (
            "relation",
            "018f0000-0000-8000-8000-00000000000a; 018f0000-0000-8000-8000-00000000000b",
            ["018f0000-0000-8000-8000-00000000000a", "018f0000-0000-8000-8000-00000000000b"],
        ),
        (
            "relation",
            '["018f0000-0000-8000-8000-00000000000a"]',
            ["018f0000-0000-8000-8000-00000000000a"],
        ),
    ],
    ids=lambda case: repr(case)[:30],
)
def test_texts_of_a_file_are_coerced(type_: str, text: str, value: Any) -> None:
    read = file_reader(column(1, "x", type_))
    assert read(text) == value
    assert type(read(text)) is type(value)


def column(number: int, key: str, type_: str, **more: Any) -> Column:
    return Column(UUID(int=number), number, key, key.title(), ColumnType(type_), number, **more)


def test_headers_and_keys_are_made_usable() -> None:
    header = ["Unit Price ($)", "", "unit-price", "Größe", " Größe ", "###", "名前", "x" * 200]
    found = preview(header, [["1", "2"], ["3", "4", "5", "6", "7", "8", "9", "10", "more"]])
    assert found.headers == [
        *("Unit Price ($)", "col_2", "unit-price", "Größe", "Größe_2", "###", "名前", "x" * 200)
    ]
    assert [c.key for c in found.columns] == [
        *("unit_price", "col_2", "unit_price_2", "größe", "größe_2", "col_6", "名前", "x" * 64)
    ]
    assert found.columns[-1].label == "x" * 128
    assert found.sample_rows[0] == dict.fromkeys(found.headers, "") | {
        "Unit Price ($)": "1",
        "col_2": "2",
    }
    assert list(found.sample_rows[1].values()) == ["3", "4", "5", "6", "7", "8", "9", "10"]
    assert inference.unique_headers(["a", "a_2", "a", "a"]) == ["a", "a_2", "a_3", "a_4"]
    assert preview([], []).columns == []


def test_long_keys_stay_unique_within_their_length() -> None:
    found = preview(["k" * 70, "k" * 80], [])
    assert [c.key for c in found.columns] == ["k" * 64, "k" * 62 + "_2"]


def test_a_preview_shows_ten_rows_and_infers_from_a_hundred() -> None:
    records = [["7", "x"]] * 100 + [["not a number", "x"]]
    found = preview(["n", "s"], records)
    assert len(found.sample_rows) == 10
    assert [c.type for c in found.columns] == ["number", "select"]


INFERRED = [
    InferredColumn(0, "First Name", "first_name", "First Name", ColumnType.TEXT),
    InferredColumn(1, "Size", "size", "Size", ColumnType.SELECT, {"options": ["L"]}),
    InferredColumn(2, "Day", "day", "Day", ColumnType.BOOLEAN),
]


def test_a_mapping_renames_retypes_and_skips() -> None:
    entries = [
        MappingEntry("given", "First Name", "text"),
        MappingEntry("size", "Volume", "select"),
        MappingEntry("day", "Day", "number", skip=False),
    ]
    assert apply_mapping(INFERRED, entries) == [
        InferredColumn(0, "First Name", "given", "First Name", ColumnType.TEXT),
        InferredColumn(1, "Size", "size", "Volume", ColumnType.SELECT, {"options": ["L"]}),
        InferredColumn(2, "Day", "day", "Day", ColumnType.NUMBER),
    ]
    assert apply_mapping(INFERRED, []) == INFERRED
    skipped = [MappingEntry("size", "", "", skip=True)]
    assert apply_mapping(INFERRED, skipped) == [INFERRED[0], INFERRED[2]]
    (retyped,) = apply_mapping(INFERRED[1:2], [MappingEntry("size", "Size", "text")])
    assert retyped.config is None


def test_two_columns_may_swap_their_keys() -> None:
    entries = [MappingEntry("day", "Day", "text"), MappingEntry("size", "Size", "text")]
    assert [c.key for c in apply_mapping(INFERRED, entries)] == ["first_name", "size", "day"]


def test_a_bad_mapping_is_refused_with_every_problem() -> None:
    entries = [
        MappingEntry("nothing", "Nothing", "text"),
        MappingEntry("size", "Size", "colour"),
        MappingEntry("day", "", "computed"),
        MappingEntry("size", "First Name", "text"),
    ]
    with pytest.raises(Invalid) as caught:
        apply_mapping(INFERRED, entries)
    assert [(p.code, p.path) for p in caught.value.problems] == [
        (ErrorCode.UNKNOWN_COLUMN, ("columnMapping", "0")),
        (ErrorCode.NOT_AN_OPTION, ("columnMapping", "1", "dataType")),
        (ErrorCode.NOT_AN_OPTION, ("columnMapping", "2", "dataType")),
        (ErrorCode.INVALID, ("columnMapping", "2", "displayName")),
        (ErrorCode.DUPLICATE, ("columnMapping",)),
    ]


def test_records_become_rows_and_rejections() -> None:
    columns = [
        column(1, "name", "text", required=True),
        column(2, "n", "number"),
        column(3, "when", "date"),
        column(4, "kind", "select", config={"options": ["a"]}, default_value="a"),
        column(5, "sum", "computed"),
    ]
    checker = RecordChecker(4, {0: columns[0], 1: columns[1], 3: columns[2]}, columns)
    found = checker.check(
        [
            ["x", "1", "not imported", "2024-01-01"],
            ["y"],
            ["", "z", "", "soon"],
            ["z", "NA", "", "", " ", ""],
            ["z", "2", "", "", "more"],
        ],
        first=2,
    )
    assert [row.values for row in found.rows] == [
        {1: "x", 2: 1, 3: "2024-01-01", 4: "a"},
        {1: "y", 4: "a"},
        {1: "z", 4: "a"},
    ]
    assert found.rejected == [
        RejectedRecord(4, 'name: a value is required; when: "soon" is not a date (YYYY-MM-DD)'),
        RejectedRecord(6, "5 fields where the header has 4"),
    ]
    assert checker.check([], first=7).rows == []


def test_a_required_column_without_a_source_or_a_number_refuses_records() -> None:
    columns = [column(1, "n", "number", required=True), column(2, "m", "text", required=True)]
    with_source = RecordChecker(1, {0: columns[0]}, columns[:1])
    assert with_source.check([["NA"]], first=2).rejected == [
        RejectedRecord(2, 'n: "NA" is not a number, and a value is required')
    ]
    without = RecordChecker(1, {0: columns[0]}, columns)
    assert without.check([["1"]], first=2).rejected == [RejectedRecord(2, "m: a value is required")]


def test_imported_lists_are_not_shared_between_rows() -> None:
    links = column(1, "links", "relation")
    checker = RecordChecker(1, {0: links}, [links])
    text = "018f0000-0000-8000-8000-00000000000a"
    first, second = checker.check([[text], [text]], first=2).rows
    assert first.values[1] is not second.values[1]


@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("airlines.csv", "text text"),
        ("airports.csv", "text text number number number number select select"),
        ("planes.csv", "text number select select select number number select select"),
        (
            "weather.csv",
            "select number boolean number number number number number text number text boolean "
            "text number datetime",
        ),
    ],
)
def test_types_of_real_files(name: str, types: str) -> None:
    with (DATA / name).open(newline="") as file:
        header, *records = csv.reader(file)
    assert " ".join(column.type for column in preview(header, records).columns) == types


def test_flights_are_inferred_and_imported_exactly() -> None:
    with ZipFile(DATA / "flights.csv.zip").open("flights.csv") as file:
        data = file.read(1_000_000)
    batch, *batches = CsvReader(UTF_8).feed(data)
    header, *records = batch.records
    found = preview(header, records)
    assert [column.type for column in found.columns if column.type != "number"] == [
        *("boolean", "boolean", "text", "text", "select", "text", "datetime")
    ]
    numbers = [MappingEntry(name, name, "number") for name in ("month", "day")]
    columns = [
        column(c.index + 1, c.key, c.type, config=c.config)
        for c in apply_mapping(found.columns, numbers)
    ]
    checker = RecordChecker(len(header), dict(enumerate(columns)), columns)
    for each in [batch, *batches]:
        raw = each.records[1:] if each.first == 1 else each.records
        checked = checker.check(raw, each.first)
        assert checked.rejected == []
        assert [
            [_as_written(row.values.get(number)) for number in range(1, 20)] for row in checked.rows
        ] == [[_expected(*field) for field in enumerate(record)] for record in raw]


def _expected(index: int, text: str) -> str:
    """The tail number is the only text column that says NA; elsewhere it is no number."""
    return "" if text == "NA" and index != 11 else text


def _as_written(value: Any) -> str:
    if value is None:
        return ""
    return value.replace(".000Z", "Z") if isinstance(value, str) else str(value)
