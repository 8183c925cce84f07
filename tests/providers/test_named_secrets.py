"""Named secrets: for their own hosts, and for nobody's eyes."""

from dataclasses import replace

import pytest

from domain import named_secrets
from domain.errors import Conflict, Invalid, NotFound
from domain.provider_records import SecretSet
from persistence.engine import run_sql
from tests.worlds import World

TOKEN = SecretSet(
    "CRM_TOKEN", "t0p-secret value", ["API.crm.test.", "api.crm.test", "[2001:DB8::1]"]
)


async def store(world: World, command: SecretSet) -> None:
    await named_secrets.set_secret(world.viewer, world.storage, command)


async def test_a_secret_is_read_for_its_hosts_alone(world: World) -> None:
    await store(world, TOKEN)
    organization_id, read = world.viewer.organization_id, world.storage.secrets.read
    for host in ("api.crm.test", "API.CRM.TEST", "api.crm.test.", "2001:db8::1", "[2001:db8::1]"):
        assert await read(organization_id, "CRM_TOKEN", host) == TOKEN.value
    for host in ("crm.test", "evil-api.crm.test", "api.crm.test.evil.test", ""):
        with pytest.raises(Conflict, match="is not for the host"):
            await read(organization_id, "CRM_TOKEN", host)
    with pytest.raises(NotFound):
        await read(organization_id, "OTHER", "api.crm.test")


async def test_it_is_listed_without_its_value_and_replaced_as_a_whole(world: World) -> None:
    await store(world, TOKEN)
    await store(world, replace(TOKEN, value="new", hosts=["other.test"]))
    [found] = await named_secrets.list_secrets(world.viewer, world.storage)
    assert (found.name, found.hosts) == ("CRM_TOKEN", ("other.test",))
    assert found.updated_at >= found.created_at
    assert TOKEN.value not in repr(TOKEN)
    organization_id = world.viewer.organization_id
    assert await world.storage.secrets.read(organization_id, "CRM_TOKEN", "other.test") == "new"
    with pytest.raises(Conflict):
        await world.storage.secrets.read(organization_id, "CRM_TOKEN", "api.crm.test")
    async with world.database.transaction() as session:
        for table in ("secret", "organization_change"):
            rows = await run_sql(session, f"SELECT row_to_json(t)::text FROM {table} t")
            assert not any("t0p-secret" in row[0] for row in rows)


async def test_it_can_be_deleted(world: World) -> None:
    await store(world, TOKEN)
    await named_secrets.delete_secret(world.viewer, world.storage, "CRM_TOKEN")
    assert await named_secrets.list_secrets(world.viewer, world.storage) == []
    with pytest.raises(NotFound):
        await named_secrets.delete_secret(world.viewer, world.storage, "CRM_TOKEN")


@pytest.mark.parametrize(
    ("command", "path"),
    [
        (replace(TOKEN, name="1st"), "name"),
        (replace(TOKEN, name="a b"), "name"),
        (replace(TOKEN, value=""), "value"),
        (replace(TOKEN, value="a\nInjected: b"), "value"),
        (replace(TOKEN, hosts=[]), "hosts"),
        (replace(TOKEN, hosts=["https://a.test"]), "hosts"),
        (replace(TOKEN, hosts=["a.test/x"]), "hosts"),
        (replace(TOKEN, hosts=["*.a.test"]), "hosts"),
        (replace(TOKEN, hosts=["a.be:443"]), "hosts"),
        (replace(TOKEN, hosts=[f"h{n}.test" for n in range(21)]), "hosts"),
    ],
)
async def test_what_is_wrong_is_told(world: World, command: SecretSet, path: str) -> None:
    with pytest.raises(Invalid) as caught:
        await store(world, command)
    assert [problem.path[0] for problem in caught.value.problems] == [path]
