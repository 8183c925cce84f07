"""Imports run downwards, and the names of the rooms are ours."""

import ast
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from server import guards
from server.settings import ConfigurationError
from tests.rules.source import ROOT, imported, in_rooms, report


def test_the_import_contracts_hold() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    advice = "Depend on what lies below; what the room above offers is handed in by the server."
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{advice}"


def test_the_domain_imports_the_standard_library_and_pydantic_only() -> None:
    allowed = {*sys.stdlib_module_names, "pydantic", "domain"}
    faults = []
    for source in in_rooms():
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Import | ast.ImportFrom) and source.folder == "domain":
                faults += [f"{source.at(node.lineno)} {name}" for name in imported(node) - allowed]
    report(faults, "State what the use case needs as a Protocol in domain/ports.py.")


def test_every_room_name_belongs_to_us_alone() -> None:
    owners = packages_distributions()
    faults = [f"{room}: {owners[room]}" for room in guards.ROOMS if room in owners]
    faults = [fault for fault in faults if fault.split(": ")[1] != "['tablecast']"]
    report(faults, "Do without that package: it would overwrite the room of the same name.")


def test_a_foreign_package_with_a_rooms_name_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "gql-4.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: gql\nVersion: 4.0.0\n")
    (info / "RECORD").write_text("gql/__init__.py,,\n")
    guards.require_own_rooms()
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigurationError, match="package gql also brings a module named 'gql'"):
        guards.require_own_rooms()
