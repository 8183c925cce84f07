"""PDF files: words, boxes, tables and reading order, compared with what was written."""

import io
import shutil

import pytest
import vl_convert
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from domain import document_json
from domain.documents import Document, Page, TextSource, Unreadable, around
from processing.documents.reading import DocumentReader
from tests.documents import papers

_CHART = {
    "data": {"values": [{"city": "Oslo", "rain": 28}, {"city": "Rome", "rain": 55}]},
    "mark": "bar",
    "encoding": {
        "x": {"field": "city", "type": "nominal"},
        "y": {"field": "rain", "type": "quantitative"},
    },
}


def _texts(page: Page) -> list[list[list[str]]]:
    return [table.texts for table in page.tables]


async def test_an_invoice_without_lines(reader: DocumentReader) -> None:
    document = await reader.read(papers.plain_invoice())
    (page,) = document.pages
    assert (page.width, page.height, page.rotation) == (595.3, 841.9, 0)
    assert page.text.split("\n") == [
        "Northwind Fittings Ltd",
        "",
        *(f"{label}\t{value}" for label, value in papers.LABELS),
        "",
        *("\t".join(row) for row in papers.ITEMS),
        "",
        "Total: 121.74 EUR",
    ]
    assert _texts(page) == [papers.ITEMS]
    (table,) = page.tables
    assert (table.ruled, table.header_rows) == (False, 1)
    assert [word.text for word in page.words] == page.text.split()


async def test_a_citation_finds_its_box(reader: DocumentReader) -> None:
    document = await reader.read(papers.plain_invoice())
    start = document.text().index("2026-03-14")
    (place,) = document.places(start, start + 10)
    assert place.page == 1
    # It was written at (160, 124) from the top left, in letters of 10 points.
    assert place.box.left == pytest.approx(160, abs=1)
    assert 112 < place.box.top < 124 < place.box.bottom < 130
    amount = document.text().index("54.75")
    (cell,) = document.places(amount, amount + 5)
    assert cell.box.right == pytest.approx(500, abs=1.5)
    two_lines = document.text()[start - 30 : start + 10]
    assert len(document.places(start - 30, start + 10)) == two_lines.count("\n") + 1


@pytest.mark.parametrize("degrees", [90, 180, 270])
async def test_turned_pages_are_read_as_they_are_shown(
    reader: DocumentReader, degrees: int
) -> None:
    upright = await reader.read(papers.plain_invoice())
    turned = await reader.read(papers.turned_invoice(degrees))
    (page,) = turned.pages
    assert page.rotation == degrees
    assert (page.width, page.height) == (595.3, 841.9)
    assert turned.text() == upright.text()
    assert _texts(page) == [papers.ITEMS]
    for one, other in zip(page.words, upright.pages[0].words, strict=True):
        assert one.box == pytest.approx(other.box, abs=0.2)


async def test_a_table_with_lines(reader: DocumentReader) -> None:
    document = await reader.read(papers.ruled(papers.ITEMS))
    (page,) = document.pages
    assert _texts(page) == [papers.ITEMS]
    (table,) = page.tables
    assert (table.ruled, table.header_rows, table.continues) == (True, 1, False)
    last = table.rows[-1][-1]
    assert table.box.right == last.box.right
    assert table.box.bottom == last.box.bottom
    for row in table.rows:
        assert [cell.box.left for cell in row[1:]] == [cell.box.right for cell in row[:-1]]


async def test_cells_that_span_others(reader: DocumentReader) -> None:
    rows = [["Region", "Sales", ""], ["", "2025", "2026"], ["North", "10", "12"]]
    spans = [("SPAN", (0, 0), (0, 1)), ("SPAN", (1, 0), (2, 0))]
    document = await reader.read(papers.ruled(rows, spans))
    (table,) = document.pages[0].tables
    assert table.texts == rows
    assert (table.rows[0][0].row_span, table.rows[0][0].column_span) == (2, 1)
    assert (table.rows[0][1].row_span, table.rows[0][1].column_span) == (1, 2)


async def test_cells_of_several_lines(reader: DocumentReader) -> None:
    rows = [["Name", "Address"], ["Ada", "12 Long Street\nLondon\nEngland"], ["Bob", "Paris"]]
    document = await reader.read(papers.ruled(rows))
    (table,) = document.pages[0].tables
    assert table.texts == rows
    assert "Ada\t12 Long Street London England\nBob\tParis" in document.text()


async def test_a_table_over_several_pages(reader: DocumentReader) -> None:
    rows = papers.stock(90)
    document = await reader.read(papers.ruled(rows))
    tables = [table for page in document.pages for table in page.tables]
    assert [(table.continued, table.continues) for table in tables] == [
        (False, True),
        (True, True),
        (True, False),
    ]
    (whole,) = document.whole_tables()
    read = [row for part in whole for row in part.texts[part.header_rows :]]
    assert [rows[0], *read] == rows


async def test_the_next_table_is_not_the_rest_of_the_last(reader: DocumentReader) -> None:
    def draw(canvas: Canvas) -> None:
        for title in ("First list", "Second list"):
            canvas.drawString(60, 560, title)
            canvas.grid([60, 160, 260], [500, 520, 540])
            for x in (65, 165):
                for y in (505, 525):
                    canvas.drawString(x, y, f"{x}{y}")
            canvas.showPage()

    document = await reader.read(papers.drawn(draw))
    assert [len(parts) for parts in document.whole_tables()] == [1, 1]


async def test_columns_of_prose_one_after_another(reader: DocumentReader) -> None:
    content, first, last = papers.columns_of_prose()
    document = await reader.read(content)
    (page,) = document.pages
    flat = page.text.replace("\n", " ")
    assert flat.startswith(f"A title that stands above both of the columns  {first} the of copper")
    assert flat.endswith(last)
    assert page.tables == ()
    assert "\t" not in page.text
    start = document.text().index(first)
    boxes = [place.box for place in document.places(start, len(document.text()))]
    assert boxes[0].right < 300 < boxes[-1].left


async def test_no_table_where_there_is_none(reader: DocumentReader) -> None:
    def draw(canvas: Canvas) -> None:
        for number in range(30):
            words = [papers.WORDS[number * at % 24] for at in range(3, 14)]
            canvas.drawString(60, 780 - 14 * number, " ".join(words))
        for number, (label, value) in enumerate(papers.LABELS):
            canvas.drawString(60, 300 - 14 * number, label)
            canvas.drawString(200, 300 - 14 * number, value)
        canvas.rect(50, 50, 400, 100)  # a frame around a note is no table
        canvas.drawString(60, 100, "Please pay within thirty days.")

    document = await reader.read(papers.drawn(draw))
    assert document.pages[0].tables == ()


async def test_fields_of_forms_are_read(reader: DocumentReader) -> None:
    document = await reader.read(papers.form())
    (page,) = document.pages
    assert [(field.name, field.value) for field in page.fields] == [
        ("name", "Ada Lovelace"),
        ("country", "England"),
        ("member", "Yes"),
    ]
    assert "Name\tAda Lovelace\n" in page.text
    assert page.fields[0].box == pytest.approx((150, 81.9, 350, 101.9), abs=0.2)


async def test_what_nobody_sees_is_not_read(reader: DocumentReader) -> None:
    document = await reader.read(papers.drawn(papers.hidden_text))
    assert document.text() == "What is seen"


def _scan() -> Image.Image:
    picture = Image.new("L", (1240, 1754), "white")
    draw = ImageDraw.Draw(picture)
    draw.text((100, 100), "Scanned letter", fill="black", font=ImageFont.load_default(60))
    return picture


async def test_hidden_words_under_a_scan_are_its_text(reader: DocumentReader) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawImage(ImageReader(_scan()), 0, 0, papers.WIDTH, papers.HEIGHT)
        text = canvas.beginText(48, 780)
        text.setTextRenderMode(3)
        text.textLine("Scanned letter of eleven words that a scanner has already recognised here")
        canvas.drawText(text)

    document = await reader.read(papers.drawn(draw))
    assert document.text().startswith("Scanned letter of eleven")
    assert document.pages[0].source is TextSource.FILE


if shutil.which("tesseract") is None:

    async def test_a_scan_without_ocr_says_so(reader: DocumentReader) -> None:
        out = io.BytesIO()
        _scan().save(out, "PDF", resolution=150)
        document = await reader.read(out.getvalue())
        (page,) = document.pages
        assert (page.has_text, page.source) == (False, TextSource.NONE)
        assert "install tesseract, or tablecast with the extra ocr" in (page.note or "")


async def test_an_empty_page_is_no_fault(reader: DocumentReader) -> None:
    document = await reader.read(papers.drawn(lambda canvas: canvas.showPage()))
    (page,) = document.pages
    assert (page.text, page.note, page.source) == ("", None, TextSource.NONE)


async def test_a_pdf_of_another_maker(reader: DocumentReader) -> None:
    document = await reader.read(bytes(vl_convert.vegalite_to_pdf(_CHART)))
    words = {word.text for word in document.pages[0].words}
    assert {"Oslo", "Rome", "city", "rain"} <= words
    assert document.pages[0].tables == ()


async def test_passwords(reader: DocumentReader) -> None:
    open_to_all = await reader.read(papers.locked_invoice(""))
    assert open_to_all.text() == (await reader.read(papers.plain_invoice())).text()
    with pytest.raises(Unreadable, match="protected with a password"):
        await reader.read(papers.locked_invoice("secret"))


@pytest.mark.parametrize("width", [1, 200, 1000])
async def test_a_picture_of_a_page(reader: DocumentReader, width: int) -> None:
    png = await reader.picture(papers.plain_invoice(), 1, width)
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.format == "PNG"
        assert abs(picture.width - width) <= 1
        if width > 100:
            assert abs(picture.height - width * 841.9 / 595.3) <= 2
            assert min(picture.convert("L").tobytes()) < 128


async def test_a_picture_shows_what_the_boxes_say(reader: DocumentReader) -> None:
    content = papers.turned_invoice(90)
    document = await reader.read(content)
    with Image.open(io.BytesIO(await reader.picture(content, 1, 1191))) as picture:
        grey = picture.convert("L")
        for word in document.pages[0].words:
            left, top, right, bottom = (round(edge * 2) for edge in word.box)
            inside = grey.crop((left, top, right, bottom))
            assert min(inside.tobytes()) < 100, word
        whole = around([word.box for word in document.pages[0].words])
        below = grey.crop((0, round(whole.bottom * 2) + 4, 1190, 1680))
        assert set(below.tobytes()) == {255}


async def test_pictures_are_bounded(reader: DocumentReader) -> None:
    for page, width in ((1, 0), (1, 100_000), (0, 100)):
        with pytest.raises(Unreadable, match="Pictures are of pages 1 to 1000"):
            await reader.picture(papers.plain_invoice(), page, width)
    with pytest.raises(Unreadable, match="no page 2; it has 1"):
        await reader.picture(papers.plain_invoice(), 2, 100)


async def test_as_json_and_back(reader: DocumentReader) -> None:
    for content in (papers.form(), papers.ruled(papers.stock(90)), papers.turned_invoice(90)):
        document = await reader.read(content)
        text = document_json.dumps(document)
        assert document_json.loads(text) == document
    with pytest.raises(document_json.OtherForm):
        document_json.loads(text.replace('"form":1', '"form":0', 1))


async def test_many_pages(reader: DocumentReader) -> None:
    document: Document = await reader.read(papers.pages(40))
    assert len(document.pages) == 40
    for number, page in enumerate(document.pages):
        lines = page.text.split("\n")
        assert lines[0] == f"Report, page {number + 1}"
        (table,) = page.tables
        assert table.texts == [[f"{row * col}.5" for col in range(3)] for row in range(6)]
