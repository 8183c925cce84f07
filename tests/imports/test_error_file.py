"""Imports over a real socket: the refused rows as a file, and all that GraphQL can ask for."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest

from domain.access import Role
from tests.gql.documents import add, another_organization, ask, new_table
from tests.imports import workbooks
from tests.rest.calls import UNKNOWN, Calls
from tests.serving import Site, serve

START = """
mutation Start($input: ImportStartInput!) {
  importStart(input: $input) {
    import {
      id status rowsImported rowsUpdated rowsSkipped errorFileUrl mode triggers
      rejections(first: 1) { line error record }
    }
    errors { code message path }
  }
}
"""
PREVIEW = """
mutation Look($input: ImportPreviewInput!) {
  importPreview(input: $input) { headers totalRows columns { key type } errors { message } }
}
"""
MAIL = {"key": "mail", "type": "EMAIL"}
CONTENT = (
    "mail,=sum,note\n"
    + "".join(f'"=row {n}",+1,"two\nlines; ""{n}"""\n' for n in range(1_500))
    + "a@b.org,1,good\n"
).encode()


@pytest.fixture(scope="module")
async def site(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """The running application."""
    async with serve(postgres_url, redis_url, tmp_path_factory.mktemp("site")) as opened:
        yield opened


async def _start(site: Site, **given: Any) -> dict[str, Any]:
    answer = (await site.graphql(START, input=given))["importStart"]
    assert answer["errors"] == []
    found: dict[str, Any] = answer["import"]
    return found


def _records(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


async def test_every_refused_row_is_in_the_file(site: Site) -> None:
    table_id = await new_table(site, MAIL)
    file = await Calls(site.shared).upload(CONTENT)
    run = await _start(site, tableId=table_id, fileId=file["id"])
    assert (run["status"], run["rowsImported"], run["rowsSkipped"]) == ("COMPLETED", 1, 1_500)
    assert run["errorFileUrl"] == f"/imports/{run['id']}/errors.csv"
    answer = await site.shared.get(run["errorFileUrl"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    header, *records = _records(answer.text)
    assert header == ["line", "error", "mail", "'=sum", "note"]
    assert [int(record[0]) for record in records] == list(range(2, 1_502))
    assert records[7][2:] == ["'=row 7", "'+1", 'two\nlines; "7"']
    assert all("is not an e-mail address" in record[1] for record in records)
    first = run["rejections"][0]
    assert [str(first["line"]), first["error"]] == records[0][:2]
    plain = await site.shared.get(run["errorFileUrl"], params={"guard": "off"})
    assert _records(plain.text)[8][2:] == ["=row 7", "+1", 'two\nlines; "7"']
    bad = await site.shared.get(run["errorFileUrl"], params={"guard": "perhaps"})
    assert (bad.status_code, bad.json()) == (400, {"error": "guard must be on or off"})


async def test_the_mended_file_can_be_imported(site: Site) -> None:
    """Guards and all: what was refused for one cell comes in with the others as they were."""
    table_id = await new_table(site, MAIL, "note")
    calls = Calls(site.shared)
    file = await calls.upload(b"mail,note\nwrong,=1+1\nok@b.org,fine\n")
    run = await _start(site, tableId=table_id, fileId=file["id"])
    refused = (await site.shared.get(run["errorFileUrl"])).text
    mended = await calls.upload(refused.replace("wrong", "right@b.org", 2).encode())
    columns = [
        {"key": key, "label": key, "type": "TEXT", "skip": True} for key in ("line", "error")
    ]
    again = await _start(site, tableId=table_id, fileId=mended["id"], columns=columns)
    assert (again["rowsImported"], again["errorFileUrl"]) == (1, None)
    rows = await calls.rows(table_id)
    assert [row["data"] for row in rows] == [
        {"mail": "ok@b.org", "note": "fine"},
        {"mail": "right@b.org", "note": "=1+1"},
    ]


async def test_the_file_is_for_the_organisation_only(site: Site) -> None:
    table_id = await new_table(site, MAIL)
    file = await Calls(site.shared).upload(b"mail\nx\n")
    run = await _start(site, tableId=table_id, fileId=file["id"])
    url = run["errorFileUrl"]
    async with another_organization(site) as stranger:
        answer = await stranger.shared.get(url)
        assert (answer.status_code, answer.json()) == (404, {"error": "Import not found"})
    async with site.client("") as anonymous:
        assert (await anonymous.get(url)).status_code == 401
    async with site.client(await site.new_key(Role.VIEWER)) as looker:
        assert (await looker.get(url)).status_code == 200
    for unknown in UNKNOWN:
        answer = await site.shared.get(f"/imports/{unknown}/errors.csv")
        assert (answer.status_code, answer.json()) == (404, {"error": "Import not found"})


async def test_a_sheet_updates_rows_and_keeps_triggers_still(site: Site) -> None:
    table_id = await new_table(site, "code", "note")
    await add(site, table_id, {"code": "a", "note": "old"})
    content = workbooks.xls({"One": [["x"], [1]], "Two": [["code", "note"], ["a", "new"], ["b"]]})
    file = await Calls(site.shared).upload(content, "book.xls")
    given = {"tableId": table_id, "fileId": file["id"], "sheet": "Two"}
    seen = (await site.graphql(PREVIEW, input=given))["importPreview"]
    assert seen == {
        "headers": ["code", "note"],
        "totalRows": 2,
        "columns": [{"key": "code", "type": "TEXT"}, {"key": "note", "type": "TEXT"}],
        "errors": [],
    }
    run = await _start(site, **given, mode="UPSERT", keyColumns=["code"], triggers="SKIP")
    figures = [run[name] for name in ("rowsImported", "rowsUpdated", "rowsSkipped")]
    assert (figures, run["mode"], run["triggers"]) == ([1, 1, 0], "UPSERT", "SKIP")
    rows = await Calls(site.shared).rows(table_id)
    assert [row["data"]["note"] for row in rows] == ["new", None]


async def test_what_cannot_be_is_told_by_name(site: Site) -> None:
    table_id = await new_table(site, "code")
    file = await Calls(site.shared).upload(b"code,n\na,1\n")
    given = {"tableId": table_id, "fileId": file["id"]}
    for more, code, path in (
        ({"mode": "UPSERT"}, "REQUIRED", ["keyColumns"]),
        ({"mode": "UPSERT", "keyColumns": ["x"]}, "UNKNOWN_COLUMN", ["keyColumns", "0"]),
        ({"keyColumns": ["code"]}, "INVALID", ["keyColumns"]),
        ({"encoding": "klingon"}, "NOT_AN_OPTION", ["encoding"]),
    ):
        body = await ask(site, START, {"input": given | more})
        answer = body["data"]["importStart"]
        assert answer["import"] is None
        assert [(each["code"], each["path"]) for each in answer["errors"]] == [(code, path)]
