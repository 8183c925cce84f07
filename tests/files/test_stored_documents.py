"""Documents of stored files: each is read once, whoever asks, and however often."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID

import pytest

from domain import document_json, file_types
from domain.documents import Document, Page, Unreadable
from domain.entities import File, FileStatus
from domain.files import WIDTH
from domain.ids import Kind, new_id
from persistence.blobs import Blobs
from persistence.files import Files
from processing.documents.reading import DocumentReader
from processing.documents.source import StoredDocuments
from tests.documents import papers


@dataclass
class Counting(DocumentReader):
    """A reader that counts what it reads. `like` is what another machine could read."""

    like: str = "plain"
    read_: list[bytes] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        super().__init__()

    @property
    def edition(self) -> str:
        return self.like

    async def read(self, source: Path | bytes, *, depth: int = 0) -> Document:
        if isinstance(source, Path) and source.name == "file":
            self.read_.append(await asyncio.to_thread(source.read_bytes))
        self.begun.set()
        return await super().read(source, depth=depth)

    async def picture(self, source: Path | bytes, page: int, width: int) -> bytes:
        self.read_.append(b"picture")
        return await super().picture(source, page, width)


def file_of(content: bytes, key: str = "some/key") -> File:
    """The record of a file with these bytes."""
    return File(
        id=new_id(Kind.FILE),
        organization_id=UUID(int=1),
        name="paper.pdf",
        mime_type="application/pdf",
        size=len(content),
        sha256="",
        storage_key=key,
        task_id=None,
        created_by="x",
        created_at=datetime.now(UTC),
    )


@dataclass
class Shelf:
    """A blob store, and the documents of one process over it."""

    blobs: Blobs
    reader: Counting = field(default_factory=Counting)

    def __post_init__(self) -> None:
        self.documents = self.process(self.reader)

    def process(self, reader: Counting) -> StoredDocuments:
        """Another process over the same store. None of it needs the database."""
        return StoredDocuments(Files(None, self.blobs), reader)  # type: ignore[arg-type]

    async def put(self, content: bytes, key: str = "some/key") -> File:
        async def chunks() -> AsyncIterator[bytes]:
            yield content

        await self.blobs.put(key, chunks())
        return file_of(content, key)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(Blobs.open(tmp_path))


async def test_a_file_is_read_once(shelf: Shelf) -> None:
    content = papers.plain_invoice()
    file = await shelf.put(content)
    found = await asyncio.gather(*(shelf.documents.document(file) for _ in range(20)))
    assert shelf.reader.read_ == [content]
    assert all(each is found[0] for each in found)
    # The same bytes of another file, and once more.
    assert await shelf.documents.document(replace(file, id=new_id(Kind.FILE))) is found[0]
    other = Counting()
    kept = await shelf.process(other).document(file)
    assert kept == document_json.loads(document_json.dumps(found[0]))
    assert "Total: 121.74 EUR" in kept.text()
    assert (other.read_, len(shelf.reader.read_)) == ([], 1)
    # A machine that can read more than the one before reads again.
    able = Counting("tesseract-eng")
    await shelf.process(able).document(file)
    assert able.read_ == [content]


async def test_what_is_kept_in_a_strange_form_is_read_again(shelf: Shelf) -> None:
    file = await shelf.put(papers.plain_invoice())
    files = Files(None, shelf.blobs)  # type: ignore[arg-type]
    await shelf.documents.document(file)
    listed = [each["path"] async for found in shelf.blobs.store.list() for each in found]
    [kept] = [path for path in listed if path != file.storage_key]
    await files.keep(file, kept.rpartition("/")[2], b"no gzip")
    second = Counting()
    assert (await shelf.process(second).document(file)).pages
    assert len(second.read_) == 1
    other = Counting()
    await shelf.process(other).document(file)
    assert other.read_ == []


async def test_a_file_that_cannot_be_read_is_not_tried_again_at_once(shelf: Shelf) -> None:
    file = await shelf.put(b"%PDF-1.7\nnothing")
    for _ in range(3):
        with pytest.raises(Unreadable):
            await shelf.documents.document(file)
    assert len(shelf.reader.read_) == 1
    for broken, message in (
        (file_of(b"x", "gone/key"), "its bytes are gone"),
        (replace(file, status=FileStatus.UPLOADING), "not been uploaded"),
    ):
        with pytest.raises(Unreadable, match=message):
            await shelf.documents.document(broken)


async def test_only_the_last_documents_are_in_memory(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processing.documents.source.HELD_PARTS", 250)
    one, two, three = [
        await shelf.put(f"Nummer {number}\n".encode(), f"key/{number}") for number in range(3)
    ]
    first = await shelf.documents.document(one)
    assert await shelf.documents.document(two) is await shelf.documents.document(two)
    await shelf.documents.document(three)
    again = await shelf.documents.document(one)
    assert again == first
    assert again is not first
    assert len(shelf.reader.read_) == 3


async def test_who_goes_away_takes_nobody_with_him(shelf: Shelf) -> None:
    file = await shelf.put(papers.plain_invoice())
    waiting = [asyncio.create_task(shelf.documents.document(file)) for _ in range(2)]
    await shelf.reader.begun.wait()
    waiting[0].cancel()
    document = await waiting[1]
    assert isinstance(document.pages[0], Page)
    assert len(shelf.reader.read_) == 1


async def test_an_e_mail_is_read_with_its_papers(shelf: Shelf) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@example.org", "b@example.org", "Your invoice"
    mail.set_content("Please find the invoice.")
    mail.add_attachment(b"\x7fELF\0\0", maintype="a", subtype="b", filename="program.bin")
    mail.add_attachment(
        papers.plain_invoice(), maintype="application", subtype="pdf", filename="invoice.pdf"
    )
    file = replace(await shelf.put(mail.as_bytes()), mime_type=file_types.MAIL)
    document = await shelf.documents.document(file)
    first, second = document.pages
    assert "Please find the invoice." in first.text
    assert first.note is not None
    assert first.note.startswith("program.bin: ")
    assert (second.number, second.name) == (2, "invoice.pdf")
    assert {table.page for table in second.tables} == {2}
    start = document.text().index("121.74")
    assert [place.page for place in document.places(start, start + 6)] == [2]
    assert await shelf.process(Counting()).document(file) == document
    drawn = await shelf.documents.picture(file, 2, 200)
    paper = await shelf.documents.picture(await shelf.put(papers.plain_invoice(), "paper"), 1, 200)
    assert drawn == paper
    with pytest.raises(Unreadable):
        await shelf.documents.picture(file, 3, 200)


async def test_a_page_is_drawn_once(shelf: Shelf) -> None:
    file = await shelf.put(papers.plain_invoice())
    pictures = await asyncio.gather(*(shelf.documents.picture(file, 1, WIDTH) for _ in range(5)))
    assert len(set(pictures)) == 1
    assert pictures[0].startswith(b"\x89PNG")
    assert await shelf.process(Counting()).picture(file, 1, WIDTH) == pictures[0]
    assert len(shelf.reader.read_) == 1
    assert await shelf.documents.picture(file, 1, 50) != pictures[0]
    with pytest.raises(Unreadable):
        await shelf.documents.picture(file, 2, WIDTH)
