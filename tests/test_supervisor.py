"""`tablecast up` as an operator meets it: it starts, heals, refuses, recovers and stops."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil
import pytest

from persistence import embedded

ROOT = Path(__file__).parent.parent
CHILDREN = {
    "postgres": "bin/postgres",
    "valkey": "valkey-server",
    "web": "server.cli serve",
    "worker": "server.cli worker",
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert isinstance(port, int)
    return port


@dataclass
class Installation:
    """One data folder and port, and the supervisor that runs on them."""

    data: Path
    port: int
    process: "subprocess.Popen[str] | None" = None
    said: str = ""

    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
        mine = {"PORT": str(self.port), "TABLECAST_DATA": str(self.data), "TABLECAST_DEMO": "false"}
        return {**kept, **mine}

    def up(self) -> None:
        """Start and read until it says how to stop."""
        log = self.data.parent / "up.log"
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "server.cli", "up"],
                cwd=ROOT,
                env=self.environment(),
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self.process.stdout is not None
        self.said = ""
        for line in self.process.stdout:
            self.said += line
            if "Ctrl-C" in line:
                return
        self.stop(signal.SIGTERM)
        raise AssertionError(self.said + log.read_text())

    @property
    def key(self) -> str:
        found = re.search(r"API key +(\S+)", self.said)
        assert found is not None
        return found.group(1)

    def children(self) -> dict[str, psutil.Process]:
        """The direct children by name, zombies and starting ones left out."""
        assert self.process is not None
        found: dict[str, psutil.Process] = {}
        for child in psutil.Process(self.process.pid).children():
            try:
                line = " ".join(child.cmdline())
            except psutil.Error:
                continue
            if "launcher.py" not in line:
                found |= {name: child for name, mark in CHILDREN.items() if mark in line}
        return found

    def request(self, path: str, body: object = None) -> tuple[int, bytes]:
        """One request. While no web process runs, it waits in the supervisor's socket."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            json.dumps(body).encode() if body is not None else None,
            headers,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
        except (ConnectionError, TimeoutError, urllib.error.URLError) as error:
            return 0, str(error).encode()

    def wait_ready(self) -> None:
        """Until GET /health/ready says 200; each try waits for an answer, so this does not spin."""
        answers = (self.request("/health/ready")[0] for _ in range(100_000))
        assert any(status == 200 for status in answers)

    def family(self) -> list[psutil.Process]:
        assert self.process is not None
        top = psutil.Process(self.process.pid)
        return [top, *top.children(recursive=True)]

    def stop(self, number: signal.Signals) -> int:
        """Send the signal to the supervisor alone; its exit code."""
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.send_signal(number)
        code = self.process.wait(60)
        self.process.stdout.close()
        self.process = None
        return code


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("up") / "data", free_port())
    made.up()
    yield made
    if made.process is not None:
        made.stop(signal.SIGTERM)


def project_names(installation: Installation) -> list[str]:
    status, body = installation.request("/graphql", {"query": "{ projects { name } }"})
    assert status == 200, body
    return [project["name"] for project in json.loads(body)["data"]["projects"]]


def make_project(installation: Installation, name: str) -> None:
    query = "mutation($name: String!) { projectCreate(input: {name: $name}) { project { id } } }"
    body = {"query": query, "variables": {"name": name}}
    status, answer = installation.request("/graphql", body)
    assert status == 200, answer
    assert "errors" not in json.loads(answer), answer


@pytest.mark.parametrize("name", list(CHILDREN))
def test_a_killed_child_is_started_again_and_nothing_is_lost(
    installation: Installation, name: str
) -> None:
    make_project(installation, f"before {name}")
    victim = installation.children()[name]
    victim.kill()
    assert psutil.wait_procs([victim], timeout=30)[0] == [victim]
    installation.wait_ready()
    assert f"before {name}" in project_names(installation)
    make_project(installation, f"after {name}")
    successors = (installation.children().get(name) for _ in range(100_000))
    assert next(found for found in successors if found) != victim


def test_a_second_supervisor_on_the_folder_is_refused_in_one_sentence(
    installation: Installation,
) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "server.cli", "up"],
        cwd=ROOT,
        env={**installation.environment(), "PORT": str(free_port())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert second.stderr.startswith("tablecast: Another tablecast already runs on")
    assert "Traceback" not in second.stderr


def test_after_kill_9_of_the_supervisor_a_start_finds_everything(
    installation: Installation,
) -> None:
    make_project(installation, "before the supervisor")
    key, family = installation.key, installation.family()
    assert installation.stop(signal.SIGKILL) == -signal.SIGKILL
    if sys.platform == "linux":
        assert psutil.wait_procs(family, timeout=30)[1] == []
    installation.up()
    assert installation.key == key
    assert "before the supervisor" in project_names(installation)


async def _names(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return [record["name"] for record in await connection.fetch("SELECT name FROM project")]
    finally:
        await connection.close()


def test_ctrl_c_stops_everything_and_the_data_are_kept(installation: Installation) -> None:
    make_project(installation, "before ctrl-c")
    family = installation.family()
    assert len(family) >= 5
    assert installation.stop(signal.SIGINT) == 0
    assert psutil.wait_procs(family, timeout=30)[1] == []
    with embedded.running(installation.data / "postgres") as url:
        assert "before ctrl-c" in asyncio.run(_names(url))


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("PORT", "eighty", "tablecast: PORT should be a valid integer"),
        (
            "DATABASE_URL",
            "mysql://u:secret@h/d",
            "tablecast: DATABASE_URL must begin with postgres",
        ),
        ("HOST", "0.0.0.0", "tablecast: Serving without keys is for this machine only"),
    ],
)
def test_a_broken_configuration_is_one_line(
    tmp_path: Path, variable: str, value: str, sentence: str
) -> None:
    environment = {**os.environ, "TABLECAST_DATA": str(tmp_path), variable: value}
    done = subprocess.run(
        [sys.executable, "-m", "server.cli", "up"],
        cwd=ROOT,
        env={**environment, "TABLECAST_OPEN": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1
    assert "secret" not in done.stderr
