"""History and rollback through the Tables API, over a real socket."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.rest.calls import UNKNOWN, Calls, column, refused
from tests.rest.document import check
from tests.serving import Site, serve

_MISSING = "History entry not found"


@pytest.fixture(scope="module")
async def site(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    async with serve(postgres_url, redis_url, tmp_path_factory.mktemp("data")) as opened:
        opened.shared.event_hooks["response"].append(check)
        yield opened


@pytest.fixture
def calls(site: Site) -> Calls:
    return Calls(site.shared)


class Book:
    """A table with one row, and its history."""

    def __init__(self, client: httpx2.AsyncClient, table: str, row: dict[str, Any]) -> None:
        self.client = client
        self.table = f"/api/tables/{table}"
        self.row = f"{self.table}/rows/{row['id']}"
        self.first = row

    async def history(self, **query: Any) -> list[dict[str, Any]]:
        """The row's entries."""
        answer = await self.client.get(f"{self.row}/history", params=query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found

    async def replace(self, **data: Any) -> None:
        """The row with this data."""
        answer = await self.client.patch(self.row, json={"data": data})
        assert answer.status_code == 200, answer.text

    async def back(self, entry: dict[str, Any]) -> None:
        """To this entry."""
        answer = await self.client.post(f"{self.row}/history", json={"historyEntryId": entry["id"]})
        assert (answer.status_code, answer.json()) == (200, {"ok": True})

    async def data(self) -> dict[str, Any]:
        """The row's data as it is read."""
        answer = await self.client.get(f"{self.table}/rows")
        [row] = answer.json()
        data: dict[str, Any] = row["data"]
        return data


async def _book(calls: Calls) -> Book:
    table = await calls.table(column("title"), column("pages", "number"))
    [row] = await calls.add(table["id"], {"title": "Emma", "pages": 474, "note": {"x": None}})
    return Book(calls.client, table["id"], row)


async def test_a_dropped_key_comes_back(calls: Calls) -> None:
    book = await _book(calls)
    first = await book.data()
    await book.replace(title="Emma, 2nd edition")
    second, created = await book.history()
    assert [second["version"], created["version"]] == [2, 1]
    assert (second["action"], second["changeType"]) == ("update", "update")
    assert second["data"] == {"title": "Emma, 2nd edition", "pages": None}
    assert second["previousData"] == created["data"] == first
    assert (created["action"], created["previousData"]) == ("create", None)
    assert (created["changedBy"], second["changedBy"]) == ("user", "admin")
    await book.back(created)
    assert await book.data() == created["data"]
    third, *_ = await book.history()
    assert (third["version"], third["action"], third["changeType"]) == (3, "rollback", "update")
    assert third["previousData"] == second["data"]
    assert third["changedBy"] == "rollback"
    assert third["cause"] == {"kind": "rollback", "id": created["id"]}
    assert set(third) == {
        *("id", "tableId", "rowId", "version", "revision", "action", "changeType", "data"),
        *("previousData", "changedBy", "cause", "createdAt"),
    }
    await book.back(second)
    assert await book.data() == second["data"]
    table = (await calls.client.get(f"{book.table}/history")).json()
    assert table == await book.history()


async def test_a_deleted_row_is_made_again_under_its_id(calls: Calls) -> None:
    book = await _book(calls)
    await calls.add(book.table.rpartition("/")[2], {"title": "Persuasion"})
    before = await calls.rows(book.table.rpartition("/")[2])
    await calls.client.delete(book.row)
    gone, created = await book.history()
    assert (gone["action"], gone["data"]) == ("delete", created["data"])
    assert gone["previousData"] == created["data"]
    await book.back(gone)
    after = await calls.rows(book.table.rpartition("/")[2])
    assert [row["id"] for row in after] == [row["id"] for row in before]
    for key in ("data", "position", "createdAt", "createdBy"):
        assert after[0][key] == before[0][key]
    assert (await calls.client.get(book.table)).json()["rowCount"] == 2
    newest, *_ = await book.history()
    assert (newest["action"], newest["version"], newest["previousData"]) == ("rollback", 3, None)


async def test_limits_are_cut_and_never_refused(calls: Calls) -> None:
    book = await _book(calls)
    table_id = book.table.rpartition("/")[2]
    for number in range(52):
        await book.replace(pages=number)
    await calls.add(table_id, *[{} for _ in range(500)])
    for limit, row_count, table_count in (
        (None, 50, 100),
        ("", 50, 100),
        ("2", 2, 2),
        ("51", 51, 51),
        ("0", 50, 100),
        ("-1", 50, 100),
        ("many", 50, 100),
        ("1.5", 50, 100),
        ("9" * 40, 50, 100),
        ("501", 53, 500),
        ("1000000", 53, 500),
    ):
        query = {} if limit is None else {"limit": limit}
        assert len(await book.history(**query)) == row_count, limit
        answer = await calls.client.get(f"{book.table}/history", params=query)
        assert len(answer.json()) == table_count, limit
    revisions = [entry["revision"] for entry in answer.json()]
    assert revisions == sorted(revisions, reverse=True)


async def test_what_is_not_there_is_said_word_for_word(calls: Calls) -> None:
    book, other = await _book(calls), await _book(calls)
    [entry] = await book.history()
    for unknown in UNKNOWN:
        answer = await calls.client.get(f"/api/tables/{unknown}/history")
        refused(answer, 404, "Table not found")
        answer = await calls.client.get(f"/api/tables/{unknown}/rows/{unknown}/history")
        refused(answer, 404, "Table not found")
        answer = await calls.client.get(f"{book.table}/rows/{unknown}/history")
        assert (answer.status_code, answer.json()) == (200, [])
        for body in ({"historyEntryId": entry["id"]}, {}):
            answer = await calls.client.post(f"/api/tables/{unknown}/rows/x/history", json=body)
            refused(answer, 404, _MISSING)
        answer = await calls.client.post(
            f"{book.row}/history", json={"historyEntryId": f"{unknown}.v1"}
        )
        refused(answer, 404, _MISSING)
    bodies: list[Any] = [{}, {"historyEntryId": ""}, {"historyEntryId": None}, [], "x"]
    for given in bodies:
        answer = await calls.client.post(f"{book.row}/history", json=given)
        refused(answer, 400, "historyEntryId is required")
    answer = await calls.client.post(f"{book.row}/history", content=b"{")
    refused(answer, 400, "Invalid JSON body")
    foreign = {"historyEntryId": entry["id"]}
    refused(await calls.client.post(f"{other.row}/history", json=foreign), 404, _MISSING)
    mixed = f"{other.table}/rows/{book.first['id']}/history"
    refused(await calls.client.post(mixed, json=foreign), 404, _MISSING)
    late = {"historyEntryId": entry["id"][:-1] + "9"}
    refused(await calls.client.post(f"{book.row}/history", json=late), 404, _MISSING)
    assert len(await book.history()) == 1


async def test_history_outlives_the_row_and_dies_with_the_table(calls: Calls) -> None:
    book = await _book(calls)
    await calls.client.delete(book.row)
    assert [entry["action"] for entry in await book.history()] == ["delete", "create"]
    await calls.client.delete(book.table)
    refused(await calls.client.get(f"{book.row}/history"), 404, "Table not found")
