"""Tables: making, finding, changing and deleting them, and the guard under which use cases write
rows."""

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from domain import access, checks
from domain.access import Viewer
from domain.column_rules import new_column_problems
from domain.column_targets import target_problems
from domain.column_tools import new_tool_problems
from domain.columns import TableShape
from domain.computed_columns import new_formula_problems
from domain.entities import (
    Session,
    Table,
    TableCreate,
    TableSearch,
    TableUpdate,
    TableWithColumns,
    set_fields,
)
from domain.errors import ErrorCode, NotFound, Problem, StructureMoved, TableBusy
from domain.ports import Storage

Result = TypeVar("Result")

#: How often a use case is run when the table's columns change under it: often enough for a client
#: that adds column after column while others write.
ATTEMPTS = 10


async def list_tables(viewer: Viewer, storage: Storage, search: TableSearch) -> list[Table]:
    """Tables of the organisation that match, the last updated first."""
    access.require(viewer, "tables")
    return await storage.tables.search(viewer.organization_id, search)


async def get_table(viewer: Viewer, storage: Storage, table_id: UUID) -> Table:
    """One table, or `NotFound`."""
    access.require(viewer, "table")
    return await _existing(viewer, storage, table_id)


async def create_table(viewer: Viewer, storage: Storage, command: TableCreate) -> TableWithColumns:
    """Make a table with its columns and first session. All problems of the request are listed.

    Raises `Invalid`, also for a project that does not exist."""
    access.require(viewer, "tableCreate")
    problems = checks.text_problems("name", command.name, 1, 256)
    problems += checks.text_problems("description", command.description, 0, 1024)
    problems += new_column_problems(command.columns)
    problems += await target_problems(storage, viewer.organization_id, command.columns)
    problems += await project_problems(viewer, storage, command.project_id)
    checks.refuse(
        problems
        or await new_formula_problems(storage, viewer.organization_id, command.columns)
        or await new_tool_problems(storage, viewer.organization_id, command.columns)
    )
    return await storage.tables.create(viewer.organization_id, viewer.actor, command)


async def update_table(
    viewer: Viewer, storage: Storage, table_id: UUID, command: TableUpdate
) -> Table:
    """Change name, description or project. Raises `NotFound` or `Invalid`."""
    access.require(viewer, "tableUpdate")
    await _existing(viewer, storage, table_id)
    changes = set_fields(command)
    problems: list[Problem] = []
    if "name" in changes:
        problems += checks.required_text_problems("name", changes["name"], 256)
    problems += checks.text_problems("description", changes.get("description"), 0, 1024)
    problems += await project_problems(viewer, storage, changes.get("project_id"))
    checks.refuse(problems)
    table = await storage.tables.update(viewer.organization_id, viewer.actor, table_id, changes)
    if table is None:
        raise NotFound("Table")
    return table


async def delete_table(viewer: Viewer, storage: Storage, table_id: UUID) -> None:
    """Delete a table with all that belongs to it. Raises `NotFound`."""
    access.require(viewer, "tableDelete")
    if not await storage.tables.delete(viewer.organization_id, viewer.actor, table_id):
        raise NotFound("Table")


async def create_session(
    viewer: Viewer, storage: Storage, table_id: UUID, name: str | None
) -> Session:
    """Add a session to a table; without a name it is called `Session <n>`.

    Raises `NotFound` or `Invalid`."""
    access.require(viewer, "sessionCreate")
    await _existing(viewer, storage, table_id)
    checks.refuse(checks.text_problems("name", name, 1, 256))
    session = await storage.tables.create_session(
        viewer.organization_id, viewer.actor, table_id, name
    )
    if session is None:
        raise NotFound("Table")
    return session


async def shape_of(viewer: Viewer, storage: Storage, table_id: UUID) -> TableShape:
    """The table's shape, for a viewer whose right was checked before. Raises `NotFound`."""
    shape = await storage.tables.shape(viewer.organization_id, table_id)
    if shape is None:
        raise NotFound("Table")
    return shape


async def on_table(
    viewer: Viewer,
    storage: Storage,
    table_id: UUID,
    work: Callable[[TableShape], Awaitable[Result]],
) -> Result:
    """Run `work` with the table's shape, again with a fresh one when the columns moved under it.

    Raises `NotFound`, or `TableBusy` when the columns keep moving."""
    for _ in range(ATTEMPTS):
        shape = await shape_of(viewer, storage, table_id)
        try:
            return await work(shape)
        except StructureMoved:
            storage.tables.forget(shape)
    raise TableBusy


async def _existing(viewer: Viewer, storage: Storage, table_id: UUID) -> Table:
    table = await storage.tables.get(viewer.organization_id, table_id)
    if table is None:
        raise NotFound("Table")
    return table


async def project_problems(
    viewer: Viewer, storage: Storage, project_id: UUID | None
) -> list[Problem]:
    """What is wrong with the project that a table shall belong to; None is none."""
    if project_id is None or await storage.projects.get(viewer.organization_id, project_id):
        return []
    return [Problem(ErrorCode.NOT_FOUND, "Project not found", ("projectId",))]
