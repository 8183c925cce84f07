"""Following changes: who may, and what is followed."""

from uuid import UUID

from domain import access
from domain.access import Viewer
from domain.columns import TableShape
from domain.errors import NotFound
from domain.ports import Storage
from domain.tables import shape_of


async def watch_table(viewer: Viewer, storage: Storage, table_id: UUID) -> TableShape:
    """The table whose changes the viewer may follow. Raises `NotFound`."""
    access.require(viewer, "tableChanged")
    return await shape_of(viewer, storage, table_id)


async def watch_cells(viewer: Viewer, storage: Storage, table_id: UUID) -> TableShape:
    """The table whose cell statuses the viewer may follow. Raises `NotFound`."""
    access.require(viewer, "cellStatusChanged")
    return await shape_of(viewer, storage, table_id)


async def watch_organization(viewer: Viewer) -> UUID:
    """The organisation whose changes the viewer may follow: its own."""
    access.require(viewer, "organizationChanged")
    return viewer.organization_id


def require_in_scope(viewer: Viewer, shape: TableShape) -> None:
    """Raises `NotFound` when a table that is followed has left the scope of the viewer's key: it
    was moved to another project since."""
    if viewer.scope is not None and not viewer.scope.covers(shape.id, shape.project_id):
        raise NotFound("Table")
