"""Numbers, money, percentages and measurements."""

from typing import Any

import pytest

from tests.rules_engine.asking import ask

NUMBERS: list[tuple[str, Any]] = [
    ("42", 42),
    ("-17.5", -17.5),
    ("1,234", 1234),
    ("1,234,567.89", 1234567.89),
    ("1.234.567,89", 1234567.89),
    ("1 234 567,89", 1234567.89),
    ("1\u00a0234,5", 1234.5),
    ("1\u202f234,5", 1234.5),
    ("1'234'567.80", 1234567.8),
    ("12,34,567", 1234567),
    ("0,75", 0.75),
    (".5", 0.5),
    ("0.125", 0.125),
    ("3,14159", 3.14159),
    ("1.2 million", 1200000),
    ("2,5 Mio.", 2500000),
    ("3 thousand", 3000),
    ("score: 4.5/5", 4.5),
    ("4 out of 5", 4),
    ("N/A", None),
    ("12-34", None),
    ("INV-2024-001", None),
    ("1.2.3.4", None),
    ("A4", None),
    ("COVID-19", None),
    ("10:30", None),
    ("7 or 8", None),
    ("9" * 30, 10**30 - 1),
]

MONEY: list[tuple[str, Any]] = [
    ("$1,234.50", 1234.5),
    ("USD 1234", 1234),
    ("1.234,50 €", 1234.5),
    ("€ 99", 99),
    ("£5.99 each", 5.99),
    ("CHF 2'350.00", 2350),
    ("$3.5M", 3500000),
    ("$20k", 20000),
    ("EUR 1.250", 1250),
    ("1.250 €", 1250),
    ("12 euros", 12),
    ("-$45.10", -45.1),
    ("¥12,000", 12000),
    ("1 250,00 €", 1250),
    ("US$ 7", 7),
    ("₹1,50,000", 150000),
    ("199 kr", None),
    ("free", None),
    ("$10 or $20", None),
    ("from $10 to $20", None),
    ("2 items for $30", 30),
    ("It was 5 years ago", None),
]


@pytest.mark.parametrize(("text", "expected"), NUMBERS)
def test_numbers_of_several_countries(text: str, expected: Any) -> None:
    found = ask("Extract the value from {{text}}", text, "number", label="Value")
    assert found.value == (None if expected is None else pytest.approx(expected))
    assert found.error is None


@pytest.mark.parametrize(("text", "expected"), MONEY)
def test_amounts_of_money(text: str, expected: Any) -> None:
    found = ask("Extract the price from {{text}}", text, "number", label="Price")
    assert found.value == expected
    assert found.error is None


def test_a_sign_with_two_readings_lowers_the_confidence() -> None:
    found = ask("Extract the value", "1.234", "number", label="Value")
    assert found.value == 1.234
    assert found.confidence < 0.6
    other = ask("Extract the value", "1.234 (before: 2,5)", "number", label="Value")
    assert other.value is None  # two numbers
    german = ask(
        "Extract the number of inhabitants", "Einwohner: 3.400", "number", label="Einwohner"
    )
    assert german.value == 3400


@pytest.mark.parametrize(
    ("prompt", "text", "expected", "label"),
    [
        ("Extract the discount in percent", "Save 15% now, only $20", 15, "Discount"),
        ("Extract the percentage", "12,5 % der Stimmen", 12.5, "Share"),
        ("Extract the VAT rate as percentage", "VAT (20%): 240.00", 20, "VAT rate"),
        ("Extract the growth in percent", "grew 7 percent to 40 million", 7, "Growth"),
        ("Extract the highest price", "from $10 to $20", 20, "Price"),
        ("Extract the lowest price", "from $10 to $20", 10, "Price"),
        ("Extract the height in cm", "12 kg, 180 cm", 180, "Height"),
        ("Extract the duration", "Takes 45 minutes and costs $9", 45, "Duration"),
        ("Extract the storage", "Phone with 128 GB and 6.1 inch screen", 128, "Storage"),
        ("Extract the number of bedrooms", "3 bedrooms 2 bathrooms", 3, "Bedrooms"),
        ("Extract the number of bathrooms", "3 bedrooms 2 bathrooms", 2, "Bathrooms"),
        ("Extract the amount in EUR", "USD 10 (EUR 9.20)", 9.2, "Amount"),
        ("Extract the year founded", "Founded in 1998 with 250 people", 1998, "Founded"),
        ("Extract the net amount", "Net 100.00, VAT 19.00, gross 119.00", 100, "Net"),
        ("Extract the height in cm", "a small box", None, "Height"),
    ],
)
def test_the_kind_that_is_asked_for(prompt: str, text: str, expected: Any, label: str) -> None:
    found = ask(prompt, text, "number", label=label)
    assert found.value == expected
    assert found.error is None


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("12.5 kg", "kg", 12.5),
        ("12,5 Kilogramm", "kg", 12.5),
        ("Weight: 3 lbs", "lb", 3),
        ("500 g", "kg", None),
        ("84 m²", "m²", 84),
        ("84 sqm", "m²", 84),
        ('27" monitor', "in", 27),
        ("-18 °C", "°C", -18),
        ("battery 5000mAh", "mAh", 5000),
        ("20 km/h", "km/h", 20),
        ("10-pack of 2 l bottles", "l", 2),
    ],
)
def test_measurements_in_the_unit_of_the_column(text: str, unit: str, expected: Any) -> None:
    found = ask("Extract the measurement from {{text}}", text, "measurement", unit=unit)
    assert found.value == expected


def test_what_is_written_is_kept() -> None:
    found = ask("Extract the total", "Total: $1,440.00 today", "number", label="Total")
    assert (found.raw, found.citations[0].text, found.citations[0].start) == (
        "$1,440.00", "$1,440.00", 7,
    )  # fmt: skip
    assert found.confidence >= 0.95
