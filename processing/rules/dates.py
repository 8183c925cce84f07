"""Dates and times in texts, in many forms, as ISO. Relative ones ("tomorrow") have no date without
a clock, and a day without its year is none either."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone

from processing.rules.candidates import Candidate
from processing.rules.month_names import MONTHS
from processing.rules.records import Passage
from processing.rules.words import fold

#: The reading of 03/04/2024 when nothing tells the order, and of a year in two digits.
AMBIGUOUS, SHORT_YEAR = 0.55, 0.85

_DAY = r"(?:0?[1-9]|[12][0-9]|3[01])"
_MONTH_NAME = r"[^\W\d_]{3,10}"
_TIME = (
    r"(?:(?:[T, ]|,? at |,? um |,? à ){1,2}(?P<hour>[01]?[0-9]|2[0-4])[:h.](?P<minute>[0-5][0-9])"
    r"(?::(?P<second>[0-5][0-9]|60)(?:[.,][0-9]{1,9})?)?"
    r"(?: ?(?P<half>[aApP])\.?[mM]\b\.?)?(?: ?(?P<zone>Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})\b)?)?"
)
_EDGE = r"(?<![\w.,/-])(?<![$€£])"
_END = r"(?![\w]|[./-][0-9])"

_FORMS = (
    re.compile(
        rf"{_EDGE}(?P<year>[0-9]{{4}})(?P<sign>[-/.])(?P<month>0?[1-9]|1[0-2])(?P=sign)"
        rf"(?P<day>{_DAY}){_TIME}{_END}"
    ),
    re.compile(
        rf"{_EDGE}(?P<first>[0-9]{{1,2}})(?P<sign>[-/.]|\. )(?P<second_>[0-9]{{1,2}})(?P=sign)"
        rf"(?P<year>[0-9]{{4}}|[0-9]{{2}}){_TIME}{_END}"
    ),
    re.compile(
        rf"{_EDGE}(?P<day>{_DAY})(?:st|nd|rd|th|er|\.|º)?(?: of| de)?[ \u00a0/-]{{0,2}}"
        rf"(?P<name>{_MONTH_NAME})\.?,?(?: de)?[ \u00a0/-]{{0,2}}"
        rf"(?P<year>[0-9]{{4}}|['\u2019]?[0-9]{{2}})"
        rf"{_TIME}{_END}"
    ),
    re.compile(
        rf"(?<!\w)(?P<name>{_MONTH_NAME})\.?[ \u00a0-](?P<day>{_DAY})(?:st|nd|rd|th)?"
        rf"(?:,? ?[ \u00a0]|-|,)(?P<year>[0-9]{{4}}){_TIME}{_END}"
    ),
)
_COMPACT = re.compile(r"\s*(?P<year>(?:19|20)[0-9]{2})(?P<month>[01][0-9])(?P<day>[0-3][0-9])\s*")
_DAY_FIRST = re.compile(
    r"\bdd? ?[/.-] ?mm?|\bday (?:comes )?first|\bday[/-]month"
    r"|\b(?:european|british|uk|german|french|australian) (?:date|format|style)"
)
_MONTH_FIRST = re.compile(
    r"\bmm? ?[/.-] ?dd?|\bmonth (?:comes )?first|\bmonth[/-]day|\b(?:us|american) (?:date|format"
    r"|style)"
)


def find(passages: Sequence[Passage], plain_prompt: str) -> list[Candidate]:
    """All dates of the passages in order. The value of each is a datetime, with a zone when one is
    written; `kind` is date or datetime."""
    matches = [(passage, match) for passage in passages for match in _matches(passage.text)]
    day_first = _order(plain_prompt, [match for _, match in matches])
    found = []
    for passage, match in matches:
        candidate = _read(passage, match, day_first)
        if candidate is not None:
            found.append(candidate)
    return found


def _matches(text: str) -> Iterator[re.Match[str]]:
    """Matches that do not overlap; the first form wins."""
    taken: list[tuple[int, int]] = []
    compact = _COMPACT.fullmatch(text) if len(text) < 40 else None
    found = [match for form in _FORMS for match in form.finditer(text)]
    if compact is not None:
        found.append(compact)
    found.sort(key=lambda match: (match.start(), -match.end()))
    for match in found:
        if not taken or match.start() >= taken[-1][1]:
            if "name" in match.groupdict() and fold(match["name"]) not in MONTHS:
                continue
            taken.append(match.span())
            yield match


def _order(plain_prompt: str, matches: Sequence[re.Match[str]]) -> bool | None:
    """Whether days come before months, when the prompt or another date of the row tells."""
    if _DAY_FIRST.search(plain_prompt):
        return True
    if _MONTH_FIRST.search(plain_prompt):
        return False
    told = set()
    for match in matches:
        parts = match.groupdict()
        if parts.get("first") is not None and "." not in parts["sign"]:
            first, second = int(parts["first"]), int(parts["second_"])
            if first > 12 >= second:
                told.add(True)
            elif second > 12 >= first:
                told.add(False)
    return told.pop() if len(told) == 1 else None


def _read(passage: Passage, match: re.Match[str], day_first: bool | None) -> Candidate | None:
    parts = match.groupdict()
    certainty = 1.0
    if parts.get("first") is not None:
        day, month, certainty = _day_and_month(parts, day_first)
    elif parts.get("name") is not None:
        day, month = int(parts["day"]), MONTHS[fold(parts["name"])]
    else:
        day, month = int(parts["day"]), int(parts["month"])
    year_text = parts["year"].lstrip("'\u2019")
    year = int(year_text)
    if len(year_text) == 2:
        year += 2000
        certainty *= SHORT_YEAR
    try:
        moment = datetime(year, month, day) + _time_of_day(parts)
        moment = _in_zone(moment, parts.get("zone"))
    except (ValueError, OverflowError):
        return None
    kind = "datetime" if parts.get("hour") is not None else "date"
    return Candidate(passage, *_trimmed(match), moment, kind, certainty=certainty)


def _trimmed(match: re.Match[str]) -> tuple[int, int]:
    written = match[0]
    start = match.start() + len(written) - len(written.lstrip())
    return start, match.start() + len(written.rstrip())


def _day_and_month(parts: dict[str, str], day_first: bool | None) -> tuple[int, int, float]:
    first, second = int(parts["first"]), int(parts["second_"])
    if "." in parts["sign"]:
        return first, second, 1.0
    if first > 12 or first == second:
        return first, second, 1.0
    if second > 12:
        return second, first, 1.0
    if day_first is None:
        # Files are read month first too.
        return second, first, AMBIGUOUS
    return (first, second, 0.95) if day_first else (second, first, 0.95)


def _time_of_day(parts: dict[str, str]) -> timedelta:
    if parts.get("hour") is None:
        return timedelta()
    hour, half = int(parts["hour"]), parts.get("half")
    if half is not None:
        if not 1 <= hour <= 12:
            raise ValueError("no such hour")
        hour = hour % 12 + (12 if half in "pP" else 0)
    if hour > 23:
        raise ValueError("no such hour")
    seconds = min(int(parts.get("second") or 0), 59)
    return timedelta(hours=hour, minutes=int(parts["minute"]), seconds=seconds)


def _in_zone(moment: datetime, zone: str | None) -> datetime:
    if zone is None:
        return moment
    if zone in ("Z", "UTC", "GMT"):
        return moment.replace(tzinfo=UTC)
    digits = zone[1:].replace(":", "")
    shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    aware = moment.replace(tzinfo=timezone(shift if zone[0] == "+" else -shift))
    aware.astimezone(UTC)  # a moment outside the years 1 to 9999 is none
    return aware


def iso_date(moment: datetime) -> str:
    """The day as it is written, in whatever zone."""
    return moment.date().isoformat()


def iso_datetime(moment: datetime) -> str:
    """In UTC; without a zone it is meant to be UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
