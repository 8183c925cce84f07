"""What a file is, told from its bytes. What the sender says about it is never believed."""

import codecs
import re

from domain.csv_text import CsvError, CsvKind, CsvReader, sniff, utf_16_without_mark
from domain.numbers import InvalidJson, decode_at

#: How many of a file's first bytes are looked at.
HEAD_BYTES = 65_536

CSV = "text/csv"
TSV = "text/tab-separated-values"
PLAIN = "text/plain"
JSON = "application/json"
JSON_LINES = "application/x-ndjson"
UNKNOWN = "application/octet-stream"

PDF = "application/pdf"
PNG = "image/png"
JPEG = "image/jpeg"
TIFF = "image/tiff"
HTML = "text/html"
MAIL = "message/rfc822"
OLD_SHEET = "application/vnd.ms-excel"
ZIPPED_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
OPEN_SHEET = "application/vnd.oasis.opendocument.spreadsheet"
#: What a conversion makes: CSV whose second record tells the kinds of the columns.
TYPED_CSV = "text/vnd.tablecast.csv"

_MARKS = (
    (b"%PDF-", PDF),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLD_SHEET),
    (b"\x1f\x8b", "application/gzip"),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),
    (b"MM\0+", TIFF),
)
_ZIP = b"PK\x03\x04"
_ZIPPED = (
    (b"mimetype" + OPEN_SHEET.encode(), OPEN_SHEET),
    (b"xl/", ZIPPED_SHEET),
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
)
_MARKS_OF_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BY_SUFFIX = ((".csv", CSV), (".tsv", TSV), (".tab", TSV))
_LINES_BY_SUFFIX = (".jsonl", ".ndjson")
#: How JSON with rows begins: an array of objects, or an object.
_JSON_HEAD = re.compile(r"\ufeff?\s*(\[\s*[{\]]|\{\s*[\"}])")
_MARKED_BYTES = 16_384
_HTML_HEAD = re.compile(
    rb"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,2000}?-->\s*)?"
    rb"<(?:!doctype\s+html|(?:html|head|body|table|div|meta)[\s>])",
    re.IGNORECASE | re.DOTALL,
)
_MAIL_HEAD = re.compile(rb"(?:From [^\n]{1,200}\n)?[A-Za-z][A-Za-z-]{1,40}:[ \t]")
_MAIL_HEADER = re.compile(rb"^([A-Za-z][A-Za-z-]{1,40}):", re.MULTILINE)
_MAIL_SENDERS = {b"from", b"received", b"return-path", b"delivered-to"}
_MAIL_NAMES = _MAIL_SENDERS | {
    b"to",
    b"subject",
    b"date",
    b"message-id",
    b"mime-version",
    b"content-type",
}
#: Control characters that texts do not hold. Tab, line breaks, form feed and escape are allowed.
_NOT_TEXT = bytes(set(range(0x20)) - {0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x1B})
_COMPARED_RECORDS = 20

#: Types that are read as they are, and types that are converted first, with what the conversion
#: calls them. An import reads both.
CSV_KINDS = {CSV: CsvKind.CSV, TSV: CsvKind.TSV, TYPED_CSV: CsvKind.TYPED}
CONVERTED = {
    ZIPPED_SHEET: "sheet",
    OLD_SHEET: "sheet",
    OPEN_SHEET: "sheet",
    JSON: "json",
    JSON_LINES: "jsonl",
}
IMPORTABLE = frozenset({CSV, TSV, *CONVERTED})


def identify(head: bytes, name: str) -> str:
    """The MIME type of a file by its first `HEAD_BYTES` bytes.

    The name decides only between kinds of text: one column of CSV looks like any other text."""
    for mark, mime_type in _MARKS:
        if head.startswith(mark):
            return mime_type
    if head.startswith(_ZIP):
        return next((kind for part, kind in _ZIPPED if part in head), "application/zip")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if not _is_text(head):
        # Some programs write a few bytes before a PDF, and readers look for its mark.
        return PDF if _MARKS[0][0] in head[:1_024] else UNKNOWN
    text_kind = _marked_text(head)
    if text_kind is not None:
        return text_kind
    json_kind = _json_kind(head, name.lower())
    if json_kind is not None:
        return json_kind
    by_name = next((kind for suffix, kind in _BY_SUFFIX if name.lower().endswith(suffix)), None)
    return by_name or _text_kind(head)


def _is_text(head: bytes) -> bool:
    if head.startswith(_MARKS_OF_UTF_16) or utf_16_without_mark(head) is not None:
        return True
    return head == head.translate(None, _NOT_TEXT)


def _marked_text(head: bytes) -> str | None:
    """HTML by its first tag, an e-mail by its headers; None for other text."""
    start = head[:_MARKED_BYTES].removeprefix(codecs.BOM_UTF8)
    if b"\0" in start:
        start = start.translate(None, b"\0\xff\xfe")  # UTF-16
    if _HTML_HEAD.match(start):
        return HTML
    if _MAIL_HEAD.match(start) is None:
        return None
    headers = re.split(rb"\r?\n\r?\n", start, maxsplit=1)[0]
    names = {found.group(1).lower() for found in _MAIL_HEADER.finditer(headers)}
    return MAIL if len(names & _MAIL_NAMES) > 1 and names & _MAIL_SENDERS else None


def _json_kind(head: bytes, name: str) -> str | None:
    """JSON, or JSON Lines when a second value stands on a line of its own; None for other text."""
    if name.endswith((".csv", ".tsv", ".tab", ".txt")):
        return None
    try:
        text = head.decode(_encoding_of(head), "ignore")
    except CsvError:
        return None
    if _JSON_HEAD.match(text) is None:
        return None
    if name.endswith(_LINES_BY_SUFFIX):
        return JSON_LINES
    first, _, rest = text.removeprefix("\ufeff").lstrip().partition("\n")
    if not rest.lstrip().startswith("{"):
        return JSON
    try:
        _, end = decode_at(first, 0)
    except InvalidJson:
        return JSON
    return JSON if first[end:].strip() else JSON_LINES


def _encoding_of(head: bytes) -> str:
    return sniff(head[:4_096], CsvKind.TSV).encoding


def _text_kind(head: bytes) -> str:
    """CSV or TSV when the first records have the same number of fields, two at least."""
    try:
        form = sniff(head, CsvKind.CSV)
        reader = CsvReader(form, _COMPARED_RECORDS)
        batches = reader.feed(head[form.start :])
        if not batches and len(head) < HEAD_BYTES:
            batches = reader.finish()
    except CsvError:
        return PLAIN
    widths = {len(record) for batch in batches[:1] for record in batch.records}
    if len(widths) != 1 or widths == {1} or len(batches[0].records) < 2:
        return PLAIN
    return TSV if form.delimiter == "\t" else CSV
