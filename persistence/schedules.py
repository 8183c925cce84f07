"""When a cron schedule comes next."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from domain.errors import ErrorCode
from domain.rejections import Rejected, show
from domain.workflow_records import Schedule

_FIELDS = 5
_LONGEST = 200
_YEARS = 8


def next_time(schedule: Schedule, after: datetime) -> datetime:
    """The first time of the schedule behind `after`, in UTC.

    Where clocks go forward, a time that does not exist comes at the change; where they go back, a
    time of day comes once. Raises `Rejected` for what is no schedule, or never comes."""
    zone = _zone(schedule.time_zone)
    fields = schedule.cron.split() if len(schedule.cron) <= _LONGEST else []
    # The library also takes seconds as a sixth field, and lists of them would be a run a second.
    if len(fields) != _FIELDS:
        raise Rejected(
            ErrorCode.INVALID,
            "schedule must have five fields: minute, hour, day, month and day of week",
        )
    try:
        found = next(CronSim(" ".join(fields), after.astimezone(zone)), None)
    except CronSimError as error:
        raise Rejected(ErrorCode.INVALID, f"schedule: {str(error).lower()}") from None
    if found is None or found.year > after.year + _YEARS:
        raise Rejected(ErrorCode.INVALID, "schedule: this time never comes")
    return found.astimezone(UTC)


def _zone(name: str) -> ZoneInfo:
    """Raises `Rejected`. A name may not leave the folder of zones: that is a ValueError; a folder
    of them is an OSError."""
    try:
        return ZoneInfo(name[:_LONGEST])
    except (KeyError, ValueError, OSError):
        raise Rejected(ErrorCode.INVALID, f"{show(name)} is not a time zone") from None
