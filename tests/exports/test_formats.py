"""The formats over HTTP, byte for byte, and what stands in their headers."""

import io
import json

import pytest
from python_calamine import CalamineWorkbook

from tests.rest.calls import UNKNOWN, Calls, column, refused

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

COLUMNS = (
    column("name"),
    column("n", "number"),
    column("ok", "boolean"),
    column("day", "date"),
    column("kind", "select", config={"options": ["a", "b"]}),
    column("link", "relation"),
)
IDS = ["0198c7b0-0000-8000-8000-000000000001", "0198c7b0-0000-8000-8000-000000000002"]
ROWS = (
    {"name": 'He said "no", twice', "n": 1.5, "ok": True, "day": "2024-02-29", "kind": "a"},
    {"name": "two\nlines", "n": -3, "ok": False, "link": IDS},
    {"link": IDS[:1], "more": {"x": [1, {}], "y": []}},
)
CSV = (
    "Name,N,Ok,Day,Kind,Link\n"
    '"He said ""no"", twice",1.5,true,2024-02-29,a,\n'
    f'"two\nlines",-3,false,,,"[""{IDS[0]}"",""{IDS[1]}""]"\n'
    f",,,,,{IDS[0]}\n"
)


async def test_csv(calls: Calls) -> None:
    table = await calls.table(*COLUMNS, name="Ratings 2024")
    await calls.add(table["id"], *ROWS)
    for path in (f"/api/tables/{table['id']}/export", f"/export/{table['id']}"):
        for query in ({}, {"format": "csv"}):
            answer = await calls.client.get(path, params=query)
            assert answer.status_code == 200
            assert answer.text == CSV
            assert answer.headers["content-type"] == "text/csv; charset=utf-8"
            told = answer.headers["content-disposition"]
            assert told == 'attachment; filename="Ratings 2024.csv"'
            assert answer.headers["x-revision"] == "2"
            assert answer.headers["x-content-type-options"] == "nosniff"


async def test_json(calls: Calls) -> None:
    table = await calls.table(*COLUMNS)
    await calls.add(table["id"], *ROWS)
    answer = await calls.client.get(f"/api/tables/{table['id']}/export?format=json")
    assert answer.headers["content-type"] == "application/json"
    data = [row["data"] for row in await calls.rows(table["id"])]
    # What JavaScript's JSON.stringify(data, null, 2) writes.
    assert answer.text == json.dumps(data, indent=2, ensure_ascii=False)
    lines = await calls.client.get(f"/export/{table['id']}?format=jsonl")
    assert lines.headers["content-type"] == "application/jsonl"
    assert [json.loads(line) for line in lines.text.splitlines()] == data


async def test_xlsx(calls: Calls) -> None:
    table = await calls.table(*COLUMNS, name="A/B: ratings?")
    await calls.add(table["id"], *ROWS)
    answer = await calls.client.get(f"/api/tables/{table['id']}/export?format=xlsx")
    assert answer.headers["content-type"] == XLSX
    told = answer.headers["content-disposition"]
    assert told == (
        "attachment; filename=\"A_B_ ratings_.xlsx\"; filename*=UTF-8''A%2FB%3A%20ratings%3F.xlsx"
    )
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
    assert book.sheet_names == ["A_B_ ratings_"]
    rows = book.get_sheet_by_index(0).to_python()
    assert rows[0] == ["Name", "N", "Ok", "Day", "Kind", "Link"]
    assert rows[1][:3] == ['He said "no", twice', 1.5, True]
    assert str(rows[1][3]) == "2024-02-29"
    assert rows[2][:3] == ["two\nlines", -3, False]
    assert rows[3] == ["", "", "", "", "", IDS[0]]


async def test_an_unknown_format_is_csv_in_the_dialect_and_refused_in_ours(calls: Calls) -> None:
    table = await calls.table(column("a"))
    for given in ("pdf", "JSON", "jsonl", "", "x" * 1000):
        answer = await calls.client.get(
            f"/api/tables/{table['id']}/export", params={"format": given}
        )
        assert (answer.status_code, answer.text) == (200, "A\n")
    answer = await calls.client.get(f"/export/{table['id']}?format=pdf")
    refused(answer, 400, "format must be one of csv, json, jsonl, xlsx")


@pytest.mark.parametrize(
    ("format", "content"), [("csv", b"A,B\n"), ("json", b"[]"), ("jsonl", b"")]
)
async def test_an_empty_table(calls: Calls, format: str, content: bytes) -> None:
    table = await calls.table(column("a"), column("b"))
    answer = await calls.client.get(f"/export/{table['id']}?format={format}")
    assert (answer.status_code, answer.content) == (200, content)


async def test_an_empty_sheet_and_a_table_without_columns(calls: Calls) -> None:
    table = await calls.table(column("a"))
    answer = await calls.client.get(f"/export/{table['id']}?format=xlsx")
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
    assert book.get_sheet_by_index(0).to_python() == [["A"]]
    bare = await calls.table()
    await calls.add(bare["id"], {}, {})
    for format, content in (
        ("csv", b"\n\n\n"),
        ("json", b"[\n  {},\n  {}\n]"),
        ("jsonl", b"{}\n{}\n"),
    ):
        answer = await calls.client.get(f"/export/{bare['id']}?format={format}")
        assert answer.content == content
    answer = await calls.client.get(f"/export/{bare['id']}?format=xlsx")
    assert answer.status_code == 200


async def test_a_column_alone_keeps_its_empty_cells(calls: Calls) -> None:
    table = await calls.table(column("a"))
    await calls.add(table["id"], {"a": "x"}, {}, {"a": ""})
    answer = await calls.client.get(f"/export/{table['id']}")
    assert answer.text == 'A\nx\n""\n""\n'


async def test_head_reads_no_rows(calls: Calls) -> None:
    table = await calls.table(column("a"))
    await calls.add(table["id"], {"a": "x"})
    for path in (f"/api/tables/{table['id']}/export", f"/export/{table['id']}"):
        answer = await calls.client.head(path)
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["x-revision"] == "2"


async def test_tables_that_are_not_there(calls: Calls) -> None:
    for id_ in UNKNOWN:
        refused(await calls.client.get(f"/api/tables/{id_}/export"), 404, "Table not found")
        refused(await calls.client.get(f"/export/{id_}"), 404, "Table not found")
