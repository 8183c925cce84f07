"""Templates that users saved."""

from uuid import UUID

from sqlmodel import col, select

from domain import ids
from domain.changes import OrganizationChangeKind
from domain.template_records import (
    NewTemplate,
    Template,
    TemplateCategory,
    TemplateScope,
    column_json,
    parse_columns,
)
from persistence.engine import Database
from persistence.models import TemplateRow
from persistence.unit_of_work import Wake, write_organization


class Templates:
    """The `TemplateStore` port."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake

    async def list_all(self, organization_id: UUID) -> list[Template]:
        statement = (
            select(TemplateRow)
            .where(TemplateRow.organization_id == organization_id)
            .order_by(col(TemplateRow.name), col(TemplateRow.id))
        )
        async with self._database.read() as session:
            return [entity(row) for row in await session.exec(statement)]

    async def get(self, organization_id: UUID, template_id: UUID) -> Template | None:
        async with self._database.read() as session:
            row = await session.get(TemplateRow, template_id)
        return entity(row) if row and row.organization_id == organization_id else None

    async def create(self, organization_id: UUID, actor: str, new: NewTemplate) -> Template:
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            row = TemplateRow(
                id=ids.new_id(ids.Kind.TEMPLATE),
                organization_id=organization_id,
                name=new.name,
                description=new.description,
                category=new.category.value,
                icon=new.icon,
                columns=[column_json(column) for column in new.columns],
                sample_data=[dict(each) for each in new.sample_data],
                created_by=actor,
                created_at=write.at,
                updated_at=write.at,
            )
            session.add(row)
            kind = OrganizationChangeKind.TEMPLATE_CREATED
            await write.log(kind, row.id, {"name": row.name})
        self._wake("organization", organization_id, write.revision)
        return entity(row)

    async def delete(self, organization_id: UUID, actor: str, template_id: UUID) -> bool:
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            row = await session.get(TemplateRow, template_id)
            if row is None or row.organization_id != organization_id:
                return False
            await session.delete(row)
            kind = OrganizationChangeKind.TEMPLATE_DELETED
            await write.log(kind, template_id, {"name": row.name})
        self._wake("organization", organization_id, write.revision)
        return True


def entity(row: TemplateRow) -> Template:
    """The record that other rooms see."""
    return Template(
        id=row.id,
        name=row.name,
        description=row.description,
        category=TemplateCategory(row.category),
        scope=TemplateScope.USER,
        icon=row.icon,
        columns=parse_columns(row.columns),
        sample_data=row.sample_data,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
