"""What a file is, told from its bytes. What the sender says about it is never believed."""

import codecs

from domain.csv_text import CsvError, CsvKind, CsvReader, sniff

#: How many of a file's first bytes are looked at.
HEAD_BYTES = 65_536

CSV = "text/csv"
TSV = "text/tab-separated-values"
PLAIN = "text/plain"
UNKNOWN = "application/octet-stream"

_MARKS = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/vnd.ms-excel"),
    (b"\x1f\x8b", "application/gzip"),
)
_ZIP = b"PK\x03\x04"
ZIPPED_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_ZIPPED = (
    (b"xl/", ZIPPED_SHEET),
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
)
_MARKS_OF_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BY_SUFFIX = ((".csv", CSV), (".tsv", TSV), (".tab", TSV))
#: Control characters that texts do not hold. Tab, line breaks, form feed and escape are allowed.
_NOT_TEXT = bytes(set(range(0x20)) - {0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x1B})
_COMPARED_RECORDS = 20

#: Types that an import can read.
CSV_KINDS = {CSV: CsvKind.CSV, TSV: CsvKind.TSV}


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
        return UNKNOWN
    by_name = next((kind for suffix, kind in _BY_SUFFIX if name.lower().endswith(suffix)), None)
    return by_name or _text_kind(head)


def _is_text(head: bytes) -> bool:
    if head.startswith(_MARKS_OF_UTF_16):
        return True
    return head == head.translate(None, _NOT_TEXT)


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
