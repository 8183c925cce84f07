"""Files with the same bytes share them, and files may be announced before their bytes come."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from domain import files, imports, rows
from domain.access import Role, Scope, Viewer
from domain.columns import ColumnType, NewColumn
from domain.entities import File, FileStatus
from domain.errors import Conflict, Invalid, NotFound, TooLarge
from domain.files import INCOMING, FileSearch, FileUpload
from domain.ids import Kind, new_id
from domain.rows import NewRow, RowsAdd
from domain.upload_links import Ticket
from persistence.blobs import Blobs
from persistence.storage import PostgresStorage
from tests.worlds import World, open_world

PAPER = b"%PDF-1.7\n" + bytes(range(256)) * 40


@dataclass
class Place:
    """One organisation, and the folder of its files."""

    world: World
    folder: Path

    @property
    def stored(self) -> list[str]:
        """Which blobs there are."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self.folder)) for path in found)

    async def upload(self, content: bytes, name: str = "paper.pdf") -> File:
        command = FileUpload(name, chunks(content))
        return await files.upload_file(self.world.viewer, self.world.storage, command)

    async def announce(self, name: str = "paper.pdf") -> File:
        return await files.begin_upload(self.world.viewer, self.world.storage, name)

    async def put(self, file_id: UUID, content: bytes) -> File:
        ticket = Ticket(self.world.viewer.organization_id, file_id, datetime.now(UTC))
        return await files.receive(self.world.storage, ticket, chunks(content), most_bytes=50_000)

    async def delete(self, file: File) -> None:
        await files.delete_file(self.world.viewer, self.world.storage, file.id)

    async def content(self, file: File) -> bytes:
        _, found = await files.read_file(self.world.viewer, self.world.storage, file.id)
        return b"".join([chunk async for chunk in found])


async def chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 4_000):
        yield content[start : start + 4_000]


@pytest.fixture
async def place(postgres_url: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with open_world(postgres_url) as world:
        blobs = Blobs.open(tmp_path)
        world.storage = PostgresStorage(world.database, lambda *_: None, blobs)
        yield Place(world, tmp_path)


async def test_the_same_bytes_are_kept_once(place: Place) -> None:
    first, second = await place.upload(PAPER), await place.upload(PAPER, "copy.pdf")
    other = await place.upload(PAPER + b"!")
    assert first.storage_key == second.storage_key != other.storage_key
    assert first.storage_key.endswith(f"/sha256/{first.sha256}")
    assert len(place.stored) == 2
    await place.delete(first)
    assert await place.content(second) == PAPER
    await place.delete(second)
    assert place.stored == [other.storage_key]


async def test_organisations_share_nothing(place: Place, postgres_url: str) -> None:
    mine = await place.upload(PAPER)
    async with open_world(postgres_url, "Other") as world:
        blobs = Blobs.open(place.folder)
        world.storage = PostgresStorage(world.database, lambda *_: None, blobs)
        other = Place(world, place.folder)
        theirs = await other.upload(PAPER)
        assert theirs.storage_key != mine.storage_key
        await other.delete(theirs)
    assert await place.content(mine) == PAPER


async def test_bytes_that_come_and_go_at_once_are_never_lost(place: Place) -> None:
    async def come_and_go(number: int) -> None:
        for _ in range(4):
            file = await place.upload(PAPER, f"{number}.pdf")
            assert await place.content(file) == PAPER
            await place.delete(file)

    await asyncio.gather(*map(come_and_go, range(6)))
    assert place.stored == []


async def test_what_was_made_of_bytes_goes_with_the_last_of_them(place: Place) -> None:
    store = place.world.storage.files
    first, second = await place.upload(PAPER), await place.upload(PAPER)
    await store.keep(first, "document.json", b"{}")
    assert await store.kept(second, "document.json") == b"{}"
    await place.delete(first)
    assert await store.kept(second, "document.json") == b"{}"
    await place.delete(second)
    assert place.stored == []


async def test_the_same_bytes_of_two_types_are_converted_apart(place: Place) -> None:
    world, table_id = place.world, await place.world.table()
    content = b'[{"a": 1}, {"a": 2}]'
    whole, lines = await place.upload(content, "a.json"), await place.upload(content, "a.jsonl")
    assert whole.mime_type != lines.mime_type
    assert whole.storage_key == lines.storage_key
    found = await imports.preview_import(world.viewer, world.storage, table_id, whole.id)
    assert found.total_rows == 2
    with pytest.raises(Invalid):
        await imports.preview_import(world.viewer, world.storage, table_id, lines.id)


async def test_an_announced_file_is_nothing_yet(place: Place) -> None:
    world = place.world
    file = await place.announce("../folder/paper.pdf")
    assert (file.name, file.status, file.size) == ("paper.pdf", FileStatus.UPLOADING, 0)
    table_id = await world.table(NewColumn("paper", "Paper", ColumnType.FILE))
    add = RowsAdd(table_id, [NewRow({"paper": str(file.id)})])
    with pytest.raises(Invalid, match="has not been uploaded yet"):
        await rows.add_rows(world.viewer, world.storage, add)
    with pytest.raises(Conflict, match="has not been uploaded yet"):
        await files.read_file(world.viewer, world.storage, file.id)
    with pytest.raises(Conflict, match="has not been uploaded yet"):
        await imports.start_import(
            world.viewer, world.storage, imports.ImportStart(table_id, file.id)
        )
    received = await place.put(file.id, PAPER)
    assert (received.status, received.mime_type) == (FileStatus.UPLOADED, "application/pdf")
    assert await files.get_file(world.viewer, world.storage, file.id) == received
    assert await place.content(received) == PAPER
    await rows.add_rows(world.viewer, world.storage, add)


async def test_bytes_may_come_again_until_they_are_read(place: Place) -> None:
    world = place.world
    file = await place.announce("numbers.csv")
    first = await place.put(file.id, b"n,m\n1,2\n")
    second = await place.put(file.id, b"n,m\n3,4\n")
    assert await place.content(second) == b"n,m\n3,4\n"
    assert first.storage_key != second.storage_key
    assert place.stored == [second.storage_key]
    with pytest.raises(TooLarge):
        await place.put(file.id, bytes(50_001))
    start = imports.ImportStart(await world.table("n", "m"), file.id)
    await imports.start_import(world.viewer, world.storage, start)
    assert await place.put(file.id, b"n,m\n3,4\n") == second  # a client that repeats itself
    with pytest.raises(Conflict, match="read already"):
        await place.put(file.id, b"n,m\n5,6\n")
    assert await place.content(second) == b"n,m\n3,4\n"
    assert place.stored == [second.storage_key]


async def test_bytes_of_nobody(place: Place) -> None:
    with pytest.raises(NotFound):
        await place.put(new_id(Kind.FILE), PAPER)
    file = await place.announce()
    await place.delete(file)
    with pytest.raises(NotFound):
        await place.put(file.id, PAPER)
    assert place.stored == []


async def test_what_was_never_finished_goes(place: Place) -> None:
    store = place.world.storage.files
    kept, announced = await place.upload(PAPER), await place.announce()
    await store.put_bytes(f"{INCOMING}/broken-off", chunks(PAPER))
    await store.forget_unfinished(timedelta(days=1))
    assert len(place.stored) == 2
    await store.forget_unfinished(timedelta(seconds=-60))
    assert place.stored == [kept.storage_key]
    assert await place.content(kept) == PAPER
    with pytest.raises(NotFound):
        await files.get_file(place.world.viewer, place.world.storage, announced.id)


async def test_a_file_stays_while_a_job_reads_it(place: Place) -> None:
    file = await place.upload(PAPER)
    await place.world.database.pool.execute(
        "INSERT INTO extraction_job (id, organization_id, schema_id, schema_version, file_id,"
        " status, segments, attempt, created_by)"
        " VALUES ($1, $2, $4, 1, $3, 'running', '[]', 1, 'x')",
        new_id(Kind.EXTRACTION_JOB),
        place.world.viewer.organization_id,
        file.id,
        new_id(Kind.EXTRACTION_SCHEMA),
    )
    with pytest.raises(Conflict, match="being processed"):
        await place.delete(file)
    await place.world.database.pool.execute(
        "UPDATE extraction_job SET status = 'completed' WHERE file_id = $1", file.id
    )
    await place.delete(file)


async def test_files_are_listed_page_by_page(place: Place) -> None:
    world = place.world
    made = [await place.announce(f"{name}.pdf") for name in ("Ant", "bee", "ANTELOPE")]
    ids = [file.id for file in reversed(made)]

    async def page(viewer: Viewer, search: FileSearch) -> list[UUID]:
        storage = world.storage.seen_by(viewer)
        return [file.id for file in await files.list_files(viewer, storage, search)]

    assert await page(world.viewer, FileSearch()) == ids
    # One more than asked for says that there are more.
    assert await page(world.viewer, FileSearch(limit=1)) == ids[:2]
    assert await page(world.viewer, FileSearch(after=ids[0])) == ids[1:]
    assert await page(world.viewer, FileSearch("ant")) == [ids[0], ids[2]]
    scope = Scope(frozenset(), frozenset({new_id(Kind.TABLE)}))
    organization_id = world.viewer.organization_id
    own = Viewer(organization_id, Role.EDITOR, new_id(Kind.API_KEY), scope=scope)
    assert await page(own, FileSearch()) == []
    mine = await files.begin_upload(own, world.storage.seen_by(own), "mine.pdf")
    assert await page(own, FileSearch()) == [mine.id]
