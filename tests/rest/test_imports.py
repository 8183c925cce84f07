"""Endpoint 12: previews and imports of small files."""

from typing import Any

import pytest

from tests.rest.calls import UNKNOWN, Calls, column, fields, refused

RESULT_KEYS = ["importId", "rowsImported", "rowsSkipped", "errors", "columns"]
_LINE = 'a{n}@b.org,https://b.org/{n},{ok},{month}/28/2023,"$1,{n:03}.50",{kind},note {n},\n'
ALL = (
    "Mail,Site,Ok?,Day,Amount,Kind,Note,Empty\n"
    + "".join(
        _LINE.format(n=n, ok="yes" if n % 2 else "NO", month=n + 1, kind="red" if n % 3 else "blue")
        for n in range(12)
    )
).encode()


async def test_a_preview_shows_the_file_and_writes_nothing(calls: Calls) -> None:
    table = await calls.table(column("mail"))
    file = await calls.upload(ALL)
    seen = await calls.import_(table["id"], file["id"], preview=True)
    assert list(seen) == ["headers", "sampleRows", "totalRows", "inferredColumns"]
    headers = ["Mail", "Site", "Ok?", "Day", "Amount", "Kind", "Note", "Empty"]
    assert seen["headers"] == headers
    assert seen["totalRows"] == 12
    assert [list(row) for row in seen["sampleRows"]] == [headers] * 10
    assert seen["sampleRows"][1] == dict(
        zip(
            headers,
            ["a1@b.org", "https://b.org/1", "yes", "2/28/2023", "$1,001.50", "red", "note 1", ""],
            strict=True,
        )
    )
    names = ["mail", "site", "ok", "day", "amount", "kind", "note", "empty"]
    types = ["email", "url", "boolean", "date", "number", "select", "text", "text"]
    expected: list[dict[str, Any]] = [
        {"name": name, "displayName": header, "dataType": type_}
        for name, header, type_ in zip(names, headers, types, strict=True)
    ]
    expected[5]["config"] = {"options": ["blue", "red"]}
    assert seen["inferredColumns"] == expected
    assert (await calls.client.get(f"/api/tables/{table['id']}")).json() == table


async def test_an_import_adds_columns_and_rows(calls: Calls) -> None:
    table = await calls.table(column("mail"), column("amount"))
    file = await calls.upload(ALL)
    told = await calls.import_(table["id"], file["id"])
    assert list(told) == RESULT_KEYS
    assert (told["rowsImported"], told["rowsSkipped"], told["errors"]) == (12, 0, [])
    named = [(each["name"], each["dataType"]) for each in told["columns"]]
    # What was there keeps its type.
    assert named == [
        ("mail", "text"),
        ("site", "url"),
        ("ok", "boolean"),
        ("day", "date"),
        ("amount", "text"),
        ("kind", "select"),
        ("note", "text"),
        ("empty", "text"),
    ]
    after = (await calls.client.get(f"/api/tables/{table['id']}")).json()
    assert after["columns"][:2] == table["columns"]
    assert [each["name"] for each in after["columns"][2:]] == [
        "site",
        "ok",
        "day",
        "kind",
        "note",
        "empty",
    ]
    assert after["rowCount"] == 12
    rows = await calls.rows(table["id"])
    assert rows[1]["data"] == {
        "mail": "a1@b.org",
        "amount": "$1,001.50",
        "site": "https://b.org/1",
        "ok": True,
        "day": "2023-02-28",
        "kind": "red",
        "note": "note 1",
        "empty": None,
    }
    await calls.import_(table["id"], file["id"])
    again = await calls.rows(table["id"])
    assert again[:12] == rows
    assert [row["data"] for row in again[12:]] == [row["data"] for row in rows]


async def test_a_mapping_renames_retypes_and_skips(calls: Calls) -> None:
    table = await calls.table(column("price", "number"))
    file = await calls.upload(ALL)
    mapping = [
        {"name": "price", "displayName": "Amount", "dataType": "number"},
        {"name": "ok", "displayName": "Ok?", "dataType": "text", "skip": False},
        {"name": "day", "displayName": "Day of month", "dataType": "text", "more": 1},
        *(
            {"name": n, "displayName": n, "dataType": "text", "skip": True}
            for n in ("mail", "kind")
        ),
    ]
    answer = await calls.client.post(
        f"/api/tables/{table['id']}/import",
        json={"documentId": file["id"], "columnMapping": mapping},
    )
    told = answer.json()
    assert answer.status_code == 200, answer.text
    assert [(each["name"], each["displayName"]) for each in told["columns"]] == [
        ("site", "Site"),
        ("ok", "Ok?"),
        ("day", "Day of month"),
        # This one was there: it keeps its own name for people.
        ("price", "Price"),
        ("note", "Note"),
        ("empty", "Empty"),
    ]
    rows = await calls.rows(table["id"], limit=2)
    assert rows[0]["data"] == {
        "price": 1000.5,
        "site": "https://b.org/0",
        "ok": "NO",
        "day": "1/28/2023",
        "note": "note 0",
        "empty": None,
    }


async def test_rows_that_break_a_rule_are_counted_and_the_first_20_told(calls: Calls) -> None:
    table = await calls.table(column("kind", "select", config={"options": ["a", "b"]}))
    lines = ["kind,n", *(f"{'x' if n % 2 else 'a'},{n}" for n in range(60))]
    file = await calls.upload("\n".join(lines).encode())
    told = await calls.import_(table["id"], file["id"])
    assert (told["rowsImported"], told["rowsSkipped"], len(told["errors"])) == (30, 30, 20)
    # The header is line 1, so the row of number n stands in line n + 2.
    assert [each["row"] for each in told["errors"]] == [n + 2 for n in range(1, 41, 2)]
    assert all(list(each) == ["row", "error"] for each in told["errors"])
    assert "kind" in told["errors"][0]["error"]
    assert await calls.column(table["id"], "n") == [*range(0, 60, 2)]


@pytest.mark.parametrize(
    ("content", "name", "rows"),
    [
        (b'a,b\r\n1,"two\r\nlines"\r\n', "q.csv", [{"a": True, "b": "two\r\nlines"}]),
        (b"a\tb\n5\t6\n", "t.tsv", [{"a": 5, "b": 6}]),
        (b"a;b\n5;6\n", "s.csv", [{"a": 5, "b": 6}]),
        ("\ufeffä,b\n5,é\n".encode(), "bom.csv", [{"ä": 5, "b": "é"}]),
        (b"a,,a\n5,6,7\n", "h.csv", [{"a": 5, "col_2": 6, "a_2": 7}]),
        (b"a,b\n5\n6,7,8\n", "ragged.csv", None),
        (b"a,b\n", "none.csv", []),
    ],
)
async def test_forms_of_files(
    calls: Calls, content: bytes, name: str, rows: list[dict[str, Any]] | None
) -> None:
    table = await calls.table()
    file = await calls.upload(content, name)
    told = await calls.import_(table["id"], file["id"])
    found = [row["data"] for row in await calls.rows(table["id"])]
    assert told["rowsImported"] == len(found)
    if rows is not None:
        assert found == rows


@pytest.mark.parametrize("unknown", UNKNOWN)
async def test_unknown_documents(calls: Calls, unknown: str) -> None:
    table = await calls.table()
    path = f"/api/tables/{table['id']}/import"
    for body in ({"documentId": unknown}, {"documentId": unknown, "preview": True}):
        refused(await calls.client.post(path, json=body), 404, "Document not found")


@pytest.mark.parametrize("body", [{}, {"documentId": None}, {"documentId": ""}, [], "x", None, 5])
async def test_a_document_must_be_named(calls: Calls, body: Any) -> None:
    table = await calls.table()
    answer = await calls.client.post(f"/api/tables/{table['id']}/import", json=body)
    expected = "Invalid JSON body" if body is None else "documentId is required"
    refused(answer, 400, expected)


@pytest.mark.parametrize(
    ("content", "type_"),
    [
        (b"\x89PNG\r\n\x1a\n0000", "image/png"),
        (b"%PDF-1.7", "application/pdf"),
        (
            b"PK\x03\x04....word/document.xml",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (b"only words", "text/plain"),
        (b"\0\1\2", "application/octet-stream"),
    ],
)
async def test_other_kinds_of_files(calls: Calls, content: bytes, type_: str) -> None:
    table = await calls.table()
    file = await calls.upload(content, "file")
    for preview in (True, False):
        answer = await calls.client.post(
            f"/api/tables/{table['id']}/import",
            json={"documentId": file["id"], "preview": preview},
        )
        refused(answer, 400, f"Unsupported mime type for import: {type_}")


@pytest.mark.parametrize(
    "mapping",
    [
        "x",
        [5],
        [{}],
        [{"name": "a"}],
        [{"name": 1, "displayName": "a", "dataType": "text"}],
        [{"name": "nobody", "displayName": "nobody", "dataType": "text"}],
        [{"name": "a", "displayName": "a", "dataType": "poem"}],
        [{"name": "a", "displayName": "a", "dataType": "computed"}],
        [{"name": "a", "displayName": "", "dataType": "text"}],
        [{"name": "n" * 65, "displayName": "a", "dataType": "text"}],
        [{"name": "b", "displayName": "a", "dataType": "text"}] * 3,
    ],
)
async def test_bad_mappings_import_nothing(calls: Calls, mapping: Any) -> None:
    table = await calls.table()
    file = await calls.upload(b"a,b\n1,2\n")
    answer = await calls.client.post(
        f"/api/tables/{table['id']}/import",
        json={"documentId": file["id"], "columnMapping": mapping},
    )
    assert answer.status_code == 400, answer.text
    assert list(answer.json()["error"]["fieldErrors"]) == ["columnMapping"]
    assert (await calls.client.get(f"/api/tables/{table['id']}")).json() == table


async def test_what_a_file_has_for_a_computed_column_is_passed_over(calls: Calls) -> None:
    table = await calls.table(column("a", "computed", config={"formula": "1"}))
    file = await calls.upload(b"a,b\n1,2\n")
    told = await calls.import_(table["id"], file["id"])
    assert (told["rowsImported"], told["rowsSkipped"]) == (1, 0)
    assert [row["data"] for row in await calls.rows(table["id"])] == [{"a": 1, "b": 2}]


async def test_a_required_column_that_the_file_lacks(calls: Calls) -> None:
    table = await calls.table(column("need", required=True), column("a", "number"))
    file = await calls.upload(b"a,need\n5,x\n6,\n")
    told = await calls.import_(table["id"], file["id"])
    assert (told["rowsImported"], told["rowsSkipped"]) == (1, 1)
    assert told["errors"][0]["row"] == 3
    assert [row["data"] for row in await calls.rows(table["id"])] == [{"need": "x", "a": 5}]


async def test_a_file_that_is_no_csv_after_all(calls: Calls) -> None:
    table = await calls.table()
    file = await calls.upload(b"", "empty.csv")
    answer = await calls.client.post(
        f"/api/tables/{table['id']}/import", json={"documentId": file["id"]}
    )
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error == fields(documentId=error["fieldErrors"]["documentId"])


async def test_headers_find_columns_by_label(calls: Calls) -> None:
    total = {"formula": "{{n}} * 2"}
    table = await calls.table(
        column("who", displayName="Name of the person"),
        column("n", "number", displayName="How many?"),
        column("t", "computed", displayName="Twice", config=total),
    )
    await calls.add(table["id"], {"who": "Ada", "n": 1}, {"who": "Alan", "n": 2})
    export = await calls.client.get(f"/api/tables/{table['id']}/export")
    assert export.text.splitlines()[0] == "Name of the person,How many?,Twice"
    file = await calls.upload(export.content)
    seen = await calls.import_(table["id"], file["id"], preview=True)
    assert [each["name"] for each in seen["inferredColumns"]] == ["who", "n", "t"]
    done = await calls.import_(table["id"], file["id"])
    assert (done["rowsImported"], done["errors"]) == (2, [])
    rows = await calls.rows(table["id"])
    assert [row["data"] for row in rows[2:]] == [row["data"] for row in rows[:2]]
    shown = (await calls.client.get(f"/api/tables/{table['id']}")).json()
    assert shown["columnCount"] == 3
