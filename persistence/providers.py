"""Providers in storage. A key is sealed before it is stored, and opened only to be sent."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain import ids
from domain.changes import OrganizationChangeKind
from domain.errors import ErrorCode, invalid
from domain.provider_records import (
    OpenProvider,
    Provider,
    ProviderCreate,
    ProviderKind,
    ProviderSettings,
    ProviderUpdate,
)
from persistence.engine import Database
from persistence.models import ProviderRow
from persistence.secret_box import SecretBox
from persistence.unit_of_work import OrganizationWrite, Wake, write_organization

_PRICES = ("input_price", "output_price")
_SETTINGS = frozenset(ProviderSettings.__slots__)


class Providers:
    """The `ProviderStore` port."""

    def __init__(self, database: Database, wake: Wake, box: SecretBox) -> None:
        self._database = database
        self._wake = wake
        self._box = box

    async def list_all(self, organization_id: UUID) -> list[Provider]:
        statement = (
            select(ProviderRow)
            .where(
                ProviderRow.organization_id == organization_id,
                col(ProviderRow.deleted_at).is_(None),
            )
            .order_by(col(ProviderRow.name), col(ProviderRow.id))
        )
        async with self._database.read() as session:
            return [record(row) for row in await session.exec(statement)]

    async def get(self, organization_id: UUID, provider_id: UUID) -> Provider | None:
        async with self._database.read() as session:
            row = await _live(session, organization_id, provider_id)
        return record(row) if row else None

    async def create(
        self, organization_id: UUID, actor: str, command: ProviderCreate
    ) -> Provider | None:
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            others = await _all(session, organization_id)
            if command.name in {row.name for row in others}:
                return None
            row = ProviderRow(
                id=ids.new_id(ids.Kind.PROVIDER),
                organization_id=organization_id,
                name=command.name,
                kind=command.kind.value,
                base_url=command.base_url,
                model=command.model,
                settings=_settings_json(
                    {name: getattr(command.settings, name) for name in _SETTINGS}
                ),
                is_default=command.is_default or not others,
                created_by=actor,
                created_at=write.at,
                updated_at=write.at,
            )
            row.api_key = self._sealed(row, command.api_key)
            _set_default(row, others)
            session.add(row)
            await _log(write, OrganizationChangeKind.PROVIDER_CREATED, row)
        self._wake("organization", organization_id, write.revision)
        return record(row)

    async def update(
        self, organization_id: UUID, actor: str, provider_id: UUID, command: ProviderUpdate
    ) -> Provider | None:
        given = command.given()
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            others = await _all(session, organization_id)
            row = next((each for each in others if each.id == provider_id), None)
            if row is None:
                return None
            _check(row, others, given)
            if "api_key" in given:
                row.api_key = self._sealed(row, given["api_key"])
            for name in ("name", "base_url", "model", "is_default"):
                if name in given:
                    setattr(row, name, given[name])
            settings = {name: value for name, value in given.items() if name in _SETTINGS}
            row.settings = {**row.settings, **_settings_json(settings)}
            row.updated_at = write.at
            _set_default(row, others)
            await _log(write, OrganizationChangeKind.PROVIDER_UPDATED, row, fields=sorted(given))
        self._wake("organization", organization_id, write.revision)
        return record(row)

    async def delete(self, organization_id: UUID, actor: str, provider_id: UUID) -> bool:
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            row = await _live(session, organization_id, provider_id)
            if row is None:
                return False
            row.deleted_at, row.api_key, row.is_default = write.at, None, False
            session.add(row)
            await _log(write, OrganizationChangeKind.PROVIDER_DELETED, row)
        self._wake("organization", organization_id, write.revision)
        return True

    async def opened(self, organization_id: UUID, name: str | None) -> OpenProvider | None:
        statement = select(ProviderRow).where(
            ProviderRow.organization_id == organization_id,
            col(ProviderRow.deleted_at).is_(None),
            col(ProviderRow.is_default) if name is None else col(ProviderRow.name) == name,
        )
        async with self._database.read() as session:
            row = (await session.exec(statement)).one_or_none()
        if row is None:
            return None
        key = None
        if row.api_key is not None:
            key = self._box.open(organization_id, _purpose(row.id), row.api_key)
        return OpenProvider(record(row), key)

    def _sealed(self, row: ProviderRow, key: str | None) -> bytes | None:
        return None if key is None else self._box.seal(row.organization_id, _purpose(row.id), key)


def _purpose(provider_id: UUID) -> str:
    return f"provider:{provider_id}"


async def _all(session: AsyncSession, organization_id: UUID) -> list[ProviderRow]:
    statement = select(ProviderRow).where(
        ProviderRow.organization_id == organization_id, col(ProviderRow.deleted_at).is_(None)
    )
    return list(await session.exec(statement))


async def _live(
    session: AsyncSession, organization_id: UUID, provider_id: UUID
) -> ProviderRow | None:
    row = await session.get(ProviderRow, provider_id)
    if row is None or row.organization_id != organization_id or row.deleted_at is not None:
        return None
    return row


def _check(row: ProviderRow, others: list[ProviderRow], given: Mapping[str, Any]) -> None:
    """Under the lock: what two updates at once must not get around."""
    taken = {each.name for each in others if each.id != row.id}
    if given.get("name", row.name) in taken:
        raise invalid(ErrorCode.DUPLICATE, "there is a provider of this name", "name")
    moved = given.get("base_url", row.base_url) != row.base_url
    if moved and row.api_key is not None and "api_key" not in given:
        message = "another base URL needs the key again: a stored key goes nowhere else"
        raise invalid(ErrorCode.REQUIRED, message, "apiKey")
    base_url = given.get("base_url", row.base_url)
    has_key = row.api_key is not None if "api_key" not in given else given["api_key"] is not None
    if base_url is None and not has_key:
        message = f"the public service of the kind {row.kind} needs a key"
        raise invalid(ErrorCode.REQUIRED, message, "apiKey")


def _set_default(row: ProviderRow, others: list[ProviderRow]) -> None:
    if row.is_default:
        for each in others:
            if each.id != row.id:
                each.is_default = False


async def _log(
    write: OrganizationWrite, kind: OrganizationChangeKind, row: ProviderRow, **more: Any
) -> None:
    await write.log(kind, row.id, {"name": row.name, "kind": row.kind, **more})


def _settings_json(given: Mapping[str, Any]) -> dict[str, Any]:
    """Prices as texts: JSON in the database keeps them exact, readers of JSON may not."""
    return {
        name: str(value) if name in _PRICES and value is not None else value
        for name, value in given.items()
    }


def record(row: ProviderRow) -> Provider:
    """The record that other rooms see."""
    stored = {name: value for name, value in row.settings.items() if value is not None}
    for name in _PRICES:
        if name in stored:
            stored[name] = Decimal(stored[name])
    return Provider(
        id=row.id,
        organization_id=row.organization_id,
        name=row.name,
        kind=ProviderKind(row.kind),
        base_url=row.base_url,
        model=row.model,
        settings=ProviderSettings(**stored),
        is_default=row.is_default,
        has_key=row.api_key is not None,
        created_by=row.created_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
