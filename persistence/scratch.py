"""Folders for files that are being read. A process that is killed leaves its own behind, with what
somebody's document says in it."""

import os
import shutil
import tempfile
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

#: How their names begin.
PREFIX = "tablecast-file-"


def forget_left(keep: timedelta) -> None:
    """Remove folders that this user's processes have not touched for so long."""
    latest = time.time() - keep.total_seconds()
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            found = folder.lstat()
            if found.st_uid == os.geteuid() and found.st_mtime < latest:
                shutil.rmtree(folder, ignore_errors=True)
