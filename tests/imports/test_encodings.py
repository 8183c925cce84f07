# ruff: noqa: RUF001 - letters of many scripts are the matter here
"""Encodings and delimiters of real files are told from their bytes, or by the client."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import imports
from domain.csv_text import CsvKind, CsvReader, known_encoding, sniff
from domain.errors import Invalid
from domain.file_types import CSV, JSON, JSON_LINES, PLAIN, TSV, UNKNOWN, identify
from domain.import_reading import Reading
from domain.imports import ImportStart
from persistence.encodings import guess_encoding
from tests.examples import examples
from tests.imports.importing import Importer

#: Text as people of the place write it, with the encodings that it may come in.
WRITTEN = {
    "имя,город,возраст\nИван,Москва,31\nМария,Санкт-Петербург,27\nПётр,Новосибирск,45\n": (
        "cp1251",
        "koi8-r",
    ),
    "jméno,město,poznámka\nJiří,Plzeň,žluťoučký kůň\nŁukasz,Łódź,zażółć gęślą jaźń\n": ("cp1250",),
    "Größe,Straße,Stadt\nMüller,Königstraße 5,Düsseldorf\nJosé,Calle Niño,Málaga\n": (
        "cp1252",
        "latin-1",
    ),
    "name,price\nÀ la carte,5 €\nCafé “Été”,7 €\n": ("cp1252",),
    "名前,都市,年齢\n田中太郎,東京,31\n鈴木花子,大阪,27\n佐藤健,札幌,45\n": ("shift_jis", "euc_jp"),
    "姓名,城市,年龄\n王小明,北京,31\n李华,上海,27\n张伟,广州,45\n": ("gb18030", "gbk"),
    "姓名,城市,年齡\n王小明,臺北,31\n李華,高雄,27\n張偉,臺中,45\n": ("big5",),
    "이름,도시,나이\n김철수,서울,31\n이영희,부산,27\n박민수,대구,45\n": ("euc_kr",),
    "όνομα,πόλη,ηλικία\nΓιώργος,Αθήνα,31\nΜαρία,Θεσσαλονίκη,27\nΆννα,Πάτρα,5\n": ("cp1253",),
    "الاسم,المدينة\nمحمد,القاهرة\nفاطمة,دمشق\n": ("cp1256",),
    "ชื่อ,เมือง\nสมชาย,กรุงเทพ\nสมหญิง,เชียงใหม่\n": ("cp874",),
}
EVERYWHERE = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")
CASES = [(text, name) for text, names in WRITTEN.items() for name in names]


@pytest.mark.parametrize(("text", "encoding"), CASES, ids=[name for _, name in CASES])
async def test_files_of_many_places_arrive_as_they_were_written(
    importer: Importer, text: str, encoding: str
) -> None:
    world = importer.world
    expected = list(csv.DictReader(io.StringIO(text)))
    for name in (encoding, *EVERYWHERE):
        table_id = await world.table()
        # UTF-16 without a mark shows itself by the zeros of ASCII, as real files have them.
        padded = text if "utf-16" not in name else text + "x,y,z\n" * 100
        file = await importer.upload(padded.encode(name))
        seen = await imports.preview_import(world.viewer, world.storage, table_id, file.id)
        assert seen.preview.sample_rows[: len(expected)] == expected, name


async def test_a_client_may_name_the_encoding(importer: Importer) -> None:
    world = importer.world
    table_id = await world.table()
    file = await importer.upload("isim,şehir\nÖmer,İstanbul\nAyşe,Iğdır\n".encode("cp1254"))
    guessed = await imports.preview_import(world.viewer, world.storage, table_id, file.id)
    assert guessed.preview.headers != ["isim", "şehir"]
    reading = Reading(encoding="Windows-1254")
    told = await imports.preview_import(world.viewer, world.storage, table_id, file.id, reading)
    assert told.preview.headers == ["isim", "şehir"]
    command = ImportStart(table_id, file.id, reading=reading)
    await imports.start_import(world.viewer, world.storage, command)
    assert await importer.cells(table_id) == [
        {"isim": "Ömer", "şehir": "İstanbul"},
        {"isim": "Ayşe", "şehir": "Iğdır"},
    ]
    for name in ("nonsense", "", "utf-7", "cp037", "rot13", "utf-32", "a\0b"):
        with pytest.raises(Invalid, match="Unknown encoding"):
            await imports.preview_import(
                world.viewer, world.storage, table_id, file.id, Reading(encoding=name)
            )


@pytest.mark.parametrize(
    ("content", "delimiter", "records"),
    [
        (b"sep=;\r\na;b\r\n1,5;2\r\n", ";", [["a", "b"], ["1,5", "2"]]),
        (b'"sep=|"\na|b\n1|2\n', "|", [["a", "b"], ["1", "2"]]),
        (b"\xef\xbb\xbfsep=\t\r\na\tb,c\r\n", "\t", [["a", "b,c"]]),
        (b"sep=none,x\n1,2\n", ",", [["sep=none", "x"], ["1", "2"]]),
    ],
)
def test_a_first_line_may_name_the_delimiter(
    content: bytes, delimiter: str, records: list[list[str]]
) -> None:
    form = sniff(content, CsvKind.CSV)
    assert form.delimiter == delimiter
    reader = CsvReader(form, 10)
    batches = reader.feed(content[form.start :]) + reader.finish()
    assert batches[0].records == records
    assert batches[0].offset_after == len(content)


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (b"[1, 2]", "a", PLAIN),
        (b'[{"a": 1}]', "a", JSON),
        (b"\xef\xbb\xbf \n[ ]", "a.txt.json", JSON),
        (b'{"a": 1}', "a", JSON),
        (b'{"a": 1}\n{"a": 2}\n', "a", JSON_LINES),
        (b'{"a":\n{"b": 2}}', "a", JSON),
        (b'{"a": 1}', "a.ndjson", JSON_LINES),
        (b'{"a": 1}\n', "a.csv", CSV),
        (b"[section]\nkey=value\n", "a", PLAIN),
        (b"a\tb\n1\t2\n", "a", TSV),
        ("a,b\n1,2\n".encode("utf-16-le"), "a", CSV),
        ("a,b\n1,2\n".encode("utf-16-be"), "a", CSV),
        (b"\0\0\0\0a\0\0\0", "a", UNKNOWN),
    ],
)
def test_kinds_are_told_from_bytes(content: bytes, name: str, kind: str) -> None:
    assert identify(content, name) == kind


@examples(200)
@given(st.binary(max_size=300))
def test_any_bytes_have_a_kind_and_a_guess_never_fails(content: bytes) -> None:
    assert identify(content, "x")
    encoding = guess_encoding(content)
    assert encoding is None or known_encoding(encoding) == encoding


@examples(100)
@given(
    st.lists(
        st.lists(st.text(st.sampled_from("abcé ß1\n\"',"), max_size=8), min_size=3, max_size=3),
        min_size=2,
        max_size=10,
    ),
    st.sampled_from([";", "\t", "|"]),
    st.sampled_from(["cp1252", "utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_any_dialect_writes_is_read(
    rows: list[list[str]], delimiter: str, encoding: str
) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n", quoting=csv.QUOTE_ALL).writerows(
        rows
    )
    content = out.getvalue().encode(encoding)
    form = sniff(content, CsvKind.CSV)
    assert form.delimiter == delimiter
    reader = CsvReader(form, 100)
    batches = reader.feed(content[form.start :]) + reader.finish()
    assert batches[0].records == rows
