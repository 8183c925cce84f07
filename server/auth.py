"""Who calls: an API key becomes a `Viewer`."""

import asyncio
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import structlog

from domain import keys
from domain.access import Role, Viewer
from domain.entities import ApiKey
from domain.errors import Unauthenticated
from persistence.keys import USE_SECONDS, Keys

#: How long a key is believed without asking the database: plain requests hear of a revocation
#: within this time. Open sockets hear of it from the organisation's log.
BELIEVED_SECONDS = 1.0
_MOST_REMEMBERED = 10_000

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Known:
    viewer: Viewer
    until: float


class Authenticator:
    """Turns the token of a request into a viewer. One per web process."""

    def __init__(
        self,
        stored: Keys,
        *,
        open_organization: UUID | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`open_organization` is served without keys; the settings allow that on loopback only."""
        self._stored = stored
        self._open = Viewer(open_organization, Role.ADMIN) if open_organization else None
        self._now = now
        self._known: dict[bytes, _Known] = {}
        self._loading: dict[bytes, asyncio.Task[ApiKey | None]] = {}
        self._touched: dict[UUID, float] = {}
        self._touching: set[asyncio.Task[None]] = set()

    async def viewer(self, token: str | None) -> Viewer:
        """The viewer that a token stands for. Raises `Unauthenticated`.

        A wrong token is refused in open mode too: its sender means to be someone."""
        if not token:
            if self._open is None:
                raise Unauthenticated
            return self._open
        presented = keys.hash_of(token)
        known = self._known.get(presented)
        if known is None or known.until <= self._now():
            key = await self._load(token, presented)
            if key is None:
                raise Unauthenticated
            known = self._remember(presented, key)
        viewer = known.viewer
        if viewer.expires_at is not None and viewer.expires_at <= datetime.now(UTC):
            raise Unauthenticated
        if viewer.key_id is not None:
            self._note_use(viewer.key_id)
        return viewer

    async def aclose(self) -> None:
        """Wait for what runs in the background."""
        await asyncio.gather(*self._touching, *self._loading.values(), return_exceptions=True)

    async def _load(self, token: str, presented: bytes) -> ApiKey | None:
        # All requests that arrive while a key is being looked up wait for one look-up.
        task = self._loading.get(presented)
        if task is None:
            task = asyncio.create_task(self._look_up(token, presented))
            self._loading[presented] = task
            task.add_done_callback(lambda _: self._loading.pop(presented, None))
        return await asyncio.shield(task)

    async def _look_up(self, token: str, presented: bytes) -> ApiKey | None:
        found = await self._stored.find_by_prefix(keys.prefix_of(token))
        if found is None or not hmac.compare_digest(found.hash, presented):
            return None
        return None if found.key.revoked_at is not None else found.key

    def _remember(self, presented: bytes, key: ApiKey) -> _Known:
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        viewer = Viewer(key.organization_id, key.role, key.id, key.expires_at, scope=key.scope)
        known = _Known(viewer, self._now() + BELIEVED_SECONDS)
        self._known[presented] = known
        return known

    def _note_use(self, key_id: UUID) -> None:
        now = self._now()
        if now - self._touched.get(key_id, -USE_SECONDS) < USE_SECONDS:
            return
        if len(self._touched) >= _MOST_REMEMBERED:
            self._touched.clear()
        self._touched[key_id] = now
        task = asyncio.create_task(self._touch(key_id))
        self._touching.add(task)
        task.add_done_callback(self._touching.discard)

    async def _touch(self, key_id: UUID) -> None:
        try:
            await self._stored.touch(key_id)
        except Exception:
            # Nobody waits for this, and the request that caused it has its answer.
            _log.warning("the use of a key was not noted", key_id=str(key_id), exc_info=True)
