"""Bodies that are too large, tables that are busy, and faults of our own."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from rest_compat.stagent.errors import render_error
from tests.rest.calls import Calls, column, refused
from tests.serving import Site, serve

_BODY, _UPLOAD = 20_000, 50_000


@pytest.fixture(scope="module")
async def narrow(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """An application that takes small bodies only."""
    folder = tmp_path_factory.mktemp("narrow")
    bounds = {"max_body_bytes": _BODY, "max_upload_bytes": _UPLOAD}
    async with serve(postgres_url, redis_url, folder, **bounds) as opened:
        yield opened


async def _chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 1000):
        yield b" " * 1000


async def test_a_body_over_the_limit_is_refused_whether_or_not_it_says_its_size(
    narrow: Site,
) -> None:
    calls = Calls(narrow.shared)
    made = await calls.table(column("a"))
    path = f"/api/tables/{made['id']}/rows"
    told = f"The body is larger than {_BODY} bytes"
    refused(await calls.client.post(path, content=b" " * (_BODY + 1)), 413, told)
    refused(await calls.client.post(path, content=_chunks(_BODY * 2)), 413, told)
    refused(await calls.client.post(path, content=b" " * _BODY), 400, "Invalid JSON body")
    unknown = "/api/tables/none/rows"
    answer = await calls.client.post(unknown, content=b" " * (_BODY + 1))
    refused(answer, 404, "Table not found")
    assert await calls.rows(made["id"]) == []


async def test_an_upload_over_the_limit_is_refused_and_nothing_is_kept(narrow: Site) -> None:
    calls = Calls(narrow.shared)
    files = narrow.gateway.settings.data / "files"
    for size in (_UPLOAD + 1, _UPLOAD * 4):
        answer = await calls.client.post("/api/uploads", files={"file": ("a.bin", b"x" * size)})
        assert answer.status_code == 413
        assert "bytes" in answer.json()["error"]
    assert [path for path in files.rglob("*") if path.is_file()] == []
    assert (await calls.upload(b"x" * _UPLOAD))["size"] == _UPLOAD


async def _alter(site: Site, table_id: str, change: str) -> None:
    """Spoil the table behind the application's back."""
    shape = await site.gateway.storage.tables.shape(site.viewer.organization_id, UUID(table_id))
    assert shape is not None
    await site.gateway.database.pool.execute(change.format(table=shape.sql_name))


async def test_a_fault_of_ours_is_named_by_the_operation_only(narrow: Site) -> None:
    calls = Calls(narrow.shared)
    made = await calls.table(column("a"))
    [row] = await calls.add(made["id"], {"a": "x"})
    await _alter(
        narrow,
        made["id"],
        "ALTER TABLE {table} ALTER version DROP DEFAULT, ALTER version TYPE boolean USING true",
    )
    path = f"/api/tables/{made['id']}/rows"
    body = {"rows": [{"data": {"a": "y"}}]}
    refused(await calls.client.post(path, json=body), 500, "Failed to add rows")
    answer = await calls.client.patch(f"{path}/{row['id']}", json={"data": {}})
    refused(answer, 500, "Failed to update row")
    assert answer.headers["x-request-id"]
    assert await calls.rows(made["id"]) == [row]


async def test_a_table_whose_structure_keeps_moving_is_busy(narrow: Site) -> None:
    calls = Calls(narrow.shared)
    made = await calls.table(column("a"))
    await _alter(narrow, made["id"], "DROP TABLE {table}")
    answer = await calls.client.get(f"/api/tables/{made['id']}/rows")
    refused(answer, 503, "The table is busy; nothing was changed, try again")
    assert answer.headers["retry-after"] == "1"


def test_an_error_without_an_endpoint_tells_nothing() -> None:
    answer = render_error(RuntimeError("a secret"), None)
    assert (answer.status_code, answer.body) == (500, b'{"error":"Failed to answer"}')
