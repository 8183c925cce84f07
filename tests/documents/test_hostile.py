"""More than 200 files made to hurt: each is a document or one sentence, and harms no other."""

import asyncio
import os
import resource
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import psutil
import pytest

from domain.documents import Unreadable
from processing.documents.bounds import MEMORY_BYTES
from processing.documents.reading import DocumentReader
from tests.documents import hostile_files, hostile_pdfs, papers
from tests.documents.hostile_pdfs import Case

GROUPS: list[Callable[[], Iterator[Case]]] = [
    hostile_pdfs.broken,
    hostile_pdfs.loops,
    hostile_pdfs.sizes,
    hostile_pdfs.bombs,
    hostile_pdfs.odd_pictures,
    hostile_pdfs.locked,
    hostile_files.pictures,
    hostile_files.mails,
    hostile_files.webs,
    hostile_files.texts,
    hostile_files.mislabelled,
    hostile_files.workbooks,
]
#: What a few of them must be answered with.
SENTENCES = {
    "100,000 pages": "The file has more than 1,000 pages, which is the limit",
    "locked": "The PDF is protected with a password",
    "locked by /Filter /Unknown /V 4": "The PDF is encrypted in a way that cannot be read",
    "only a header": "The PDF is damaged or was cut off",
    "PNG of 50,000 by 50,000": (
        "The picture has 50,000 by 50,000 pixels; at most 64 million are read"
    ),
    "1,000 parts in each other": "The parts of the e-mail are nested too deep",
    "5,000 files": "The e-mail carries more than 100 files",
    "100,000 cells in a row": "A table of the page has more than 500 columns",
    "nothing": "The file is empty",
    "21 MB": "The file has more than 20 MB of text",
    "100,000 lines": "The file has more than 1,000 pages, which is the limit",
    "510,000 cells": "The file has more than 500,000 cells of tables, which is the limit",
    "50 MB of spaces": (
        "A part of the workbook grows to more than 200 times its size when it is unpacked; "
        "save the sheet as CSV"
    ),
    "a document of Word": (
        "Files of the type application/vnd.openxmlformats-officedocument.wordprocessingml"
        ".document cannot be read; PDF, PNG, JPEG, TIFF, XLSX, XLS, ODS, CSV, text, HTML and "
        "e-mail can"
    ),
}


@cache
def _cases(group: Callable[[], Iterator[Case]]) -> list[Case]:
    return list(group())


def _some(group: Callable[[], Iterator[Case]], every: int) -> list[Case]:
    """Those with a sentence of their own, and of the others every so many."""
    found = [(case, case[0] in SENTENCES) for case in _cases(group)]
    others = [case for case, told in found if not told]
    return [case for case, told in found if told] + others[::every]


def test_there_are_more_than_200() -> None:
    assert sum(len(_cases(group)) for group in GROUPS) > 200


@pytest.mark.parametrize(
    "every", [pytest.param(5, id="some"), pytest.param(1, id="all", marks=pytest.mark.long)]
)
@pytest.mark.parametrize("group", GROUPS, ids=lambda group: str(group.__name__))
async def test_hostile_files(
    reader: DocumentReader,
    group: Callable[[], Iterator[Case]],
    every: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    async def read(case: Case) -> None:
        name, content = case
        try:
            document = await reader.read(content, depth=1)
            answer = None
            assert document.pages
            document.text().encode()
        except Unreadable as error:
            answer = str(error)
            assert 10 < len(answer) < 300, answer
            assert "\n" not in answer
            assert "Traceback" not in answer
        if name in SENTENCES:
            assert answer == SENTENCES[name]

    await asyncio.gather(*(read(case) for case in _some(group, every)))
    good = await reader.read(papers.plain_invoice())
    assert good.pages[0].tables[0].texts == papers.ITEMS
    assert os.listdir(tmp_path) == []
    # The largest of all processes that this one has waited for. macOS does not bound it.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    assert peak <= MEMORY_BYTES or sys.platform == "darwin"


async def _shown(reader: DocumentReader, content: bytes, width: int) -> str:
    """What came of a picture of the first page."""
    try:
        png = await reader.picture(content, 1, width)
    except Unreadable as error:
        return str(error)
    return "PNG" if png.startswith(b"\x89PNG") else "noise"


@pytest.mark.parametrize(("every", "least"), [(6, 3), pytest.param(3, 4, marks=pytest.mark.long)])
async def test_pictures_of_hostile_pages(reader: DocumentReader, every: int, least: int) -> None:
    cases = [*_cases(hostile_pdfs.odd_pictures), *_cases(hostile_pdfs.loops)][::every]
    shown = await asyncio.gather(*(_shown(reader, content, 200) for _, content in cases))
    assert shown.count("PNG") >= least
    assert all(each == "PNG" or each.startswith(("The ", "This ")) for each in shown)


@pytest.mark.parametrize("box", ["[0 0 1e38 1e38]", "[0 0 200000 200000]", "[0 0 3 1000000]"])
async def test_pictures_of_pages_of_odd_sizes(reader: DocumentReader, box: str) -> None:
    content = dict(hostile_pdfs.sizes())[f"a page of {box}"]
    answer = await _shown(reader, content, 4_000)
    assert answer in ("PNG", "This page of the PDF is damaged")


async def test_who_stops_waiting_stops_the_process(reader: DocumentReader, tmp_path: Path) -> None:
    path = tmp_path / "large.pdf"
    path.write_bytes(papers.pages(60))
    reading = asyncio.create_task(reader.read(path))
    children: list[psutil.Process] = []
    for _ in range(1_000_000):
        children = [each for each in psutil.Process().children() if str(path) in _command(each)]
        if children:
            break
        await asyncio.sleep(0)
    assert children
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert not any(child.is_running() for child in children)


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
