"""What a killed process leaves of files that it read."""

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from persistence.scratch import PREFIX, forget_left


def test_what_nobody_touched_for_long_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name, hours in ((f"{PREFIX}old", 3), (f"{PREFIX}new", 1), ("tablecast-0-main", 3)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "file").write_bytes(b"somebody's invoice")
        before = time.time() - hours * 3600
        os.utime(folder, (before, before))
    forget_left(timedelta(hours=2))
    assert sorted(os.listdir(tmp_path)) == ["tablecast-0-main", f"{PREFIX}new"]
