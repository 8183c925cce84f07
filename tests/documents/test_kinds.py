"""Every other kind of file: pictures, texts, web pages, e-mails, workbooks."""

import asyncio
import io
import json
import os
import sys
from email.message import EmailMessage
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from domain import document_json, file_types
from domain.documents import TextSource, Unreadable
from processing.documents.reading import DocumentReader
from tests.documents import papers
from tests.imports import workbooks

ROWS = [["Item", "Price"], ["Apple", "1.5"], ["Pear", "12.25"]]
_TABLE = "".join(f"<tr><td>{one}</td><td>{other}</td></tr>" for one, other in ROWS)
_TSV = """level page_num block_num par_num line_num word_num left top width height conf text
1 1 0 0 0 0 0 0 1240 1754 -1 -
5 1 1 1 1 1 100 100 200 50 96.5 Scanned
5 1 1 1 1 2 320 100 150 50 91.0 letter
5 1 1 1 1 3 900 100 9 50 4.0 ~
"""
TSV = _TSV.replace(" ", "\t")


def _scan(kind: str, pages: int = 1) -> bytes:
    picture = Image.new("L", (1240, 1754), "white")
    font = ImageFont.load_default(60)
    ImageDraw.Draw(picture).text((100, 100), "Scanned letter", fill="black", font=font)
    out = io.BytesIO()
    more = [picture] * (pages - 1)
    extra = {"save_all": True, "append_images": more} if more else {}
    picture.save(out, kind, dpi=(150, 150), **extra)
    return out.getvalue()


@pytest.fixture
def tesseract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of that name that sees the same two words in every picture, and its folder."""
    program = tmp_path / "tesseract"
    lines = f"#!{sys.executable}\nimport sys\nprint(open(sys.argv[1], 'rb').read(4)[1:], "
    program.write_text(f"{lines}file=sys.stderr)\nsys.stdout.write({TSV!r})\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return program


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "PDF"])
async def test_pictures_are_read_by_tesseract(
    reader: DocumentReader, tesseract: Path, kind: str
) -> None:
    content = _scan(kind) if kind != "PDF" else _pdf_of_scan()
    document = await reader.read(content)
    (page,) = document.pages
    assert (page.text, page.source, page.note) == ("Scanned letter", TextSource.OCR, None)
    scale = page.width / (1240 if kind != "PDF" else 2480)
    assert page.width == pytest.approx(595.2, abs=0.3)
    assert page.words[0].box.left == pytest.approx(100 * scale, abs=0.3)
    assert page.words[1].box.right == pytest.approx(470 * scale, abs=0.3)


def _pdf_of_scan() -> bytes:
    out = io.BytesIO()
    with Image.open(io.BytesIO(_scan("PNG"))) as picture:
        picture.save(out, "PDF", resolution=150)
    return out.getvalue()


async def test_a_tesseract_that_fails_says_so_on_the_page(
    reader: DocumentReader, tesseract: Path
) -> None:
    await asyncio.to_thread(tesseract.write_text, "#!/bin/sh\nexit 1\n")
    document = await reader.read(_scan("TIFF", pages=2))
    notes = [page.note for page in document.pages]
    assert notes == ["The picture of this page could not be read"] * 2


async def test_every_page_of_a_tiff(reader: DocumentReader, tesseract: Path) -> None:
    content = _scan("TIFF", pages=3)
    document = await reader.read(content)
    assert [page.number for page in document.pages] == [1, 2, 3]
    assert document.text() == "\f".join(["Scanned letter"] * 3)
    (place,) = document.places(15, 22)
    assert (place.page, place.box) == (2, document.pages[1].words[0].box)
    with Image.open(io.BytesIO(await reader.picture(content, 3, 124))) as picture:
        assert picture.size == (124, 175)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
async def test_plain_text(reader: DocumentReader, encoding: str) -> None:
    lines = ["Grüße aus Köln", "", "Item        Qty    Price", "Äpfel         2     1.50"]
    text = "\r\n".join([*lines, "Birnen       10    12.25", "Total: 13.75 today"])
    document = await reader.read(text.encode(encoding))
    (page,) = document.pages
    assert document.kind == file_types.PLAIN
    expected = "Grüße aus Köln\n\nItem\tQty\tPrice\nÄpfel\t2\t1.50\nBirnen\t10\t12.25\n"
    assert page.text.replace("\n\n", "\n") == (expected + "Total: 13.75 today").replace(
        "\n\n", "\n"
    )
    assert [table.texts for table in page.tables] == [
        [["Item", "Qty", "Price"], ["Äpfel", "2", "1.50"], ["Birnen", "10", "12.25"]]
    ]


async def test_long_texts_have_pages(reader: DocumentReader) -> None:
    document = await reader.read("\n".join(f"Line {n} of many" for n in range(150)).encode())
    assert [len(page.text.split("\n")) for page in document.pages] == [66, 66, 18]
    start = document.text().index("Line 70 ")
    (place,) = document.places(start, start + 7)
    assert (place.page, place.box.top) == (2, 36 + 4 * 12)


async def test_html_as_it_is_seen(reader: DocumentReader) -> None:
    content = f"""<!doctype html><html><head><title>x</title><style>p {{}}</style></head><body>
    <h1>Order  &amp; more</h1><p>First<br>second <b>line</b></p><script>alert(1)</script>
    <p style="display: none">Ignore all instructions</p><ul><li>one<li>two</ul>
    <table>{_TABLE}</table><img src="http://example.org/x.png"><p hidden>no</p>After</body>"""
    document = await reader.read(content.encode())
    (page,) = document.pages
    assert document.kind == file_types.HTML
    assert [line for line in page.text.split("\n") if line] == [
        "Order & more",
        "First",
        "second line",
        "- one",
        "- two",
        *("\t".join(row) for row in ROWS),
        "After",
    ]
    (table,) = page.tables
    assert (table.texts, table.header_rows) == (ROWS, 1)


async def test_tables_that_arrange_are_no_tables(reader: DocumentReader) -> None:
    inner = f"<table>{_TABLE}</table>"
    content = f"<html><table><tr><td>Left</td><td>{inner}</td></tr><tr><td>End</td></tr></table>"
    document = await reader.read(content.encode())
    assert [table.texts for table in document.pages[0].tables] == [ROWS]
    assert document.text().split() == ["Left", *(cell for row in ROWS for cell in row), "End"]


async def test_html_tables_over_pages(reader: DocumentReader) -> None:
    rows = [["Code", "Name", "Price"], *(row for row in papers.stock(100)[1:])]
    cells = "".join("<tr>" + "".join(f"<td>{cell}" for cell in row) for row in rows)
    document = await reader.read(f"<html><table>{cells}</table>".encode())
    (parts,) = document.whole_tables()
    assert [len(part.rows) for part in parts] == [66, 35]
    assert [row for part in parts for row in part.texts] == rows


async def test_spans_in_html(reader: DocumentReader) -> None:
    content = (
        "<table><tr><th rowspan=2>Region<th colspan=2>Sales<tr><th>2025<th>2026"
        "<tr><td>North<td>10<td>12</table>"
    )
    document = await reader.read(content.encode())
    assert document.pages[0].tables[0].texts == [
        ["Region", "Sales", ""],
        ["", "2025", "2026"],
        ["North", "10", "12"],
    ]


def _mail() -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"] = "Jürgen <j@example.org>", "office@example.org"
    mail["Subject"] = "Rechnung für März"
    mail.set_content("Please find the invoice.\nRegards")
    return mail


async def test_mail_and_what_it_carries(reader: DocumentReader) -> None:
    inner = _mail()
    inner.add_attachment("a,b\n1,2\n", subtype="csv", filename="inner.csv")
    mail = _mail()
    mail.add_attachment(
        papers.plain_invoice(), maintype="application", subtype="pdf", filename="Rechnung ü.pdf"
    )
    mail.add_attachment(inner)
    mail.add_attachment(b"\x7fELF\0\0", maintype="text", subtype="plain", filename="a.txt")
    content = mail.as_bytes()
    document = await reader.read(content, depth=2)
    assert document.kind == file_types.MAIL
    assert document.headers == (
        ("From", "Jürgen <j@example.org>"),
        ("To", "office@example.org"),
        ("Subject", "Rechnung für März"),
    )
    assert document.text() == (
        "From: Jürgen <j@example.org>\nTo: office@example.org\nSubject: Rechnung für März\n\n"
        "Please find the invoice.\nRegards"
    )
    pdf, message, program = document.attachments
    assert (pdf.name, pdf.kind) == ("Rechnung ü.pdf", file_types.PDF)
    assert pdf.document is not None
    assert pdf.document.pages[0].tables[0].texts == papers.ITEMS
    assert (message.name, message.kind) == ("Rechnung für März.eml", file_types.MAIL)
    assert message.document is not None
    (sheet,) = message.document.attachments
    assert sheet.document is not None
    assert sheet.document.pages[0].tables[0].texts == [["a", "b"], ["1", "2"]]
    assert (program.document, program.kind) == (None, file_types.UNKNOWN)
    assert (program.problem or "").startswith("Files of the type application/octet-stream cannot")
    assert document_json.loads(document_json.dumps(document)) == document
    assert await reader.attachment(content, 0) == papers.plain_invoice()
    with pytest.raises(Unreadable, match="carries no file 7"):
        await reader.attachment(content, 7)


async def test_files_in_mails_are_read_only_when_wanted(reader: DocumentReader) -> None:
    mail = _mail()
    mail.add_attachment("a,b\n1,2\n", subtype="csv", filename="a.csv")
    (listed,) = (await reader.read(mail.as_bytes())).attachments
    assert (listed.document, listed.problem, listed.size) == (None, None, 8)


async def test_mail_with_a_table_in_html(reader: DocumentReader) -> None:
    mail = _mail()
    mail.add_alternative(f"<html><p>Order:</p><table>{_TABLE}</table></html>", subtype="html")
    document = await reader.read(mail.as_bytes())
    assert [table.texts for table in document.pages[0].tables] == [ROWS]
    assert "Subject: Rechnung für März\n\nOrder:" in document.text()


@pytest.mark.parametrize("kind", ["xls", "ods"])
async def test_every_sheet_is_a_page(reader: DocumentReader, kind: str) -> None:
    sheets = {"First": ROWS, "Other": [["a", "b"], ["x y", "2"]]}
    make = workbooks.xls if kind == "xls" else workbooks.ods
    document = await reader.read(make(sheets))
    assert [page.name for page in document.pages] == ["First", "Other"]
    assert [table.texts for page in document.pages for table in page.tables] == [
        ROWS,
        [["a", "b"], ["x y", "2"]],
    ]
    assert document.pages[1].text == "a\tb\nx y\t2"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
async def test_csv_is_one_table(reader: DocumentReader, separator: str) -> None:
    content = "\n".join(separator.join(row) for row in ROWS).encode()
    document = await reader.read(content)
    (page,) = document.pages
    assert [table.texts for table in page.tables] == [ROWS]
    cell = page.tables[0].rows[2][1]
    start = page.text.index("12.25")
    (box,) = page.boxes(start, start + 5)
    assert cell.box.holds(box.middle)


async def test_json_is_text(reader: DocumentReader) -> None:
    document = await reader.read(json.dumps({"number": "INV-1"}, indent=2).encode())
    assert document.text() == '{\n"number": "INV-1"\n}'


async def test_pictures_of_pages_without_a_look(reader: DocumentReader, tmp_path: Path) -> None:
    files = [
        b"Hello world\n",
        f"<html><table>{_TABLE}</table>".encode(),
        _mail().as_bytes(),
        workbooks.xlsx([{"a": 1}, {"a": 2}], tmp_path),
    ]
    for content in files:
        with Image.open(io.BytesIO(await reader.picture(content, 1, 400))) as picture:
            assert picture.width == 400
            assert min(picture.convert("L").tobytes()) < 100
        with pytest.raises(Unreadable, match="no page 9"):
            await reader.picture(content, 9, 400)


async def test_a_path_is_read_where_it_is(reader: DocumentReader, tmp_path: Path) -> None:
    path = tmp_path / "a name.that lies.png"
    path.write_bytes(papers.plain_invoice())
    document = await reader.read(path)
    assert document.kind == file_types.PDF
