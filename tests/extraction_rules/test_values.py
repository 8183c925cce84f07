"""Printed texts as values: every form that documents print, and nothing that could mean two."""

from typing import Any

import pytest

from domain.extraction_records import SchemaField
from processing.extraction.printed_numbers import read_number
from processing.extraction.values import Habits, habits_in, read
from tests.extraction_rules.works import column

FIELD = SchemaField(1)


@pytest.mark.parametrize(
    ("printed", "value"),
    [
        ("1.234,56", 1234.56), ("1,234.56", 1234.56), ("(12.00)", -12), ("12.50-", -12.5),
        ("1,234", 1234), ("€ 1.234", 1234), ("12 pcs", 12), ("1 234,50 €", 1234.5),
        ("CHF 1'200.-", 1200), ("100,- €", 100), ("kr 100,00", 100), ("$5m", 5_000_000),
        ("5 m", 5), ("19 %", 19), ("$ -3.00", -3), ("-$3.00", -3), ("12.50 €/h", 12.5),
        ("Rs. 1,00,000.00", 100_000), ("1.2 Mio €", 1_200_000), ("US$12.00", 12),
        ("EUR 12,00 *", 12), ("(€12.00)", -12), ("\u221212.5", -12.5), ("n/a", None), ("-", None),
    ],
)  # fmt: skip
def test_numbers(printed: str, value: Any) -> None:
    cell = read(column("number"), FIELD, printed)
    assert (cell.value, cell.error) == (value, None)
    assert cell.raw == (None if value is None else printed)


@pytest.mark.parametrize(
    "printed", ["1.234", "12.05.2024", "INV 12", "1-2", "12 EUR USD", "about 5", "4.5/5", "--5--"]
)
def test_what_is_no_number_or_two_has_an_error_and_its_text(printed: str) -> None:
    cell = read(column("number"), FIELD, printed)
    assert cell.value is None
    assert cell.error
    assert cell.raw == printed


def test_other_numbers_of_the_document_tell_what_a_comma_is() -> None:
    number = column("number")
    assert read(number, FIELD, "1.234", Habits(decimal_comma=True)).value == 1234
    assert read(number, FIELD, "1.234", Habits(decimal_comma=False)).value == 1.234
    assert habits_in("Summe 12,50 und 1.999,00").decimal_comma is True
    assert habits_in("12.50 and 13,70").decimal_comma is None


@pytest.mark.parametrize(
    ("printed", "value"),
    [
        ("13/04/2024", "2024-04-13"), ("14. März 2024", "2024-03-14"),
        ("1 de enero de 2024", "2024-01-01"), ("Mon, 3 Mar 2024", "2024-03-03"),
        ("12.05.24", "2024-05-12"), ("20240512", "2024-05-12"), ("5 maart 2024", "2024-03-05"),
        ("12 settembre 2025", "2025-09-12"), ("03/04/2024", None), ("March 2024", None),
        ("due 5 May 2024", None), ("1 May 2024 to 3 May 2024", None),
    ],
)  # fmt: skip
def test_dates(printed: str, value: str | None) -> None:
    cell = read(column("date"), FIELD, printed)
    assert cell.value == value
    assert (cell.error is None) == (value is not None)


@pytest.mark.parametrize(
    ("form", "habits", "value"),
    [
        ("EU", Habits(), "2024-04-03"), ("US", Habits(), "2024-03-04"),
        (None, Habits(day_first=True), "2024-04-03"), ("US", Habits(day_first=True), "2024-03-04"),
    ],
)  # fmt: skip
def test_the_schema_or_the_document_tells_the_order_of_dates(
    form: str | None, habits: Habits, value: str
) -> None:
    field = SchemaField(1, date_format=form)
    assert read(column("date"), field, "03/04/2024", habits).value == value


@pytest.mark.parametrize(
    ("text", "day_first"),
    [
        ("shipped 25/12/2025", True), ("shipped 12/25/2025", False), ("Total € 12", True),
        ("Austin, TX 78701", False), ("nothing", None), ("25/12/2025 12/25/2025", None),
    ],
)  # fmt: skip
def test_documents_tell_the_order_of_dates(text: str, day_first: bool | None) -> None:
    assert habits_in(text).day_first is day_first


def test_options_booleans_and_units() -> None:
    options = {"options": ["Paid", "Open", "Cancelled"]}
    assert read(column("select", config=options), FIELD, "PAID").value == "Paid"
    assert read(column("select", config=options), FIELD, "Canceled").value == "Cancelled"
    assert read(column("select", config=options), FIELD, "later").error
    many = read(column("multi_select", config=options), FIELD, "open; paid")
    assert many.value == ["Open", "Paid"]
    assert read(column("boolean"), FIELD, "☑").value is True
    assert read(column("boolean"), FIELD, "Nein").value is False
    assert read(column("boolean"), FIELD, "perhaps").error
    kilos = column("measurement", config={"unit": "kg"})
    assert read(kilos, FIELD, "12,5 kg").value == 12.5
    assert read(kilos, FIELD, "500 g").error
    assert read(column("number"), SchemaField(1, unit="EUR"), "$5.00").error


def test_texts_addresses_and_what_no_document_fills() -> None:
    assert read(column("text"), FIELD, " Steel\n bracket ").value == "Steel bracket"
    assert read(column("email"), FIELD, "mail to jo@finch.example").value == "jo@finch.example"
    assert read(column("url"), FIELD, "www.finch.example").value == "https://www.finch.example"
    assert read(column("relation"), FIELD, "x").error
    assert read(column("text"), FIELD, "a\x00b").value in (None, "ab")
    assert read(column("text"), FIELD, None).raw is None


def test_a_number_says_its_unit() -> None:
    money = read_number("12.50 €")
    boxes = read_number("3 boxes")
    assert money is not None
    assert boxes is not None
    assert (money.unit, money.is_money) == ("EUR", True)
    assert (boxes.unit, boxes.known) == ("boxes", False)
