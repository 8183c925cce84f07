"""The embedded PostgreSQL: made whole or not at all, found when it runs, back after kill -9."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from persistence import embedded
from persistence.embedded import EmbeddedError, EmbeddedPostgres


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    cluster = EmbeddedPostgres(
        tmp_path_factory.mktemp("embedded") / "postgres", {"fsync": "off", "shared_buffers": "16MB"}
    )
    yield cluster
    cluster.stop()


async def _query(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def query(server: EmbeddedPostgres, sql: str) -> object:
    return asyncio.run(_query(server.url(), sql))


def killed(server: EmbeddedPostgres) -> int:
    """Kill the running server the hard way; its former process id."""
    live = embedded.postmaster(server.data)
    assert live is not None
    os.kill(live.pid, signal.SIGKILL)
    assert server._process is not None
    server._process.wait()
    return live.pid


async def test_the_database_of_a_test_process_is_version_18_and_sorts_by_code_point(
    postgres_url: str, redis_url: str
) -> None:
    connection = await asyncpg.connect(postgres_url)
    try:
        version = await connection.fetchval("SELECT current_setting('server_version_num')::int")
        embedded.require_version(version)
        query = "SELECT datlocale FROM pg_database WHERE datname = current_database()"
        assert await connection.fetchval(query) == "C.UTF-8"
    finally:
        await connection.close()
    assert redis_url.startswith("unix://")


def test_a_killed_server_comes_back_with_what_was_committed(server: EmbeddedPostgres) -> None:
    server.start()
    query(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    killed(server)
    server.start()
    assert query(server, "SELECT answer FROM kept") == 42


def test_a_running_server_is_used_and_not_stopped_by_who_found_it(server: EmbeddedPostgres) -> None:
    server.start()
    first = embedded.postmaster(server.data)
    with embedded.running(server.data) as url:
        assert url == server.url()
        assert embedded.postmaster(server.data) == first
    assert embedded.answers(server.socket_folder)


def test_a_recycled_process_id_does_not_stand_for_a_server(server: EmbeddedPostgres) -> None:
    server.start()
    former = killed(server)
    pid_file = server.data / "postmaster.pid"
    # As after a restart of a container: the number now belongs to something else that lives.
    pid_file.write_text(pid_file.read_text().replace(str(former), str(os.getppid()), 1))
    assert embedded.postmaster(server.data) is None
    server.start()
    assert query(server, "SELECT 1") == 1


def test_a_server_left_behind_is_stopped_for_the_new_owner(server: EmbeddedPostgres) -> None:
    server.start()
    embedded.end_former(server.data, patience=0)
    assert embedded.postmaster(server.data) is None
    assert not embedded.answers(server.socket_folder)


def test_a_half_made_cluster_is_made_again(tmp_path: Path) -> None:
    fresh = tmp_path / "postgres.new"
    fresh.mkdir()
    (fresh / "PG_VERSION").write_text("18\n")
    cluster = EmbeddedPostgres(tmp_path / "postgres", {"fsync": "off"})
    cluster.prepare()
    assert not fresh.exists()
    with embedded.running(cluster.data, {"fsync": "off"}) as url:
        assert asyncio.run(_query(url, "SELECT current_database()")) == "tablecast"
    assert embedded.postmaster(cluster.data) is None


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("PG_VERSION", "17\n", "was made by PostgreSQL 17"),
        ("letter.txt", "dear all", "neither empty nor a PostgreSQL data folder"),
    ],
)
def test_a_folder_that_is_not_ours_is_refused(
    tmp_path: Path, name: str, text: str, sentence: str
) -> None:
    data = tmp_path / "postgres"
    data.mkdir()
    (data / name).write_text(text)
    with pytest.raises(EmbeddedError, match=sentence):
        EmbeddedPostgres(data).start()
    assert (data / name).read_text() == text


def test_an_older_server_is_refused_with_its_version() -> None:
    with pytest.raises(
        EmbeddedError, match=r"needs PostgreSQL 18 or newer, but this server is 17\.6\."
    ):
        embedded.require_version(170006)


def test_a_deep_data_folder_gets_a_short_socket_path(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-long-name"] * 9) / "postgres"
    folder = embedded.socket_folder(deep)
    assert len(os.fsencode(folder / ".s.PGSQL.5432")) <= 103
    assert folder != embedded.socket_folder(tmp_path / "other" / deep.name)


def test_a_broken_option_is_told_in_the_servers_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_TRIES_FOR", 0)
    cluster = EmbeddedPostgres(tmp_path / "postgres", {"fsync": "off", "work_mem": "plenty"})
    with pytest.raises(EmbeddedError, match='invalid value for parameter "work_mem"'):
        cluster.start()


if sys.platform == "linux" and os.geteuid() == 0:

    def test_root_starts_the_server_as_somebody_else(server: EmbeddedPostgres) -> None:
        server.start()
        live = embedded.postmaster(server.data)
        assert live is not None
        status = Path(f"/proc/{live.pid}/status").read_text()
        uid_map = Path(f"/proc/{live.pid}/uid_map").read_text().split()
        outside = int(status.split("Uid:")[1].split()[0])
        assert outside != 0 or uid_map[0] != "0"
