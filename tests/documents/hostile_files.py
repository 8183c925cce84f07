"""Pictures, e-mails, web pages, texts and workbooks made to hurt."""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator

from PIL import Image

from tests.documents.hostile_pdfs import Case
from tests.imports.workbooks import sheet_xml, xlsx_by_hand

_HTML = b"<!doctype html><html><body>"


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)


def _png(width: int, height: int, rows: bytes, before: bytes = b"") -> bytes:
    """A picture of grey bits that says it has this size."""
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    rest = _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + before + rest


def _tiff(entries: list[tuple[int, int, int, int]], following: int) -> bytes:
    """One directory of (tag, type, count, value), and where the next one is said to be."""
    content = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return (
        b"II*\0\x08\0\0\0"
        + struct.pack("<H", len(entries))
        + content
        + struct.pack("<I", following)
    )


def _picture(kind: str, **settings: object) -> bytes:
    out = io.BytesIO()
    picture = Image.new("RGB", (300, 200), "white")
    picture.putpixel((5, 5), (9, 9, 9))
    picture.save(out, kind, **settings)
    return out.getvalue()


def pictures(seed: int = 5) -> Iterator[Case]:
    chance = random.Random(seed)
    yield "PNG of 50,000 by 50,000", _png(50_000, 50_000, b"\0" * 1_000)
    yield "PNG of 9 by 400 million", _png(9, 400_000_000, b"\0" * 1_000)
    yield "PNG of nothing", _png(0, 0, b"")
    yield (
        "PNG with 50 MB of notes",
        _png(9, 9, b"\0" * 27, _chunk(b"zTXt", b"a\0\0" + zlib.compress(b" " * 50_000_000, 9))),
    )
    yield "PNG of packed zeros", _png(3_900, 4_000, b"\0" * (489 * 4_000))
    size = [(256, 4, 1, 100), (257, 4, 1, 100), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    data = [(273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, 100), (279, 4, 1, 10_000)]
    yield "TIFF whose next page is itself", _tiff([*size, *data], 8) + b"\0" * 10_000
    huge = [(256, 4, 1, 2_000_000_000), (257, 4, 1, 2_000_000_000), *size[2:], *data]
    yield "TIFF of huge pages", _tiff(huge, 0)
    yield "TIFF with endless tags", _tiff([*size, (273, 4, 4_000_000_000, 8)], 0)
    yield "TIFF that points behind its end", _tiff([*size, *data], 4_000_000_000)
    yield "TIFF of tags alone", _tiff([], 8)
    for kind in ("PNG", "JPEG", "TIFF"):
        whole = _picture(kind)
        for _ in range(3):
            yield f"{kind} cut off", whole[: chance.randrange(12, len(whole))]
        for count in (1, 10, 50):
            bits = bytearray(whole)
            for _ in range(count):
                bits[chance.randrange(8, len(bits))] ^= 1 << chance.randrange(8)
            yield f"{kind} with {count} wrong bits", bytes(bits)
    odd = bytearray(_picture("JPEG"))
    at = odd.index(b"\xff\xc0")
    odd[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    yield "JPEG of 65,535 by 65,535", bytes(odd)


def _mail(body: str, kind: str = "text/plain") -> bytes:
    head = "From: a@example.org\nTo: b@example.org\nSubject: x\nMIME-Version: 1.0"
    return f"{head}\nContent-Type: {kind}\n\n{body}".encode()


def mails() -> Iterator[Case]:
    nested = "".join(
        f'--b{n}\nContent-Type: multipart/mixed; boundary="b{n + 1}"\n\n' for n in range(1_000)
    )
    yield "1,000 parts in each other", _mail(nested, 'multipart/mixed; boundary="b0"')
    inner = "Content-Type: message/rfc822\n\nFrom: a@example.org\nTo: b\n" * 300
    yield "300 mails in each other", _mail(inner + "\nend", "message/rfc822")
    part = "--b\nContent-Disposition: attachment; filename=a.txt\n\nx\n"
    yield "5,000 files", _mail(part * 5_000, "multipart/mixed; boundary=b")
    yield "5,000 parts", _mail("--b\n\nx\n" * 5_000, "multipart/mixed; boundary=b")
    yield (
        "one boundary for all",
        _mail(
            "--b\nContent-Type: multipart/mixed; boundary=b\n\n" * 500,
            "multipart/mixed; boundary=b",
        ),
    )
    yield "a part without an end", _mail("--b\n\nx", "multipart/mixed; boundary=c")
    yield "base64 of noise", _mail("&&&&" * 999, "text/plain\nContent-Transfer-Encoding: base64")
    yield "an unknown coding", _mail("x", "text/plain\nContent-Transfer-Encoding: x-uuencode")
    for charset in ("utf-16", "unicode_escape", "rot13", "zip", "punycode", "x" * 5_000, "\u20ac"):
        lie = _mail("Gr\u00fc\u00dfe an alle", f'text/plain; charset="{charset}"')
        yield f"a charset that is {charset[:20]}", lie
    yield (
        "a subject without an end",
        _mail("x").replace(b"Subject: x", b"Subject: " + b"=?" * 500_000),
    )
    words = "Subject: " + "=?utf-8?b?/////w==?= " * 5_000
    yield "a subject of 5,000 wrong words", _mail("x").replace(b"Subject: x", words.encode())
    yield (
        "20,000 headers",
        _mail("x").replace(b"MIME-Version", b"X-A: b\n" * 20_000 + b"MIME-Version"),
    )
    yield "a name of 1 MB", _mail("x", f"text/plain; name*0={'a' * 1_000_000}")
    yield "zero bytes", _mail("x\0y\0" * 999)


def webs() -> Iterator[Case]:
    yield "1,000,000 tags", _HTML + b"<i>x</i>" * 500_000
    yield "100,000 boxes in each other", _HTML + b"<div>" * 100_000 + b"x"
    yield "5,000 tables in each other", _HTML + b"<table><tr><td>x" * 5_000
    yield (
        "a cell over everything",
        _HTML
        + (b"<table><tr><td colspan=999999999 rowspan=999999999>x</td><td>y</td></tr></table>"),
    )
    span = b"<tr>" + b"<td colspan=500 rowspan=500>x" + b"</tr>"
    yield "2,000 rows of wide cells", _HTML + b"<table>" + span * 2_000
    yield "100,000 cells in a row", _HTML + b"<table><tr>" + b"<td>x" * 100_000
    yield "5,000 cells that reach down", _HTML + b"<table>" + b"<tr><td rowspan=500>x" * 5_000
    yield "a remark without an end", _HTML + b"<!--" + b"x" * 100_000
    yield "a script without an end", _HTML + b"<script>" + b"<" * 200_000
    yield "a tag of 100,000 attributes", _HTML + b"<p " + b"a=b " * 100_000 + b">x"
    yield "10,000 open brackets", _HTML + b"< " * 10_000
    yield "5,000 starts of tags", _HTML + b"<a" * 5_000
    yield "100,000 entities", _HTML + b"&lt;&#0;&#x110000;&nosuch;" * 25_000
    yield "closing what is not open", _HTML + b"</td></tr></table></div>" * 50_000
    yield "UTF-16, it says", b"<html><meta charset=utf-16><body>Gr\xfc\xdfe"
    yield "UTF-7, it says", b"<html><meta charset=utf-7><body>+ADw-script+AD4-"
    yield "zero bytes", _HTML + b"<p>a\0b</p>" * 100
    yield "one word of 200 kB", _HTML + b"x" * 200_000


def texts() -> Iterator[Case]:
    chance = random.Random(5)
    yield "nothing", b""
    yield "21 MB", b"word " * 4_200_000
    yield "one line of 100 kB", b"word " * 20_000
    yield "one word of 200 kB", b"x" * 200_000
    yield "100,000 lines", b"a\n" * 100_000
    yield "form feeds", b"\f" * 200
    yield "half of a UTF-16", "Grüße".encode("utf-16")[:-1]
    yield "halves of pairs", b"\xff\xfe" + b"\x00\xd8" * 5_000
    yield "wrong UTF-8", b"Gr\xc3\xbc\xdfe \xf5\xff\n" * 100
    yield "tabs", b"\t" * 100_000 + b"x"
    yield "1,000 columns", b",".join(b"a" for _ in range(1_000)) + b"\n1\n"
    yield "a quote without an end", b'a,b\n1,"' + b"x\n" * 5_000
    yield "noise", chance.randbytes(10_000)
    yield "brackets", b"[" * 100_000
    yield "marks on a letter", ("e" + "\u0301" * 50_000).encode()


def mislabelled() -> Iterator[Case]:
    yield from {
        "a program": b"\x7fELF" + b"\0" * 500,
        "a film": b"\0\0\0\x18ftypmp42" + b"\0" * 500,
        "a GIF": b"GIF89a" + b"\0" * 500,
        "a WebP": b"RIFF\0\0\0\0WEBPVP8 " + b"\0" * 500,
        "gzip": b"\x1f\x8b\x08" + b"\0" * 500,
        "a zip of nothing": b"PK\x05\x06" + b"\0" * 18,
        "a header of PNG": b"\x89PNG\r\n\x1a\n",
        "a header of JPEG": b"\xff\xd8\xff",
        "a header of XLS": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        "a PDF in a text": b"Look at this:\n%PDF-1.7\nIt is no PDF.",
        "a mail of two headers": b"From: a\nSubject: b",
    }.items()
    yield "a document of Word", _zipped({"word/document.xml": b"<w/>"})
    yield "a zip", _zipped({"readme.txt": b"hello"})


def _zipped(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def workbooks() -> Iterator[Case]:
    cell = '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row>'
    last = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    yield "two cells far apart", xlsx_by_hand(sheet_xml(cell + last))
    yield "a wide sheet", xlsx_by_hand(sheet_xml(f'<row r="1">{"<c><v>1</v></c>" * 20_000}</row>'))
    rows = "".join(f"<row>{'<c><v>1</v></c>' * 100}</row>" for _ in range(5_100))
    yield "510,000 cells", xlsx_by_hand(sheet_xml(rows))
    whole = xlsx_by_hand(sheet_xml(cell))
    for size in (40, len(whole) // 2, len(whole) - 30):
        yield "cut off", whole[:size]
    yield "50 MB of spaces", _zipped({"xl/worksheets/sheet1.xml": b" " * 50_000_000})
    entities = b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]><worksheet>&a;</worksheet>"
    yield "entities", _zipped({"xl/workbook.xml": entities})
    yield "a workbook without sheets", _zipped({"xl/workbook.xml": b"<workbook/>"})
