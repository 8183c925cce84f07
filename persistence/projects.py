"""Projects in storage."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select

from domain import ids
from domain.changes import OrganizationChangeKind
from domain.entities import Project, ProjectCreate
from persistence.engine import Database
from persistence.models import ProjectRow
from persistence.unit_of_work import Wake, write_organization


class Projects:
    """The `ProjectStore` port, and batch reads for loaders."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake

    async def list_all(self, organization_id: UUID) -> list[Project]:
        statement = (
            select(ProjectRow)
            .where(ProjectRow.organization_id == organization_id)
            .order_by(col(ProjectRow.created_at), col(ProjectRow.id))
        )
        async with self._database.read() as session:
            return [entity(row) for row in await session.exec(statement)]

    async def by_ids(self, organization_id: UUID, ids_: Sequence[UUID]) -> dict[UUID, Project]:
        """The projects among these ids, by id."""
        statement = select(ProjectRow).where(
            ProjectRow.organization_id == organization_id, col(ProjectRow.id).in_(ids_)
        )
        async with self._database.read() as session:
            return {row.id: entity(row) for row in await session.exec(statement)}

    async def get(self, organization_id: UUID, project_id: UUID) -> Project | None:
        return (await self.by_ids(organization_id, [project_id])).get(project_id)

    async def create(self, organization_id: UUID, actor: str, command: ProjectCreate) -> Project:
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            row = ProjectRow(
                id=ids.new_id(ids.Kind.PROJECT),
                organization_id=organization_id,
                name=command.name,
                description=command.description,
                created_at=write.at,
                updated_at=write.at,
            )
            session.add(row)
            await write.log(OrganizationChangeKind.PROJECT_CREATED, row.id, {"name": row.name})
        self._wake("organization", organization_id, write.revision)
        return entity(row)


def entity(row: ProjectRow) -> Project:
    """The record that other rooms see."""
    return Project(
        row.id,
        row.organization_id,
        row.name,
        row.description,
        row.status,
        row.created_at,
        row.updated_at,
    )
