"""Keys: made once, stored hashed, revoked for good; and who they authenticate."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.event import listen, remove

from domain import keys
from domain.access import Role, Viewer
from domain.entities import ApiKey
from domain.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from domain.ids import Kind, new_id
from domain.keys import ApiKeyCreate, CreatedKey
from server.auth import BELIEVED_SECONDS, Authenticator
from tests.worlds import World, open_world


@pytest.fixture
async def world(postgres_url: str) -> AsyncIterator[World]:
    async with open_world(postgres_url) as opened:
        yield opened


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def _made(world: World, role: Role = Role.ADMIN, name: str = "test") -> CreatedKey:
    return await keys.create_key(world.viewer, world.storage, ApiKeyCreate(name, role))


async def _log(world: World) -> list[tuple[str, str]]:
    rows = await world.database.pool.fetch(
        "SELECT kind, subject_id FROM organization_change WHERE organization_id = $1"
        " ORDER BY revision",
        world.viewer.organization_id,
    )
    return [(row["kind"], str(row["subject_id"])) for row in rows]


async def test_a_key_is_shown_once_and_stored_as_a_hash(world: World) -> None:
    made = await _made(world)
    prefix, _, secret = made.secret.rpartition("_")
    assert made.secret.startswith("tc_")
    assert made.secret.count("_") >= 2
    assert made.key.prefix == made.secret[:11]
    assert prefix
    assert secret
    row = await world.database.pool.fetchrow(
        "SELECT row_to_json(k)::text AS text, hash FROM api_key AS k WHERE id = $1", made.key.id
    )
    assert row is not None
    assert made.secret[12:] not in row["text"]
    assert row["hash"] == keys.hash_of(made.secret)
    listed = await keys.list_keys(world.viewer, world.storage)
    assert listed == [made.key]
    assert await _log(world) == [("key_created", str(made.key.id))]
    assert world.woken == [("organization", world.viewer.organization_id, 1)]


async def test_new_keys_differ_and_have_the_documented_form() -> None:
    made = {keys.new_secret() for _ in range(100)}
    assert len(made) == 100
    for secret in made:
        assert len(secret) == 3 + 8 + 1 + 43
        assert keys.prefix_of(secret) == secret[:11]
    assert keys.prefix_of("an operator's own").startswith("own_")


@pytest.mark.parametrize(
    "command",
    [
        ApiKeyCreate("", Role.VIEWER),
        ApiKeyCreate("x" * 257, Role.VIEWER),
        ApiKeyCreate("x", Role.VIEWER, datetime.now(UTC) - timedelta(seconds=1)),
        ApiKeyCreate("x", Role.VIEWER, datetime(2999, 1, 1)),
    ],
)
async def test_bad_keys_are_refused(world: World, command: ApiKeyCreate) -> None:
    with pytest.raises(Invalid):
        await keys.create_key(world.viewer, world.storage, command)
    assert await keys.list_keys(world.viewer, world.storage) == []


async def test_only_admins_manage_keys(world: World) -> None:
    made = await _made(world)
    editor = Viewer(world.viewer.organization_id, Role.EDITOR)
    with pytest.raises(Forbidden):
        await keys.list_keys(editor, world.storage)
    with pytest.raises(Forbidden):
        await keys.create_key(editor, world.storage, ApiKeyCreate("x", Role.VIEWER))
    with pytest.raises(Forbidden):
        await keys.revoke_key(editor, world.storage, made.key.id)


async def test_revoking_is_logged_once_and_may_be_repeated(world: World) -> None:
    await _made(world)
    other = await _made(world, Role.EDITOR)
    first = await keys.revoke_key(world.viewer, world.storage, other.key.id)
    again = await keys.revoke_key(world.viewer, world.storage, other.key.id)
    assert first.revoked_at is not None
    assert again == first
    assert [kind for kind, _ in await _log(world)].count("key_revoked") == 1


async def test_keys_of_another_organisation_do_not_exist(world: World, postgres_url: str) -> None:
    made = await _made(world)
    async with open_world(postgres_url, "Other") as other:
        with pytest.raises(NotFound):
            await keys.revoke_key(other.viewer, other.storage, made.key.id)
        with pytest.raises(NotFound):
            await keys.revoke_key(other.viewer, other.storage, new_id(Kind.API_KEY))
        assert await keys.list_keys(other.viewer, other.storage) == []


async def test_the_last_working_admin_key_stays(world: World) -> None:
    last = await _made(world)
    await _made(world, Role.EDITOR)
    with pytest.raises(Conflict):
        await keys.revoke_key(world.viewer, world.storage, last.key.id)
    second = await _made(world)
    # Each of two revocations at once would leave the other key; one of them has to give way.
    results = await asyncio.gather(
        *(keys.revoke_key(world.viewer, world.storage, k.key.id) for k in (last, second)),
        return_exceptions=True,
    )
    assert [type(each) for each in results if not isinstance(each, ApiKey)] == [Conflict]


async def test_a_key_authenticates_its_viewer(world: World) -> None:
    made = await _made(world, Role.EDITOR)
    auth = Authenticator(world.storage.keys)
    viewer = await auth.viewer(made.secret)
    assert viewer == Viewer(world.viewer.organization_id, Role.EDITOR, made.key.id)
    assert viewer.actor == str(made.key.id)
    await auth.aclose()
    [listed] = await keys.list_keys(world.viewer, world.storage)
    assert listed.last_used_at is not None


async def test_wrong_tokens_are_refused(world: World) -> None:
    made = await _made(world)
    auth = Authenticator(world.storage.keys)
    last = "A" if made.secret[-1] != "A" else "B"
    for token in (None, "", made.secret[:-1], made.secret[:-1] + last, "tc_", "é" * 50, "\udcff"):
        with pytest.raises(Unauthenticated):
            await auth.viewer(token)


async def test_use_is_noted_once_a_minute(world: World) -> None:
    made = await _made(world)
    clock = Clock()
    auth = Authenticator(world.storage.keys, now=clock)
    await auth.viewer(made.secret)
    await auth.aclose()
    [first] = await keys.list_keys(world.viewer, world.storage)
    clock.now += 59
    await auth.viewer(made.secret)
    clock.now += 2  # a minute for this process, but not for the database
    await auth.viewer(made.secret)
    await auth.aclose()
    [later] = await keys.list_keys(world.viewer, world.storage)
    assert later.last_used_at == first.last_used_at


async def test_a_revoked_key_is_refused_within_a_second(world: World) -> None:
    await _made(world)
    made = await _made(world)
    clock = Clock()
    auth = Authenticator(world.storage.keys, now=clock)
    await auth.viewer(made.secret)
    await keys.revoke_key(world.viewer, world.storage, made.key.id)
    clock.now += BELIEVED_SECONDS
    with pytest.raises(Unauthenticated):
        await auth.viewer(made.secret)
    await auth.aclose()


async def test_an_expired_key_is_refused_even_while_remembered(world: World) -> None:
    # Whole milliseconds, as storage keeps them: others are rounded, perhaps up.
    soon = datetime.now(UTC) + timedelta(seconds=2)
    expires = soon.replace(microsecond=soon.microsecond // 1000 * 1000)
    made = await keys.create_key(
        world.viewer, world.storage, ApiKeyCreate("short", Role.ADMIN, expires)
    )
    auth = Authenticator(world.storage.keys, now=Clock())
    await auth.viewer(made.secret)
    while datetime.now(UTC) <= expires:  # noqa: ASYNC110  the wall clock is the event
        await asyncio.sleep(0)
    with pytest.raises(Unauthenticated):
        await auth.viewer(made.secret)
    await auth.aclose()


async def test_many_requests_share_one_look_up(world: World) -> None:
    made = await _made(world)
    auth = Authenticator(world.storage.keys)
    statements: list[str] = []

    def note(*event: object) -> None:
        statements.append(str(event[2]))

    engine = world.database.engine.sync_engine
    listen(engine, "before_cursor_execute", note)
    viewers = await asyncio.gather(*(auth.viewer(made.secret) for _ in range(100)))
    await auth.aclose()
    remove(engine, "before_cursor_execute", note)
    assert len(set(viewers)) == 1
    assert len([each for each in statements if each.startswith("SELECT")]) == 1


async def test_open_mode_needs_no_key_but_refuses_a_wrong_one(world: World) -> None:
    auth = Authenticator(world.storage.keys, open_organization=world.viewer.organization_id)
    viewer = await auth.viewer(None)
    assert (viewer.role, viewer.actor) == (Role.ADMIN, "open")
    with pytest.raises(Unauthenticated):
        await auth.viewer("wrong")


async def test_the_operators_own_key_replaces_the_one_before(world: World) -> None:
    organization_id = world.viewer.organization_id
    clock = Clock()
    auth = Authenticator(world.storage.keys, now=clock)

    async def install(secret: str) -> ApiKey:
        new = keys.sealed(secret, ApiKeyCreate("bootstrap", Role.ADMIN))
        return await world.storage.keys.install(organization_id, "operator", new)

    first = await install("swordfish")
    assert await install("swordfish") == first
    assert (await auth.viewer("swordfish")).key_id == first.id
    await install("opensesame")
    clock.now += BELIEVED_SECONDS
    with pytest.raises(Unauthenticated):
        await auth.viewer("swordfish")
    assert (await auth.viewer("opensesame")).role is Role.ADMIN
    back = await install("swordfish")
    assert back.id == first.id
    assert back.revoked_at is None
    await auth.aclose()
