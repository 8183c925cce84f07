"""The form that every converted file takes: CSV with a second record of kinds.

UTF-8, commas, CRLF. The first record has the headers, the second what all cells of a column are
(see `domain.inference.Kind`; blank when they differ or when only their text counts)."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import BinaryIO

_ROWS_AT_ONCE = 1_000


def write(
    out: BinaryIO,
    headers: Sequence[str],
    kinds: Sequence[str],
    records: Iterable[Sequence[str]],
) -> None:
    """Write everything, some rows at a time. Unpaired surrogates become U+FFFD."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(headers)
    writer.writerow(kinds)
    for count, record in enumerate(records, start=1):
        writer.writerow(record)
        if count % _ROWS_AT_ONCE == 0:
            _flush(text, out)
    _flush(text, out)
    out.flush()


def _flush(text: io.StringIO, out: BinaryIO) -> None:
    content = text.getvalue()
    text.seek(0)
    text.truncate()
    try:
        out.write(content.encode())
    except UnicodeEncodeError:
        whole = content.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        out.write(whole.encode())
