"""Replays of webhooks: a job makes the deliveries of a range of revisions, part by part."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

import structlog

from persistence.jobs import TryAgain, out_of_reach
from persistence.storage import PostgresStorage

#: A job that lasts longer goes on as another one, so that shorter jobs get their turn.
_PATIENCE_SECONDS = 5.0
_AGAIN_SECONDS = 30.0

_log = structlog.get_logger()


def handler(
    storage: PostgresStorage, stopping: asyncio.Event
) -> Callable[[Mapping[str, Any]], Awaitable[None]]:
    """The handler of replay jobs. After `stopping` it leaves the rest to another worker."""

    async def work(payload: Mapping[str, Any]) -> None:
        replay_id = UUID(payload["replayId"])
        begun = time.monotonic()
        try:
            while await storage.webhook_replays.step(replay_id):
                if stopping.is_set() or time.monotonic() - begun > _PATIENCE_SECONDS:
                    raise TryAgain("the rest comes later", 0)
        except TryAgain:
            raise
        except Exception as error:
            if out_of_reach(error):
                raise
            # A job that fails is forgotten, and the replay would stand still for ever.
            _log.exception("a replay failed", replay_id=str(replay_id))
            raise TryAgain("an internal error", _AGAIN_SECONDS) from error

    return work
