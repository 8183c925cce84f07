"""Files: what goes in comes out, types are told from bytes, and bounds hold."""

import hashlib
import zipfile
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
from obstore.store import S3Store

from domain import file_types, files, imports
from domain.access import Role, Viewer
from domain.entities import File
from domain.errors import Conflict, Forbidden, Invalid, NotFound, TooLarge
from domain.files import FileUpload
from domain.ids import Kind, new_id
from persistence.blobs import CHUNK_BYTES, Blobs
from persistence.storage import PostgresStorage
from tests.worlds import World, open_world


@pytest.fixture
async def world(postgres_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(postgres_url) as opened:
        opened.storage = PostgresStorage(
            opened.database, lambda kind, subject, revision: None, Blobs.open(tmp_path)
        )
        yield opened


async def _pieces(content: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def _upload(world: World, content: bytes, name: str = "some.bin") -> File:
    return await files.upload_file(
        world.viewer, world.storage, FileUpload(name, _pieces(content), "task 1")
    )


async def _content(world: World, file: File, offset: int = 0) -> bytes:
    return b"".join([chunk async for chunk in world.storage.files.read_bytes(file, offset)])


def _stored(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _zip_with(member: str) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(member, "x")
    return buffer.getvalue()


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, 3 * CHUNK_BYTES + 17])
async def test_bytes_come_back_from_any_offset(world: World, size: int) -> None:
    content = bytes(index * 31 % 251 for index in range(size))
    file = await _upload(world, content)
    assert (file.size, file.task_id) == (size, "task 1")
    assert file.sha256 == hashlib.sha256(content).hexdigest()
    assert await files.get_file(world.viewer, world.storage, file.id) == file
    found, chunks = await files.read_file(world.viewer, world.storage, file.id)
    assert found == file
    assert b"".join([chunk async for chunk in chunks]) == content
    assert await _content(world, file, size // 2) == content[size // 2 :]


async def test_a_file_that_is_too_large_leaves_nothing(world: World, tmp_path: Path) -> None:
    command = FileUpload("big", _pieces(b"x" * 7_000_000))
    with pytest.raises(TooLarge):
        await files.upload_file(world.viewer, world.storage, command, most_bytes=6_999_999)
    assert _stored(tmp_path) == []
    whole = FileUpload("fits", _pieces(b"x" * 7_000_000))
    file = await files.upload_file(world.viewer, world.storage, whole, most_bytes=7_000_000)
    assert file.size == 7_000_000


async def test_an_upload_that_breaks_off_leaves_nothing(world: World, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 6_000_000
        raise ConnectionResetError("the client went away")

    with pytest.raises(ConnectionResetError):
        await files.upload_file(world.viewer, world.storage, FileUpload("half", broken()))
    assert _stored(tmp_path) == []
    assert (
        await world.database.pool.fetchval(
            "SELECT count(*) FROM file WHERE organization_id = $1", world.viewer.organization_id
        )
        == 0
    )


async def test_names_lose_their_folders_and_have_bounds(world: World) -> None:
    assert (await _upload(world, b"x", "C:\\temp\\a b.csv")).name == "a b.csv"
    assert (await _upload(world, b"x", "../../etc/passwd")).name == "passwd"
    assert (await _upload(world, b"x", "  ")).name == "file"
    for name in ("x" * 257, "a\0b"):
        with pytest.raises(Invalid):
            await _upload(world, b"x", name)


async def test_deleting_removes_record_and_bytes(world: World, tmp_path: Path) -> None:
    file = await _upload(world, b"some bytes")
    assert len(_stored(tmp_path)) == 1
    await files.delete_file(world.viewer, world.storage, file.id)
    assert _stored(tmp_path) == []
    for call in (files.get_file, files.delete_file):
        with pytest.raises(NotFound):
            await call(world.viewer, world.storage, file.id)


async def test_a_file_stays_while_an_import_waits_for_it(world: World) -> None:
    table_id = await world.table()
    content = b"n\n" + b"".join(b"%d\n" % number for number in range(imports.INLINE_ROWS + 1))
    file = await _upload(world, content, "numbers.csv")
    command = imports.ImportStart(table_id, file.id)
    run = await imports.start_import(world.viewer, world.storage, command)
    with pytest.raises(Conflict):
        await files.delete_file(world.viewer, world.storage, file.id)
    await imports.cancel_import(world.viewer, world.storage, run.id)
    await files.delete_file(world.viewer, world.storage, file.id)
    with pytest.raises(NotFound):
        await imports.resume_import(world.viewer, world.storage, run.id)


async def test_other_organisations_and_viewers_have_no_way_in(
    world: World, postgres_url: str
) -> None:
    file = await _upload(world, b"secret")
    async with open_world(postgres_url, "Other") as other:
        for call in (files.get_file, files.read_file, files.delete_file):
            with pytest.raises(NotFound):
                await call(other.viewer, world.storage, file.id)
    with pytest.raises(NotFound):
        await files.get_file(world.viewer, world.storage, new_id(Kind.FILE))
    looker = Viewer(world.viewer.organization_id, Role.VIEWER)
    assert await files.get_file(looker, world.storage, file.id) == file
    with pytest.raises(Forbidden):
        await files.delete_file(looker, world.storage, file.id)
    with pytest.raises(Forbidden):
        await files.upload_file(looker, world.storage, FileUpload("x", _pieces(b"x")))


def test_a_url_names_s3_compatible_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    store = Blobs.open("s3://bucket/folder").store
    assert isinstance(store, S3Store)
    assert store.config["bucket"] == "bucket"
    assert str(store.prefix) == "folder"


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (b"%PDF-1.7\n", "a.csv", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n\0\0", "a", "image/png"),
        (b"\xff\xd8\xff\xe0", "a", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "a", "image/webp"),
        (_zip_with("xl/workbook.xml"), "a.csv", file_types.ZIPPED_SHEET),
        (_zip_with("readme"), "a", "application/zip"),
        (b"a,b\n1,2\n", "data", "text/csv"),
        (b"a\tb\n1\t2\n", "data", "text/tab-separated-values"),
        (b"a;b\n1;2\n", "data", "text/csv"),
        (b"a\n1\n2\n", "one.CSV", "text/csv"),
        (b"a\n1\n2\n", "one.tsv", "text/tab-separated-values"),
        (b"a\n1\n2\n", "one", "text/plain"),
        ("Grüße, an alle\nohne Komma hier\n".encode(), "letter.md", "text/plain"),
        ("\ufeffa,b\n1,2\n".encode("utf-16-le"), "x", "text/csv"),
        ("é,b\n1,2\n".encode("cp1252"), "x.csv", "text/csv"),
        (b"", "empty.csv", "text/csv"),
        (b"", "empty", "text/plain"),
        (b"\x00\x01\x02\x03", "a.csv", "application/octet-stream"),
    ],
)
def test_types_are_told_from_bytes(content: bytes, name: str, expected: str) -> None:
    assert file_types.identify(content[: file_types.HEAD_BYTES], name) == expected
