"""Tools that read file columns: files become documents before the engine of the tool sees them.

A file that cannot be read is an error of its own cells; the other rows go on. What was found in a
document is cited with its page and its place on it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from uuid import UUID

import structlog

from domain import ids
from domain.columns import ColumnType
from domain.documents import Unreadable
from domain.entities import File
from domain.extraction_ports import DocumentSource
from domain.tool_ports import CallEstimate, Toolbox, ToolWork, TryLater
from domain.tool_records import Answer, Citation, ProducerKind, ToolCall, ToolKind
from persistence.jobs import out_of_reach
from processing.document_citations import cited_by_value, with_places
from processing.document_inputs import DocumentInput, NotForTools
from processing.tools import AWAY_SECONDS, FAILED, unmade

#: Rows whose documents are in memory at a time.
ROWS_AT_ONCE = 32
_PROGRAM_ROWS_AT_ONCE = 8

_log = structlog.get_logger()

#: The document of a file, or what to tell about one that has none.
_Read = DocumentInput | str


class FileFinder(Protocol):
    """Where the records of files are."""

    async def by_ids(
        self, organization_id: UUID, file_ids: Sequence[UUID]
    ) -> Mapping[UUID, File]: ...


@dataclass(slots=True)
class _Part:
    """Some calls of a work, with documents in place of files. `refused` are the sentences for
    calls without a document, by index; `read` the documents by index and key."""

    work: ToolWork
    refused: dict[int, str] = field(default_factory=dict)
    read: dict[int, dict[str, DocumentInput]] = field(default_factory=dict)


class DocumentTools:
    """All tools of a process; those that read a file get its document."""

    def __init__(self, tools: Toolbox, files: FileFinder, documents: DocumentSource) -> None:
        self._tools = tools
        self._files = files
        self._documents = documents

    async def answers(self, work: ToolWork) -> AsyncIterator[Answer]:
        """One answer for each call, in the order in which they come. Raises `TryLater`, after which
        the calls without an answer have none."""
        keys = _file_keys(work)
        if not keys:
            async for answer in _closing(self._tools.answers(work)):
                yield answer
            return
        for calls in _parts(work):
            part = await self._prepared(replace(work, calls=calls), keys)
            for index, sentence in part.refused.items():
                yield Answer(index, unmade(work), error=sentence)
            if not part.work.calls:
                continue
            async for answer in _closing(self._tools.answers(part.work)):
                yield await _cited(work, part, answer)

    async def estimates(self, work: ToolWork) -> Sequence[CallEstimate]:
        """What each call will take; nothing for one whose file cannot be read."""
        keys = _file_keys(work)
        if not keys:
            return await self._tools.estimates(work)
        found: dict[int, CallEstimate] = {}
        for calls in _parts(work):
            part = await self._prepared(replace(work, calls=calls), keys)
            estimates = await self._tools.estimates(part.work) if part.work.calls else []
            pairs = zip(part.work.calls, estimates, strict=True)
            found |= {call.index: estimate for call, estimate in pairs}
        return [found.get(call.index, CallEstimate()) for call in work.calls]

    async def check(self, code: str) -> str | None:
        """What the sandbox has against a program, None when nothing."""
        return await self._tools.check(code)

    async def _prepared(self, work: ToolWork, keys: Sequence[str]) -> _Part:
        """The calls with documents. Each file is read once, however many of the calls name it.
        Raises `TryLater`."""
        values = [call.inputs.get(key) for call in work.calls for key in keys]
        named = {str(value["id"]): value for value in values if isinstance(value, Mapping)}
        file_ids = {id_: ids.parse(id_) for id_ in named}
        wanted = [file_id for file_id in file_ids.values() if file_id is not None]
        try:
            files = await self._files.by_ids(work.organization_id, wanted)
        except Exception as error:
            if out_of_reach(error):
                raise TryLater("The database is out of reach", AWAY_SECONDS) from error
            raise
        known = {id_: files.get(file_id) for id_, file_id in file_ids.items() if file_id}
        tasks = [self._read(work, value, known.get(id_)) for id_, value in named.items()]
        read = dict(zip(named, await asyncio.gather(*tasks), strict=True))
        part = _Part(work)
        calls = [call for call in work.calls if _fill(part, call, keys, read)]
        part.work = replace(
            work, calls=[_with_documents(work, call, part.read[call.index]) for call in calls]
        )
        return part

    async def _read(self, work: ToolWork, value: Mapping[str, Any], file: File | None) -> _Read:
        """The document of the file that a cell names."""
        name = f"The file {value.get('name') or value['id']}"
        if file is None:
            return f"{name} is not there any more"
        try:
            read = DocumentInput.of(file, await self._documents.document(file))
            read.value_for(work.tool.kind)
        except Unreadable as error:
            return f"{name} cannot be read: {_lower(str(error))}"
        except NotForTools as error:
            return f"{name} {error}"
        except Exception:
            _log.exception("reading a file for a tool failed", file=str(file.id))
            return FAILED
        return read


def _file_keys(work: ToolWork) -> list[str]:
    """The inputs that are files; a lookup compares them as they are."""
    if work.tool.kind is ToolKind.LOOKUP:
        return []
    return [key for key, column in work.inputs.items() if column.type is ColumnType.FILE]


def _parts(work: ToolWork) -> Iterator[Sequence[ToolCall]]:
    step = _PROGRAM_ROWS_AT_ONCE if work.tool.kind is ToolKind.PYTHON else ROWS_AT_ONCE
    for start in range(0, len(work.calls), step):
        yield work.calls[start : start + step]


def _fill(part: _Part, call: ToolCall, keys: Sequence[str], read: Mapping[str, _Read]) -> bool:
    """Note the documents of a call; whether it has all of them."""
    found: dict[str, DocumentInput] = {}
    for key in keys:
        value = call.inputs.get(key)
        document = read[str(value["id"])] if isinstance(value, Mapping) else None
        if isinstance(document, str):
            part.refused[call.index] = document
            return False
        if document is not None:
            found[key] = document
    part.read[call.index] = found
    return True


def _with_documents(work: ToolWork, call: ToolCall, read: Mapping[str, DocumentInput]) -> ToolCall:
    given = {key: each.value_for(work.tool.kind) for key, each in read.items()}
    return replace(call, inputs={**call.inputs, **given})


async def _cited(work: ToolWork, part: _Part, answer: Answer) -> Answer:
    """The answer with pages and places of what it cites. Models cite nothing: what they answered is
    looked for in the documents."""
    read = part.read.get(answer.index)
    if not read or answer.error is not None:
        return answer
    citations: Sequence[Citation] = answer.citations
    if answer.producer.kind is ProducerKind.MODEL and answer.value is not None:
        citations = await asyncio.to_thread(cited_by_value, work.column, answer.value, read)
    return replace(answer, citations=[with_places(each, read) for each in citations])


async def _closing(stream: AsyncIterator[Answer]) -> AsyncIterator[Answer]:
    """The answers; what is under way for them ends with whoever reads them."""
    if not isinstance(stream, AsyncGenerator):
        async for answer in stream:
            yield answer
        return
    async with aclosing(stream):
        async for answer in stream:
            yield answer


def _lower(sentence: str) -> str:
    """A sentence as the end of another one."""
    first, rest = sentence[:1], sentence[1:]
    return first.lower() + rest if not rest[:1].isupper() else sentence
