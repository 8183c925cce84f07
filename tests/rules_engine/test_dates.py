"""Dates in many forms, and what is no date."""

import gzip
from datetime import UTC
from email.utils import parsedate_to_datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.rules_engine.asking import ask

CASES: list[tuple[str, str | None]] = [
    ("2024-03-05", "2024-03-05"),
    ("2024/3/5", "2024-03-05"),
    ("2024.03.05", "2024-03-05"),
    ("20240305", "2024-03-05"),
    ("5 March 2024", "2024-03-05"),
    ("5th of March 2024", "2024-03-05"),
    ("the 1st of May, 2023", "2023-05-01"),
    ("March 5, 2024", "2024-03-05"),
    ("Mar. 5th, 2024", "2024-03-05"),
    ("MARCH 5 2024", "2024-03-05"),
    ("05-Mar-2024", "2024-03-05"),
    ("05-MAR-24", "2024-03-05"),
    ("Tue, 5 Mar 2024 10:00:00 +0100", "2024-03-05"),
    ("5. März 2024", "2024-03-05"),
    ("05.03.2024", "2024-03-05"),
    ("5.3.24", "2024-03-05"),
    ("1er avril 2024", "2024-04-01"),
    ("le 14 août 2023", "2023-08-14"),
    ("3 février 2024", "2024-02-03"),
    ("12. Dezember 2022", "2022-12-12"),
    ("25/12/2024", "2024-12-25"),
    ("12/25/2024", "2024-12-25"),
    ("12/12/2024", "2024-12-12"),
    ("2024-03-05T10:20:30Z", "2024-03-05"),
    ("Delivered on 2024-03-05 at the door", "2024-03-05"),
    ("Signed: 5/3/2024; countersigned: 5/3/2024", "2024-05-03"),
    ("29 February 2024", "2024-02-29"),
    ("29 February 2023", None),
    ("31/04/2024", None),
    ("2024-13-01", None),
    ("tomorrow", None),
    ("next Tuesday", None),
    ("5 March", None),
    ("March 2024", None),
    ("version 1.2.2024.3", None),
    ("10.0.0.12", None),
    ("1-800-555-0199", None),
    ("between 2024-01-01 and 2024-12-31", None),
    ("3 Widgets 2024", None),
    ("12:30", None),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_a_date_is_read_as_iso(text: str, expected: str | None) -> None:
    found = ask("Extract the date from {{text}}", text, "date", label="Date")
    assert found.value == expected
    assert found.error is None
    assert (found.confidence > 0) == (expected is not None)


def test_a_date_with_two_readings_says_so() -> None:
    """Month first, as in files, and with half the confidence."""
    found = ask("Extract the date from {{text}}", "03/04/2024", "date", label="Date")
    assert found.value == "2024-03-04"
    assert 0.5 <= found.confidence < 0.6
    assert ask("Extract the date", "13/04/2024", "date", label="Date").confidence > 0.9


@pytest.mark.parametrize(
    ("prompt", "text", "expected"),
    [
        ("Extract the date (DD/MM/YYYY) from {{text}}", "03/04/2024", "2024-04-03"),
        ("Extract the date from {{text}}, day first", "03/04/2024", "2024-04-03"),
        ("Extract the date from {{text}}, US format", "03/04/2024", "2024-03-04"),
        ("Extract the latest date from {{text}}", "01/02/2024 and 25/02/2024", "2024-02-25"),
        ("Extract the earliest date from {{text}}", "01/02/2024 and 25/02/2024", "2024-02-01"),
        ("Extract the first date", "2024-05-01, 2024-04-01", "2024-05-01"),
        ("Extract the last date", "2024-05-01, 2024-04-01", "2024-04-01"),
    ],
)
def test_the_prompt_and_other_dates_tell_the_order(prompt: str, text: str, expected: str) -> None:
    found = ask(prompt, text, "date", label="Date")
    assert found.value == expected
    assert found.confidence >= 0.65


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-03-05T10:20:30Z", "2024-03-05T10:20:30.000Z"),
        ("2024-03-05 10:20", "2024-03-05T10:20:00.000Z"),
        ("5 March 2024 at 2:05 pm", "2024-03-05T14:05:00.000Z"),
        ("Mar 5, 2024 12:30 AM", "2024-03-05T00:30:00.000Z"),
        ("2024-03-05T23:30:00-05:00", "2024-03-06T04:30:00.000Z"),
        ("Sat, 22 Apr 2017 15:11:58 -0500", "2017-04-22T20:11:58.000Z"),
        ("05.03.2024 um 09:15", "2024-03-05T09:15:00.000Z"),
        ("2024-03-05", "2024-03-05T00:00:00.000Z"),
        ("2024-03-05 25:61", "2024-03-05T00:00:00.000Z"),
    ],
)
def test_moments_are_utc(text: str, expected: str) -> None:
    assert ask("Extract the time", text, "datetime", label="Time").value == expected


def _commits() -> list[str]:
    """Dates of commits of a real project, as mail programs write them."""
    spec = find_spec("bokeh_sampledata")
    assert spec is not None
    assert spec.origin is not None
    file = Path(spec.origin).parent / "_data" / "commits.txt.gz"
    return gzip.decompress(file.read_bytes()).decode().splitlines()


def test_real_dates_are_read_as_the_standard_library_reads_them() -> None:
    lines = _commits()[::9]
    assert len(lines) > 400
    wrong: list[tuple[str, Any]] = []
    for line in lines:
        expected = parsedate_to_datetime(line)
        found = ask("Extract the date", f"commit {line} by a developer", "date", label="Date")
        if found.value != expected.date().isoformat():
            wrong.append((line, found.value))
        moment = ask("Extract the date", line, "datetime", label="Date").value
        if moment != f"{expected.astimezone(UTC).replace(tzinfo=None).isoformat()}.000Z":
            wrong.append((line, moment))
    assert not wrong
