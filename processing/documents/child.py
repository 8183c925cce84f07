"""The reading process: `python -m processing.documents.<reader> path options`.

Each kind of file has a reader, a module that calls `main`. It writes a document as lines of JSON,
one for each page and a last one that closes it, or the picture of one page as PNG. What it writes
without a last line is no document."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from domain.document_json import dump_page
from domain.documents import Page, Unreadable
from persistence.confinement import OUT_OF_MEMORY, REFUSED, confine
from processing.documents import bounds
from processing.documents.bounds import too_many
from processing.documents.headers import with_continuations


@dataclass(frozen=True, slots=True)
class Options:
    """What is wanted. With a `page`, its picture of this `width`; else the document.

    `parts` is a folder for the files in an e-mail. `tesseract` is where that program is; `models`
    tells that OCR by models is installed. `languages` are those that tesseract looks for."""

    kind: str
    memory_bytes: int = bounds.MEMORY_BYTES
    cpu_seconds: int = bounds.CPU_SECONDS
    page: int | None = None
    width: int = 0
    parts: str | None = None
    tesseract: str | None = None
    models: bool = False
    languages: str | None = None

    def as_argument(self) -> str:
        return json.dumps(asdict(self))


@dataclass(slots=True)
class Contents:
    """What a reader finds. What stands beside the pages is complete when these are through."""

    pages: Iterator[Page]
    headers: list[tuple[str, str]] = field(default_factory=list)
    attachments: list[Mapping[str, Any]] = field(default_factory=list)


Read = Callable[[Path, Options], Contents]
Draw = Callable[[Path, int, int, Options], bytes]


def main(read: Read, draw: Draw) -> int:
    """Do what the arguments say; the exit code."""
    path, options = Path(sys.argv[1]), Options(**json.loads(sys.argv[2]))
    confine(options.memory_bytes, options.cpu_seconds)
    try:
        if options.page is None:
            _write(read(path, options))
        else:
            sys.stdout.buffer.write(draw(path, options.page, options.width, options))
    except Unreadable as error:
        sys.stderr.write(str(error))
        return REFUSED
    except MemoryError:
        return OUT_OF_MEMORY
    return 0


def _write(contents: Contents) -> None:
    count = 0
    for page in with_continuations(counted(contents.pages)):
        _line(dump_page(page))
        count += 1
    if count == 0:
        raise Unreadable("The file has no pages")
    end = {"end": count, "headers": contents.headers, "attachments": contents.attachments}
    _line(json.dumps(end, ensure_ascii=False))
    sys.stdout.buffer.flush()


def _line(text: str) -> None:
    sys.stdout.buffer.write(text.encode(errors="replace") + b"\n")


def counted(pages: Iterator[Page]) -> Iterator[Page]:
    """The same pages. Raises `Unreadable` when they are more than a document may have."""
    words = characters = tables = cells = fields = 0
    for count, page in enumerate(pages, start=1):
        words += len(page.words)
        characters += len(page.text)
        tables += len(page.tables)
        cells += sum(len(table.rows) * len(table.rows[0]) for table in page.tables)
        fields += len(page.fields)
        for found, most, what in (
            (count, bounds.PAGES, "pages"),
            (words, bounds.WORDS, "words"),
            (characters, bounds.CHARACTERS, "characters"),
            (tables, bounds.TABLES, "tables"),
            (cells, bounds.CELLS, "cells of tables"),
            (fields, bounds.FIELDS, "fields of forms"),
        ):
            if found > most:
                raise too_many(what, most)
        yield page
