"""Replays of webhooks in storage: a range of a table's revisions that is told once more."""

from uuid import UUID

import asyncpg

from domain import ids
from domain.errors import Conflict, ErrorCode, NotFound, invalid
from domain.webhook_records import Replay, ReplayCreate, ReplayStatus
from persistence import jobs
from persistence.claims import writing
from persistence.engine import Connection, Database, Pool
from persistence.relay import Cursor, next_slice
from persistence.shapes import Shapes
from persistence.webhook_bodies import Follower
from persistence.webhook_queue import store_drafts
from persistence.webhook_relay import CONSUMER, MOST_AT_ONCE, bounded, drafts_of, follower_of

#: The job that makes the deliveries of a replay; its payload is `{"replayId"}`.
JOB = "webhook_replay"
JOB_PRIORITY = -1
#: Replays of one endpoint at a time: each may make as many deliveries as its table has changes.
MOST_RUNNING = 5

FIELDS = (
    "id, organization_id, endpoint_id, table_id, from_revision, to_revision, revision, after_row,"
    " deliveries, status, error, created_at"
)
_LOG = """
SELECT c.revision, c.pruned_to FROM table_clock c
JOIN user_table t ON t.id = c.table_id AND t.deleted_at IS NULL
WHERE c.table_id = $1 AND c.organization_id = $2
"""
_INSERT = f"""
INSERT INTO webhook_replay (id, organization_id, endpoint_id, table_id, from_revision, to_revision,
                            revision, status)
VALUES ($1, $2, $3, $4, $5::bigint, $6, $5::bigint - 1, '{ReplayStatus.RUNNING}')
RETURNING {FIELDS}
"""
_RUNNING = f"""
SELECT count(*) FROM webhook_replay WHERE endpoint_id = $1 AND status = '{ReplayStatus.RUNNING}'
"""
_FIND = f"SELECT {FIELDS} FROM webhook_replay WHERE id = $1 AND organization_id = $2"
_LOCK = f"""
SELECT r.*, c.columns_version FROM webhook_replay r JOIN table_clock c ON c.table_id = r.table_id
WHERE r.id = $1 AND r.status = '{ReplayStatus.RUNNING}' FOR UPDATE OF r
"""
_MOVE = """
UPDATE webhook_replay SET revision = $2, after_row = $3, deliveries = deliveries + $4 WHERE id = $1
"""
_END = """
UPDATE webhook_replay SET status = $2, error = $3, finished_at = clock_timestamp() WHERE id = $1
"""
_STOPPED = "The webhook was disabled or deleted"


async def store_replay(
    pool: Pool, organization_id: UUID, webhook_id: UUID, command: ReplayCreate
) -> Replay:
    """A replay with its job. Raises `NotFound` for the table, `Invalid` for revisions that its log
    does not hold, and `Conflict` when too many run already."""
    async with writing(pool) as connection:
        log = await connection.fetchrow(_LOG, command.table_id, organization_id)
        if log is None:
            raise NotFound("Table")
        if command.to_revision > log["revision"]:
            message = f"The table has {log['revision']} revisions"
            raise invalid(ErrorCode.OUT_OF_RANGE, message, "toRevision")
        if command.from_revision <= log["pruned_to"]:
            message = f"The log begins behind revision {log['pruned_to']}"
            raise invalid(ErrorCode.LOG_PRUNED, message, "fromRevision")
        if await connection.fetchval(_RUNNING, webhook_id) >= MOST_RUNNING:
            raise Conflict(
                f"{MOST_RUNNING} replays of the webhook run already; wait for one to end"
            )
        replay_id = ids.new_id(ids.Kind.REPLAY)
        stored = await connection.fetchrow(
            _INSERT,
            replay_id,
            organization_id,
            webhook_id,
            command.table_id,
            command.from_revision,
            command.to_revision,
        )
        assert stored is not None, "an insert gives its row"
        payload = {"replayId": str(replay_id)}
        await jobs.enqueue_all(connection, JOB, [payload], priority=JOB_PRIORITY)
    return replay_entity(stored)


async def find_replay(pool: Pool, organization_id: UUID, replay_id: UUID) -> Replay | None:
    """How far a replay has come."""
    found = await pool.fetchrow(_FIND, replay_id, organization_id)
    return replay_entity(found) if found is not None else None


def replay_entity(r: asyncpg.Record) -> Replay:
    """The record that other rooms see."""
    return Replay(
        id=r["id"],
        webhook_id=r["endpoint_id"],
        table_id=r["table_id"],
        from_revision=r["from_revision"],
        to_revision=r["to_revision"],
        revision=r["revision"],
        deliveries=r["deliveries"],
        status=ReplayStatus(r["status"]),
        error=r["error"],
        created_at=r["created_at"],
    )


class WebhookReplays:
    """Makes the deliveries of replays, a part in each transaction."""

    def __init__(self, database: Database, shapes: Shapes) -> None:
        self._pool = database.pool
        self._shapes = shapes

    async def step(self, replay_id: UUID) -> bool:
        """The next part; whether there is more. A replay that is gone or ended has none."""
        async with self._pool.acquire() as connection, connection.transaction():
            replay = await connection.fetchrow(_LOCK, replay_id)
            if replay is None:
                return False
            follower = await follower_of(connection, replay["endpoint_id"])
            if follower is None:
                await connection.execute(_END, replay_id, ReplayStatus.FAILED.value, _STOPPED)
                return False
            return await self._advance(connection, replay, follower)

    async def _advance(
        self, connection: Connection, replay: asyncpg.Record, follower: Follower
    ) -> bool:
        last = replay["to_revision"]
        cursor = Cursor(
            CONSUMER,
            replay["table_id"],
            "table",
            replay["organization_id"],
            replay["revision"],
            replay["after_row"],
            last,
            replay["columns_version"],
        )
        part = await next_slice(
            connection, cursor, MOST_AT_ONCE, lambda entry: entry.revision <= last
        )
        shape = await self._shapes.for_log(cursor.log_id, replay["columns_version"])
        part = await bounded(connection, shape, cursor.revision, part, MOST_AT_ONCE)
        drafts = await drafts_of(connection, shape, part, [follower])
        await store_drafts(connection, drafts, replay["id"])
        revision = min(part.revision, last)
        await connection.execute(_MOVE, replay["id"], revision, part.last_row, len(drafts))
        if revision < last:
            return True
        await connection.execute(_END, replay["id"], ReplayStatus.COMPLETED.value, None)
        return False
