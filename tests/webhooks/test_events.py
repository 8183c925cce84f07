"""What endpoints are told: each change once, as its revision left it."""

import re

from domain.webhook_events import EVENTS, PING, VERIFICATION, WebhookEvent
from tests.rules.source import ROOT
from tests.webhooks.hooks import LIMAI, NATIVE, PHACET, Hooks


async def test_rows_are_told_as_their_changes_left_them(hooks: Hooks) -> None:
    """nocodb#10281: a payload older than the change; nocodb#11024: an insert full of nulls."""
    world = hooks.world
    table_id = await world.table("name", "more")
    webhook = await hooks.create()
    [row_id] = await world.add(table_id, {"name": "a", "more": "x"})
    for name in ("b", "c"):
        await hooks.merge(table_id, row_id, name=name)
    await hooks.remove(table_id, row_id)
    # Only now the relay looks.
    told = await hooks.events()
    assert [event for event, _ in told] == [
        "row.created",
        "row.updated",
        "row.updated",
        "row.deleted",
    ]
    common = {"tableId": str(table_id), "rowId": str(row_id), "projectId": None}
    assert told[0][1].items() >= (common | {"revision": 2, "version": 1}).items()
    assert [data["data"]["name"] for _, data in told] == ["a", "b", "c", "c"]
    assert [data.get("previousData", {}).get("name") for _, data in told] == [None, "a", "b", None]
    assert told[1][1]["changedColumns"] == ["name"]
    assert told[1][1]["cause"] == {"kind": "mutation"}
    assert {each.webhook_id for each in await hooks.deliveries(webhook)} == {webhook.id}


async def test_a_bulk_of_a_thousand_rows_makes_a_thousand_deliveries(hooks: Hooks) -> None:
    """nocodb#12697: a bulk told of its first row only; nocodb#6068: one insert was told thrice."""
    world = hooks.world
    table_id = await world.table("name")
    await hooks.create()
    row_ids = await world.add(table_id, *({"name": str(number)} for number in range(1000)))
    told = await hooks.events()
    assert sorted(data["rowId"] for _, data in told) == sorted(map(str, row_ids))


async def test_the_phacet_dialect_tells_ids_only(hooks: Hooks) -> None:
    world = hooks.world
    await hooks.create("phacet.created", "row.created", "row.updated", dialect=PHACET)
    table_id = await world.table("name")
    [row_id] = await world.add(table_id, {"name": "a"})
    messages = {m.told["eventType"]: m for m in await hooks.sent()}
    shape = await world.shape(table_id)
    created = messages["row.created"].told
    at = created["data"].pop("occurredAt")
    assert (at[-1], len(at)) == ("Z", 24)
    assert created == {
        "eventType": "row.created",
        "eventId": messages["row.created"].id,
        "data": {
            "tableId": str(table_id),
            "phacetId": str(table_id),
            "rowId": str(row_id),
            "sessionId": str(shape.first_session_id),
            "projectId": None,
        },
    }
    made = messages["phacet.created"].data
    assert (made["name"], made["phacetId"]) == ("Test", str(table_id))
    assert made["tableId"] == made["phacetId"]


def test_every_event_is_documented() -> None:
    text = (ROOT / "docs" / "webhooks.md").read_text()
    section = text.split("## Events", 1)[1].split("###", 1)[0]
    row = r"^\| `([\w.]+)` \| (yes)? ?\| (yes)? ?\| (yes)? ?\|"
    written = {
        name: tuple(map(bool, told)) for name, *told in re.findall(row, section, re.MULTILINE)
    }
    known = {
        event.value: tuple(event in EVENTS[dialect] for dialect in (NATIVE, PHACET, LIMAI))
        for event in WebhookEvent
    }
    others = {PING: (True, True, True), VERIFICATION: (False, False, True)}
    assert written == known | others
