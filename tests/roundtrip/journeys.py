"""The way of a table out of the application and in again."""

import csv
import io
from typing import Any

from domain.formula_guard import unguarded
from tests.rest.calls import Calls
from tests.roundtrip.real_files import Content, normal

#: Up to this many cells a file goes through every format.
MOST_CELLS = 2_000


async def goes_round(calls: Calls, table_id: str, content: Content, types: list[str]) -> None:
    """The export says what the file said, and imported into a new table it comes out again byte
    by byte: as CSV, and when it is small in every format."""
    first = await exported(calls, table_id, "csv")
    compare(content, types, first)
    formats = ["csv", "json", "jsonl", "xlsx"]
    small = len(content.records) * len(content.header) <= MOST_CELLS
    for format_ in formats if small else formats[:1]:
        again = await calls.table(*await definitions(calls, table_id, types))
        data = first if format_ == "csv" else await exported(calls, table_id, format_)
        document = await calls.upload(data, f"again.{format_}")
        told = await calls.import_(again["id"], document["id"])
        assert len(await definitions(calls, again["id"], types)) == len(types), "same columns"
        assert (told["rowsImported"], told["rowsSkipped"]) == (len(content.records), 0), told
        assert await exported(calls, again["id"], "csv") == first, format_


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
