"""Providers and secrets through GraphQL: everything but what is secret."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from domain.access import Role
from tests.models.replies import failing, value
from tests.models.server import model_server
from tests.serving import Site, serve

KEY = "sk-graphql-0123456789"
FIELDS = """
  id name kind baseUrl model isDefault hasKey
  settings { concurrency timeoutSeconds inputPrice outputPrice maxOutputTokens temperature }
"""
CREATE = f"""mutation ($input: ProviderCreateInput!) {{
  providerCreate(input: $input) {{ provider {{ {FIELDS} }} errors {{ code message path }} }} }}"""
UPDATE = CREATE.replace("Create", "Update")
TEST = """mutation ($id: ID!) { providerTest(input: {providerId: $id}) {
  check { ok error model inputTokens outputTokens milliseconds } errors { code } } }"""
LIST = f'{{ providers {{ {FIELDS} }} provider(name: "local") {{ name }} }}'
SECRET = """mutation ($input: SecretSetInput!) {
  secretSet(input: $input) { secret { name hosts updatedAt } errors { code path } } }"""


@pytest.fixture
async def site(postgres_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with serve(postgres_url, redis_url, tmp_path, egress_allow="127.0.0.1") as opened:
        yield opened


async def made(site: Site, **changes: Any) -> dict[str, Any]:
    command = {"name": "local", "kind": "OPENAI", "model": "m", "apiKey": KEY, **changes}
    payload = (await site.graphql(CREATE, input=command))["providerCreate"]
    assert payload["errors"] == []
    provider: dict[str, Any] = payload["provider"]
    return provider


async def test_a_provider_from_its_making_to_its_end(site: Site) -> None:
    provider = await made(site, inputPrice=0.075, outputPrice=1, concurrency=4)
    assert provider["settings"] == {
        "concurrency": 4,
        "timeoutSeconds": 60,
        "inputPrice": 0.075,
        "outputPrice": 1,
        "maxOutputTokens": None,
        "temperature": None,
    }
    assert (provider["kind"], provider["isDefault"], provider["hasKey"]) == ("OPENAI", True, True)
    refused = await site.graphql(
        UPDATE, input={"providerId": provider["id"], "baseUrl": "https://evil.test"}
    )
    [error] = refused["providerUpdate"]["errors"]
    assert (error["code"], error["path"]) == ("REQUIRED", ["apiKey"])
    changed = await site.graphql(
        UPDATE,
        input={
            "providerId": provider["id"],
            "name": "new",
            "inputPrice": None,
            "outputPrice": None,
        },
    )
    assert changed["providerUpdate"]["provider"]["settings"]["inputPrice"] is None
    found = await site.graphql(LIST)
    assert [each["name"] for each in found["providers"]] == ["new"]
    assert found["provider"] is None
    delete = """mutation ($id: ID!) { providerDelete(input: {providerId: $id}) {
      provider { name } errors { code } } }"""
    await site.graphql(delete, id=provider["id"])
    assert (await site.graphql(LIST))["providers"] == []


async def test_the_test_call_reaches_the_model(site: Site) -> None:
    async with model_server() as models:
        models.answer = lambda call: value(call.inputs["word"].upper(), usage=(9, 4))
        provider = await made(site, baseUrl=models.url)
        good = (await site.graphql(TEST, id=provider["id"]))["providerTest"]["check"]
        assert (good["ok"], good["error"], good["model"]) == (True, None, "m-0001")
        assert (good["inputTokens"], good["outputTokens"]) == (9, 4)
        models.next(failing(401))
        bad = (await site.graphql(TEST, id=provider["id"]))["providerTest"]["check"]
        assert (bad["ok"], bad["error"]) == (False, "The provider local refuses its key")
        assert [call.key for call in models.calls] == [KEY, KEY]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR])
async def test_others_than_admins_look_and_see_no_address(site: Site, role: Role) -> None:
    await made(site, baseUrl="https://inner.test/v1")
    assert (await site.graphql(LIST))["providers"][0]["baseUrl"] == "https://inner.test/v1"
    key = await site.new_key(role)
    async with site.client(key) as client:
        answer = (await client.post("/graphql", json={"query": LIST})).json()
        assert answer["data"]["providers"][0]["baseUrl"] is None
        variables = {"input": {"name": "x", "kind": "OPENAI", "model": "m", "apiKey": KEY}}
        body = {"query": CREATE, "variables": variables}
        refused = (await client.post("/graphql", json=body)).json()
        assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        secrets = (await client.post("/graphql", json={"query": "{ secrets { name } }"})).json()
        assert ("errors" in secrets) is (role is Role.VIEWER)


async def test_no_answer_holds_a_secret(site: Site) -> None:
    told = [json.dumps(await made(site)), json.dumps(await site.graphql(LIST))]
    stored = {"name": "TOKEN", "value": "t0p-secret", "hosts": ["API.test"]}
    told.append(json.dumps(await site.graphql(SECRET, input=stored)))
    assert '"hosts": ["api.test"]' in told[-1]
    told.append(json.dumps(await site.graphql("{ secrets { name hosts createdBy updatedAt } }")))
    bad = {"name": "", "kind": "OPENAI", "model": "", "apiKey": f"{KEY} {KEY}"}
    told.append(json.dumps(await site.graphql(CREATE, input=bad)))
    assert all(KEY not in each and "t0p-secret" not in each for each in told)
    gone = 'mutation { secretDelete(input: {name: "TOKEN"}) { name errors { code } } }'
    assert (await site.graphql(gone))["secretDelete"] == {"name": "TOKEN", "errors": []}


@pytest.mark.parametrize("price", ["1", True, -1])
async def test_prices_are_numbers(site: Site, price: Any) -> None:
    command = {"name": "p", "kind": "GOOGLE", "model": "m", "apiKey": KEY}
    answer = await site.graphql(CREATE, input={**command, "inputPrice": price, "outputPrice": 1})
    [error] = answer["providerCreate"]["errors"]
    assert error["path"] == ["inputPrice"]
