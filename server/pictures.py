"""Pictures of charts, drawn by one child process of this one."""

import asyncio
import contextlib
import hashlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Literal

import structlog

from rest_compat.wire import Refused, dumps

logger = structlog.get_logger(__name__)

Format = Literal["svg", "png"]

#: Pictures that may wait for the one that is being drawn.
_WAITING = 20
#: Seconds for one picture; the first one starts the engine too.
_PATIENCE = 20.0
#: Pictures after which the child is replaced, because its heap only grows.
_MOST_PICTURES = 200
_KEPT = 32
_KEPT_BYTES = 500_000
_PASSED_ON = ("PYTHONPATH", "HOME", "TMPDIR")


def _environment() -> dict[str, str]:
    """Where Python and fonts are: no keys and no addresses for whatever a chart makes the engine
    do."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


class Pictures:
    """Draws one picture after the other. The child starts with the first one."""

    def __init__(self) -> None:
        self._child: Process | None = None
        self._drawn = 0
        self._asked = 0
        self._lock = asyncio.Lock()
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()

    async def draw(self, spec: Mapping[str, Any], format: Format) -> bytes:
        """A picture of the specification. Raises `Refused` when too many are waiting or it takes
        too long."""
        request = dumps({"format": format, "spec": spec}) + b"\n"
        name = hashlib.sha256(request).digest()
        if (known := self._kept.get(name)) is not None:
            self._kept.move_to_end(name)
            return known
        if self._asked > _WAITING:
            raise Refused(503, "Too many pictures are being drawn; try again")
        self._asked += 1
        try:
            async with self._lock:
                picture = await self._ask(request)
        finally:
            self._asked -= 1
        if len(picture) <= _KEPT_BYTES:
            self._kept[name] = picture
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return picture

    async def aclose(self) -> None:
        """End the child."""
        child, self._child, self._drawn = self._child, None, 0
        if child is not None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()

    async def _ask(self, request: bytes) -> bytes:
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._draw(await self._running(), request)
        except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
            logger.warning("picture_failed", error=repr(error))
            await self.aclose()
            raise Refused(503, "The picture could not be drawn in time") from None
        except BaseException:
            # Half an answer may be left in the pipe.
            await self.aclose()
            raise

    async def _running(self) -> Process:
        if self._drawn >= _MOST_PICTURES:
            await self.aclose()
        if self._child is None or self._child.returncode is not None:
            module = "server.picture_worker"
            self._child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", module, stdin=PIPE, stdout=PIPE, env=_environment()
            )
        return self._child

    async def _draw(self, child: Process, request: bytes) -> bytes:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(request)
        await child.stdin.drain()
        word, _, size = (await child.stdout.readuntil(b"\n")).partition(b" ")
        body = await child.stdout.readexactly(int(size))
        self._drawn += 1
        if word != b"ok":
            raise RuntimeError(f"the converter refused a chart: {body.decode('utf-8', 'replace')}")
        return body
