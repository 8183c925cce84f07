"""Providers in storage: rules, the one default, and keys that go in and never come out."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import pytest

from domain import providers
from domain.access import Role
from domain.errors import Invalid, NotFound, SecretLost
from domain.provider_records import (
    Provider,
    ProviderCreate,
    ProviderKind,
    ProviderSettings,
    ProviderUpdate,
)
from persistence.engine import run_sql
from persistence.secret_box import SecretBox
from persistence.storage import PostgresStorage
from tests.worlds import World

KEY = "sk-super-secret-0123456789"
LOCAL = ProviderCreate("local", ProviderKind.OPENAI, "small", base_url="http://127.0.0.1:11434/v1")
PUBLIC = ProviderCreate("public", ProviderKind.ANTHROPIC, "large", api_key=KEY)


async def create(world: World, command: ProviderCreate) -> Provider:
    return await providers.create_provider(world.viewer, world.storage, command)


async def listed(world: World) -> list[tuple[str, bool]]:
    found = await providers.list_providers(world.viewer, world.storage)
    return [(each.name, each.is_default) for each in found]


async def test_settings_come_back_as_they_were_given(world: World) -> None:
    settings = ProviderSettings(64, 12.5, Decimal("0.075"), Decimal("1.10"), 300, 0.2)
    made = await create(world, replace(PUBLIC, settings=settings))
    [found] = await providers.list_providers(world.viewer, world.storage)
    assert found == made
    assert (found.settings, found.has_key, found.kind) == (settings, True, ProviderKind.ANTHROPIC)


async def test_one_provider_is_the_default(world: World) -> None:
    first = await create(world, LOCAL)
    await create(world, PUBLIC)
    assert await listed(world) == [("local", True), ("public", False)]
    await create(world, replace(LOCAL, name="third", is_default=True))
    assert await listed(world) == [("local", False), ("public", False), ("third", True)]
    again = ProviderUpdate(is_default=True)
    await providers.update_provider(world.viewer, world.storage, first.id, again)
    assert await listed(world) == [("local", True), ("public", False), ("third", False)]
    opened = await world.storage.providers.opened(world.viewer.organization_id, None)
    assert opened is not None
    assert opened.provider.name == "local"
    await providers.delete_provider(world.viewer, world.storage, first.id)
    assert await listed(world) == [("public", False), ("third", False)]
    assert await world.storage.providers.opened(world.viewer.organization_id, None) is None


async def test_defaults_made_at_once_leave_one(world: World) -> None:
    await asyncio.gather(
        *(create(world, replace(PUBLIC, name=f"p{n}", is_default=True)) for n in range(6))
    )
    assert [default for _, default in await listed(world)].count(True) == 1


async def test_a_key_is_opened_to_be_sent_and_shown_nowhere(world: World) -> None:
    made = await create(world, PUBLIC)
    assert KEY not in repr(PUBLIC)
    assert KEY not in repr(made)
    assert KEY not in repr(ProviderUpdate(api_key=KEY))
    opened = await world.storage.providers.opened(world.viewer.organization_id, "public")
    assert opened is not None
    assert opened.api_key == KEY
    assert KEY not in repr(opened)
    async with world.database.transaction() as session:
        for table in ("provider", "organization_change"):
            rows = await run_sql(session, f"SELECT row_to_json(t)::text FROM {table} t")
            assert not any(KEY in row[0] or KEY.encode().hex() in row[0] for row in rows)


async def test_a_key_sealed_with_a_lost_key_says_so(world: World) -> None:
    await create(world, PUBLIC)
    other = PostgresStorage(world.database, lambda *_: None, secret_box=SecretBox([b"y" * 32]))
    with pytest.raises(SecretLost):
        await other.providers.opened(world.viewer.organization_id, "public")


async def test_a_stored_key_goes_to_no_other_address(world: World) -> None:
    viewer, storage = world.viewer, world.storage
    made = await create(world, PUBLIC)
    elsewhere = ProviderUpdate(base_url="https://evil.test")
    with pytest.raises(Invalid, match="needs the key again"):
        await providers.update_provider(viewer, storage, made.id, elsewhere)
    moved = replace(elsewhere, api_key="new")
    assert (await providers.update_provider(viewer, storage, made.id, moved)).base_url is not None
    opened = await storage.providers.opened(viewer.organization_id, "public")
    assert opened is not None
    assert opened.api_key == "new"
    same = replace(elsewhere, model="other")
    assert (await providers.update_provider(viewer, storage, made.id, same)).model == "other"
    with pytest.raises(Invalid, match="needs the key again"):
        await providers.update_provider(viewer, storage, made.id, ProviderUpdate(base_url=None))
    without = ProviderUpdate(base_url="http://127.0.0.1:1/v1", api_key=None)
    assert not (await providers.update_provider(viewer, storage, made.id, without)).has_key


async def test_updates_leave_what_they_do_not_name(world: World) -> None:
    viewer, storage = world.viewer, world.storage
    made = await create(world, replace(PUBLIC, settings=ProviderSettings(concurrency=3)))
    prices = ProviderUpdate(input_price=Decimal(1), output_price=Decimal("2.5"))
    changed = await providers.update_provider(viewer, storage, made.id, prices)
    assert changed.settings == ProviderSettings(3, 60, Decimal(1), Decimal("2.5"))
    cleared = ProviderUpdate(concurrency=None, input_price=None, output_price=None)
    changed = await providers.update_provider(viewer, storage, made.id, cleared)
    assert changed.settings == ProviderSettings()
    assert changed.has_key
    assert changed.model == "large"


async def test_names_are_unique_while_they_are_used(world: World) -> None:
    viewer, storage = world.viewer, world.storage
    made = await create(world, LOCAL)
    other = await create(world, PUBLIC)
    with pytest.raises(Invalid, match="of this name"):
        await create(world, LOCAL)
    with pytest.raises(Invalid, match="of this name"):
        await providers.update_provider(viewer, storage, other.id, ProviderUpdate(name="local"))
    await providers.delete_provider(viewer, storage, made.id)
    assert (await create(world, LOCAL)).id != made.id
    with pytest.raises(NotFound):
        await providers.update_provider(viewer, storage, made.id, ProviderUpdate(name="x"))


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"name": " "}, "name"),
        ({"name": "Rules"}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"model": ""}, "model"),
        ({"base_url": "ftp://a.test"}, "baseUrl"),
        ({"base_url": "https://u:p@a.test"}, "baseUrl"),
        ({"base_url": "https://a.test/v1?key=1"}, "baseUrl"),
        ({"base_url": "https://a.test:99999"}, "baseUrl"),
        ({"base_url": "https://"}, "baseUrl"),
        ({"base_url": "https://a.test/" + "x" * 2_048}, "baseUrl"),
        ({"api_key": "with space"}, "apiKey"),
        ({"api_key": ""}, "apiKey"),
        ({"api_key": None}, "apiKey"),
        ({"settings": ProviderSettings(concurrency=0)}, "concurrency"),
        ({"settings": ProviderSettings(concurrency=257)}, "concurrency"),
        ({"settings": ProviderSettings(timeout_seconds=0.5)}, "timeoutSeconds"),
        ({"settings": ProviderSettings(input_price=Decimal(1))}, "inputPrice"),
        ({"settings": ProviderSettings(temperature=2.1)}, "temperature"),
        ({"settings": ProviderSettings(max_output_tokens=0)}, "maxOutputTokens"),
    ],
)
async def test_what_is_wrong_is_told(world: World, changes: dict[str, object], path: str) -> None:
    with pytest.raises(Invalid) as caught:
        await create(world, replace(PUBLIC, **changes))  # type: ignore[arg-type]
    assert [problem.path[0] for problem in caught.value.problems] == [path]
    assert "with space" not in str(caught.value)


async def test_base_urls_are_for_admins(world: World) -> None:
    await create(world, LOCAL)
    for role in (Role.VIEWER, Role.EDITOR):
        low = replace(world.viewer, role=role)
        [seen] = await providers.list_providers(low, world.storage)
        assert seen.base_url is None
        assert (await providers.get_provider(low, world.storage, "local")).base_url is None
    assert (await providers.get_provider(world.viewer, world.storage, "local")).base_url


async def test_unknown_providers_are_not_found(world: World) -> None:
    viewer, storage = world.viewer, world.storage
    with pytest.raises(NotFound):
        await providers.get_provider(viewer, storage, "nobody")
    with pytest.raises(NotFound):
        await providers.delete_provider(viewer, storage, uuid4())
