"""Child processes come back when they die, stop in order, and never outlive their parent."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from persistence import launcher
from server import supervisor
from server.processes import ManagedProcess, ProcessFailed, ProcessGroup, ProcessSpec
from server.settings import ConfigurationError
from tests.children import Switchboard, switchboard

ROOT = Path(__file__).parent.parent


def spec(board: Switchboard, name: str, *traits: str, stop_seconds: float = 20) -> ProcessSpec:
    """A program that counts as ready once it has called in."""

    def seen(group: "asyncio.Queue[tuple[str, int]]") -> Callable[[], Awaitable[bool]]:
        async def ready() -> bool:
            return not group.empty()

        return ready

    return ProcessSpec(
        name,
        lambda: launcher.command(board.program(name, *traits), death_signal=signal.SIGKILL),
        ready=seen(board.born),
        stop_seconds=stop_seconds,
    )


async def test_a_killed_child_comes_back_every_time() -> None:
    async with switchboard() as board:
        child = ManagedProcess(spec(board, "web"))
        await child.start()
        for _ in range(3):
            _name, pid = await board.born.get()
            assert child.pid == pid
            os.kill(pid, signal.SIGKILL)
            assert await board.died.get() == ("web", pid)
        _name, last = await board.born.get()
        assert child.restarts == 3
        await child.stop()
        assert await board.died.get() == ("web", last)
        assert child.pid is None
        assert child.restarts == 3


async def test_a_group_stops_the_last_started_first() -> None:
    async with switchboard() as board:
        group = ProcessGroup()
        for name in ("postgres", "valkey", "web"):
            await group.add(spec(board, name)).start()
            assert (await board.born.get())[0] == name
        await group.stop()
        stopped = [(await board.died.get())[0] for _ in range(3)]
        assert stopped == ["web", "valkey", "postgres"]


async def test_a_child_that_does_not_stop_is_forced() -> None:
    async with switchboard() as board:
        child = ManagedProcess(spec(board, "web", "stubborn", stop_seconds=0.1))
        await child.start()
        await child.stop()
        assert (await board.died.get())[0] == "web"


async def test_a_child_that_ends_at_its_start_is_told_with_its_last_words(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    line = [sys.executable, "-c", "import sys; sys.exit('the disk is full')"]
    broken = ProcessSpec(
        "valkey", lambda: launcher.command(line), ready=never, log=tmp_path / "valkey.log"
    )
    group = ProcessGroup()
    with pytest.raises(ProcessFailed, match="valkey ended at its start: the disk is full"):
        await group.add(broken).start()
    await group.stop()
    assert group.members == []


async def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    missing = ProcessSpec(
        "valkey",
        lambda: launcher.command([tmp_path / "nothing"]),
        ready=never,
        log=tmp_path / "valkey.log",
    )
    with pytest.raises(ProcessFailed, match="nothing is not there"):
        await ManagedProcess(missing).start()


if sys.platform == "linux":

    async def test_a_child_dies_with_its_parent() -> None:
        parent = (
            "import subprocess, sys; from persistence import launcher; "
            "subprocess.Popen(launcher.command(sys.argv[1:])).wait()"
        )
        async with switchboard() as board:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", parent, *board.program("grandchild"), cwd=ROOT
            )
            born = await board.born.get()
            process.kill()
            assert await board.died.get() == born
            await process.wait()


def test_a_second_supervisor_on_a_data_folder_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with ExitStack() as stack:
        stack.enter_context(supervisor.sole_owner(data))
        with pytest.raises(ConfigurationError, match="Another tablecast already runs on"):
            stack.enter_context(supervisor.sole_owner(data))
    with supervisor.sole_owner(data):
        assert data.stat().st_mode & 0o077 in (0, 0o011)


def test_a_port_in_use_is_refused_with_its_number() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"Port {port} on 127.0.0.1 cannot be used"):
            supervisor.listen("127.0.0.1", port)


async def test_programs_of_others_get_nothing_of_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TABLECAST_SECRET_KEY", "a secret")
    monkeypatch.setenv("DATABASE_URL", "postgres://somewhere")
    log = tmp_path / "log"
    tell = "import os, time; print(*sorted(os.environ), 'END', flush=True); time.sleep(60)"

    async def has_told() -> bool:
        return "END" in log.read_text()

    theirs = ManagedProcess(
        ProcessSpec("theirs", lambda: [sys.executable, "-c", tell], ready=has_told, log=log)
    )
    await theirs.start()
    await theirs.stop()
    given = log.read_text().split()
    assert "PATH" in given
    assert not {"TABLECAST_SECRET_KEY", "DATABASE_URL"} & set(given)
