"""A folder in which most files are made to hurt: each job ends with a sentence, and the worker goes
on to the good ones."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from uuid import UUID

from domain import extraction_jobs, files
from domain.addresses import Allowed
from domain.extraction_records import ExtractionJob, JobStatus
from domain.files import FileUpload
from processing.engines import open_engines
from processing.extraction_jobs import read_files
from processing.outbound import Outbound
from tests.documents import hostile_files, hostile_pdfs, papers
from tests.documents.hostile_pdfs import Case
from tests.extraction_jobs.office import Office

_DAMAGED = "The PDF is damaged or was cut off"
_OF_TYPE = "Files of the type {} cannot be read; PDF, PNG, JPEG, TIFF, XLSX, XLS, ODS, CSV, text, HTML and e-mail can"
#: Who makes such files, which one, and what its job says.
BAD: list[tuple[Callable[[], Iterator[Case]], str, str]] = []


async def _file(office: Office, name: str, content: bytes) -> UUID:
    async def chunks() -> AsyncIterator[bytes]:
        yield content

    upload = FileUpload(name, chunks())
    return (await files.upload_file(office.world.viewer, office.world.storage, upload)).id


def _content(group: Callable[[], Iterator[Case]], wanted: str) -> bytes:
    """Files are large; none behind the wanted one is made."""
    return next(content for name, content in group() if name == wanted)
