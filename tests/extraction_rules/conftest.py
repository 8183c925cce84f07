"""Papers that are read once for all tests of this folder."""

from collections.abc import Awaitable, Callable

import pytest

from domain.documents import Document
from processing.documents.reading import DocumentReader
from tests.extraction_rules import papers

_PAPERS: dict[str, Callable[[], bytes]] = {
    "statement": papers.statement,
    "mail": lambda: papers.MAIL,
    **{
        name: (lambda draw: lambda: papers.paper(draw))(getattr(papers, name))
        for name in (
            "english", "german", "french", "american", "two_totals",
            "sums", "letter", "prices", "form",
        )
    },
}  # fmt: skip
_read: dict[str, Document] = {}

Read = Callable[[str], Awaitable[Document]]


@pytest.fixture
def read() -> Read:
    """A paper by its name, as a document."""

    async def document(name: str) -> Document:
        if name not in _read:
            _read[name] = await DocumentReader(at_once=1).read(_PAPERS[name]())
        return _read[name]

    return document
