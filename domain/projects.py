"""Projects: named groups of tables."""

from uuid import UUID

from domain import access, checks
from domain.access import Viewer
from domain.entities import Project, ProjectCreate
from domain.errors import NotFound
from domain.ports import Storage


async def list_projects(viewer: Viewer, storage: Storage) -> list[Project]:
    """Every project of the organisation, oldest first."""
    access.require(viewer, "projects")
    return await storage.projects.list_all(viewer.organization_id)


async def get_project(viewer: Viewer, storage: Storage, project_id: UUID) -> Project:
    """One project, or `NotFound`."""
    access.require(viewer, "project")
    project = await storage.projects.get(viewer.organization_id, project_id)
    if project is None:
        raise NotFound("Project")
    return project


async def create_project(viewer: Viewer, storage: Storage, command: ProjectCreate) -> Project:
    """Make a project. The name has 1 to 256 characters. Raises `Invalid`."""
    access.require(viewer, "projectCreate")
    problems = checks.text_problems("name", command.name, 1, 256)
    problems += checks.text_problems("description", command.description, 0, 1024)
    checks.refuse(problems)
    return await storage.projects.create(viewer.organization_id, viewer.actor, command)
