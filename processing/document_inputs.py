"""Files as inputs of tools: what a tool of each kind gets in place of a file's id and name.

A Python tool gets the document as an object; a prompt and a request get its text, in which
`PAGE_BREAK` stands between pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.documents import PAGE_BREAK, Document, Page, Table
from domain.entities import File
from domain.tool_records import ToolKind

#: Of one document that goes into a tool. More is refused: nothing is ever cut in silence.
MOST_CHARACTERS = 400_000
MOST_CELLS = 50_000

_NO_TEXT = "it has no text"


class NotForTools(Exception):
    """A document that no tool can take. The text is for people, and goes on after the file's
    name."""


@dataclass(frozen=True, slots=True)
class DocumentInput:
    """A file that was read."""

    file: File
    document: Document
    text: str

    @classmethod
    def of(cls, file: File, document: Document) -> "DocumentInput":
        """Raises `NotForTools` when it is too large."""
        characters = sum(len(page.text) + 1 for page in document.pages)
        if characters > MOST_CHARACTERS:
            raise NotForTools(f"has more than {MOST_CHARACTERS:,} characters")
        if sum(map(_cells, document.pages)) > MOST_CELLS:
            raise NotForTools(f"has more than {MOST_CELLS:,} cells of tables")
        return cls(file, document, document.text())

    def value_for(self, kind: ToolKind) -> Any:
        """What a tool of this kind gets. Raises `NotForTools` for a file without any text, unless
        the tool is a program, which may look at that itself."""
        if kind is ToolKind.PYTHON:
            return self._object()
        if not self.text.strip():
            notes = [f"page {p.number}: {p.note}" for p in self.document.pages if p.note]
            raise NotForTools(f"cannot be read: {notes[0] if notes else _NO_TEXT}")
        return self.text

    def _object(self) -> Mapping[str, Any]:
        """The document as a program sees it: plain texts, lists and numbers."""
        return {
            "id": str(self.file.id),
            "name": self.file.name,
            "kind": self.document.kind,
            "text": self.text,
            "pages": [
                {
                    "number": page.number,
                    "name": page.name,
                    "text": page.text,
                    "note": page.note,
                    "tables": [table.texts for table in page.tables],
                    "fields": {field.name: field.value for field in page.fields},
                }
                for page in self.document.pages
            ],
            "tables": [_whole(parts) for parts in self.document.whole_tables()],
        }


def with_page_marks(text: str) -> str:
    """A document's text as a model reads it: it says where each page begins."""
    pages = text.split(PAGE_BREAK)
    if len(pages) == 1:
        return text
    return "\n".join(
        f"[page {number} of {len(pages)}]\n{page}" for number, page in enumerate(pages, start=1)
    )


def _cells(page: Page) -> int:
    return sum(len(table.rows) * len(table.rows[0]) for table in page.tables if table.rows)


def _whole(parts: list[Table]) -> list[list[str]]:
    """The rows of a table with those of its parts on other pages; its header stands once."""
    rows = parts[0].texts
    for part in parts[1:]:
        rows += part.texts[part.header_rows :]
    return rows
