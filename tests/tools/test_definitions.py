"""What a tool may say, which columns it reads, and how it is kept."""

from typing import Any
from uuid import UUID

import pytest

from domain import column_editing, tables
from domain.columns import ColumnType, ComputedBy, NewColumn
from domain.entities import ColumnUpdate, TableCreate
from domain.errors import ErrorCode, Invalid
from domain.rejections import Rejected
from domain.tool_code import read_program
from domain.tool_records import AiTool, HttpTool, LookupTool, PythonTool, Tool, ToolSettings
from domain.tools import make_tool, read_tool, tool_json, tool_of, tool_problems
from tests.worlds import World, open_world

COLUMNS = ("name", "price", "a b", "Größe")


def tooled(
    key: str, settings: ToolSettings, *inputs: str, type_: ColumnType = ColumnType.TEXT
) -> NewColumn:
    """A column with a tool."""
    tool = make_tool(settings, inputs)
    return NewColumn(key, key, type_, computed_by=ComputedBy.TOOL, tool=tool)


@pytest.mark.parametrize(
    ("settings", "inputs"),
    [
        (AiTool("What is {{name}} for {{ price }}?"), ("name", "price")),
        (AiTool("{{row.name}} and {{name}} and {{a b}}"), ("name", "a b")),
        (AiTool("{{Größe}}"), ("Größe",)),
        (
            PythonTool('def run(row):\n    return row["price"] * 2 + row.get("name", 0)'),
            ("price", "name"),
        ),
        (PythonTool("def run(r):\n    return r['a b']"), ("a b",)),
        (HttpTool("https://x.example/{{name}}?q={{price}}"), ("name", "price")),
        (
            HttpTool(
                "https://x.example/", "POST", {"A": "{{secret.k}} {{name}}"}, '{"p":{{price}}}'
            ),
            ("price", "name"),
        ),
        (LookupTool(UUID(int=1), "name", "x", "y"), ("name",)),
    ],
)
def test_inputs_are_found_in_the_texts(settings: ToolSettings, inputs: tuple[str, ...]) -> None:
    tool = make_tool(settings)
    assert tool.inputs == inputs
    assert tool_problems(tool, "own", ColumnType.TEXT, COLUMNS) == []
    assert tool_of(tool_json(tool)) == tool
    assert read_tool(tool_json(tool)) == tool


def test_declared_inputs_come_behind_those_that_are_found() -> None:
    assert make_tool(AiTool("{{price}}"), ["name", "price"]).inputs == ("price", "name")


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (AiTool(""), "prompt"),
        (AiTool("x" * 20_001 + "{{name}}"), "prompt"),
        (AiTool("{{name}}", temperature=2.5), "temperature"),
        (AiTool("{{name}}", temperature=float("nan")), "temperature"),
        (AiTool("{{name}}", max_output_tokens=0), "max_output_tokens"),
        (AiTool("{{name}}", provider=""), "provider"),
        (AiTool("no column"), "inputs"),
        (AiTool("{{nothing}}"), "inputs"),
        (AiTool("{{own}}"), "inputs"),
        (PythonTool("def run(row) return 1"), "code"),
        (PythonTool("def go(row): return row['name']"), "code"),
        (PythonTool("def run(): return 1"), "code"),
        (PythonTool("def run(row, more): return row['name']"), "code"),
        (PythonTool("def run(row): return row['nothing']"), "inputs"),
        (PythonTool("#" * 65_537), "code"),
        (PythonTool("def run(row): return " + "-" * 60_000 + "1"), "code"),
        (PythonTool("\0"), "code"),
        (HttpTool("ftp://x.example/{{name}}"), "url"),
        (HttpTool("https://{{name}}.example/"), "url"),
        (HttpTool("https://x.example/{{name}}", "BREW"), "method"),
        (HttpTool("https://x.example/{{secret.key}}{{name}}"), "headers"),
        (HttpTool("https://x.example/{{name}}", pointer="a/b"), "pointer"),
        (HttpTool("https://x.example/{{name}}", pointer="/~2"), "pointer"),
        (LookupTool(UUID(int=1), "name", "", "y"), "against"),
    ],
)
def test_what_is_wrong_names_the_setting(settings: ToolSettings, fault: str) -> None:
    problems = tool_problems(make_tool(settings), "own", ColumnType.TEXT, (*COLUMNS, "own"), "tool")
    assert [problem.path for problem in problems] == [("tool", fault)]


def test_a_program_is_read_and_not_run() -> None:
    assert read_program("import os\nos._exit(1)\ndef run(row):\n    return 1") == read_program(
        "def run(row):\n    pass"
    )
    fault = read_program("def run(row):\n  return 1\n  )")
    assert isinstance(fault, str)
    assert fault.startswith("code is not Python: ")
    assert fault.endswith("(line 3)")


@pytest.mark.parametrize(
    "told",
    [
        None,
        {},
        {"kind": "shell"},
        {"kind": "ai"},
        {"kind": "ai", "prompt": 1},
        {"kind": "ai", "prompt": "{{name}}", "inputs": "name"},
        {"kind": "ai", "prompt": "{{name}}", "code": "x"},
        {"kind": "lookup", "table_id": "x", "match": "a", "against": "b", "take": "c"},
    ],
)
def test_a_document_that_is_no_tool(told: Any) -> None:
    with pytest.raises(Rejected):
        read_tool(told)


async def paths(world: World, *columns: NewColumn) -> list[tuple[ErrorCode, tuple[str, ...]]]:
    """Why a table with these columns is refused."""
    with pytest.raises(Invalid) as refused:
        await world.table("name", *columns)
    return [(problem.code, problem.path) for problem in refused.value.problems]


async def test_tools_are_kept_with_their_columns(postgres_url: str) -> None:
    async with open_world(postgres_url) as world:
        table_id = await world.table("name", tooled("short", AiTool("Shorten {{name}}")))
        column = await world.column(table_id, "short")
        assert column.tool == Tool(AiTool("Shorten {{name}}"), ("name",))
        assert column.computed_by is ComputedBy.TOOL
        assert column.stateful
        changed = await column_editing.update_column(
            world.viewer, world.storage, table_id, column.id, ColumnUpdate(tool=None)
        )
        assert (changed.tool, changed.computed_by) == (None, None)
        python = make_tool(PythonTool("def run(row): return row['name']"))
        changed = await column_editing.update_column(
            world.viewer, world.storage, table_id, column.id, ColumnUpdate(tool=python)
        )
        assert (changed.tool, changed.computed_by) == (python, ComputedBy.TOOL)


async def test_tools_that_cannot_be(postgres_url: str) -> None:
    async with open_world(postgres_url) as world:
        ask = AiTool("{{name}}")
        at = ("columns", "1", "tool")
        file = tooled("f", ask, type_=ColumnType.FILE)
        assert await paths(world, file) == [(ErrorCode.INVALID, at)]
        lost = NewColumn("x", "X", ColumnType.TEXT, computed_by=ComputedBy.TOOL)
        assert await paths(world, lost) == [(ErrorCode.INVALID, at)]
        nowhere = tooled("x", LookupTool(UUID(int=7), "name", "a", "b"))
        assert await paths(world, nowhere) == [(ErrorCode.NOT_FOUND, (*at, "table_id"))]
        target = await world.table("a")
        columns = tooled("x", LookupTool(target, "name", "a", "gone"))
        assert await paths(world, columns) == [(ErrorCode.UNKNOWN_COLUMN, (*at, "take"))]
        first = tooled("x", AiTool("{{y}} {{name}}"))
        assert await paths(world, first, tooled("y", AiTool("{{x}}"))) == [
            (ErrorCode.INVALID, ("columns", "0", "tool"))
        ]


async def test_a_lookup_into_another_organisation_finds_nothing(postgres_url: str) -> None:
    async with open_world(postgres_url) as world, open_world(postgres_url) as other:
        theirs = await other.table("a")
        with pytest.raises(Invalid, match="there is no table"):
            await tables.create_table(
                world.viewer,
                world.storage,
                TableCreate(
                    "T",
                    columns=[
                        NewColumn("name", "Name", ColumnType.TEXT),
                        tooled("x", LookupTool(theirs, "name", "a", "a")),
                    ],
                ),
            )


async def test_circles_through_formulas_are_found(postgres_url: str) -> None:
    async with open_world(postgres_url) as world:
        formula = NewColumn(
            "twice",
            "Twice",
            ColumnType.COMPUTED,
            config={"formula": "{{score}} * 2", "formulaType": "arithmetic"},
        )
        score = tooled("score", AiTool("{{name}}"), type_=ColumnType.NUMBER)
        table_id = await world.table("name", score, formula)
        column = await world.column(table_id, "score")
        with pytest.raises(Invalid, match="tools wait for each other: score → score"):
            await column_editing.update_column(
                world.viewer,
                world.storage,
                table_id,
                column.id,
                ColumnUpdate(tool=make_tool(AiTool("{{twice}}"))),
            )
