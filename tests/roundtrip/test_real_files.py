"""Public files of many origins come in and go out again cell by cell."""

import csv
import io
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from domain.formula_guard import unguarded
from tests.rest.calls import Calls
from tests.roundtrip.real_files import Content, RealFile, content_of, fits, normal, real_files
from tests.rules.source import ROOT
from tests.serving import Site, serve

FILES = real_files()
#: Up to this many cells a file goes through every format.
MOST_CELLS = 8_000
TYPES = {"csv": "text/csv", "json": "application/json", "jsonl": "application/jsonl"}


@pytest.fixture(scope="module")
async def site(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """The application with an organisation of its own."""
    async with serve(postgres_url, redis_url, tmp_path_factory.mktemp("data")) as opened:
        yield opened


@pytest.fixture
def calls(site: Site) -> Calls:
    """The Tables API as a client with the admin key."""
    return Calls(site.shared)


def test_there_are_enough() -> None:
    assert len(FILES) >= 20
    assert len({file.package for file in FILES}) >= 2


def test_each_is_listed_with_its_origin_and_licence() -> None:
    text = (ROOT / "docs" / "real-files.md").read_text()
    listed = set(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE))
    assert {str(file) for file in FILES} <= listed


@pytest.mark.parametrize("file", FILES, ids=str)
async def test_a_real_file_round_trips(calls: Calls, file: RealFile) -> None:
    content = content_of(file)
    table, types = await imported(calls, file, content)
    first = await exported(calls, table["id"], "csv")
    compare(content, types, first)
    formats = ["csv", "json", "jsonl", "xlsx"]
    small = len(content.records) * len(content.header) <= MOST_CELLS
    for format_ in formats if small else formats[:1]:
        again = await calls.table(*await definitions(calls, table["id"], types))
        data = first if format_ == "csv" else await exported(calls, table["id"], format_)
        document = await calls.upload(data, f"again.{format_}")
        told = await calls.import_(again["id"], document["id"])
        assert len(await definitions(calls, again["id"], types)) == len(types), "same columns"
        assert (told["rowsImported"], told["rowsSkipped"]) == (len(content.records), 0), told
        assert await exported(calls, again["id"], "csv") == first, format_


async def imported(
    calls: Calls, file: RealFile, content: Content
) -> tuple[dict[str, Any], list[str]]:
    """A table with all rows of the file, and the types of its columns by place.

    Types are guessed from 100 rows. Where the guess does not fit the whole file, the column is
    taken as text, as somebody would who looks at the preview."""
    document = await calls.upload(content.data, file.name)
    table = await calls.table(name=str(file))
    seen = await calls.import_(table["id"], document["id"], preview=True)
    assert seen["totalRows"] == len(content.records)
    mapping, types = [], []
    for place, column in enumerate(seen["inferredColumns"]):
        options = column.get("config", {}).get("options", [])
        texts = [record[place] for record in content.records]
        type_ = column["dataType"]
        if type_ == "date" and any(":" in text for text in texts):
            type_ = "datetime"  # this dialect calls both date
        types.append(type_ if fits(type_, options, texts) else "text")
        if types[-1] != type_:
            told = {"name": column["name"], "displayName": column["displayName"]}
            mapping.append(told | {"dataType": "text"})
    told = await calls.import_(table["id"], document["id"], columnMapping=mapping)
    assert (told["rowsImported"], told["rowsSkipped"]) == (len(content.records), 0), told
    return table, types


async def definitions(calls: Calls, table_id: str, types: list[str]) -> list[dict[str, Any]]:
    """The columns of a table, to make another one like it."""
    table = (await calls.client.get(f"/api/tables/{table_id}")).json()
    names = ("name", "displayName", "config")
    return [
        {name: column[name] for name in names} | {"dataType": type_}
        for column, type_ in zip(table["columns"], types, strict=True)
    ]


async def exported(calls: Calls, table_id: str, format_: str) -> bytes:
    """The whole table."""
    answer = await calls.client.get(f"/export/{table_id}", params={"format": format_})
    assert answer.status_code == 200, answer.text
    return answer.content


def compare(content: Content, types: list[str], data: bytes) -> None:
    """Every cell of the export means what it meant in the file."""
    _, *records = csv.reader(io.StringIO(data.decode(), newline=""))
    assert len(records) == len(content.records)
    for number, (found, wanted) in enumerate(zip(records, content.records, strict=True)):
        for place, (cell, text) in enumerate(zip(found, wanted, strict=True)):
            type_ = types[place]
            expected = normal(type_, text)
            said = normal(type_, unguarded(cell))
            assert said == expected, (number, content.header[place], type_, text, cell)
