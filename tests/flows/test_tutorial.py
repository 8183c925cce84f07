"""The tutorials: all of their commands, against a real server with a worker. A model server stands
where the reader has Ollama."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from processing import worker
from server.settings import Settings
from tests.models.server import model_server
from tests.serving import Site, serve

_ROOT = Path(__file__).parents[2]
_TUTORIALS = _ROOT / "docs" / "tutorials"
_QUERY = """query { tables { name rowCount cellCounts { column status count }
  rows(first: 60) { nodes { data } } } }"""


@pytest.fixture
async def site(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """The application and a worker, which may reach this machine."""
    folder = tmp_path_factory.mktemp("data")
    settings = Settings(
        database_url=postgres_url, redis_url=redis_url, data=folder, egress_allow="127.0.0.1"
    )
    async with (
        serve(postgres_url, redis_url, folder, egress_allow="127.0.0.1") as opened,
        _worker(settings),
    ):
        yield opened


@asynccontextmanager
async def _worker(settings: Settings) -> AsyncIterator[None]:
    """In this process, so that the libraries of models are loaded once."""
    loop = asyncio.get_running_loop()
    working = asyncio.create_task(worker.run(settings))
    try:
        yield
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _commands(tutorial: str, changes: Mapping[str, str]) -> str:
    """What a tutorial tells its reader to type, with the addresses of this test."""
    text = (_TUTORIALS / tutorial).read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    commands = "\n".join(blocks)
    for old, new in changes.items():
        assert old in commands
        commands = commands.replace(old, new)
    return commands


def _free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def _prepare(folder: Path, site: Site) -> None:
    """A folder that looks like the reader's checkout."""
    (folder / "docs").symlink_to(_ROOT / "docs")
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / ".tablecast").mkdir()
    (folder / ".tablecast" / "api-key").write_text(site.key)


async def _typed(commands: str, folder: Path) -> str:
    """What one shell prints that takes all of them."""
    script = f"set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || :' EXIT\n{commands}"
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        script,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    async with asyncio.timeout(120):
        printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    return printed.decode()


async def test_cells_fill_themselves(site: Site, tmp_path: Path) -> None:
    _prepare(tmp_path, site)
    port = _free_port()
    async with model_server() as models:
        models.answer = lambda call: "It does it for you"
        changes = {
            "http://127.0.0.1:8000": site.url,
            "http://127.0.0.1:11434/v1": models.url,
            "127.0.0.1:9000": f"127.0.0.1:{port}",
            "receiver.py 9000": f"receiver.py {port}",
        }
        printed = await _typed(_commands("fill-cells.md", changes), tmp_path)
    assert '"errors": [{' not in printed
    assert "50 kind ready → queued, 50 home ready → queued, 50 host initialized" in printed
    assert "1 home resolved → stale, 1 host resolved → stale" in printed
    assert "row.updated" in printed
    assert "no provider: the rules engine cannot do this" in printed
    assert "'Host': 'pola.rs'" in printed
    told = await site.graphql(_QUERY)
    products = next(table for table in told["tables"] if table["name"] == "Products")
    assert products["rowCount"] == 51
    counts = {(each["column"], each["status"]): each["count"] for each in products["cellCounts"]}
    filled = {column: counts[column, "RESOLVED"] for column in ("kind", "home", "host", "team")}
    assert filled == dict.fromkeys(filled, 51)
    assert counts["pitch", "RESOLVED"] == 3
    rows = {row["data"]["name"]: row["data"] for row in products["rows"]["nodes"]}
    assert rows["asyncpg"]["host"] == "magicstack.github.io"
    assert (rows["asyncpg"]["kind"], rows["asyncpg"]["team"]) == ("Web", "Edge")


async def test_invoices_become_a_table(site: Site, tmp_path: Path) -> None:
    _prepare(tmp_path, site)
    port = _free_port()
    changes = {
        "http://127.0.0.1:8000": site.url,
        "127.0.0.1:9100": f"127.0.0.1:{port}",
        "documents.py 9100": f"documents.py {port}",
    }
    printed = await _typed(_commands("invoices.md", changes), tmp_path)
    assert '"errors": [{' not in printed
    assert printed.count('DOCUMENT_EXTRACTED {"status": "success"}') == 5
    assert printed.count('"status": "COMPLETED"') == 5
    assert printed.count("DOCUMENT_REVIEWED") == 5
    shown = (_TUTORIALS / "invoices.md").read_text()
    read = {line.strip(" ,") for line in printed.splitlines() if '{"data": {' in line}
    promised = {line.strip(" ,") for line in shown.splitlines() if '{"data": {' in line}
    assert len(promised) == 16
    assert read == promised
