"""Watches that the key of an open socket stays good."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import structlog

from domain.access import Viewer
from domain.changes import OrganizationChangeKind
from domain.errors import Unauthenticated
from gql.transports.service import Service
from realtime.log import Topic

_log = structlog.get_logger(__name__)

#: `authenticate` may answer from what it knew up to a second ago; an answer that is asked for this
#: much later is not older than the question before it.
_ANSWERS_LAG_SECONDS = 1.1


class KeyGuard:
    """Follows the organisation's log for the end of one key. The log comes by poll when Redis is
    away, so an end is seen within two seconds either way."""

    def __init__(self, viewer: Viewer, token: str | None, service: Service) -> None:
        self.viewer = viewer
        self._token = token
        self._service = service
        self._revoked = False
        self._doubtful = asyncio.Event()
        self._answers = 0  # since the last doubt

    async def until_invalid(self) -> None:
        """Return once the key has expired or is revoked."""
        if self.viewer.key_id is None:
            await asyncio.get_running_loop().create_future()  # without a key nothing ends
        topic = Topic("organization", self.viewer.organization_id)
        async with self._service.hub.watch(topic, self._look):
            # It may have been revoked between the greeting and now.
            while not self._revoked and await self._is_valid():
                await self._wait()

    async def _wait(self) -> None:
        """Until there is a reason to ask again: a doubt, an answer that may be old, the expiry."""
        lag = _ANSWERS_LAG_SECONDS if self._answers < 2 else None
        waits = [seconds for seconds in (lag, self._left()) if seconds is not None]
        try:
            async with asyncio.timeout(min(waits, default=None)):
                await self._doubtful.wait()
        except TimeoutError:
            return
        self._doubtful.clear()
        self._answers = 0

    def _left(self) -> float | None:
        if self.viewer.expires_at is None:
            return None
        return max(0.0, (self.viewer.expires_at - datetime.now(UTC)).total_seconds())

    def _look(self, entries: Sequence[Any]) -> None:
        # The log itself says it: asking could bring an answer from before.
        self._revoked = self._revoked or any(
            entry.change.kind is OrganizationChangeKind.KEY_REVOKED
            and entry.change.subject_id == self.viewer.key_id
            for entry in entries
        )
        if self._revoked or not entries:
            self._doubtful.set()

    async def _is_valid(self) -> bool:
        try:
            viewer = await self._service.authenticate(self._token)
        except Unauthenticated:
            return False
        except Exception:
            # The database is away. A guard that gave up would let a revoked key live for ever.
            _log.warning("a key could not be looked up", exc_info=True)
            self._answers = 0
            return True
        self._answers += 1
        return viewer.key_id == self.viewer.key_id
