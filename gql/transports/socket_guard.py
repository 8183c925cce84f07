"""Watches that the key of an open socket stays good."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from domain.access import Viewer
from domain.changes import OrganizationChangeKind
from domain.errors import Unauthenticated
from gql.transports.service import Service
from realtime.log import Topic


class KeyGuard:
    """Follows the organisation's log for the end of one key. The log comes by poll when Redis is
    away, so an end is seen within two seconds either way."""

    def __init__(self, viewer: Viewer, token: str | None, service: Service) -> None:
        self.viewer = viewer
        self._token = token
        self._service = service
        self._doubtful = asyncio.Event()

    async def until_invalid(self) -> None:
        """Return once the key has expired or is revoked."""
        if self.viewer.key_id is None:
            await asyncio.get_running_loop().create_future()  # without a key nothing ends
        topic = Topic("organization", self.viewer.organization_id)
        async with self._service.hub.watch(topic, self._look):
            # It may have been revoked between the greeting and now.
            while await self._is_valid():
                self._doubtful.clear()
                await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._left()):
                await self._doubtful.wait()
        except TimeoutError:
            return

    def _left(self) -> float | None:
        if self.viewer.expires_at is None:
            return None
        return max(0.0, (self.viewer.expires_at - datetime.now(UTC)).total_seconds())

    def _look(self, entries: Sequence[Any]) -> None:
        if not entries or any(
            entry.change.kind is OrganizationChangeKind.KEY_REVOKED
            and entry.change.subject_id == self.viewer.key_id
            for entry in entries
        ):
            self._doubtful.set()

    async def _is_valid(self) -> bool:
        try:
            viewer = await self._service.authenticate(self._token)
        except Unauthenticated:
            return False
        return viewer.key_id == self.viewer.key_id
