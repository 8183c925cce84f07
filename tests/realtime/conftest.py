import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.realtime.valkey import KillableValkey


@pytest.fixture
async def own_valkey() -> AsyncIterator[KillableValkey]:
    """A running Valkey that this test may kill."""
    # Short, because the path of a Unix socket is limited to about 100 bytes.
    folder = Path(tempfile.mkdtemp(prefix="tcv-"))
    valkey = KillableValkey(folder)
    await valkey.start()
    yield valkey
    valkey.kill()
    shutil.rmtree(folder, ignore_errors=True)
