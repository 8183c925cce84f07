"""E-mails with the papers that they carry as one document: their pages follow those of the mail.

Most invoices come that way, and whoever reads a document should not have to care."""

from dataclasses import replace

from domain.documents import Attachment, Document, Page
from processing.documents import bounds
from processing.documents.bounds import too_many


def with_enclosed(document: Document) -> Document:
    """The document with the pages of what it carries behind its own, each with the name of its
    file. What cannot be read is told on the first page. Raises `Unreadable` when all of it is too
    much."""
    pages = list(document.pages)
    for attachment in document.attachments:
        if attachment.document is not None:
            pages += _pages(attachment.name, attachment.document, len(pages))
    if len(pages) > bounds.PAGES:
        raise too_many("pages", bounds.PAGES)
    if sum(len(page.text) for page in pages) > bounds.CHARACTERS:
        raise too_many("characters", bounds.CHARACTERS)
    problems = [f"{each.name}: {each.problem}" for each in document.attachments if each.problem]
    if problems:
        notes = [note for note in (pages[0].note, *problems) if note]
        pages[0] = replace(pages[0], note="; ".join(notes))
    listed = tuple(_listed(each) for each in document.attachments)
    return replace(document, pages=tuple(pages), attachments=listed)


def place_of(document: Document, number: int) -> tuple[int, int] | None:
    """Which of the files that a document carries has a page of the whole, counted from 0, and the
    page's number there; None for its own pages, and for none at all."""
    left = number - len(document.pages)
    for index, attachment in enumerate(document.attachments):
        count = len(attachment.document.pages) if attachment.document else 0
        if 0 < left <= count:
            return index, left
        left -= count
    return None


def _pages(name: str, document: Document, behind: int) -> list[Page]:
    return [
        replace(
            page,
            number=number,
            name=f"{name}: {page.name}" if page.name else name,
            tables=tuple(replace(table, page=number) for table in page.tables),
        )
        for number, page in enumerate(document.pages, start=behind + 1)
    ]


def _listed(attachment: Attachment) -> Attachment:
    """Without its document, whose pages stand among the others."""
    return replace(attachment, document=None)
