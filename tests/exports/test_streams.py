"""Exports as streams over real sockets: long ones, readers that go away, and ends in the middle."""

import asyncio
import io
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

import httpx2
import pytest
from python_calamine import CalamineWorkbook

from domain.export_formats import FORMATS, ExportFormat
from domain.export_records import ExportBounds, ExportRow
from persistence import exports
from tests.rest.calls import Calls, column, refused
from tests.serving import Site

ROWS = 1000
WIDE = 4
#: More than what sockets and buffers between server and client hold.
TEXT = "0123456789abcdef" * 1_000


async def wide_table(calls: Calls) -> str:
    """A table of 64 MB as CSV."""
    table = await calls.table(*(column(f"c{n}") for n in range(WIDE)))
    for _ in range(10):
        data = {f"c{n}": TEXT for n in range(WIDE)}
        await calls.add(table["id"], *([data] * (ROWS // 10)))
    return str(table["id"])


async def test_more_than_memory_should_hold(calls: Calls) -> None:
    table = await wide_table(calls)
    async with calls.client.stream("GET", f"/export/{table}") as answer:
        assert answer.headers["transfer-encoding"] == "chunked"
        size = 0
        async for part in answer.aiter_bytes():
            size += len(part)
    assert size > ROWS * WIDE * len(TEXT)


async def test_a_table_that_is_deleted_in_the_middle_is_no_whole_file(
    site: Site, calls: Calls
) -> None:
    table = await wide_table(calls)
    for format_ in ("csv", "json", "jsonl", "xlsx"):
        answer = await calls.client.get(f"/export/{table}?format={format_}")
        assert answer.status_code == 200
    async with calls.client.stream("GET", f"/export/{table}") as answer:
        assert answer.status_code == 200
        parts = answer.aiter_bytes()
        await anext(parts)
        async with site.client() as other:
            assert (await other.delete(f"/api/tables/{table}")).status_code == 204
        with pytest.raises(httpx2.RemoteProtocolError):
            async for _ in parts:
                pass


async def test_a_reader_that_goes_away_ends_the_reading(
    site: Site, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = await wide_table(calls)
    closed = asyncio.Event()
    taken = 0
    plain = exports._Export.chunks

    async def chunks(self: exports._Export) -> AsyncGenerator[Sequence[ExportRow], None]:
        nonlocal taken
        try:
            async for chunk in plain(self):
                taken += len(chunk)
                yield chunk
        finally:
            closed.set()

    monkeypatch.setattr(exports._Export, "chunks", chunks)
    async with calls.client.stream("GET", f"/export/{table}") as answer:
        await anext(answer.aiter_bytes())
    async with asyncio.timeout(20):
        await closed.wait()
    assert taken < ROWS


async def test_what_is_too_long_for_a_cell_is_refused_before_anything_is_sent(
    calls: Calls,
) -> None:
    table = await calls.table(column("short"), column("long"))
    await calls.add(table["id"], {"short": "a", "long": "x" * 32_768}, {"long": "y" * 32_767})
    for path in (f"/export/{table['id']}", f"/api/tables/{table['id']}/export"):
        answer = await calls.client.get(path, params={"format": "xlsx"})
        assert answer.status_code == 413
        assert "The column Long holds texts of more than 32,767" in answer.json()["error"]
        assert (await calls.client.get(path)).status_code == 200
    for query in ({"columns": "short"}, {"filter": SECOND}):
        given = {"format": "xlsx"} | query
        answer = await calls.client.get(f"/export/{table['id']}", params=given)
        assert answer.status_code == 200


SECOND = '{"where":{"column":"position","operator":"gt","value":1}}'


async def test_the_dialect_stops_at_10_000_rows(calls: Calls) -> None:
    table = await calls.table(column("n", "number"))
    for start in range(0, 11_000, 1_000):
        await calls.add(table["id"], *({"n": n} for n in range(start, start + 1_000)))
    path = f"/api/tables/{table['id']}/export"
    assert (await calls.client.get(path)).text.splitlines()[1:] == [str(n) for n in range(10_000)]
    assert len((await calls.client.get(f"{path}?format=json")).json()) == 10_000
    sheet = await calls.client.get(f"{path}?format=xlsx")
    book = CalamineWorkbook.from_filelike(io.BytesIO(sheet.content))
    assert len(book.get_sheet_by_index(0).to_python()) == 10_001
    whole = (await calls.client.get(f"/export/{table['id']}")).text
    assert len(whole.splitlines()) == 11_001


async def test_a_sheet_has_a_most(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    table = await calls.table(column("n", "number"))
    await calls.add(table["id"], *({"n": n} for n in range(10)))
    small = replace(FORMATS[ExportFormat.XLSX], bounds=ExportBounds(9, 100))
    monkeypatch.setitem(FORMATS, ExportFormat.XLSX, small)
    path = f"/export/{table['id']}"
    for query in ({}, {"sort": '[{"column":"n"}]'}, {"asOf": "2"}):
        answer = await calls.client.get(path, params={"format": "xlsx"} | query)
        refused(answer, 413, "This format holds at most 9 rows; export as csv or json")
    fewer = {"format": "xlsx", "filter": '{"where":{"column":"n","operator":"gt","value":0}}'}
    assert (await calls.client.get(path, params=fewer)).status_code == 200
    limited = await calls.client.get(f"/api/tables/{table['id']}/export?format=xlsx")
    assert limited.status_code == 413
