"""Classifiers in storage."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain import ids
from domain.changes import OrganizationChangeKind
from domain.extraction_commands import ClassifierCreate
from domain.extraction_records import Classifier, ClassifierRoute
from persistence.engine import Database
from persistence.models import ClassifierRow
from persistence.unit_of_work import OrganizationWrite, Wake, write_organization


class Classifiers:
    """The `ClassifierStore` port."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake

    async def list_all(self, organization_id: UUID) -> list[Classifier]:
        statement = _living(organization_id).order_by(col(ClassifierRow.id))
        async with self._database.read() as session:
            return [entity(row) for row in await session.exec(statement)]

    async def get(self, organization_id: UUID, classifier_id: UUID) -> Classifier | None:
        async with self._database.read() as session:
            row = await _row(session, organization_id, classifier_id)
            return entity(row) if row is not None else None

    async def create(
        self, organization_id: UUID, actor: str, command: ClassifierCreate, most: int
    ) -> Classifier | None:
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            count = select(func.count()).where(
                ClassifierRow.organization_id == organization_id,
                col(ClassifierRow.deleted_at).is_(None),
            )
            if (await session.exec(count)).one() >= most:
                return None
            row = _new_row(write, command)
            session.add(row)
            await session.flush()
            details = {"name": row.name}
            await write.log(OrganizationChangeKind.CLASSIFIER_CREATED, row.id, details)
        self._wake("organization", organization_id, write.revision)
        return entity(row)

    async def update(
        self, organization_id: UUID, actor: str, classifier_id: UUID, changes: Mapping[str, Any]
    ) -> Classifier | None:
        stored = dict(changes)
        if "routes" in stored:
            stored["routes"] = _routes_json(stored["routes"])
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            row = await _row(session, organization_id, classifier_id)
            if row is None:
                return None
            different = {name: new for name, new in stored.items() if new != getattr(row, name)}
            if not different:
                return entity(row)
            for name, value in different.items():
                setattr(row, name, value)
            row.updated_at = write.at
            await session.flush()
            details = {"fields": sorted(different)}
            await write.log(OrganizationChangeKind.CLASSIFIER_UPDATED, row.id, details)
        self._wake("organization", organization_id, write.revision)
        return entity(row)

    async def delete(self, organization_id: UUID, actor: str, classifier_id: UUID) -> bool:
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            row = await _row(session, organization_id, classifier_id)
            if row is None:
                return False
            row.deleted_at = write.at
            await session.flush()
            details = {"name": row.name}
            await write.log(OrganizationChangeKind.CLASSIFIER_DELETED, row.id, details)
        self._wake("organization", organization_id, write.revision)
        return True


def _living(organization_id: UUID) -> Any:
    return select(ClassifierRow).where(
        ClassifierRow.organization_id == organization_id,
        col(ClassifierRow.deleted_at).is_(None),
    )


async def _row(
    session: AsyncSession, organization_id: UUID, classifier_id: UUID
) -> ClassifierRow | None:
    statement = _living(organization_id).where(ClassifierRow.id == classifier_id)
    found: ClassifierRow | None = (await session.exec(statement)).one_or_none()
    return found


def _new_row(write: OrganizationWrite, command: ClassifierCreate) -> ClassifierRow:
    return ClassifierRow(
        id=ids.new_id(ids.Kind.CLASSIFIER),
        organization_id=write.organization_id,
        project_id=command.project_id,
        name=command.name,
        threshold=command.threshold,
        provider=command.provider,
        model=command.model,
        routes=_routes_json(command.routes),
        created_by=write.actor,
        created_at=write.at,
        updated_at=write.at,
    )


def _routes_json(routes: Sequence[ClassifierRoute]) -> list[dict[str, Any]]:
    return [
        {
            "schemaId": str(route.schema_id),
            "description": route.description,
            "labels": list(route.labels),
            "examples": list(route.examples),
        }
        for route in routes
    ]


def entity(row: ClassifierRow) -> Classifier:
    """The record that other rooms see."""
    return Classifier(
        id=row.id,
        organization_id=row.organization_id,
        project_id=row.project_id,
        name=row.name,
        threshold=float(row.threshold),
        provider=row.provider,
        model=row.model,
        routes=tuple(
            ClassifierRoute(
                UUID(route["schemaId"]),
                route["description"],
                tuple(route["labels"]),
                tuple(route["examples"]),
            )
            for route in row.routes
        ),
        created_by=row.created_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
