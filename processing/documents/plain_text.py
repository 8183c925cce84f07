"""Reads plain text, and JSON as the text that it is."""

import sys
from pathlib import Path

from domain.documents import Unreadable
from processing.documents.bounds import TEXT_BYTES
from processing.documents.charset import decoded
from processing.documents.child import Contents, Options, main
from processing.documents.drawing import drawn_page
from processing.documents.typewriter import plain_pages


def read(path: Path, options: Options) -> Contents:
    return Contents(plain_pages(decoded(content_of(path)).splitlines()))


def content_of(path: Path) -> bytes:
    if path.stat().st_size > TEXT_BYTES:
        raise Unreadable(f"The file has more than {TEXT_BYTES // 1_000_000} MB of text")
    return path.read_bytes()


def draw(path: Path, number: int, width: int, options: Options) -> bytes:
    return drawn_page(read(path, options).pages, number, width)


if __name__ == "__main__":
    sys.exit(main(read, draw))
