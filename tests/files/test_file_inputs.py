"""Tools that read file columns: every kind gets the document, with real files and real engines."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain import files
from domain.addresses import Allowed
from domain.columns import Column, ColumnType
from domain.entities import File
from domain.files import FileUpload
from domain.ids import Kind, new_id
from domain.provider_records import ProviderCreate, ProviderKind, ProviderSettings
from domain.tool_ports import Engines, ToolWork
from domain.tool_records import (
    AiTool,
    Answer,
    HttpTool,
    ProducerKind,
    PythonTool,
    ToolCall,
    ToolSettings,
)
from domain.tools import make_tool
from persistence.blobs import Blobs
from persistence.secret_box import SecretBox
from persistence.storage import PostgresStorage
from processing.engines import open_engines
from processing.outbound import Outbound
from tests.documents import papers
from tests.models.replies import value
from tests.models.server import ModelServer, model_server
from tests.tools.answering import Asked, Reply, answering
from tests.worlds import World, open_world

INVOICE = (
    "Extract the invoice number from {{paper}}",
    "What is the total of {{paper}}?",
    "What is the due date in {{paper}}?",
)


@dataclass
class Desk:
    """An organisation with papers, and the engines of a process."""

    world: World
    engines: Engines
    papers: dict[str, File] = field(default_factory=dict)

    async def put(self, name: str, content: bytes) -> File:
        async def chunks() -> AsyncIterator[bytes]:
            yield content

        command = FileUpload(name, chunks())
        self.papers[name] = await files.upload_file(self.world.viewer, self.world.storage, command)
        return self.papers[name]

    def work(self, settings: ToolSettings, type_: ColumnType, *names: str | None) -> ToolWork:
        """Cells to fill from these papers, by name."""
        calls = [
            ToolCall(index, {"paper": None if name is None else self.cell(name)})
            for index, name in enumerate(names)
        ]
        return ToolWork(
            self.world.viewer.organization_id,
            UUID(int=2),
            Column(UUID(int=1), 1, "answer", "Answer", type_, 0),
            make_tool(settings, ["paper"]),
            {"paper": Column(UUID(int=3), 2, "paper", "Paper", ColumnType.FILE, 1)},
            calls,
            "tester",
        )

    def cell(self, name: str) -> dict[str, str]:
        """What a cell of a file column holds."""
        file = self.papers.get(name)
        return {"id": str(file.id if file else new_id(Kind.FILE)), "name": name}

    async def ask(self, settings: ToolSettings, type_: ColumnType, *names: str) -> list[Answer]:
        """The answers in the order of the papers."""
        stream = self.engines.tools.answers(self.work(settings, type_, *names))
        found = {answer.index: answer async for answer in stream}
        return [found[index] for index in range(len(names))]

    async def one(self, settings: ToolSettings, type_: ColumnType, name: str) -> Answer:
        """The answer for one paper."""
        [answer] = await self.ask(settings, type_, name)
        return answer


@pytest.fixture(scope="module")
async def desk(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    folder: Path = tmp_path_factory.mktemp("blobs")
    async with open_world(postgres_url) as world:
        box = SecretBox([bytes(32)])
        world.storage = PostgresStorage(world.database, lambda *_: None, Blobs.open(folder), box)
        outbound = Outbound(Allowed.parse("127.0.0.1"), seconds=5)
        async with open_engines(world.storage, outbound) as engines:
            opened = Desk(world, engines)
            await opened.put("invoice.pdf", papers.plain_invoice())
            await opened.put("stock.pdf", papers.ruled(papers.stock(70)))
            await opened.put("broken.pdf", b"%PDF-1.7\nnothing")
            await opened.put("empty.txt", b"  \n")
            await opened.put("long.txt", (b"x" * 4_999 + b" ") * 81)
            yield opened


def box_of(answer: Answer) -> tuple[int | None, tuple[int, ...]]:
    """Page and whole points of the place that an answer cites."""
    [citation] = answer.citations
    assert citation.box is not None
    return citation.page, tuple(round(side) for side in citation.box)


async def test_the_rules_read_a_document_and_cite_its_places(desk: Desk) -> None:
    file = desk.papers["invoice.pdf"]
    number, total, due = [
        await desk.one(AiTool(prompt, "rules"), type_, "invoice.pdf")
        for prompt, type_ in zip(
            INVOICE, (ColumnType.TEXT, ColumnType.NUMBER, ColumnType.DATE), strict=True
        )
    ]
    assert [answer.error for answer in (number, total, due)] == [None] * 3
    assert str(number.value) == "INV-2026-0117"
    assert str(total.value) == "121.74"
    assert due.value == "2026-04-13"
    assert {answer.producer.kind for answer in (number, total, due)} == {ProducerKind.RULES}
    text = (await desk.engines.documents.document(file)).text()
    for answer, written in ((number, "INV-2026-0117"), (due, "2026-04-13")):
        [citation] = answer.citations
        assert (citation.column, citation.text, citation.file_id) == ("paper", written, file.id)
        assert text[citation.start : citation.end] == written
    # As they were drawn: 160 points from the left, 110 and 138 from the top, 10 points high.
    for answer, baseline in ((number, 110), (due, 138)):
        page, (left, top, right, bottom) = box_of(answer)
        assert (page, left) == (1, 160)
        assert baseline - 12 < top < baseline < bottom < baseline + 4
        assert 200 < right < 240


async def test_a_program_gets_text_pages_and_tables(desk: Desk) -> None:
    seen = "def run(row):\n    d = row['paper']\n    return "
    tool = PythonTool(seen + "[d['name'], d['kind'], len(d['pages']), d['pages'][0]['number']]")
    answer = await desk.one(tool, ColumnType.JSON, "invoice.pdf")
    assert answer.value == ["invoice.pdf", "application/pdf", 1, 1]
    tool = PythonTool(seen + "d['tables'][0]")
    answer = await desk.one(tool, ColumnType.JSON, "invoice.pdf")
    assert answer.value == papers.ITEMS
    tool = PythonTool(seen + "[d['pages'][0]['tables'] == d['tables'], d['text'].count('INV-')]")
    answer = await desk.one(tool, ColumnType.JSON, "invoice.pdf")
    assert answer.value == [True, 1]
    # A table over several pages is one, and its header stands in it once.
    shown = "[len(each) for each in d['tables']] + [len(d['pages']), d['tables'][0][-1]]"
    answer = await desk.one(PythonTool(seen + shown), ColumnType.JSON, "stock.pdf")
    assert answer.value == [71, 2, papers.stock(70)[-1]]


async def test_a_file_that_cannot_be_read_stops_no_other(desk: Desk) -> None:
    tool = PythonTool("def run(row):\n    return row['paper']['pages'][0]['text'][:9]")
    names = ["broken.pdf", "invoice.pdf", "gone.pdf", "long.txt", "invoice.pdf", "empty.txt"]
    answers = await desk.ask(tool, ColumnType.TEXT, *names)
    errors = [answer.error for answer in answers]
    assert [answer.value for answer in answers[1:5:3]] == ["Northwind"] * 2
    assert errors[0] is not None
    assert errors[0].startswith("The file broken.pdf cannot be read: the PDF is damaged")
    assert errors[2] == "The file gone.pdf is not there any more"
    assert errors[3] == "The file long.txt has more than 400,000 characters"
    assert {answer.producer.kind for answer in answers} == {ProducerKind.PYTHON}
    # A program may look at an empty document, a question about it has no sense.
    assert answers[5].error is None
    rules = await desk.ask(AiTool(INVOICE[1], "rules"), ColumnType.NUMBER, *names[1::4])
    assert str(rules[0].value) == "121.74"
    assert rules[1].error == "The file empty.txt cannot be read: it has no text"
    estimates = await desk.engines.tools.estimates(
        desk.work(AiTool(INVOICE[1], "rules"), ColumnType.NUMBER, *names)
    )
    assert len(estimates) == len(names)


async def test_a_row_without_a_file(desk: Desk) -> None:
    tool = PythonTool("def run(row):\n    return row['paper'] is None")
    work = desk.work(tool, ColumnType.BOOLEAN, None, "invoice.pdf")
    found = {answer.index: answer.value async for answer in desk.engines.tools.answers(work)}
    assert found == {0: True, 1: False}


async def test_a_request_gets_the_text(desk: Desk) -> None:
    async def reply(asked: Asked) -> Reply:
        return Reply(json.dumps({"length": len(json.loads(asked.body)["text"])}))

    async with answering(reply) as server:
        tool = HttpTool(server.url(), "POST", body='{"text": {{paper}}}', pointer="/length")
        answer = await desk.one(tool, ColumnType.NUMBER, "invoice.pdf")
        told = json.loads(server.asked[0].body)["text"]
    assert "Invoice number:\tINV-2026-0117" in told
    assert answer.value == len(told)


@pytest.fixture
async def models(desk: Desk) -> AsyncIterator[ModelServer]:
    """A model server, and a provider that leads to it."""
    async with model_server() as server:
        store, organization_id = desk.world.storage.providers, desk.world.viewer.organization_id
        command = ProviderCreate(
            "local", ProviderKind.OPENAI, "test-model", server.url, "sk-1", ProviderSettings()
        )
        made: Any = await store.create(organization_id, "test", command)
        yield server
        await store.delete(organization_id, "test", made.id)


async def test_a_model_reads_marked_pages_as_data(desk: Desk, models: ModelServer) -> None:
    answers: Mapping[str, Any] = {"invoice.pdf": 121.74, "stock.pdf": 69.5}
    models.answer = lambda call: value(
        answers["stock.pdf" if "[page 2 of 2]" in call.inputs["paper"] else "invoice.pdf"]
    )
    tool = AiTool("What is the last amount of {{paper}}?", "local")
    invoice, stock = await desk.ask(tool, ColumnType.NUMBER, "invoice.pdf", "stock.pdf")
    assert (str(invoice.value), str(stock.value)) == ("121.74", "69.5")
    texts = sorted((call.inputs["paper"] for call in models.calls), key=len)
    assert texts[0].startswith("Northwind Fittings Ltd")
    assert texts[1].startswith("[page 1 of 2]\nStock list")
    assert all(call.task == "What is the last amount of {{paper}}?" for call in models.calls)
    # The model cites nothing: what it said is found in the document.
    assert [each.text for each in stock.citations] == ["69.50"]
    assert box_of(stock)[0] == 2
    [found] = invoice.citations
    assert (found.text, found.page, found.file_id) == (
        "121.74 EUR",
        1,
        desk.papers["invoice.pdf"].id,
    )


async def test_what_a_model_was_asked_of_the_same_bytes_is_not_asked_again(
    desk: Desk, models: ModelServer
) -> None:
    models.answer = lambda call: value("Northwind  Fittings Ltd")
    tool = AiTool("Who sent {{paper}}?", "local")
    first = await desk.one(tool, ColumnType.TEXT, "invoice.pdf")
    await desk.put("copy.pdf", papers.plain_invoice())
    second = await desk.one(tool, ColumnType.TEXT, "copy.pdf")
    assert (len(models.calls), second.producer.cached) == (1, True)
    assert first.value == second.value
    [citation] = second.citations
    assert (citation.text, citation.file_id) == (
        "Northwind Fittings Ltd",
        desk.papers["copy.pdf"].id,
    )
    new = AiTool("Who shall pay {{paper}}?", "local")
    nothing, something = await desk.engines.tools.estimates(
        desk.work(new, ColumnType.TEXT, "broken.pdf", "invoice.pdf")
    )
    assert nothing.tokens_high == 0
    assert something.tokens_high > len(models.calls[0].inputs["paper"]) > 100
