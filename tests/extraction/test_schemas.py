"""Schemas of extraction: made over tables or with them, versions, and what becomes of them when
tables and columns go."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import column_editing, column_types, extraction, projects, tables
from domain.access import Role, Scope, Viewer
from domain.column_type_records import ColumnTypeChange
from domain.columns import ColumnType, ComputedBy, NewColumn
from domain.entities import ColumnUpdate, ProjectCreate
from domain.errors import Conflict, ErrorCode, Invalid, NotFound
from domain.extraction_commands import (
    FieldDraft,
    SchemaCreate,
    SchemaFromTable,
    SchemaSearch,
    SchemaUpdate,
    TableDraft,
)
from domain.extraction_ports import Unextractable
from domain.extraction_records import Repeats, SchemaStatus, SchemaType
from domain.extraction_rules import MAX_LABELS
from domain.tool_records import AiTool
from domain.tools import make_tool
from persistence.storage import PostgresStorage
from tests.worlds import World, open_world

NUMBER = NewColumn("amount", "Amount", ColumnType.NUMBER)
UNREADABLE = (
    NewColumn("next", "Next", ColumnType.RELATION),
    NewColumn("paper", "Paper", ColumnType.FILE),
    NewColumn("twice", "Twice", ColumnType.COMPUTED, config={"formula": "{{amount}} * 2"}),
    NewColumn("outside", "Outside", ColumnType.TEXT, computed_by=ComputedBy.EXTERNAL),
)
INVOICE = TableDraft(
    name="Invoices",
    description="One row for each invoice",
    repeats=Repeats.ONE,
    fields=[
        FieldDraft("number", is_key=True, labels=["Invoice no.", "Rechnungsnummer"]),
        FieldDraft("date", type=ColumnType.DATE, date_format="EU", hint="top right"),
        FieldDraft("total", label="Total", type=ColumnType.NUMBER, unit="EUR"),
        FieldDraft("note", excluded=True),
    ],
)
LINES = TableDraft(
    name="Lines",
    repeats=Repeats.MANY,
    fields=[
        FieldDraft("text"),
        FieldDraft("weight", type=ColumnType.MEASUREMENT, config={"unit": "kg"}, unit="kg"),
        FieldDraft("kind", type=ColumnType.SELECT, config={"options": ["goods", "work"]}),
    ],
)


@pytest.fixture(scope="module")
async def world(postgres_url: str) -> AsyncIterator[World]:
    async with open_world(postgres_url) as opened:
        yield opened


async def _told(world: World) -> list[tuple[str, dict[str, Any]]]:
    """The organisation's log of schemas: kinds and details."""
    records = await world.database.pool.fetch(
        "SELECT kind, details::text FROM organization_change"
        " WHERE organization_id = $1 AND kind LIKE 'schema%' ORDER BY revision",
        world.viewer.organization_id,
    )
    return [(record["kind"], json.loads(record["details"])) for record in records]


async def _revision(world: World, table_id: UUID) -> int:
    found = await tables.get_table(world.viewer, world.storage, table_id)
    return found.revision


def _paths(error: pytest.ExceptionInfo[Invalid]) -> list[tuple[ErrorCode, str]]:
    return [(problem.code, ".".join(problem.path)) for problem in error.value.problems]


async def test_a_schema_over_tables_that_are_there(world: World) -> None:
    table_id = await world.table("name", NUMBER, "note")
    child_id = await world.table("text")
    before = await _revision(world, table_id)
    command = SchemaCreate(
        "Bills",
        [
            TableDraft(
                table_id,
                description="Bills of our suppliers",
                fields=[
                    FieldDraft("amount", unit="EUR", hint="at the bottom"),
                    FieldDraft("name", description="The supplier", is_key=True, labels=["From"]),
                    FieldDraft("note", excluded=True),
                ],
            ),
            TableDraft(child_id),
        ],
        description="Bills",
        instructions="Amounts are gross.",
        type=SchemaType.PRODUCTION,
        provider="rules",
    )
    made = await extraction.create_schema(world.viewer, world.storage, command)
    assert await extraction.get_schema(world.viewer, world.storage, made.id) == made
    assert (made.version, made.status, made.type) == (1, "ACTIVE", "PRODUCTION")
    assert (made.instructions, made.provider, made.model) == ("Amounts are gross.", "rules", None)
    primary, child = made.tables
    assert (primary.parent_id, child.parent_id) == (None, table_id)
    assert [field.number for field in primary.fields] == [2, 1, 3]
    assert (primary.fields[1].labels, primary.fields[1].is_key) == (("From",), True)
    shape = await world.shape(table_id)
    assert [column.tracked for column in shape.columns] == [True, True, False]
    assert await _revision(world, table_id) == before + 1  # one entry for all its columns
    planned = await extraction.planned(world.storage, made)
    assert [table.name for table in planned] == ["Test", "Test"]
    assert [each.column.key for each in planned[0].fields] == ["name", "amount"]
    assert planned[0].fields[1].field.unit == "EUR"
    assert (await _told(world))[-1] == ("schema_created", {"name": "Bills", "version": 1})
    again = await extraction.create_schema(world.viewer, world.storage, command)
    assert again.id != made.id
    assert await _revision(world, table_id) == before + 1  # the columns were ready
    for search, found in (
        (SchemaSearch(table_id=child_id), [made.id, again.id]),
        (SchemaSearch(table_id=uuid4()), []),
        (SchemaSearch(table_id=child_id, status=SchemaStatus.PAUSED), []),
    ):
        listed = await extraction.list_schemas(world.viewer, world.storage, search)
        assert [schema.id for schema in listed] == found


async def test_a_schema_with_tables_of_its_own(world: World) -> None:
    project = await projects.create_project(world.viewer, world.storage, ProjectCreate("P"))
    grandchild = TableDraft(name="Parts", parent=1, fields=[FieldDraft("part")])
    command = SchemaCreate("Invoices", [INVOICE, LINES, grandchild], project_id=project.id)
    made = await extraction.create_schema(world.viewer, world.storage, command)
    invoices, lines, parts = made.tables
    assert (lines.parent_id, parts.parent_id) == (invoices.table_id, lines.table_id)
    assert (invoices.repeats, lines.repeats, parts.repeats) == ("ONE", "MANY", "FOUND")
    table = await tables.get_table(world.viewer, world.storage, invoices.table_id)
    assert (table.name, table.project_id) == ("Invoices", project.id)
    assert table.description == "One row for each invoice"
    columns = (await world.shape(invoices.table_id)).columns
    assert [(each.key, each.label, each.type, each.tracked) for each in columns] == [
        ("number", "number", "text", True),
        ("date", "date", "date", True),
        ("total", "Total", "number", True),
        ("note", "note", "text", False),
    ]
    await world.add(lines.table_id, {"text": "x", "weight": "2 kg", "kind": "goods"})
    planned = await extraction.planned(world.storage, made)
    assert [each.column.key for each in planned[0].fields] == ["number", "date", "total"]
    assert planned[0].fields[1].field.date_format == "EU"


async def test_tables_and_schema_are_made_together_or_not_at_all(world: World) -> None:
    count = "SELECT count(*) FROM user_table WHERE organization_id = $1"
    before = await world.database.pool.fetchval(count, world.viewer.organization_id)
    drafts = [INVOICE, TableDraft(uuid4())]
    with pytest.raises(Invalid, match="Table not found"):
        await extraction.create_schema(world.viewer, world.storage, SchemaCreate("S", drafts))
    made = await extraction.create_schema(
        world.viewer, world.storage, SchemaCreate("S", [TableDraft(await world.table("a"))])
    )
    change = SchemaUpdate(tables=[INVOICE], expected_version=9)
    with pytest.raises(Invalid, match="at version 1, not 9"):
        await extraction.update_schema(world.viewer, world.storage, made.id, change)
    after = await world.database.pool.fetchval(count, world.viewer.organization_id)
    assert after == before + 1


async def test_every_problem_is_told_with_its_path(world: World) -> None:
    table_id = await world.table("name", NUMBER, *UNREADABLE)
    fields = [
        FieldDraft("nobody"),
        FieldDraft("name", date_format="EU", unit="EUR", excluded=True, is_key=True),
        FieldDraft("amount", labels=["x"] * (MAX_LABELS + 1), date_format="XX"),
        FieldDraft("amount", type=ColumnType.TEXT, hint="\0"),
        *(FieldDraft(column.key) for column in UNREADABLE),
    ]
    command = SchemaCreate(
        " ",
        [
            TableDraft(table_id, fields=fields, parent=0),
            TableDraft(table_id, parent=1),
            TableDraft(uuid4(), name="Both"),
            TableDraft(
                name="",
                fields=[
                    FieldDraft("a", type=ColumnType.FILE),
                    FieldDraft("a" * 65, type=ColumnType.SELECT, config={"options": 1}),
                    FieldDraft("c", type=ColumnType.MEASUREMENT, config={"unit": "m"}, unit="kg"),
                    FieldDraft("c", label=" "),
                ],
            ),
            TableDraft(name="Empty", fields=[FieldDraft("x", excluded=True)]),
        ],
        provider="nobody",
        model=" ",
        project_id=uuid4(),
        instructions="x" * 20_001,
    )
    with pytest.raises(Invalid) as caught:
        await extraction.create_schema(world.viewer, world.storage, command)
    found = _paths(caught)
    for code, path in (
        ("REQUIRED", "name"),
        ("REQUIRED", "model"),
        ("TOO_LONG", "instructions"),
        ("NOT_FOUND", "projectId"),
        ("OUT_OF_RANGE", "tables.0.parent"),
        ("UNKNOWN_COLUMN", "tables.0.fields.0.key"),
        ("INVALID", "tables.0.fields.1.dateFormat"),
        ("INVALID", "tables.0.fields.1.unit"),
        ("INVALID", "tables.0.fields.1.isKey"),
        ("TOO_MANY", "tables.0.fields.2.labels"),
        ("NOT_AN_OPTION", "tables.0.fields.2.dateFormat"),
        ("DUPLICATE", "tables.0.fields.3.key"),
        ("INVALID", "tables.0.fields.3.type"),
        ("INVALID", "tables.0.fields.3.hint"),
        *(("INVALID_TYPE", f"tables.0.fields.{place}.key") for place in range(4, 8)),
        ("DUPLICATE", "tables.1.tableId"),
        ("OUT_OF_RANGE", "tables.1.parent"),
        ("INVALID", "tables.2"),
        ("NOT_FOUND", "tables.2.tableId"),
        ("REQUIRED", "tables.3.name"),
        ("INVALID_TYPE", "tables.3.fields.0.key"),
        ("TOO_LONG", "tables.3.fields.1.key"),
        ("INVALID", "tables.3.fields.1.config"),
        ("INVALID", "tables.3.fields.2.unit"),
        ("DUPLICATE", "tables.3.fields.3.key"),
        ("REQUIRED", "tables.3.fields.3.label"),
        ("REQUIRED", "tables.4.fields"),
    ):
        assert (ErrorCode(code), path) in found, path
    messages = str(caught.value)
    for what in ("links rows", "holds files", "is computed", "is filled by an outside worker"):
        assert what in messages
    with pytest.raises(Invalid, match="There is no provider"):
        await extraction.create_schema(
            world.viewer, world.storage, SchemaCreate("S", [INVOICE], provider="nobody")
        )
    wide = TableDraft(name="Wide", fields=[FieldDraft(f"c{place}") for place in range(334)])
    with pytest.raises(Invalid, match="at most 1,000 columns together"):
        await extraction.create_schema(world.viewer, world.storage, SchemaCreate("S", [wide] * 3))
    for drafts in ([], [INVOICE] * 21):
        with pytest.raises(Invalid, match="1 to 20 tables"):
            await extraction.create_schema(world.viewer, world.storage, SchemaCreate("S", drafts))


async def test_of_a_table_in_one_call(world: World) -> None:
    table_id = await world.table("name", NUMBER, *UNREADABLE)
    child_id = await world.table("text")
    made = await extraction.create_schema_from_table(
        world.viewer, world.storage, SchemaFromTable(table_id, [child_id])
    )
    assert made.name == "Test"
    assert [field.key for field in made.tables[0].fields] == ["name", "amount"]
    assert made.tables[1].parent_id == table_id
    with pytest.raises(NotFound, match="Table not found"):
        await extraction.create_schema_from_table(
            world.viewer, world.storage, SchemaFromTable(uuid4())
        )
    unread = await world.table(UNREADABLE[0])
    with pytest.raises(Invalid) as caught:
        await extraction.create_schema_from_table(
            world.viewer, world.storage, SchemaFromTable(unread, [uuid4()], name=" ")
        )
    assert [path for _, path in _paths(caught)] == ["name", "tableId", "childTableIds.0"]


async def test_each_change_is_a_version_kept_whole(world: World) -> None:
    made = await extraction.create_schema(
        world.viewer, world.storage, SchemaCreate("S", [INVOICE], instructions="First")
    )
    [invoices] = made.tables
    kept = {1: made}
    for command in (
        SchemaUpdate(name="T", expected_version=1),
        SchemaUpdate(instructions=None, status=SchemaStatus.PAUSED),
        SchemaUpdate(tables=[TableDraft(invoices.table_id, fields=[FieldDraft("total")]), LINES]),
        SchemaUpdate(provider="rules", model="m", type=SchemaType.PRODUCTION),
    ):
        changed = await extraction.update_schema(world.viewer, world.storage, made.id, command)
        kept[changed.version] = changed
    assert sorted(kept) == [1, 2, 3, 4, 5]
    assert (kept[2].name, kept[3].instructions, kept[3].status) == ("T", None, "PAUSED")
    assert [len(kept[number].tables) for number in (3, 4)] == [1, 2]
    same = await extraction.update_schema(
        world.viewer, world.storage, made.id, SchemaUpdate(name="T", model="m")
    )
    assert same == kept[5]
    store, organization_id = world.storage.extraction_schemas, world.viewer.organization_id
    for number, schema in kept.items():
        assert await store.at_version(organization_id, made.id, number) == schema
    assert await store.at_version(organization_id, made.id, 6) is None
    page = await extraction.schema_versions(world.viewer, world.storage, made.id, None, 2)
    assert ([each.number for each in page.versions], page.has_more) == ([5, 4], True)
    page = await extraction.schema_versions(world.viewer, world.storage, made.id, 4, 9)
    assert ([each.schema for each in page.versions], page.has_more) == (
        [kept[3], kept[2], kept[1]],
        False,
    )
    assert page.versions[0].changed_by == world.viewer.actor
    assert (await _told(world))[-1] == (
        "schema_updated",
        {"fields": ["model", "provider", "type"], "version": 5},
    )
    with pytest.raises(Invalid) as caught:
        await extraction.update_schema(
            world.viewer, world.storage, made.id, SchemaUpdate(name=None, expected_version=2)
        )
    assert _paths(caught) == [(ErrorCode.REQUIRED, "name")]


async def test_of_two_changes_of_one_version_one_wins(world: World) -> None:
    made = await extraction.create_schema(world.viewer, world.storage, SchemaCreate("S", [INVOICE]))
    commands = [SchemaUpdate(name=f"N{place}", expected_version=1) for place in range(5)]
    outcomes = await asyncio.gather(
        *(extraction.update_schema(world.viewer, world.storage, made.id, c) for c in commands),
        return_exceptions=True,
    )
    refused = [each for each in outcomes if isinstance(each, Invalid)]
    assert len(refused) == 4
    assert {each.problems[0].code for each in refused} == {ErrorCode.VERSION_CONFLICT}
    now = await extraction.get_schema(world.viewer, world.storage, made.id)
    assert now.version == 2


async def test_a_deleted_schema_is_gone_and_its_tables_stay(world: World) -> None:
    made = await extraction.create_schema(world.viewer, world.storage, SchemaCreate("S", [INVOICE]))
    await extraction.delete_schema(world.viewer, world.storage, made.id)
    assert (await _told(world))[-1] == ("schema_deleted", {"name": "S"})
    organization_id = world.viewer.organization_id
    assert await world.storage.extraction_schemas.at_version(organization_id, made.id, 1) is None
    for call in (
        extraction.get_schema(world.viewer, world.storage, made.id),
        extraction.delete_schema(world.viewer, world.storage, made.id),
        extraction.update_schema(world.viewer, world.storage, made.id, SchemaUpdate(name="x")),
        extraction.schema_versions(world.viewer, world.storage, made.id, None, 1),
    ):
        with pytest.raises(NotFound, match="Extraction schema not found"):
            await call
    assert await tables.get_table(world.viewer, world.storage, made.tables[0].table_id)


async def test_what_goes_is_told_and_nothing_is_read_meanwhile(world: World) -> None:
    """By another process that knows the shapes of before: it sees the same."""
    drafts = [INVOICE, LINES]
    made = await extraction.create_schema(world.viewer, world.storage, SchemaCreate("S", drafts))
    other = PostgresStorage(world.database, lambda *_: None)
    await extraction.planned(other, made)
    invoices, lines = (table.table_id for table in made.tables)
    for table_id in (invoices, lines):
        await other.tables.shape(world.viewer.organization_id, table_id)
    number = await world.column(invoices, "number")
    await column_editing.delete_column(world.viewer, world.storage, invoices, number.id)
    tool = make_tool(AiTool("{{date}}"))
    total = await world.column(invoices, "total")
    await column_editing.update_column(
        world.viewer, world.storage, invoices, total.id, ColumnUpdate(tool=tool)
    )
    await tables.delete_table(world.viewer, world.storage, lines)
    for storage in (world.storage, other):
        with pytest.raises(Unextractable) as caught:
            await extraction.planned(storage, made)
        assert str(caught.value) == (
            'The extraction schema "S" has to be mended: Column "number" of the table "Invoices"'
            ' was deleted; Column "total" of the table "Invoices" is filled by its tool;'
            f" The table {lines} was deleted"
        )
        with pytest.raises(Conflict, match="has to be mended"):
            await extraction.require_readable(storage, made)
    mended = SchemaUpdate(tables=[TableDraft(invoices)])
    changed = await extraction.update_schema(world.viewer, other, made.id, mended)
    assert [field.key for field in changed.tables[0].fields] == ["date", "note"]
    await extraction.require_readable(world.storage, changed)
    paused = await extraction.update_schema(
        world.viewer, world.storage, made.id, SchemaUpdate(status=SchemaStatus.PAUSED)
    )
    with pytest.raises(Conflict, match='The extraction schema "S" is paused'):
        await extraction.require_readable(world.storage, paused)


async def test_a_column_of_another_type_is_the_same_column(world: World) -> None:
    made = await extraction.create_schema(world.viewer, world.storage, SchemaCreate("S", [INVOICE]))
    [invoices] = made.tables
    total = await world.column(invoices.table_id, "total")
    change = ColumnTypeChange(total.id, ColumnType.TEXT)
    await column_types.change_column_type(world.viewer, world.storage, invoices.table_id, change)
    [planned] = await extraction.planned(world.storage, made)
    assert [each.column.key for each in planned.fields] == ["number", "date", "total"]
    found = planned.fields[2]
    assert (found.column.number, found.column.type) == (5, "text")
    assert (found.field.number, found.field.unit) == (5, "EUR")
    await column_editing.delete_column(
        world.viewer, world.storage, invoices.table_id, found.column.id
    )
    await column_editing.add_column(
        world.viewer, world.storage, invoices.table_id, NewColumn("total", "T", ColumnType.TEXT)
    )
    with pytest.raises(Unextractable, match='Column "total" of the table "Invoices" was deleted'):
        await extraction.planned(world.storage, made)


async def test_a_key_with_a_scope_sees_schemas_whose_tables_all_lie_inside(world: World) -> None:
    mine, others = await world.table("a"), await world.table("b")
    inside = await extraction.create_schema(
        world.viewer, world.storage, SchemaCreate("In", [TableDraft(mine)])
    )
    across = await extraction.create_schema(
        world.viewer, world.storage, SchemaCreate("Out", [TableDraft(mine), TableDraft(others)])
    )
    project = await projects.create_project(world.viewer, world.storage, ProjectCreate("P"))
    scope = Scope(frozenset([project.id]), frozenset([mine]))
    viewer = Viewer(world.viewer.organization_id, Role.EDITOR, uuid4(), scope=scope)
    storage = world.storage.seen_by(viewer)
    assert await extraction.list_schemas(viewer, storage) == [inside]
    with pytest.raises(NotFound):
        await extraction.get_schema(viewer, storage, across.id)
    with pytest.raises(Invalid, match="Table not found"):
        await extraction.update_schema(
            viewer, storage, inside.id, SchemaUpdate(tables=[TableDraft(others)])
        )
    for call in (
        extraction.create_schema(viewer, storage, SchemaCreate("S", [INVOICE])),
        extraction.update_schema(viewer, storage, inside.id, SchemaUpdate(tables=[INVOICE])),
    ):
        with pytest.raises(Invalid, match="in its own projects only"):
            await call
    made = await extraction.create_schema(
        viewer, storage, SchemaCreate("S", [INVOICE, TableDraft(mine)], project_id=project.id)
    )
    assert await extraction.get_schema(viewer, storage, made.id) == made
