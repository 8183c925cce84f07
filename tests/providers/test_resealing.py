"""Another secret key: everything is sealed anew, and the old key can go."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from domain.errors import SecretLost
from domain.provider_records import ProviderCreate, ProviderKind, SecretSet
from persistence.resealing import reseal
from persistence.secret_box import SecretBox
from persistence.storage import PostgresStorage
from tests.worlds import World, open_world

#: The one that worlds are made with, and the one behind it.
OLD, NEW = bytes(32), b"n" * 32


@pytest.fixture
async def world(postgres_url: str) -> AsyncIterator[World]:
    async with open_world(postgres_url) as opened:
        yield opened


async def test_what_an_old_key_sealed_opens_with_the_new_one_alone(world: World) -> None:
    organization_id, database = world.viewer.organization_id, world.database
    command = ProviderCreate("p", ProviderKind.OPENAI, "m", "https://a.test/v1", "sk-1")
    await world.storage.providers.create(organization_id, "test", command)
    await world.storage.secrets.set(organization_id, "test", SecretSet("S", "value", ["a.test"]))
    new = PostgresStorage(database, lambda *_: None, secret_box=SecretBox([NEW]))
    with pytest.raises(SecretLost):
        await new.providers.opened(organization_id, "p")
    done = await reseal(database, SecretBox([NEW, OLD]))
    assert done.changed >= 2
    opened = await new.providers.opened(organization_id, "p")
    assert opened is not None
    assert opened.api_key == "sk-1"
    assert await new.secrets.read(organization_id, "S", "a.test") == "value"
    assert (await reseal(database, SecretBox([NEW, OLD]))).changed == 0
    # Who has lost the key changes nothing.
    lost = await reseal(database, SecretBox([uuid4().bytes * 2]))
    assert (lost.changed, lost.lost >= 2) == (0, True)
    # Others in this database have sealed with the first key too.
    await reseal(database, SecretBox([OLD, NEW]))
    assert await world.storage.secrets.read(organization_id, "S", "a.test") == "value"
