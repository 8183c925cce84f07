"""Business papers as PDF files: invoices of several countries and layouts, statements, a list."""

from collections.abc import Callable, Sequence

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from tests.documents.papers import drawn

HEIGHT = A4[1]
Place = tuple[float, float, str]


def paper(*pages: Callable[[Canvas], None]) -> bytes:
    """A PDF with these pages."""

    def draw(canvas: Canvas) -> None:
        for page in pages:
            canvas.setFont("Helvetica", 10)
            page(canvas)
            canvas.showPage()

    return drawn(draw)


def put(canvas: Canvas, *places: Place) -> None:
    """Texts by their left edge and their distance from the top."""
    for left, top, text in places:
        canvas.drawString(left, HEIGHT - top, text)


def right(canvas: Canvas, *places: Place) -> None:
    """Texts by their right edge."""
    for edge, top, text in places:
        canvas.drawRightString(edge, HEIGHT - top, text)


def lined(
    canvas: Canvas, top: float, edges: Sequence[float], rows: Sequence[Sequence[str]]
) -> None:
    """A table with all its lines."""
    levels = [HEIGHT - top - 18 * at for at in range(len(rows) + 1)]
    canvas.grid(list(edges), levels)
    for at, row in enumerate(rows):
        for left, text in zip(edges, row, strict=False):
            canvas.drawString(left + 4, levels[at + 1] + 5, text)


def spaced(
    canvas: Canvas, top: float, columns: Sequence[float], rows: Sequence[Sequence[str]]
) -> None:
    """A table without lines; columns after the first two end where they are told to."""
    for at, row in enumerate(rows):
        for number, (place, text) in enumerate(zip(columns, row, strict=False)):
            draw = canvas.drawString if number < 2 else canvas.drawRightString
            draw(place, HEIGHT - top - 15 * at, text)


def english(canvas: Canvas) -> None:
    """Labels with colons, lines with drawn borders, totals without colons."""
    canvas.setFont("Helvetica-Bold", 18)
    put(canvas, (60, 60, "INVOICE"))
    canvas.setFont("Helvetica", 10)
    put(
        canvas,
        (60, 90, "Northwind Fittings Ltd, 4 Quay Street, Bristol BS1 4DJ"),
        (60, 130, "Bill to:"), (60, 144, "Harbour Hotels Ltd"), (60, 158, "12 Dock Road"),
        (60, 172, "Plymouth PL1 3XX"),
        (340, 130, "Invoice No:"), (440, 130, "INV-2026-0117"),
        (340, 144, "Invoice Date:"), (440, 144, "14 March 2026"),
        (340, 158, "Due Date:"), (440, 158, "13/04/2026"),
        (340, 172, "PO Number:"), (440, 172, "4500012345"),
    )  # fmt: skip
    rows = [
        ["Item", "Description", "Qty", "Unit Price", "Amount"],
        ["1", "Steel bracket, 40 mm", "12", "3.50", "42.00"],
        ["2", "Oak board", "3", "18.25", "54.75"],
        ["3", "Total Care cleaning kit", "1", "1,009.99", "1,009.99"],
    ]
    lined(canvas, 220, [60, 100, 300, 350, 430, 520], rows)
    put(canvas, (380, 320, "Subtotal"), (380, 334, "VAT 20%"), (380, 348, "Total due"))
    right(canvas, (516, 320, "£1,106.74"), (516, 334, "£221.35"), (516, 348, "£1,328.09"))
    put(canvas, (60, 420, "Payment by bank transfer. IBAN: GB82 WEST 1234 5698 7654 32"))


def german(canvas: Canvas) -> None:
    """Lines without borders, some of two lines; sums under them; a comma before the cents."""
    put(
        canvas,
        (60, 60, "Müller Werkzeuge GmbH · Hafenstr. 5 · 20457 Hamburg"),
        (60, 100, "Gasthof Adler"), (60, 114, "Marktplatz 1"), (60, 128, "79098 Freiburg"),
        (340, 100, "Rechnungs-Nr."), (450, 100, "2026/0815"),
        (340, 114, "Rechnungsdatum"), (450, 114, "03.04.2026"),
        (340, 128, "Kundennummer"), (450, 128, "K-20731"),
        (340, 142, "Lieferdatum"), (450, 142, "01.04.2026"),
    )  # fmt: skip
    rows = [
        ["Pos.", "Bezeichnung", "Menge", "Einzelpreis", "Gesamtpreis"],
        ["1", "Schraubendreher-Satz", "2", "24,90", "49,80"],
        ["2", "Akku-Bohrschrauber 18 V", "1", "1.189,00", "1.189,00"],
        ["", "mit zwei Akkus und Koffer", "", "", ""],
        ["3", "Versand", "1", "9,95", "9,95"],
    ]
    spaced(canvas, 200, [60, 100, 330, 420, 520], rows)
    put(
        canvas,
        (340, 300, "Zwischensumme"), (340, 314, "zzgl. MwSt. 19 %"), (340, 332, "Gesamtbetrag"),
        (60, 380, "Zahlbar bis 17.04.2026 ohne Abzug."),
        (60, 760, "USt-IdNr.: DE123456789   Steuernummer: 22/815/08154"),
    )  # fmt: skip
    right(canvas, (520, 300, "1.248,75 €"), (520, 314, "237,26 €"), (520, 332, "1.486,01 €"))


def french(canvas: Canvas) -> None:
    """Heads over values, and a row of sums under heads."""
    put(canvas, (60, 60, "Atelier Dubois SARL"), (60, 74, "8 rue des Lilas, 69003 Lyon"))
    lined(
        canvas, 120, [60, 180, 300, 420],
        [["N° facture", "Date", "Échéance"], ["FA-3391", "05/06/2026", "05/07/2026"]],
    )  # fmt: skip
    rows = [
        ["Réf.", "Désignation", "Qté", "P.U. HT", "Montant HT"],
        ["T-100", "Table de jardin", "2", "149,00", "298,00"],
        ["C-220", "Chaise pliante", "8", "32,50", "260,00"],
    ]
    lined(canvas, 200, [60, 120, 300, 350, 430, 520], rows)
    lined(
        canvas, 290, [280, 360, 440, 520],
        [["Total HT", "TVA 20 %", "Total TTC"], ["558,00 €", "111,60 €", "669,60 €"]],
    )  # fmt: skip


def american(canvas: Canvas) -> None:
    """Heads over values without borders; dates that could be read either way."""
    canvas.setFont("Helvetica-Bold", 16)
    put(canvas, (60, 60, "Blue Ridge Supply Co."))
    canvas.setFont("Helvetica", 10)
    put(
        canvas,
        (60, 80, "100 Main St, Asheville, NC 28801"),
        (330, 110, "INVOICE #"), (420, 110, "DATE"), (490, 110, "TERMS"),
        (330, 124, "10457"), (420, 124, "04/05/2026"), (490, 124, "Net 30"),
    )  # fmt: skip
    rows = [
        ["SKU", "Product", "Quantity", "Price", "Total"],
        ["BR-9", "Birch plywood", "4", "$38.00", "$152.00"],
        ["GL-2", "Wood glue", "10", "$6.49", "$64.90"],
    ]
    spaced(canvas, 180, [60, 130, 330, 420, 520], rows)
    put(canvas, (380, 260, "Sales Tax"), (380, 274, "Grand Total"), (380, 288, "Balance Due"))
    right(canvas, (520, 260, "$15.18"), (520, 274, "$232.08"), (520, 288, "$232.08"))


def two_totals(canvas: Canvas) -> None:
    """Two totals, and nobody can say which is meant."""
    put(
        canvas,
        (60, 60, "Invoice number: 77-1"),
        (60, 100, "Total: 120.00 EUR"),
        (60, 130, "Total: 140.00 EUR"),
        (60, 160, "Invoice date: 1 May 2026"),
    )


def sums(canvas: Canvas) -> None:
    """Sums whose row and column tell together what they are."""
    put(canvas, (60, 60, "Facture n° 5620-44 du 2 Juillet 2026"))
    rows = [
        ["", "Montant HT", "Montant TVA", "Montant TTC"],
        ["Abonnements", "24,99", "5,00", "29,99"],
        ["Communications", "10,00", "2,00", "12,00"],
        ["Total facture", "34,99", "7,00", "41,99"],
    ]
    lined(canvas, 100, [60, 240, 330, 420, 520], rows)


def letter(canvas: Canvas) -> None:
    """Prose with words that are labels elsewhere."""
    lines = [
        "Dear Ms Brown,", "thank you for your order of last week. The total was agreed with Mr 12",
        "Smith in our meeting, and the invoice will follow by post within 14 days. The date",
        "of delivery is not known yet: our customer service will call you. In 2025 we moved",
        "to a new building with 3 floors; the number of parking spaces is limited to 40.",
    ]  # fmt: skip
    put(canvas, *((60.0, 100.0 + 14 * at, line) for at, line in enumerate(lines)))


STATEMENT_ROWS = [
    (f"{1 + at % 28:02}.{3 + at // 28:02}.2026", f"Payment {at} to shop {at % 7}",
     f"-{at + 1},50" if at % 3 else f"{1000 + at},00") for at in range(80)
]  # fmt: skip


def statement() -> bytes:
    """A statement of three pages; the head is repeated, and sums are carried on."""

    def page(number: int) -> Callable[[Canvas], None]:
        def draw(canvas: Canvas) -> None:
            rows = STATEMENT_ROWS[number * 30 : (number + 1) * 30]
            put(canvas, (60, 50, "Kontoauszug"), (60, 70, "IBAN: DE89 3704 0044 0532 0130 00"),
                (300, 50, f"Seite {number + 1} von 3"))  # fmt: skip
            table = [["Buchungstag", "Verwendungszweck", "Betrag"], *map(list, rows)]
            table.append(["", "Übertrag" if number < 2 else "Neuer Saldo", "12.345,67"])
            spaced(canvas, 100, [60, 160, 500], table)

        return draw

    return paper(*(page(number) for number in range(3)))


PRICES = [[f"A-{100 + at}", f"Bracket no {at} for shelves", f"{at}.{at:02}"] for at in range(1, 41)]


def prices(canvas: Canvas) -> None:
    put(canvas, (60, 40, "Price list 2026, valid from 1 January 2026"))
    rows = [["Article No.", "Description", "Price EUR"], *PRICES]
    spaced(canvas, 70, [60, 160, 480], rows)


def form(canvas: Canvas) -> None:
    """A form: names of fields, and labels left of fields that have names without a meaning."""
    put(canvas, (60, 90, "Full name"), (60, 130, "Membership number"), (60, 170, "Newsletter"))
    fields = canvas.acroForm
    fields.textfield(name="fld1", value="Ada Lovelace", x=200, y=HEIGHT - 95, width=200, height=18)
    fields.textfield(
        name="membership_number", value="M-1815", x=200, y=HEIGHT - 135, width=200, height=18
    )
    fields.checkbox(name="newsletter", checked=True, x=200, y=HEIGHT - 175)


MAIL = b"""From: Jo Finch <jo@finch.example>
To: orders@shop.example
Subject: Order 2026-55
Date: Tue, 3 Mar 2026 10:00:00 +0000
Content-Type: text/plain; charset=utf-8

Hello,

Order number: PO-8841
Delivery date: 17 March 2026
Ship to: Finch & Sons, 3 Mill Lane, Leeds

Regards
Jo
"""
