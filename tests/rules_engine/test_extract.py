"""Addresses, codes and texts behind labels."""

from typing import Any

import pytest

from tests.rules_engine.asking import ask

TEXTS: list[tuple[str, str, Any, str]] = [
    ("Extract the IBAN", "IBAN: DE89 3704 0044 0532 0130 00, X", "DE89370400440532013000", "IBAN"),
    ("Extract the IBAN", "GB82WEST12345698765432", "GB82WEST12345698765432", "IBAN"),
    ("Extract the IBAN", "DE89 3704 0044 0532 0130 01", None, "IBAN"),
    ("Extract the currency", "1.250,00 €", "EUR", "Currency"),
    ("Extract the currency", "Price: CHF 20", "CHF", "Currency"),
    ("Extract the currency", "10 USD or 9 EUR", None, "Currency"),
    ("Extract the domain from {{text}}", "jane@mail.acme.co.uk", "mail.acme.co.uk", "Domain"),
    ("Extract the domain from {{text}}", "https://www.acme.com:8080/a?b", "acme.com", "Domain"),
    ("Extract all e-mail addresses", "a@b.com, c@d.org", "a@b.com, c@d.org", "E-mails"),
    ("Extract the customer from {{text}}", "Customer: Smith & Sons\nDate: x", "Smith & Sons",
     "Customer"),
    ("Extract the city from {{text}}", "City: Berlin; Country: Germany", "Berlin", "City"),
    ("Extract the country from {{text}}", "City: Berlin; Country: Germany", "Germany", "Country"),
    ("Extract the status from {{text}}", "status = open | owner = Ann", "open", "Status"),
    ("Extract the customer number", "Kundennummer: 4711", "4711", "Customer number"),
    ("Extract the customer number", "Customer no. 88123, order no. 5", "88123", "Customer number"),
    ("Extract the tracking number", "Tracking number 1Z999AA10123456784", "1Z999AA10123456784",
     "Tracking"),
    ("Extract the SKU", "SKU: TX-400-B, EAN 4006381333931", "TX-400-B", "SKU"),
    ("Extract the EAN", "SKU: TX-400-B, EAN 4006381333931", "4006381333931", "EAN"),
    ("Extract the ticket number", "Re: [Ticket #48213] Printer", "48213", "Ticket number"),
    ("Extract the PO number", "PO Number: 4500012345", "4500012345", "PO number"),
    ("Extract the order number", "Bestellnummer 10-4432", "10-4432", "Order number"),
    ("Extract the order number", "Order of 3 pens on 2024-01-01", None, "Order number"),
    ("Extract the total as written", "Total: € 1.234,50", "€ 1.234,50", "Total"),
    ("Extract the date", "Signed on 5 March 2024", "2024-03-05", "Date"),
    ("Extract the phone number", "+1 415-555-0132", "+1 415-555-0132", "Phone"),
    ("Extract the phone number", "Tel. +49 (0)30 1234567", "+49 (0)30 1234567", "Phone"),
    ("Extract the fax number", "Phone: 030 1234567, Fax: 030 7654321", "030 7654321", "Fax"),
    ("Extract the postcode", "Via Roma 1, no code here", None, "Postcode"),
]  # fmt: skip

EMAILS: list[tuple[str, Any]] = [
    ("write to Jane.Doe@Example.COM.", "Jane.Doe@Example.COM"),
    ("mailto:info@x.de", "info@x.de"),
    ("<first.last+tag@sub.domain.org>", "first.last+tag@sub.domain.org"),
    ("user@localhost", None),
    ("@handle on social", None),
    ("a@b@c.com", None),
    ("two@x.com two@x.com", "two@x.com"),
    ("one@x.com two@x.com", None),
]

URLS: list[tuple[str, Any]] = [
    ("See https://acme.com/about.", "https://acme.com/about"),
    ("(https://en.example.org/wiki/Go_(game))", "https://en.example.org/wiki/Go_(game)"),
    ("www.acme.com", "https://www.acme.com"),
    ("acme.io", "https://acme.io"),
    ("jane@acme.com", None),
    ("file.txt and e.g. this", None),
    ("ftp://x.com", None),
    ("https://a.com or https://b.com", None),
    ('<a href="https://a.com/x">x</a>', "https://a.com/x"),
]


@pytest.mark.parametrize(("prompt", "text", "expected", "label"), TEXTS)
def test_texts(prompt: str, text: str, expected: Any, label: str) -> None:
    found = ask(prompt, text, "text", label=label)
    assert found.value == expected
    assert found.error is None


@pytest.mark.parametrize(("text", "expected"), EMAILS)
def test_email_addresses(text: str, expected: Any) -> None:
    assert ask("Find the address in {{text}}", text, "email", label="E-mail").value == expected


@pytest.mark.parametrize(("text", "expected"), URLS)
def test_web_addresses(text: str, expected: Any) -> None:
    assert ask("Find the link in {{text}}", text, "url", label="Link").value == expected


def test_all_of_them_are_a_list_where_the_column_takes_one() -> None:
    found = ask("Extract all e-mail addresses", "a@b.com; c@d.org; a@b.com", "multi_select",
                label="E-mails")  # fmt: skip
    assert found.value == ["a@b.com", "c@d.org"]


def test_several_inputs_and_their_labels() -> None:
    row = {"order_date": "05.02.2024", "delivery_date": "09.02.2024", "note": "thanks"}
    found = ask("Extract the delivery date", row, "date", label="Delivery date")
    assert found.value == "2024-02-09"
    assert found.citations[0].column == "delivery_date"


def test_values_that_are_no_texts_are_read_as_such() -> None:
    row = {"price": 12.5, "tags": ["a", "b"], "size": {"amount": 3, "unit": "kg"}, "ok": True}
    assert ask("Extract the price", row, "number", label="Price").value == 12.5
    assert ask("Extract the size in kg", row, "number", label="Size").value == 3
    assert ask("Extract the total", {"total": None}, "number", label="Total").value is None


@pytest.mark.parametrize("label", ["Total", "Grand total", "total_amount", "Gesamtbetrag"])
def test_a_label_beats_its_neighbours(label: str) -> None:
    text = "Subtotal 100.00\nTax 19.00\nTotal 119.00\nPaid 50.00"
    assert ask("Extract the {{label}} from {{text}}", text, "number", label=label).value == 119
