"""The types that are made of parts, through both faces, imports and exports."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from domain import files, imports
from domain.columns import ColumnType, NewColumn
from domain.files import FileUpload
from domain.imports import ImportStart
from persistence.blobs import Blobs
from persistence.storage import PostgresStorage
from tests.gql.documents import ADD, UPDATE, add, new_table, page
from tests.serving import Site
from tests.worlds import World, open_world

COLUMNS: list[dict[str, Any]] = [
    {"key": "tags", "type": "MULTI_SELECT", "config": {"options": ["a", "b", "a, b"]}},
    {"key": "doc", "type": "JSON"},
    {"key": "file", "type": "FILE"},
    {"key": "weight", "type": "MEASUREMENT", "config": {"unit": "kg"}},
]
DOC = {"é": [1.50, None, True, {"n": 123456789012345678901234567890}], "": '"\\\n'}


async def upload(site: Site, name: str = "a.csv") -> str:
    """The id of a new file."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"name\nx\n"

    storage = site.gateway.storage
    return str((await files.upload_file(site.viewer, storage, FileUpload(name, chunks()))).id)


async def test_values_read_back_in_one_form_from_both_faces(site: Site) -> None:
    file_id = await upload(site, "ä b.csv")
    table_id = await new_table(site, *COLUMNS)
    rows: list[dict[str, Any]] = [
        {"tags": ["b", "a"], "doc": DOC, "file": file_id, "weight": "12.50 kg"},
        {"tags": "a, b", "doc": "text", "file": {"id": file_id, "name": "?"}, "weight": 3},
        {"tags": [], "doc": False, "file": None, "weight": {"amount": None}},
    ]
    row_ids = await add(site, table_id, *rows)
    file = {"id": file_id, "name": "ä b.csv"}
    kept: list[dict[str, Any]] = [
        {
            "tags": ["b", "a"],
            "doc": DOC,
            "file": file,
            "weight": {"amount": 12.5, "unit": "kg"},
        },
        {"tags": ["a, b"], "doc": "text", "file": file, "weight": {"amount": 3, "unit": "kg"}},
        {"tags": None, "doc": False, "file": None, "weight": None},
    ]
    assert [row["data"] for row in (await page(site, table_id))["nodes"]] == kept
    records = """query($t: ID!) { table(id: $t) { rows { nodes { table { id }
      cells { value column { type } } } } } }"""
    found = (await site.graphql(records, t=table_id))["table"]["rows"]["nodes"]
    assert [[cell["value"] for cell in row["cells"]] for row in found] == [
        list(row.values()) for row in kept
    ]
    assert [cell["column"]["type"] for cell in found[0]["cells"]] == [
        each["type"] for each in COLUMNS
    ]
    answer = await site.shared.get(f"/api/tables/{table_id}/rows")
    assert [row["data"] for row in answer.json()] == kept
    assert b"123456789012345678901234567890" in answer.content
    answer = await site.shared.get(f"/api/tables/{table_id}")
    assert [column["dataType"] for column in answer.json()["columns"]] == [
        "multi_select",
        "json",
        "file",
        "measurement",
    ]
    # What was read can be written again.
    again = [{"id": row_id, "data": data} for row_id, data in zip(row_ids, kept, strict=True)]
    written = (await site.graphql(UPDATE, t=table_id, rows=again, mode="REPLACE"))["rowsUpdate"]
    assert [row["data"] for row in written["rows"]] == kept


async def test_filters_sorts_and_search_reach_into_them(site: Site) -> None:
    first, second = await upload(site, "beta.csv"), await upload(site, "Alpha.csv")
    table_id = await new_table(site, *COLUMNS)
    ids = await add(
        site,
        table_id,
        {"tags": ["b"], "doc": {"k": "Zeta"}, "file": first, "weight": 2},
        {"tags": ["a", "b"], "doc": [1], "file": second, "weight": "10 kg"},
        {"doc": []},
    )
    for column, operator, value, matched in [
        ("tags", "CONTAINS", "b", [0, 1]),
        ("tags", "EQ", "a", [1]),
        ("tags", "IN", ["a", "never"], [1]),
        ("tags", "NEQ", "a", [0, 2]),
        ("tags", "IS_EMPTY", None, [2]),
        ("doc", "CONTAINS", "zeta", [0]),
        ("doc", "IS_EMPTY", None, [2]),
        ("file", "EQ", second, [1]),
        ("file", "IN", [{"id": first}], [0]),
        ("file", "STARTS_WITH", "alp", [1]),
        ("weight", "GT", "2 kg", [1]),
        ("weight", "LTE", 2, [0]),
    ]:
        where = {"column": column, "operator": operator, "value": value}
        found = await page(site, table_id, filter={"where": where})
        assert [row["id"] for row in found["nodes"]] == [ids[n] for n in matched], where
    for column, order in (("tags", [2, 1, 0]), ("file", [2, 1, 0]), ("weight", [2, 0, 1])):
        found = await page(site, table_id, sort=[{"column": column}], first=2)
        cursor = found["pageInfo"]["endCursor"]
        rest = await page(site, table_id, sort=[{"column": column}], first=2, after=cursor)
        nodes = [*found["nodes"], *rest["nodes"]]
        assert [row["id"] for row in nodes] == [ids[n] for n in order], column
    found = await page(site, table_id, search="ALPHA")
    assert [row["id"] for row in found["nodes"]] == [ids[1]]
    answer = await site.shared.get(
        f"/api/tables/{table_id}/rows",
        params={"filters": json.dumps([{"column": "tags", "operator": "in", "value": ["a"]}])},
    )
    assert [row["id"] for row in answer.json()] == [ids[1]]


async def test_a_file_must_exist_in_the_organisation(site: Site, stranger: Site) -> None:
    mine, theirs = await upload(site), await upload(stranger)
    table_id = await new_table(site, *COLUMNS, {"key": "second", "type": "FILE"})
    rows = [
        {"data": {"file": mine, "second": theirs}},
        {"data": {"file": "doc-1"}},
        {"data": {"second": {"id": theirs, "name": "mine"}}},
    ]
    errors = (await site.graphql(ADD, t=table_id, rows=rows))["rowsAdd"]["errors"]
    assert {(error["code"], tuple(error["path"]), error["rowIndex"]) for error in errors} == {
        ("NOT_FOUND", ("rows", "0", "data", "second"), 0),
        ("NOT_FOUND", ("rows", "1", "data", "file"), 1),
        ("NOT_FOUND", ("rows", "2", "data", "second"), 2),
    }
    assert f'rows[0].second: there is no file "{theirs}"' in [e["message"] for e in errors]
    answer = await site.shared.post(
        f"/api/tables/{table_id}/rows", json={"rows": [{"data": {"file": theirs}}]}
    )
    assert answer.status_code == 400
    assert "there is no file" in answer.text
    [row] = await add(site, table_id, {"file": mine})
    updated = await site.graphql(UPDATE, t=table_id, rows=[{"id": row, "data": {"file": theirs}}])
    assert [error["code"] for error in updated["rowsUpdate"]["errors"]] == ["NOT_FOUND"]


@pytest.fixture
async def world(postgres_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(postgres_url) as opened:
        opened.storage = PostgresStorage(opened.database, lambda *_: None, Blobs.open(tmp_path))
        yield opened


async def import_csv(world: World, table_id: Any, text: str) -> Any:
    """Import a text and give the import."""

    async def chunks() -> AsyncIterator[bytes]:
        yield text.encode()

    upload_ = FileUpload("data.csv", chunks())
    file = await files.upload_file(world.viewer, world.storage, upload_)
    command = ImportStart(table_id, file.id)
    run = await imports.start_import(world.viewer, world.storage, command)
    return run, str(file.id)


async def test_a_file_of_such_values_is_imported_with_its_history(world: World) -> None:
    _, file_id = await import_csv(world, await world.table("name"), "name\nx\n")
    table_id = await world.table(
        NewColumn("tags", "T", ColumnType.MULTI_SELECT),
        NewColumn("doc", "D", ColumnType.JSON),
        NewColumn("file", "F", ColumnType.FILE),
        NewColumn("weight", "W", ColumnType.MEASUREMENT, config={"unit": "kg"}),
    )
    unknown = "01a20216-4915-8050-8000-000d2f2eafb9"
    text = "\n".join(
        [
            "tags,doc,file,weight",
            f'"[""a, b"",""\\\\""]","{{""k"": [1.50, ""\\\\n""]}}",{file_id},12.5 kg',
            f'a;b,"""text""","{{""id"": ""{file_id}""}}","1,000"',
            f"x,1,{unknown},1",
            "y,nonsense,,2",
            "z,,,2 g",
            ",false,,",
        ]
    )
    run, _ = await import_csv(world, table_id, text)
    assert (run.rows_imported, run.rows_skipped) == (3, 3)
    told = await imports.import_rejections(world.viewer, world.storage, run.id)
    assert [(each.line, each.error) for each in told] == [
        (4, f'file: there is no file "{unknown}"'),
        (5, 'doc: "nonsense" is not JSON: Expecting value at line 1 column 1'),
        (6, 'weight: the unit is "g", but the column measures in "kg"'),
    ]
    shape = await world.shape(table_id)
    names = ", ".join(f"'{c.key}', t.{c.sql_name}" for c in shape.columns)
    found = await world.database.pool.fetch(
        f"""SELECT jsonb_strip_nulls(jsonb_build_object({names})) AS row,
          jsonb_strip_nulls(to_jsonb(t) - ARRAY['id', 'position', 'session_id', 'version',
            'created_by', 'created_at', 'updated_at', '_extra']) = v.data AS same
        FROM {shape.sql_name} t JOIN row_version v ON v.row_id = t.id ORDER BY t.position"""
    )
    assert all(each["same"] for each in found)
    name = {"id": file_id, "name": "data.csv"}
    assert [json.loads(each["row"]) for each in found] == [
        {"tags": ["a, b", "\\"], "doc": {"k": [1.5, "\\n"]}, "file": name, "weight": 12.5},
        {"tags": ["a", "b"], "doc": "text", "file": name, "weight": 1000},
        {"doc": False},
    ]
