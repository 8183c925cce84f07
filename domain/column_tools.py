"""Tools of columns checked before they are saved, with the columns around them."""

from collections.abc import Sequence
from uuid import UUID

from domain.columns import Column, ComputedBy, NewColumn, TableShape
from domain.computations import attach
from domain.errors import ErrorCode, Problem
from domain.ports import Storage
from domain.rejections import show
from domain.tool_graph import tool_graph
from domain.tool_records import LookupTool, Tool
from domain.tools import tool_problems

#: Enough for a table of workers' columns; each is a job of its own in every row.
MAX_TOOLS = 100


async def new_tool_problems(
    storage: Storage,
    organization_id: UUID,
    columns: Sequence[NewColumn],
    existing: Sequence[Column] = (),
) -> list[Problem]:
    """What is wrong with the tools of new columns beside the `existing` ones."""
    made = [_as_column(column, index) for index, column in enumerate(columns)]
    everything = [*existing, *made]
    known = {column.key for column in everything}
    problems: list[Problem] = []
    for index, column in enumerate(columns):
        path = ("columns", str(index), "tool")
        if (column.computed_by is ComputedBy.TOOL) != (column.tool is not None):
            message = "a column has a tool exactly when computedBy is TOOL"
            problems.append(Problem(ErrorCode.INVALID, message, path))
        elif column.tool is not None:
            problems += tool_problems(column.tool, column.key, column.type, known, *path)
            problems += await _target_problems(storage, organization_id, column.tool, path)
    return problems or circle_problems(everything, "columns", "0", "tool")


async def tool_change_problems(
    storage: Storage, organization_id: UUID, column: Column, columns: Sequence[Column]
) -> list[Problem]:
    """What is wrong with the tool that a column shall have. `columns` are those of its table."""
    if column.computed_by is ComputedBy.EXTERNAL:
        message = "the column is filled by an outside worker"
        return [Problem(ErrorCode.INVALID, message, ("tool",))]
    if column.tool is None:
        return []
    known = {each.key for each in columns}
    problems = tool_problems(column.tool, column.key, column.type, known, "tool")
    problems += await _target_problems(storage, organization_id, column.tool, ("tool",))
    after = [column if each.id == column.id else each for each in columns]
    return problems or circle_problems(after, "tool")


async def run_tool_problems(
    storage: Storage, shape: TableShape, column: Column, tool: Tool
) -> list[Problem]:
    """What is wrong with a tool that fills a column in one run alone."""
    problems = tool_problems(tool, column.key, column.type, shape.columns_by_key, "tool")
    return problems + await _target_problems(storage, shape.organization_id, tool, ("tool",))


def circle_problems(columns: Sequence[Column], *path: str) -> list[Problem]:
    """Whether tools and formulas wait for each other in a circle, or there are too many tools."""
    tools = sum(1 for column in columns if column.tool is not None)
    if not tools:
        return []
    if tools > MAX_TOOLS:
        message = f"a table has at most {MAX_TOOLS} columns with a tool"
        return [Problem(ErrorCode.TOO_MANY, message, path)]
    circle = tool_graph(attach(columns, "", {}).columns).cycle
    if not circle:
        return []
    shown = " → ".join((*circle, circle[0]))
    return [Problem(ErrorCode.INVALID, f"tools wait for each other: {shown}", path)]


async def _target_problems(
    storage: Storage, organization_id: UUID, tool: Tool, path: Sequence[str]
) -> list[Problem]:
    """Whether a lookup finds its table and its columns."""
    settings = tool.settings
    if not isinstance(settings, LookupTool):
        return []
    target = await storage.tables.shape(organization_id, settings.table_id)
    if target is None:
        message = f"there is no table {settings.table_id}"
        return [Problem(ErrorCode.NOT_FOUND, message, (*path, "table_id"))]
    return [
        Problem(
            ErrorCode.UNKNOWN_COLUMN,
            f"the other table has no column {show(key)}",
            (*path, name),
        )
        for name, key in (("against", settings.against), ("take", settings.take))
        if key not in target.columns_by_key
    ]


def _as_column(new: NewColumn, index: int) -> Column:
    return Column(
        UUID(int=index),
        -1 - index,
        new.key,
        new.label,
        new.type,
        index,
        config=new.config,
        computed_by=new.computed_by,
        tool=new.tool,
    )
