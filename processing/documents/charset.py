"""Bytes as text. What a file says of its encoding is believed only when it can be true."""

import codecs

from domain.csv_text import utf_16_without_mark
from persistence.encodings import guess_encoding

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HEAD = 65_536
_LONGEST_NAME = 40
#: Their bytes are those of ASCII, so they look like UTF-8.
_SHIFTING = ("iso2022", "hz", "utf-7")
_PECULIAR = {"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"}


def decoded(content: bytes, told: str | None = None) -> str:
    """The text: by its byte order mark, as UTF-8, as it is told, as a guess, as Windows-1252."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    sixteen = utf_16_without_mark(content[:_HEAD])
    if sixteen is not None:
        return content.decode(sixteen, "replace")
    named = _text_encoding(told)
    shifts = named is not None and named.startswith(_SHIFTING)
    tried = (named, "utf-8") if shifts else ("utf-8", named)
    for name in filter(None, tried):
        try:
            return content.decode(name)
        except (UnicodeError, LookupError, ValueError):
            continue
    return content.decode(guess_encoding(content[:_HEAD]) or "cp1252", "replace")


def _text_encoding(told: str | None) -> str | None:
    """Python's name of an encoding of texts, and not of something that only Python has."""
    if not told or len(told) > _LONGEST_NAME:
        return None
    try:
        found = codecs.lookup(told.strip()).name
    except (LookupError, ValueError):
        return None
    return None if found in _PECULIAR else found
