"""Examples of schemas: what is right to be read from parts of documents."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from domain import column_types, extraction
from domain.column_type_records import ColumnTypeChange
from domain.columns import ColumnType
from domain.errors import ErrorCode, Invalid, NotFound
from domain.extraction_commands import (
    ExamplesAdd,
    ExampleValue,
    FieldDraft,
    NewExample,
    SchemaCreate,
    TableDraft,
)
from domain.extraction_examples import add_examples, delete_example, list_examples
from domain.extraction_records import ExtractionSchema
from domain.extraction_rules import MAX_EXAMPLES
from tests.worlds import World, open_world

FIELDS = [
    FieldDraft("number"),
    FieldDraft("total", type=ColumnType.NUMBER),
    FieldDraft("note", excluded=True),
]


@pytest.fixture(scope="module")
async def world(postgres_url: str) -> AsyncIterator[World]:
    async with open_world(postgres_url) as opened:
        yield opened


async def _schema(world: World) -> ExtractionSchema:
    command = SchemaCreate("S", [TableDraft(name="T", fields=FIELDS)])
    return await extraction.create_schema(world.viewer, world.storage, command)


def _add(schema: ExtractionSchema, *values: ExampleValue, text: str = "Sum 12,50") -> ExamplesAdd:
    return ExamplesAdd(schema.id, schema.tables[0].table_id, text, values)


async def _kept(world: World, schema_id: UUID, limit: int = 500) -> list[str | None]:
    found = await list_examples(world.viewer, world.storage, schema_id, limit)
    return [each.after for each in found]


async def test_added_listed_and_deleted(world: World) -> None:
    schema = await _schema(world)
    values = [ExampleValue("total", "12.5", before="1250"), ExampleValue("number", None)]
    total, number = await add_examples(world.viewer, world.storage, _add(schema, *values))
    assert (total.column_number, total.before, total.after) == (2, "1250", "12.5")
    assert (number.column_number, number.after, number.text) == (1, None, "Sum 12,50")
    assert (total.file_id, total.created_by) == (None, world.viewer.actor)
    listed = await list_examples(world.viewer, world.storage, schema.id, 9)
    assert listed == [number, total]
    assert await delete_example(world.viewer, world.storage, number.id) == number
    assert await _kept(world, schema.id) == ["12.5"]
    for unknown in (number.id, uuid4()):
        with pytest.raises(NotFound, match="Example not found"):
            await delete_example(world.viewer, world.storage, unknown)
    details = await world.database.pool.fetch(
        "SELECT details ->> 'fields' AS fields FROM organization_change"
        " WHERE subject_id = $1 ORDER BY revision DESC LIMIT 2",
        schema.id,
    )
    assert [each["fields"] for each in details] == ['["examples"]'] * 2
    assert (await extraction.get_schema(world.viewer, world.storage, schema.id)).version == 1


async def test_what_a_column_could_not_hold_teaches_nothing(world: World) -> None:
    schema = await _schema(world)
    values = [
        ExampleValue("total", "twelve"),
        ExampleValue("note", "x"),
        ExampleValue("nobody", "x"),
        ExampleValue("number", "x" * 4_001),
        ExampleValue("number", "1", before="\0"),
    ]
    with pytest.raises(Invalid) as caught:
        await add_examples(world.viewer, world.storage, _add(schema, *values, text=" "))
    assert [(each.code, ".".join(each.path)) for each in caught.value.problems] == [
        (ErrorCode.REQUIRED, "text"),
        (ErrorCode.INVALID_TYPE, "values.0.after"),
        (ErrorCode.UNKNOWN_COLUMN, "values.1.key"),
        (ErrorCode.UNKNOWN_COLUMN, "values.2.key"),
        (ErrorCode.TOO_LONG, "values.3.after"),
        (ErrorCode.DUPLICATE, "values.4.key"),
        (ErrorCode.INVALID, "values.4.before"),
    ]
    with pytest.raises(Invalid) as caught:
        await add_examples(
            world.viewer, world.storage, ExamplesAdd(schema.id, uuid4(), "x", [], uuid4())
        )
    assert [".".join(each.path) for each in caught.value.problems] == ["fileId", "tableId"]
    with pytest.raises(Invalid, match="values holds 1 to"):
        await add_examples(world.viewer, world.storage, _add(schema))
    with pytest.raises(NotFound, match="Extraction schema not found"):
        await add_examples(
            world.viewer, world.storage, ExamplesAdd(uuid4(), uuid4(), "x", [ExampleValue("a", "")])
        )


async def test_the_newest_are_kept(world: World) -> None:
    schema, other = await _schema(world), await _schema(world)
    await add_examples(world.viewer, world.storage, _add(other, ExampleValue("number", "other")))
    store, organization_id = world.storage.extraction_schemas, world.viewer.organization_id
    table_id = schema.tables[0].table_id
    for batch in range(3):
        new = [NewExample(table_id, 1, "x", f"{batch}.{place}") for place in range(200)]
        made = await store.add_examples(organization_id, "me", schema.id, new)
        assert made is not None
        assert [each.after for each in made] == [each.after for each in new]
    kept = await _kept(world, schema.id)
    assert len(kept) == MAX_EXAMPLES
    assert (kept[0], kept[-1]) == ("2.199", "0.100")
    assert await _kept(world, schema.id, 1) == ["2.199"]
    assert await _kept(world, other.id) == ["other"]
    with pytest.raises(Invalid, match="first must be 1 to 500"):
        await _kept(world, schema.id, 501)


async def test_examples_of_a_column_with_another_type(world: World) -> None:
    schema = await _schema(world)
    table_id = schema.tables[0].table_id
    total = await world.column(table_id, "total")
    change = ColumnTypeChange(total.id, ColumnType.TEXT)
    await column_types.change_column_type(world.viewer, world.storage, table_id, change)
    [made] = await add_examples(
        world.viewer, world.storage, _add(schema, ExampleValue("total", "twelve"))
    )
    assert made.column_number == (await world.column(table_id, "total")).number
    await extraction.delete_schema(world.viewer, world.storage, schema.id)
    with pytest.raises(NotFound, match="Example not found"):
        await delete_example(world.viewer, world.storage, made.id)
