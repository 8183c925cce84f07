"""Projects: named groups of tables."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain import entities
from gql.context import Info
from gql.types import tables as table_types
from gql.types.node import Node

if TYPE_CHECKING:
    from gql.types.tables import Table


@strawberry.type(description="A group of tables.")
class Project(Node):
    record: strawberry.Private[entities.Project]
    name: str = strawberry.field(description="1 to 256 characters.")
    description: str | None = strawberry.field(description="At most 1,024 characters.")
    status: str = strawberry.field(description="Where the project stands; `active` at first.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")

    @strawberry.field(description="Its tables, the last updated first.")
    async def tables(
        self, info: Info
    ) -> list[Annotated["Table", strawberry.lazy("gql.types.tables")]]:
        found = await info.context.loaders.tables_of_project.load(self.record.id)
        return [table_types.Table.of(table) for table in found]

    @classmethod
    def of(cls, project: entities.Project) -> "Project":
        return cls(
            record=project,
            id=strawberry.ID(str(project.id)),
            name=project.name,
            description=project.description,
            status=project.status,
            created_at=project.created_at,
            updated_at=project.updated_at,
        )
