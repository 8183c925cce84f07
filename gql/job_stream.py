"""An extraction job that is followed: where it stands, then its steps, until it has ended."""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from domain import extraction_jobs
from domain.access import Viewer
from domain.extraction_records import JobStep
from gql.feeds import Event, Feed
from gql.types.extraction_jobs import ExtractionJob, JobProgress
from persistence.storage import PostgresStorage
from realtime.events import Started
from realtime.log import Topic


async def follow_job(viewer: Viewer, storage: PostgresStorage, job_id: UUID) -> Feed:
    """The stream of a job from the present on. An event tells where the job stands when it is made,
    not at the step: whoever comes late gets one event for many steps. Raises `NotFound`."""
    job = await extraction_jobs.watch_job(viewer, storage, job_id)

    async def now(revision: int) -> JobProgress:
        found = await extraction_jobs.watch_job(viewer, storage, job.id)
        return JobProgress(revision=revision, job=ExtractionJob.of(found))

    async def begin(started: Started) -> Event:
        return await now(started.revision)

    async def events(entries: Sequence[JobStep]) -> list[Any]:
        return [await now(entries[-1].revision)]

    return Feed(Topic("extraction", job.id), None, begin, events, _is_over)


def _is_over(event: Event) -> bool:
    return cast("JobProgress", event).job.is_over
