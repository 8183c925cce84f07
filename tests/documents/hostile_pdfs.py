"""PDF files made to hurt: loops, bombs, lies, and real ones cut off or with wrong bits."""

import random
import zlib
from collections.abc import Iterator

from tests.documents import papers

#: (what it is, its bytes)
Case = tuple[str, bytes]
_PAGE = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R"
_FONT = "/Resources << /Font << /F 5 0 R >> >>"


def pdf(objects: dict[int, str | bytes], trailer: str = "") -> bytes:
    """A file of these objects, 1 being the catalogue, with a true table of where they are."""
    out = bytearray(b"%PDF-1.7\n")
    places = {}
    for number, content in objects.items():
        places[number] = len(out)
        raw = content.encode() if isinstance(content, str) else content
        out += b"%d 0 obj\n%b\nendobj\n" % (number, raw)
    start, size = len(out), max(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        out += b"%010d 00000 n \n" % places.get(number, 0)
    out += f"trailer << /Size {size} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF".encode()
    return bytes(out)


def stream(content: bytes, entries: str = "") -> bytes:
    head = f"<< /Length {len(content)} {entries} >>\nstream\n".encode()
    return head + content + b"\nendstream"


def _page(contents: bytes, page: str = f"{_PAGE} {_FONT} >>", **more: str | bytes) -> bytes:
    """A file of one page with these contents; `more` are objects by `o<number>`."""
    objects: dict[int, str | bytes] = {
        1: "<< /Type /Catalog /Pages 2 0 R >>",
        2: "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: page,
        4: contents,
        5: "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    }
    objects |= {int(name[1:]): content for name, content in more.items()}
    return pdf(dict(sorted(objects.items())))


def _drawing(commands: str) -> bytes:
    return _page(stream(commands.encode()))


def _image(entries: str, content: bytes) -> bytes:
    """A page that shows one picture."""
    resources = "/Resources << /XObject << /X 6 0 R >> >> >>"
    picture = stream(content, f"/Type /XObject /Subtype /Image /ColorSpace /DeviceGray {entries}")
    return _page(stream(b"600 0 0 800 0 0 cm /X Do"), f"{_PAGE} {resources}", o6=picture)


def broken(seed: int = 5) -> Iterator[Case]:
    """Real files, cut off and with wrong bits."""
    chance = random.Random(seed)
    whole = {
        "invoice": papers.plain_invoice(),
        "table": papers.ruled(papers.stock(50)),
        "form": papers.form(),
        "locked": papers.locked_invoice(""),
    }
    for name, content in whole.items():
        for _ in range(7):
            yield f"{name} cut off", content[: chance.randrange(9, len(content))]
        for count in (1, 4, 20, 100, 500):
            for _ in range(2):
                bits = bytearray(content)
                for _ in range(count):
                    bits[chance.randrange(9, len(bits))] ^= 1 << chance.randrange(8)
                yield f"{name} with {count} wrong bits", bytes(bits)
    yield "only a header", b"%PDF-1.7\n"
    yield "noise", b"%PDF-1.7\n" + chance.randbytes(50_000)
    yield "a letter before", b"\0\1junk\n" + papers.plain_invoice()


def loops() -> Iterator[Case]:
    one = "<< /Type /Catalog /Pages 2 0 R"
    yield (
        "pages in themselves",
        pdf({1: f"{one} >>", 2: "<< /Type /Pages /Kids [2 0 R] /Count 1 >>"}),
    )
    yield (
        "two nodes in each other",
        pdf(
            {
                1: f"{one} >>",
                2: "<< /Type /Pages /Kids [3 0 R] /Count 9 >>",
                3: "<< /Type /Pages /Kids [2 0 R 3 0 R] /Parent 3 0 R /Count 9 >>",
            }
        ),
    )
    yield "a catalogue as page", pdf({1: "<< /Type /Catalog /Pages 1 0 R /Kids [1 0 R] >>"})
    yield "a parent loop", _page(stream(b""), "<< /Type /Page /Parent 3 0 R >>")
    yield "a length that is itself", _page(b"<< /Length 4 0 R >>\nstream\nx\nendstream")
    yield "contents in contents", _page(stream(b""), _PAGE.replace("4 0 R", "[3 0 R 4 0 R]") + ">>")
    outline = "<< /Title (x) /Next 6 0 R /First 6 0 R /Parent 6 0 R >>"
    yield "an outline loop", _page(stream(b""), o6=outline, o1=f"{one} /Outlines 6 0 R >>")
    yield "an earlier table that is the same", pdf({1: f"{one} >>", 2: "<<>>"}, "/Prev 60")
    form = (
        "/Type /XObject /Subtype /Form /BBox [0 0 600 800] /Resources << /XObject << /X 6 0 R >> >>"
    )
    drawn = f"{_PAGE} /Resources << /XObject << /X 6 0 R >> >> >>"
    yield (
        "a form that draws itself",
        _page(stream(b"/X Do"), drawn, o6=stream(b"/X Do /X Do", form)),
    )
    type3 = (
        "<< /Type /Font /Subtype /Type3 /FontBBox [0 0 9 9] /FontMatrix [1 0 0 1 0 0] "
        "/CharProcs << /a 6 0 R >> /Encoding << /Differences [97 /a] >> /FirstChar 97 "
        "/LastChar 97 /Widths [9] /Resources << /Font << /F 5 0 R >> >> >>"
    )
    letter = stream(b"9 0 d0 BT /F 9 Tf (a) Tj ET")
    yield (
        "a letter that writes itself",
        _page(stream(b"BT /F 9 Tf 50 50 Td (aaa) Tj ET"), o5=type3, o6=letter),
    )
    fields = f"{one} /AcroForm << /Fields [6 0 R] >> >>"
    field = "<< /T (x) /Kids [6 0 R] /Parent 6 0 R /FT /Tx /Subtype /Widget /Rect [0 0 9 9] >>"
    noted = f"{_PAGE} /Annots [6 0 R 6 0 R] >>"
    yield "a field in itself", _page(stream(b""), noted, o1=fields, o6=field)
    mask = "/Type /XObject /Subtype /Image /Width 9 /Height 9 /BitsPerComponent 8 /SMask 6 0 R"
    yield "a mask of itself", _page(stream(b"/X Do"), drawn, o6=stream(b"x" * 81, mask))
    held = "/Type /ObjStm /N 2 /First 8 /Extends 6 0 R"
    yield "objects that extend themselves", _page(stream(b""), o6=stream(b"7 0 8 1 1 2", held))


def sizes() -> Iterator[Case]:
    boxes = ("[0 0 0 0]", "[0 0 -5 -5]", "[0 0 1e38 1e38]", "[0 0 200000 200000]", "[9]", "(x)")
    for box in (*boxes, "[0 0 3 1000000]", "[nan 0 inf 9]", "[-1e9 -1e9 1e9 1e9]"):
        page = f"{_PAGE.replace('[0 0 600 800]', box)} {_FONT} >>"
        yield f"a page of {box}", _page(stream(b"BT /F 20 Tf 1 1 Td (Hello) Tj ET"), page)
    kids = " ".join(["3 0 R"] * 100_000)
    tree = f"<< /Type /Pages /Kids [{kids}] /Count 100000 >>"
    yield "100,000 pages", _page(stream(b""), o2=tree)
    lie = "<< /Type /Pages /Kids [3 0 R] /Count 2000000000 >>"
    yield "two thousand million pages, it says", _page(stream(b""), o2=lie)
    yield "less than no pages", _page(stream(b""), o2=lie.replace("2000000000", "-7"))
    nodes: dict[int, str | bytes] = {1: "<< /Type /Catalog /Pages 2 0 R >>"}
    for number in range(2, 3_000):
        nodes[number] = f"<< /Type /Pages /Kids [{number + 1} 0 R] /Count 1 >>"
    nodes[3_000] = "<< /Type /Page /MediaBox [0 0 9 9] >>"
    yield "a tree of 3,000 levels", pdf(nodes)
    yield "lists in lists", _page(stream(b""), f"{_PAGE} /X {'[' * 50_000}{']' * 50_000} >>")
    yield "dictionaries in dictionaries", _page(stream(b""), f"{_PAGE} /X {'<</X ' * 50_000}>>")
    yield "text of huge letters", _drawing("BT /F 1e30 Tf 1e30 1e30 Td (Hello) Tj ET")
    yield "text far away", _drawing("1e20 0 0 1e20 1e20 0 cm BT /F 9 Tf (Hello) Tj ET")
    yield "states in states", _drawing("q " * 200_000)
    yield "texts in texts", _drawing("BT /F 1 Tf " * 50_000 + "(x) Tj")


def bombs() -> Iterator[Case]:
    zeros = zlib.compress(b" " * 50_000_000, 9)
    yield "a page of 50 MB of spaces", _page(stream(zeros, "/Filter /FlateDecode"))
    twice = zlib.compress(zlib.compress(b"0" * 60_000_000, 9), 9)
    yield "packed twice", _page(stream(twice, "/Filter [/FlateDecode /FlateDecode]"))
    many = "[" + "/FlateDecode " * 500 + "]"
    yield "packed 500 times, it says", _page(stream(zeros, f"/Filter {many}"))
    lines = b"".join(b"%d %d m %d %d l S\n" % (n % 600, n % 800, n % 7, n) for n in range(60_000))
    yield "60,000 lines", _page(stream(zlib.compress(lines), "/Filter /FlateDecode"))
    grid = "".join(
        f"0 {y / 4} m 600 {y / 4} l S {y / 5} 0 m {y / 5} 800 l S " for y in range(1_500)
    )
    yield "a grid of 1,500 by 1,500", _drawing(grid)
    words = b"BT /F 1 Tf 1 0 0 1 5 5 Tm " + b"(a b c d e f g h) Tj " * 5_000 + b"ET"
    yield "40,000 words in one line", _page(stream(zlib.compress(words), "/Filter /FlateDecode"))
    rows = "".join(f"1 0 0 1 {x * 60} {y} Tm (a) Tj " for y in range(0, 800, 4) for x in range(10))
    yield "200 rows of tiny cells", _drawing(f"BT /F 1 Tf {rows} ET")
    held = stream(zeros, "/Type /ObjStm /N 100000000 /First 10 /Filter /FlateDecode")
    yield "100 million objects in one", _page(stream(b""), o6=held, o1="<< /Pages 6 1 R >>")
    table = stream(b"\0" * 90, "/Type /XRef /Size 2000000000 /W [1 2 1] /Root 1 0 R")
    yield (
        "a table of 2,000 million places",
        b"%PDF-1.7\n1 0 obj\n" + table + b"\nstartxref\n9\n%%EOF",
    )
    map_of = b"1 begincodespacerange <00000000> <ffffffff> endcodespacerange " + (
        b"100 beginbfrange " + b"<00000000> <ffffffff> <0041> " * 100 + b"endbfrange "
    )
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >>"
    text = stream(b"BT /F 9 Tf 50 50 Td (Hello) Tj ET")
    yield "letters that mean 4,000 million", _page(text, o5=font, o6=stream(map_of))
    notes = " ".join(["6 0 R"] * 20_000)
    note = "<< /Type /Annot /Subtype /FreeText /Rect [9 9 99 99] /Contents (note) >>"
    yield "20,000 notes", _page(stream(b""), f"{_PAGE} /Annots [{notes}] >>", o6=note)


def odd_pictures() -> Iterator[Case]:
    huge = "/Width 50000 /Height 50000 /BitsPerComponent 8"
    yield "a picture of 2,500 million pixels", _image(huge, b"x")
    small = zlib.compress(b"\0" * 9)
    yield "the same, packed", _image(f"{huge} /Filter /FlateDecode", small)
    size = "/Width 3000 /Height 3000 /BitsPerComponent 1"
    for name in ("JBIG2Decode", "JPXDecode", "CCITTFaxDecode", "DCTDecode", "LZWDecode"):
        noise = random.Random(name).randbytes(5_000)
        yield f"{name} of noise", _image(f"{size} /Filter /{name}", noise)
    page = b"\0\0\0\0\x30\0\1\0\0\0\x13" + b"\xff" * 8 + b"\0" * 8 + b"\x40\0\0"
    yield "JBIG2 of a huge page", _image(f"{size} /Filter /JBIG2Decode", page)
    wide = "/Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns 2000000000 /Rows 2000000000 >>"
    yield "a fax of endless lines", _image(f"{size} {wide}", b"\x26\xa0" * 500)
    frame = b"\0\0\0\x0cjP  \r\n\x87\n\xff\x4f\xff\x51\0\x2f\0\0" + b"\x7f\xff\xff\xff" * 8
    yield "JPX of a huge picture", _image(f"{size} /Filter /JPXDecode", frame + b"\0" * 50)
    inline = "BI /W 100000 /H 100000 /BPC 8 /CS /G ID x EI"
    yield "a huge picture among the commands", _drawing(inline)


def locked() -> Iterator[Case]:
    yield "locked", papers.locked_invoice("secret")
    handlers = (
        "/Filter /Unknown /V 4",
        "/Filter /Standard /V 99 /R 99",
        "/Filter /Standard /V 1 /R 2 /O () /U () /P 0",
        "/Filter /Standard /V 5 /R 6 /Length 99999 /O (x) /U (y) /P -1",
    )
    for handler in handlers:
        plain = _page(stream(b"BT ET"))
        yield (
            f"locked by {handler}",
            plain.replace(b"/Root", f"/Encrypt << {handler} >> /Root".encode()),
        )
