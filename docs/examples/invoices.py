"""Write a folder of invoices as PDF files: python invoices.py <folder>

Three suppliers, each with a layout of its own: labels with a drawn table, German ones with a table
without lines, and one with heads over values. Only the standard library."""

import sys
from collections.abc import Sequence
from pathlib import Path

PAGE_WIDTH, PAGE_HEIGHT = 595, 842
#: Widths of Helvetica in thousandths of its size, of the signs that amounts are made of.
WIDTHS = {",": 278, ".": 278, " ": 278}

Line = tuple[str, str, str]  # text, quantity, amount


class Page:
    """One page of a PDF; places are from the top left corner, in points."""

    def __init__(self) -> None:
        self.marks: list[str] = []

    def text(self, left: float, top: float, text: str, size: int = 10) -> None:
        """A text by its left edge."""
        shown = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        self.marks.append(f"BT /F1 {size} Tf {left} {PAGE_HEIGHT - top} Td ({shown}) Tj ET")

    def amount(self, right: float, top: float, text: str) -> None:
        """An amount by its right edge."""
        self.text(right - sum(WIDTHS.get(sign, 556) for sign in text) / 100, top, text)

    def grid(self, edges: Sequence[float], top: float, rows: Sequence[Sequence[str]]) -> None:
        """A table with drawn lines."""
        bottom = top + 20 * len(rows)
        for level in range(len(rows) + 1):
            height = PAGE_HEIGHT - top - 20 * level
            self.marks.append(f"{edges[0]} {height} m {edges[-1]} {height} l S")
        for edge in edges:
            self.marks.append(f"{edge} {PAGE_HEIGHT - top} m {edge} {PAGE_HEIGHT - bottom} l S")
        for place, row in enumerate(rows):
            for edge, text in zip(edges, row, strict=False):
                self.text(edge + 5, top + 14 + 20 * place, text)

    def pdf(self) -> bytes:
        """A file with this page."""
        drawn = "\n".join(self.marks).encode("cp1252")
        parts = [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R /Resources"
            b" << /Font << /F1 5 0 R >> >> >>" % (PAGE_WIDTH, PAGE_HEIGHT),
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        ]
        file = bytearray(b"%PDF-1.4\n")
        places = []
        for number, part in enumerate(parts, 1):
            places.append(len(file))
            file += b"%d 0 obj\n%s\nendobj\n" % (number, part)
        start = len(file)
        file += b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1)
        file += b"".join(b"%010d 00000 n \n" % place for place in places)
        file += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (
            len(parts) + 1,
            start,
        )
        return bytes(file)


def harbour(number: str, date: str, lines: Sequence[Line], total: str) -> bytes:
    """A British supplier: labels with colons, a drawn table."""
    page = Page()
    page.text(60, 60, "INVOICE", 18)
    page.text(60, 90, "Harbour Fittings Ltd, 4 Quay Street, Bristol BS1 4DJ")
    for top, label, value in ((130, "Invoice No:", number), (145, "Invoice Date:", date)):
        page.text(350, top, label)
        page.text(440, top, value)
    rows = [("Description", "Qty", "Amount"), *lines]
    page.grid((60, 330, 400, 500), 200, rows)
    top = 230 + 20 * len(rows)
    page.text(340, top, "Total due")
    page.amount(500, top, f"£{total}")
    return page.pdf()


def werkzeuge(number: str, date: str, lines: Sequence[Line], total: str) -> bytes:
    """A German supplier: a table without lines, a comma before the cents."""
    page = Page()
    page.text(60, 60, "Müller Werkzeuge GmbH · Hafenstr. 5 · 20457 Hamburg")
    for top, label, value in ((110, "Rechnungs-Nr.", number), (125, "Rechnungsdatum", date)):
        page.text(350, top, label)
        page.text(450, top, value)
    for left, head in ((60, "Bezeichnung"), (330, "Menge"), (450, "Betrag")):
        page.text(left, 200, head)
    for place, (text, quantity, amount) in enumerate(lines, 1):
        page.text(60, 200 + 16 * place, text)
        page.amount(360, 200 + 16 * place, quantity)
        page.amount(482, 200 + 16 * place, amount)
    top = 240 + 16 * len(lines)
    page.text(330, top, "Gesamtbetrag")
    page.amount(482, top, f"{total} €")
    return page.pdf()


def dubois(number: str, date: str, lines: Sequence[Line], total: str) -> bytes:
    """A French supplier: heads over values."""
    page = Page()
    page.text(60, 60, "Atelier Dubois SARL, 8 rue des Lilas, 69003 Lyon")
    page.grid((60, 200, 340), 110, [("N° facture", "Date"), (number, date)])
    page.grid((60, 330, 400, 500), 190, [("Désignation", "Qté", "Montant"), *lines])
    page.grid((330, 500), 230 + 20 * len(lines), [("Total TTC",), (f"{total} €",)])
    return page.pdf()


INVOICES = {
    "harbour-0117.pdf": harbour(
        "INV-2026-0117",
        "14 March 2026",
        [("Steel bracket, 40 mm", "12", "42.00"), ("Oak board", "3", "54.75")],
        "96.75",
    ),
    "harbour-0131.pdf": harbour(
        "INV-2026-0131",
        "2 April 2026",
        [
            ("Brass hinge, pair", "20", "118.00"),
            ("Door closer", "2", "1,009.98"),
            ("Delivery", "1", "12.50"),
        ],
        "1,140.48",
    ),
    "mueller-0815.pdf": werkzeuge(
        "2026/0815",
        "03.04.2026",
        [("Schraubendreher-Satz", "2", "49,80"), ("Akku-Bohrschrauber 18 V", "1", "1.189,00")],
        "1.238,80",
    ),
    "mueller-0822.pdf": werkzeuge(
        "2026/0822",
        "17.04.2026",
        [("Handkreissäge", "1", "214,90"), ("Sägeblatt 190 mm", "4", "79,60")],
        "294,50",
    ),
    "dubois-3391.pdf": dubois(
        "FA-3391",
        "05/06/2026",
        [("Table de jardin", "2", "298,00"), ("Chaise pliante", "8", "260,00")],
        "558,00",
    ),
}


def main(folder: Path) -> None:
    """Write all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, pdf in INVOICES.items():
        (folder / name).write_bytes(pdf)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
