"""The engines of a process: opened together, for a worker that fills cells and for a web process
that shows what they would give."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from domain.tool_ports import Engines
from domain.tool_records import ToolKind
from persistence.storage import PostgresStorage
from processing.ai_tools import AiTools
from processing.document_tools import DocumentTools
from processing.documents.reading import DocumentReader
from processing.documents.source import StoredDocuments
from processing.extraction.extractor import Extractor
from processing.http_tools import HttpTools
from processing.lookup_tools import LookupTools
from processing.outbound import Outbound
from processing.python_tools import PythonTools
from processing.sandbox import PythonSandbox
from processing.step_tools import StepTools
from processing.tools import Tools


@asynccontextmanager
async def open_engines(storage: PostgresStorage, outbound: Outbound) -> AsyncIterator[Engines]:
    """All engines over a storage of all organisations. Nothing starts before it is used."""
    async with AsyncExitStack() as stack:
        sandbox = PythonSandbox()
        stack.push_async_callback(sandbox.close)
        models = AiTools(storage.providers, storage.tool_cache, outbound)
        stack.push_async_callback(models.aclose)
        questions = StepTools(models)
        tools = Tools(
            {
                ToolKind.AI: questions,
                ToolKind.PYTHON: PythonTools(sandbox),
                ToolKind.HTTP: HttpTools(outbound, storage.secrets.read),
                ToolKind.LOOKUP: LookupTools(storage.tables, storage.lookups),
            },
            sandbox,
            {ToolKind.AI: questions},
        )
        extractor = Extractor(storage.providers, models)
        documents = StoredDocuments(storage.files, DocumentReader())
        stack.push_async_callback(documents.aclose)
        reading = DocumentTools(tools, storage.files, documents)
        yield Engines(reading, models, extractor, extractor, documents)
