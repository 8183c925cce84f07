"""What is kept of runs that ended: their counts stay, their batches go."""

from datetime import timedelta

from persistence.engine import Pool

#: Rows deleted in one transaction: well under the five seconds that one may take.
_BATCH = 5_000
_FORGET = f"""
DELETE FROM cell_batch WHERE (run_id, number) IN (
  SELECT b.run_id, b.number FROM cell_batch b JOIN cell_run r ON r.id = b.run_id
  WHERE r.finished_at < clock_timestamp() - $1::interval LIMIT {_BATCH})
"""


async def forget_batches(pool: Pool, keep: timedelta) -> bool:
    """Delete some batches of runs that ended longer ago than `keep`; whether there were any. Each
    names the rows that it was for, and nobody asks for them any more."""
    return await pool.execute(_FORGET, keep) != "DELETE 0"
