"""One model server and one extractor for a module of tests; each test has a provider of its own."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pytest

from domain.documents import Document
from domain.extraction_ports import ExtractionWork
from domain.extraction_records import SegmentFound
from processing.extraction.extractor import Extractor
from tests.extraction_models import papers
from tests.models.server import ModelServer
from tests.providers.asking import Asking, open_asking
from tests.worlds import open_world

_numbers = count()


@dataclass
class Reading:
    """What a test of reading needs. `models` reads well until it is told otherwise."""

    asking: Asking
    extractor: Extractor
    provider: str

    @property
    def models(self) -> ModelServer:
        return self.asking.models

    def work(self, document: Document, **more: Any) -> ExtractionWork:
        """The reading of a document by this test's provider."""
        made = papers.work(document, **{"provider": self.provider, **more})
        return replace(made, organization_id=self.asking.world.viewer.organization_id)

    async def through(self, **provider: Any) -> None:
        """Ask through another provider from now on."""
        made = await self.asking.provider(f"p{next(_numbers)}", **provider)
        self.provider = made.name

    async def read(self, document: Document, **more: Any) -> SegmentFound:
        """The only segment of a document."""
        work = self.work(document, **more)
        _, [segment] = await self.extractor.plan(work)
        return await self.extractor.extract(work, segment)


@pytest.fixture(scope="module")
async def asking(postgres_url: str) -> AsyncIterator[Asking]:
    async with open_world(postgres_url) as world, open_asking(world) as opened:
        yield opened


@pytest.fixture
async def reading(asking: Asking) -> Reading:
    provider = await asking.provider(f"p{next(_numbers)}", timeout_seconds=20)
    asking.models.answer = lambda call: papers.told(papers.read_well(call))
    extractor = Extractor(asking.world.storage.providers, asking.tools)
    return Reading(asking, extractor, provider.name)
