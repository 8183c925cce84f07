"""Dates and times: read from text, written in one form each.

A date is `YYYY-MM-DD`. A datetime is `YYYY-MM-DDTHH:MM:SS.mmmZ`: UTC, years 1 to 9999.
A time without an offset means UTC. Digits beyond milliseconds are cut off, not rounded, so that
no time ever moves into the next second, day or year.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache

from domain.errors import ErrorCode
from domain.rejections import Rejected, show

_LONGEST = 64
_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?(?:[.,]([0-9]+))?"
    r" ?([Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
# What spreadsheets write: 12/31/2013 (month first), 31.12.2013 (day first), perhaps with a time.
_SHEET = re.compile(
    r"([0-9]{1,2})([/.])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})"
    r"(?:,?[ T]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?(?: ?([AaPp])[Mm])?)?"
)


def date(text: str) -> str:
    """The date in `text`: an ISO date, or an ISO timestamp at midnight UTC. Raises `Rejected`."""
    return _checked(text, "date", _date)


def datetime_utc(text: str) -> str:
    """The moment in `text`, an ISO date or timestamp, in normal form. Raises `Rejected`."""
    return _checked(text, "datetime", _datetime)


def sheet_date(text: str) -> str:
    """As `date`, and the forms of spreadsheets: `M/D/Y`, `D.M.Y`; two-digit years are 20xx."""
    return _checked(text, "date", _sheet_date)


def sheet_datetime(text: str) -> str:
    """As `datetime_utc`, and the forms of spreadsheets."""
    return _checked(text, "datetime", _sheet_datetime)


@lru_cache(maxsize=8192)
def looks_like(text: str) -> str | None:
    """`"date"`, `"datetime"` when a time is written, or None when `text` is neither."""
    if len(text) > _LONGEST:
        return None
    try:
        _read_sheet(text)
    except (ValueError, OverflowError):
        return None
    return "datetime" if ":" in text else "date"


def _checked(text: str, kind: str, read: Callable[[str], str]) -> str:
    if len(text) <= _LONGEST:
        try:
            return read(text)
        except Rejected:
            raise
        except OverflowError:
            raise Rejected(
                ErrorCode.OUT_OF_RANGE, f"{show(text)} is outside the years 1 to 9999 in UTC"
            ) from None
        except ValueError:
            pass
    form = "YYYY-MM-DD" if kind == "date" else "YYYY-MM-DDTHH:MM:SSZ"
    raise Rejected(ErrorCode.INVALID_TYPE, f"{show(text)} is not a {kind} ({form})")


# Columns of dates repeat themselves: remembering texts makes a repeated one four times cheaper.
@lru_cache(maxsize=8192)
def _date(text: str) -> str:
    return _as_date(text, _read_iso(text))


@lru_cache(maxsize=8192)
def _datetime(text: str) -> str:
    return _as_datetime(_read_iso(text))


@lru_cache(maxsize=8192)
def _sheet_date(text: str) -> str:
    return _as_date(text, _read_sheet(text))


@lru_cache(maxsize=8192)
def _sheet_datetime(text: str) -> str:
    return _as_datetime(_read_sheet(text))


def _as_date(text: str, moment: datetime) -> str:
    if moment.hour or moment.minute or moment.second or moment.microsecond:
        raise Rejected(
            ErrorCode.INVALID_TYPE,
            f"{show(text)} has a time, which a date column cannot keep; use the type datetime",
        )
    return moment.date().isoformat()


def _as_datetime(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds") + "Z"


def _read_iso(text: str) -> datetime:
    """Naive, in UTC. ValueError: not ISO or no such day. OverflowError: outside years 1 to 9999."""
    match = _ISO.fullmatch(text)
    if match is None:
        raise ValueError
    day, minutes, seconds, fraction, offset = match.groups()
    if minutes is None:
        return datetime.fromisoformat(day)
    if fraction is not None and seconds is None:
        raise ValueError
    moment = datetime.fromisoformat(f"{day}T{minutes}{seconds or ':00'}")
    if fraction is not None:
        moment = moment.replace(microsecond=int(fraction[:3].ljust(3, "0")) * 1000)
    if offset is None or offset in "Zz":
        return moment
    hours, rest = int(offset[1:3]), int(offset[3:].removeprefix(":") or 0)
    if hours > 23 or rest > 59:
        raise ValueError
    shift = timedelta(hours=hours, minutes=rest)
    return moment - shift if offset[0] == "+" else moment + shift


def _read_sheet(text: str) -> datetime:
    match = _SHEET.fullmatch(text)
    if match is None:
        return _read_iso(text)
    first, separator, second, year, hour, minute, seconds, half = match.groups()
    month, day = (first, second) if separator == "/" else (second, first)
    hours = int(hour or 0)
    if half is not None:
        if not 1 <= hours <= 12:
            raise ValueError
        hours = hours % 12 + (12 if half in "Pp" else 0)
    full_year = int(year) + (2000 if len(year) == 2 else 0)
    return datetime(full_year, int(month), int(day), hours, int(minute or 0), int(seconds or 0))
