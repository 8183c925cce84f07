"""Named secrets in storage, sealed."""

from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain import ids
from domain.changes import OrganizationChangeKind
from domain.errors import NotFound
from domain.named_secrets import require_host
from domain.provider_records import Secret, SecretSet
from persistence.engine import Database
from persistence.models import SecretRow
from persistence.secret_box import SecretBox
from persistence.unit_of_work import Wake, write_organization


class NamedSecrets:
    """The `SecretStore` port."""

    def __init__(self, database: Database, wake: Wake, box: SecretBox) -> None:
        self._database = database
        self._wake = wake
        self._box = box

    async def list_all(self, organization_id: UUID) -> list[Secret]:
        statement = (
            select(SecretRow)
            .where(SecretRow.organization_id == organization_id)
            .order_by(col(SecretRow.name))
        )
        async with self._database.read() as session:
            return [_record(row) for row in await session.exec(statement)]

    async def set(self, organization_id: UUID, actor: str, command: SecretSet) -> Secret:
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            row = await _named(session, organization_id, command.name)
            if row is None:
                row = SecretRow(
                    id=ids.new_id(ids.Kind.SECRET),
                    organization_id=organization_id,
                    name=command.name,
                    hosts=[],
                    value=b"",
                    created_by=actor,
                    created_at=write.at,
                )
            row.hosts = list(command.hosts)
            row.value = self._box.seal(organization_id, _purpose(row), command.value)
            row.updated_at = write.at
            session.add(row)
            # Not its hosts: viewers read this log, and hosts tell of inner networks.
            await write.log(OrganizationChangeKind.SECRET_SET, row.id, {"name": row.name})
        self._wake("organization", organization_id, write.revision)
        return _record(row)

    async def delete(self, organization_id: UUID, actor: str, name: str) -> bool:
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            row = await _named(session, organization_id, name)
            if row is None:
                return False
            await session.delete(row)
            await write.log(OrganizationChangeKind.SECRET_DELETED, row.id, {"name": row.name})
        self._wake("organization", organization_id, write.revision)
        return True

    async def read(self, organization_id: UUID, name: str, host: str) -> str:
        async with self._database.read() as session:
            row = await _named(session, organization_id, name)
        if row is None:
            raise NotFound("Secret")
        require_host(_record(row), host)
        return self._box.open(organization_id, _purpose(row), row.value)


async def _named(session: AsyncSession, organization_id: UUID, name: str) -> SecretRow | None:
    statement = select(SecretRow).where(
        SecretRow.organization_id == organization_id, SecretRow.name == name
    )
    return (await session.exec(statement)).one_or_none()


def _purpose(row: SecretRow) -> str:
    return f"secret:{row.id}"


def _record(row: SecretRow) -> Secret:
    return Secret(row.name, tuple(row.hosts), row.created_by, row.created_at, row.updated_at)
