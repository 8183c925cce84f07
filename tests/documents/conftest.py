"""One reader for all tests of this folder."""

import pytest

from processing.documents.reading import DocumentReader


@pytest.fixture
def reader() -> DocumentReader:
    return DocumentReader(at_once=2)
