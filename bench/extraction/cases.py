"""The documents of the bench with what stands in them: who published a document published the
answers too, except for one invoice whose answers we read from its page."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.extraction.archives import FACTUR_X, INVOICES, TABLES, Archive, content

#: Fields of the answers that stand on no page: names that the publisher's templates add.
_NOT_PRINTED = frozenset({"desc", "issuer", "partner_name", "partner_website", "lines"})
#: What a person would call these fields, and the types that they would give them.
_FIELDS: Mapping[str, tuple[str, str]] = {
    "amount": ("Total amount", "number"),
    "amount_untaxed": ("Net amount", "number"),
    "amount_rooms": ("Rooms", "number"),
    "currency": ("Currency", "text"),
    "date": ("Date", "date"),
    "date_due": ("Due date", "date"),
    "date_check_in": ("Check in", "date"),
    "date_check_out": ("Check out", "date"),
    "invoice_number": ("Invoice number", "text"),
    "order_id": ("Order ID", "text"),
    "booking_id": ("Booking ID", "text"),
    "client_id": ("Client ID", "text"),
    "line_number": ("Line number", "text"),
    "vat": ("VAT number", "text"),
    "gstin": ("GSTIN", "text"),
    "cin": ("CIN", "text"),
    "payment_method": ("Payment method", "text"),
    "hotel_details": ("Hotel details", "text"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A document, the columns that are asked for by label and type, and the rows that it has.
    `lines` are those of a child table."""

    name: str
    archive: Archive
    path: str
    schema: str
    columns: Mapping[str, str]
    rows: Sequence[Mapping[str, Any]]
    line_columns: Mapping[str, str]
    lines: Sequence[Mapping[str, Any]]

    def document(self) -> bytes:
        return content(self.archive, self.path)


def all_cases() -> list[Case]:
    invoices = ("AmazonWebServices", "FlipkartInvoice", "QualityHosting", "free_fiber", "oyo")
    return [*map(_invoice, invoices), _factur_x(), _donors(), _cars()]


def _invoice(name: str) -> Case:
    told = json.loads(content(INVOICES, f"tests/compare/{name}.json"))[0]
    fields = {key: value for key, value in told.items() if key not in _NOT_PRINTED}
    labels = {key: _FIELDS[key] for key in fields}
    lines = []
    if name == "QualityHosting":
        # Descriptions are left out: the answer of one holds the foot of the page.
        lines = [
            {"Position": each["pos"], "Quantity": each["qty"], "Price": each["price"]}
            for each in told["lines"]
        ]
    return Case(
        name=f"invoice2data: {name}",
        archive=INVOICES,
        path=f"tests/compare/{name}.pdf",
        schema="Invoices",
        columns=dict(labels.values()),
        rows=[{labels[key][0]: value for key, value in fields.items()}],
        line_columns={"Position": "text", "Quantity": "number", "Price": "number"} if lines else {},
        lines=lines,
    )


def _factur_x() -> Case:
    row = {
        "Invoice number": "F20260023", "Invoice date": "2026-01-31", "Due date": "2026-03-02",
        "Net amount": 100, "VAT amount": 4.9, "Total amount": 104.9, "Currency": "EUR",
        "Customer number": "REFCLI0215", "Order number": "PO201925478",
        "Delivery date": "2026-01-28", "IBAN": "FR2012542547256985425874698",
        "Customer": "LE CLIENT",
    }  # fmt: skip
    types = {"Invoice date": "date", "Due date": "date", "Delivery date": "date"} | dict.fromkeys(
        ("Net amount", "VAT amount", "Total amount"), "number"
    )
    return Case(
        name="factur-x: invoice_EN16931",
        archive=FACTUR_X,
        path="tests/fixtures/pdf/invoice_EN16931.pdf",
        schema="Invoices",
        columns={label: types.get(label, "text") for label in row},
        rows=[row],
        line_columns={"Quantity": "number", "Amount": "number", "VAT rate": "number"},
        lines=[
            {"Quantity": 1, "Amount": 60, "VAT rate": 0},
            {"Quantity": 3, "Amount": 28, "VAT rate": 10},
            {"Quantity": 1, "Amount": 7, "VAT rate": 20},
        ],
    )


def _donors() -> Case:
    columns = {
        "Apellido": "text", "Nombre": "text", "Matricula": "text", "Cuit": "text",
        "Fecha": "text", "Tipo": "text", "Importe": "text",
    }  # fmt: skip
    return _table("campaign_donors.pdf", "campaign_donors.csv", "Donors", columns)


def _cars() -> Case:
    numbers = ("mpg", "cyl", "disp", "hp", "drat", "wt", "qsec", "vs", "am", "gear", "carb")
    columns = {"Model": "text"} | dict.fromkeys(numbers, "number")
    return _table("data.pdf", "data_1.csv", "Cars", columns)


def _table(pdf: str, answers: str, schema: str, columns: Mapping[str, str]) -> Case:
    """A table whose answer is a CSV file, with a first column that has no name."""
    text = content(TABLES, f"tests/resources/{answers}").decode()
    named = list(csv.DictReader(io.StringIO(text)))
    rows = [{**{"Model": each[""]}, **each} for each in named]
    return Case(
        name=f"tabula-py: {pdf}",
        archive=TABLES,
        path=f"tests/resources/{pdf}",
        schema=schema,
        columns=columns,
        rows=[{label: row[label] for label in columns} for row in rows],
        line_columns={},
        lines=[],
    )
