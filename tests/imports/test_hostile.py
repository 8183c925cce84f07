"""Files that are made to hurt end with a sentence, and cost bounded memory."""

import io
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import psutil
import pytest

from domain import imports
from domain.errors import Invalid
from domain.imports import ImportStart
from persistence.conversion import zips
from persistence.conversion.bounds import MEMORY_BYTES, Unreadable
from tests.imports import workbooks
from tests.imports.importing import Importer
from tests.imports.workbooks import sheet_xml, xlsx_by_hand, zipped

CELL = '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row>'
DAMAGED = "damaged"
TOO_LARGE = "larger than 1000 MB when it is unpacked"


def _far_corners() -> bytes:
    """Two cells, and 17,179,869,184 between them."""
    last = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    return xlsx_by_hand(sheet_xml(CELL + last))


def _wide() -> bytes:
    cells = "<c><v>1</v></c>" * 200_000
    return xlsx_by_hand(sheet_xml(f'<row r="1">{cells}</row>'))


def _wide_csv() -> bytes:
    return b",".join(b"c%d" % n for n in range(200_000)) + b"\n1\n"


@cache
def _bomb() -> bytes:
    """200 MB of spaces in a sheet: 200 kB of zip."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part,
    ):
        block = b" " * 10_000_000
        for _ in range(20):
            part.write(block)
    return out.getvalue()


def _lying_bomb() -> bytes:
    """The directory says 100 bytes, with their checksum; 5 MB come."""
    compressor = zlib.compressobj(wbits=-15)
    content = b" " * 5_000_000
    deflated = compressor.compress(content) + compressor.flush()
    name = b"xl/workbook.xml"
    told = (zlib.crc32(content[:100]), len(deflated), 100, len(name), 0)
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 0, *told) + name
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 8, 0, 0, *told, 0, 0, 0, 0, 0) + name
    at = len(local) + len(deflated)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(entry), at, 0)
    return local + deflated + entry + end


def _overlapping() -> bytes:
    """A thousand entries that all inflate the same 5 MB."""
    single = zipped({"xl/a.bin": b"\0" * 5_000_000})
    with zipfile.ZipFile(io.BytesIO(single)) as archive:
        start = archive.start_dir
    directory = single[start:-22] * 1_000
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1_000, 1_000, len(directory), start, 0)
    return single[:start] + directory + end


def _many_parts() -> bytes:
    return zipped({f"xl/{n}": b"" for n in range(6_000)})


def _repeated_string() -> bytes:
    """One text of 1 MB that stands in 20,000 cells."""
    strings = (
        '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>'
        + "x" * 1_000_000
        + "</t></si></sst>"
    )
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 20_001))
    links = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        + "".join(
            f'<Relationship Id="rId{n}" Target="{target}" Type="http://schemas.openxmlformats.org'
            f'/officeDocument/2006/relationships/{kind}"/>'
            for n, (kind, target) in enumerate(
                [("worksheet", "worksheets/sheet1.xml"), ("sharedStrings", "sharedStrings.xml")], 1
            )
        )
        + "</Relationships>"
    )
    more = {"xl/sharedStrings.xml": strings, "xl/_rels/workbook.xml.rels": links}
    return xlsx_by_hand(sheet_xml(rows), more=more)


def _ods_repeats() -> bytes:
    """One row of ODS that says it stands there a million times, 1,000 columns wide."""
    made = workbooks.ods({"S": [["a"], [7]]})
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        parts = {each: archive.read(each) for each in archive.namelist()}
    content = parts["content.xml"].decode()
    repeated = '<table:table-cell table:number-columns-repeated="1000" '
    content = content.replace("<table:table-cell ", repeated)
    content = content.replace(
        "<table:table-row>", '<table:table-row table:number-rows-repeated="1000000">'
    )
    assert "repeated" in content
    return zipped(parts | {"content.xml": content})


def _external_entity() -> bytes:
    entity = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    return xlsx_by_hand(sheet_xml(CELL.replace("<t>a", "<t>&a;"), entity))


def _laughs() -> bytes:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(12))
    before = f"<!DOCTYPE x [{levels}]>"
    return xlsx_by_hand(sheet_xml(CELL.replace("<t>a", "<t>&l11;"), before))


def _hidden_laughs() -> bytes:
    """The document type stands behind a megabyte of comment, across the border of two pieces."""
    return xlsx_by_hand(sheet_xml(CELL, f"<!--{'x' * 1_048_560}--><!DOCTYPE x []>"))


def _wide_text() -> bytes:
    """UTF-16, in which a document type would not be found."""
    return xlsx_by_hand(sheet_xml(CELL, "<!DOCTYPE x []>").encode("utf-16"))


def _wide_text_beside() -> bytes:
    """UTF-16 where it is allowed, but with a document type."""
    return xlsx_by_hand(
        sheet_xml(CELL), more={"customXml/item1.xml": "<!DOCTYPE x []><x/>".encode("utf-16")}
    )


def _encrypted_zip() -> bytes:
    made = bytearray(xlsx_by_hand(sheet_xml(CELL)))
    made[made.index(b"PK\1\2") + 8] |= 1
    return bytes(made)


def _encrypted_ole() -> bytes:
    return workbooks.xls({"S": [["a"]]}) + "EncryptedPackage".encode("utf-16-le")


def _truncated() -> bytes:
    return xlsx_by_hand(sheet_xml(CELL))[:-100]


def _truncated_xls() -> bytes:
    return workbooks.xls({"S": [["a", "b"]] * 1_000})[:3_000]


def _broken_part() -> bytes:
    made = bytearray(xlsx_by_hand(sheet_xml(CELL * 100)))
    start = made.index(b"xl/worksheets/sheet1.xml") + 24
    made[start : start + 20] = b"\xff" * 20
    return bytes(made)


def _no_workbook() -> bytes:
    return zipped({"xl/nothing.xml": "<a/>"})


def _deep_json() -> bytes:
    return b'[{"a":' + b"[" * 1_000_000


def _json_of_objects() -> bytes:
    """40 MB that are 5,000,000 objects in one cell."""
    return b'[{"a":[' + b'{"a":1},' * 5_000_000 + b"1]}]"


CASES: list[tuple[Callable[[], bytes], str]] = [
    (_far_corners, "16384 columns|too much memory"),
    (_wide, "200000 columns; at most 500"),
    (_wide_csv, "header is too long"),
    (_bomb, "grows to more than 200 times its size"),
    (_lying_bomb, DAMAGED),
    (_overlapping, TOO_LARGE),
    (_many_parts, "more than 5000 parts"),
    (_repeated_string, "too much memory"),
    (_ods_repeats, "columns|too much memory|cannot be read"),
    (_external_entity, "document type"),
    (_laughs, "document type"),
    (_hidden_laughs, "document type"),
    (_wide_text, "not UTF-8"),
    (_wide_text_beside, "document type"),
    (_encrypted_zip, "password"),
    (_encrypted_ole, "password"),
    (_truncated, DAMAGED),
    (_truncated_xls, DAMAGED),
    (_broken_part, DAMAGED),
    (_no_workbook, DAMAGED),
    (_deep_json, "nested too deeply"),
    (_json_of_objects, "too much memory|longer than"),
]


@pytest.mark.parametrize(("make", "reason"), CASES, ids=[make.__name__ for make, _ in CASES])
async def test_a_hostile_file_ends_with_a_sentence_in_bounded_memory(
    importer: Importer, make: Callable[[], bytes], reason: str
) -> None:
    world = importer.world
    table_id = await world.table()
    file = await importer.upload(make(), "data.csv" if make is _wide_csv else "data")
    before = psutil.Process().memory_info().rss
    with pytest.raises(Invalid, match=reason):
        await imports.start_import(world.viewer, world.storage, ImportStart(table_id, file.id))
    assert psutil.Process().memory_info().rss - before < 50_000_000
    assert (await world.shape(table_id)).columns == ()
    assert [path for path in importer.folder.rglob("*.csv") if path.is_file()] == []


def test_a_bomb_is_found_in_constant_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(_bomb())
    before = psutil.Process().memory_info().rss
    with pytest.raises(Unreadable):
        zips.check(path)
    assert psutil.Process().memory_info().rss - before < 20_000_000


_MEASURE = """
import resource, subprocess, sys
code = subprocess.run([sys.executable, "-m", "persistence.conversion.child", *sys.argv[1:]],
                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("sheet", _far_corners),
        pytest.param("sheet", _wide, marks=pytest.mark.long),
        ("sheet", _bomb),
        pytest.param("sheet", _repeated_string, marks=pytest.mark.long),
        ("sheet", _ods_repeats),
        ("json", _deep_json),
    ],
)
def test_the_converting_process_keeps_to_its_limit(
    tmp_path: Path, kind: str, make: Callable[[], bytes]
) -> None:
    path = tmp_path / "file"
    path.write_bytes(make())
    # A process inherits the peak of the one that starts it, so a small one starts it.
    command = [sys.executable, "-c", _MEASURE, kind, str(path)]
    told = subprocess.run(command, check=True, capture_output=True, cwd=Path.cwd())
    code, kilobytes = map(int, told.stdout.split())
    assert code != 0
    # macOS has no such limit; there only time is bounded.
    assert kilobytes * 1024 <= MEMORY_BYTES or sys.platform == "darwin"
