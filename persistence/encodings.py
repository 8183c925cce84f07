"""A guess at the encoding of bytes that are not UTF-8."""

from charset_normalizer import from_bytes

from domain.csv_text import Encoding, known_encoding

#: Only lines that are not plain ASCII tell anything; this much of them is plenty.
_SAMPLE_BYTES = 16_384
#: Names of nearly the same: the one that Windows writes is meant.
_ON_WINDOWS = {"iso8859_7": "cp1253", "iso8859_8": "cp1255", "iso8859_9": "cp1254"}


def guess_encoding(head: bytes) -> str | None:
    """The encoding that makes words of these bytes, None when they say too little.

    Windows-1252 wins wherever it is possible: by far the most such files are, and a few accents
    look like words in a dozen encodings."""
    lines = [line for line in head.splitlines() if not line.isascii()]
    matches = from_bytes(b"\n".join(lines)[:_SAMPLE_BYTES])
    # Encodings in which the bytes mean the same are one match.
    names = [name for match in matches for name in match.could_be_from_charset]
    if not names or Encoding.CP1252 in names:
        return None
    best = names[0]
    if _ON_WINDOWS.get(best) in names:
        best = _ON_WINDOWS[best]
    return known_encoding(best)
