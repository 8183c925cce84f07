"""What a process that reads strangers' files can still do."""

import json
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from persistence import child_process, confinement

_TRY = """
import json, resource, socket, subprocess
from persistence.confinement import confine
confine(500_000_000, 10)
told = {}
try:
    socket.socket()
except OSError as error:
    told["socket"] = error.errno
told["child"] = subprocess.run(
    ["python3", "-c", "import socket; socket.socket()"], capture_output=True
).returncode != 0
try:
    bytearray(600_000_000)
except MemoryError:
    told["memory"] = True
told["limits"] = resource.getrlimit(resource.RLIMIT_CPU), resource.getrlimit(resource.RLIMIT_CORE)
print(json.dumps(told))
"""

if sys.platform == "linux" and platform.machine() in confinement._SOCKET:

    def test_no_connection_and_bounded_memory() -> None:
        told = subprocess.run([sys.executable, "-c", _TRY], check=True, capture_output=True)
        assert json.loads(told.stdout) == {
            "socket": 1,
            "child": True,
            "memory": True,
            "limits": [[10, 10], [0, 0]],
        }


async def test_no_secret_goes_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLECAST_SECRET_KEY", "a secret")
    (tmp_path / "show.py").write_text("import json, os\nprint(json.dumps(dict(os.environ)))\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    pieces = [piece async for piece in child_process.output("show", [], tmp_path, {"A": "b"})]
    told = json.loads(b"".join(pieces))
    assert "a secret" not in told.values()
    assert told["A"] == "b"
    assert {"HOME", "DATABASE_URL"}.isdisjoint(told)


async def test_a_failure_tells_its_code_and_its_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fail.py").write_text("import sys\nsys.stderr.write('why')\nsys.exit(3)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(child_process.ChildFailed) as failure:
        async for _ in child_process.output("fail", [], tmp_path):
            pass
    assert (failure.value.code, failure.value.message) == (3, "why")
