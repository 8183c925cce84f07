"""Mutations on projects."""

from typing import Annotated

import strawberry

from domain.entities import ProjectCreate
from domain.projects import create_project
from gql.context import Info
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.projects import Project


@strawberry.input(description="A project to be made.")
class ProjectCreateInput:
    name: str = strawberry.field(description="1 to 256 characters.")
    description: str | None = strawberry.field(
        default=None, description="At most 1,024 characters."
    )


@strawberry.type(description="The answer of `projectCreate`.")
class ProjectCreatePayload:
    project: Project | None = strawberry.field(description="The new project.")
    errors: list[UserError] = strawberry.field(description="Why there is none.")


@strawberry.type
class ProjectMutations:
    @strawberry.mutation(description="Make a project.")
    async def project_create(
        self,
        info: Info,
        input: Annotated[ProjectCreateInput, strawberry.argument(description="What to make.")],
    ) -> ProjectCreatePayload | None:
        command = ProjectCreate(input.name, input.description)
        try:
            project = await create_project(info.context.viewer, info.context.storage, command)
        except EXPECTED as error:
            return ProjectCreatePayload(project=None, errors=user_errors(error))
        return ProjectCreatePayload(project=Project.of(project), errors=[])
