"""Set-up without uv installs the same packages as set-up with it."""

import re
import tomllib
from typing import Any

import pytest

from tests.rules.source import ROOT, report

EXPORTS = ("requirements.txt", "requirements-dev.txt", "requirements-ocr.txt")
ADVICE = "Run `make lock` and commit what it writes."


def _locked() -> dict[str, dict[str, Any]]:
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    return {f"{one['name']}=={one.get('version')}": one for one in lock["package"]}


def _hashes(package: dict[str, Any]) -> set[str]:
    files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
    return {file["hash"] for file in files}


@pytest.mark.parametrize("name", EXPORTS)
def test_the_exported_pins_are_those_of_the_lock(name: str) -> None:
    locked = _locked()
    entries = re.split(r"\n(?=\S)", (ROOT / name).read_text().strip())
    faults = []
    for entry in entries:
        pin = entry.split()[0]
        hashes = set(re.findall(r"--hash=(sha256:\w+)", entry))
        if pin not in locked or not hashes or hashes != _hashes(locked[pin]):
            faults.append(pin)
    report(faults, ADVICE)


def test_no_locked_package_is_missing_from_the_exports() -> None:
    texts = [(ROOT / name).read_text() for name in EXPORTS]
    exported = {line.split()[0] for text in texts for line in text.splitlines() if "==" in line}
    locked = {pin for pin, one in _locked().items() if "editable" not in one["source"]}
    report(sorted(locked - exported), ADVICE)
