"""Set up `.venv` without uv: `python make_venv.py requirements.txt [more.txt …]`.

Standard library only. Every download is checked against the hashes in the files.
"""

import hashlib
import html
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"


def refuse_what_cannot_work() -> None:
    """End with a clear sentence on systems without wheels."""
    if sys.version_info < (3, 11):  # noqa: UP036  it runs before anything is checked
        version = platform.python_version()
        sys.exit(f"tablecast needs Python 3.11 or newer, this is {version}.")
    if sys.platform == "linux" and platform.libc_ver()[0] != "glibc":
        sys.exit("tablecast needs macOS or Linux with glibc; its wheels do not run on musl.")


def usable() -> bool:
    """Whether a .venv is there that runs a new enough Python."""
    check = "import sys; sys.exit(sys.version_info < (3, 11) or sys.prefix == sys.base_prefix)"
    return PYTHON.exists() and subprocess.call([str(PYTHON), "-c", check]) == 0


def make() -> None:
    """Make .venv anew, without pip where the system splits ensurepip off (Debian)."""
    shutil.rmtree(VENV, ignore_errors=True)
    subprocess.check_call([sys.executable, "-m", "venv", "--without-pip", str(VENV)])


def pip_line(requirements: Path) -> tuple[str, set[str]]:
    """The pinned version of pip and its hashes."""
    text = requirements.read_text()
    found = re.search(r"^pip==(\S+)((?:\s*\\\s*--hash=sha256:[0-9a-f]{64})+)", text, re.MULTILINE)
    if found is None:
        sys.exit(f"{requirements} does not pin pip.")
    return found.group(1), set(re.findall(r"sha256:([0-9a-f]{64})", found.group(2)))


def download_pip(requirements: Path, folder: Path) -> Path:
    """Fetch the pinned wheel from the package index; a wheel of pip can run itself."""
    version, hashes = pip_line(requirements)
    name = f"pip-{version}-py3-none-any.whl"
    index = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/") + "/pip/"
    with urllib.request.urlopen(index) as page:
        links = re.findall(r'href="([^"]+)"', page.read().decode())
    for link in (urllib.parse.urljoin(index, html.unescape(found)) for found in links):
        if urllib.parse.urlsplit(link).path.endswith(f"/{name}"):
            with urllib.request.urlopen(link) as answer:
                content = answer.read()
            if hashlib.sha256(content).hexdigest() not in hashes:
                sys.exit(f"{name} from {index} does not have the pinned hash.")
            wheel = folder / name
            wheel.write_bytes(content)
            return wheel
    sys.exit(f"{index} does not list {name}.")


def pip(requirements: Path, folder: Path) -> list[str]:
    """A command that runs pip for .venv."""
    probe = [str(PYTHON), "-c", "import pip"]
    if subprocess.call(probe, stderr=subprocess.DEVNULL) == 0:
        return [str(PYTHON), "-m", "pip"]
    if importlib.util.find_spec("ensurepip") is not None:
        done = subprocess.call([str(PYTHON), "-m", "ensurepip", "--default-pip"], stdout=sys.stderr)
        if done == 0:
            return [str(PYTHON), "-m", "pip"]
    return [str(PYTHON), str(download_pip(requirements, folder) / "pip")]


def main(names: list[str]) -> None:
    """Make .venv if needed and install the pinned packages and tablecast itself into it."""
    refuse_what_cannot_work()
    if not usable():
        make()
    files = [ROOT / name for name in names]
    with tempfile.TemporaryDirectory() as folder:
        install = [*pip(files[0], Path(folder)), "install", "--quiet", "--no-deps"]
        pinned = [part for file in files for part in ("--requirement", str(file))]
        subprocess.check_call([*install, "--require-hashes", *pinned])
        subprocess.check_call([*install, "--no-build-isolation", "--editable", str(ROOT)])


if __name__ == "__main__":
    main(sys.argv[1:])
