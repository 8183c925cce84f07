"""The wire, byte for byte: one conversation with all endpoints, successes and refusals.

`wire.txt` holds it with ids and times replaced by names. What clients see changes only when that
file does."""

import json
import re
from pathlib import Path
from typing import Any

import httpx2

from domain.system_templates import SYSTEM_TEMPLATES
from tests.rest.calls import Calls, column

TRANSCRIPT = Path(__file__).with_name("wire.txt")

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_NOWHERE = "tbl-6c1d-9e7f"


class Conversation:
    """Requests and answers as text. Ids are called by the order in which they appear."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client
        self._ids: dict[str, str] = {
            str(template.id): f"<template {number}>"
            for number, template in enumerate(SYSTEM_TEMPLATES, 1)
        }
        self._lines: list[str] = []

    async def say(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Send one request and write down what was answered; its JSON."""
        params = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in query.items()
        }
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = await self._client.request(
            method, path, params=params, content=None if body is None else content
        )
        asked = f"{method} {path}" + "".join(f" {name}={value}" for name, value in params.items())
        self._lines.append(asked)
        if body is not None:
            self._lines.append(f"> {content.decode()}")
        kind = answer.headers.get("content-type", "no body")
        if kind.startswith("application/vnd"):
            self._lines.append(f"{answer.status_code} {kind}")
            return None
        self._lines += [f"{answer.status_code} {kind}", *answer.text.splitlines(), ""]
        return answer.json() if kind == "application/json" else None

    async def upload(self, content: bytes, name: str) -> str:
        """A file; its id."""
        answer = await self._client.post("/api/uploads", files={"file": (name, content)})
        made: str = answer.json()["id"]
        return made

    def text(self) -> str:
        """All of it, ids and times by name."""
        named = _ID.sub(self._name, "\n".join(self._lines))
        return _TIME.sub("<time>", named) + "\n"

    def _name(self, found: re.Match[str]) -> str:
        return self._ids.setdefault(found[0], f"<id {len(self._ids) - len(SYSTEM_TEMPLATES) + 1}>")


async def test_the_wire(calls: Calls) -> None:
    talk = Conversation(calls.client)
    table = await _tables(talk)
    await _columns(talk, table)
    rows = await _rows(talk, table)
    await _imports(talk, table)
    await _exports(talk, table)
    await _triggers(talk, table)
    await _charts(talk, table)
    await _history(talk, table, rows)
    await _templates(talk, table)
    await _enrichment(talk)
    await talk.say("DELETE", f"/api/tables/{table}")
    await talk.say("GET", f"/api/tables/{table}")
    await talk.say("DELETE", f"/api/tables/{table}")
    assert talk.text() == TRANSCRIPT.read_text()


async def _tables(talk: Conversation) -> str:
    await talk.say("GET", "/api/tables", search="no such table")
    columns = [column("title", required=True), column("rating", "number")]
    body = {"name": "Wire books", "description": "read", "columns": columns}
    made = await talk.say("POST", "/api/tables", body)
    path = f"/api/tables/{made['id']}"
    await talk.say("GET", "/api/tables", search="wire BOOKS")
    await talk.say("GET", "/api/tables", source="nowhere")
    await talk.say("GET", path)
    await talk.say("PATCH", path, {"name": "Wire", "description": None})
    await talk.say("POST", "/api/tables", {"columns": [{"name": ""}]})
    await talk.say("POST", "/api/tables", {"name": "x", "projectId": "p"})
    await talk.say("POST", "/api/tables", b"{")
    await talk.say("PATCH", path, {"name": ""})
    for method in ("GET", "PATCH", "DELETE"):
        await talk.say(method, f"/api/tables/{_NOWHERE}", {} if method == "PATCH" else None)
    table: str = made["id"]
    return table


async def _columns(talk: Conversation, table: str) -> None:
    path = f"/api/tables/{table}/columns"
    state = column("state", "select", config={"options": ["open", "done"]}, defaultValue="open")
    await talk.say("POST", path, state)
    twice = column("twice", "computed", config={"formula": "{{rating}} * 2"})
    made = await talk.say("POST", path, twice)
    await talk.say("POST", path, state)
    await talk.say("POST", path, {"name": "x"})
    await talk.say("POST", path, column("bad", "computed", config={"formula": "1 +"}))
    await talk.say("POST", path, column("loop", "computed", config={"formula": "{{loop}} + 1"}))
    await talk.say("POST", f"/api/tables/{_NOWHERE}/columns", state)
    shown = await talk.say("GET", f"/api/tables/{table}")
    ids = [each["id"] for each in shown["columns"]]
    await talk.say("PATCH", path, {"columnIds": [ids[1], ids[0], *ids[2:]]})
    await talk.say("PATCH", path, {"columnIds": [made["id"]]})
    await talk.say("PATCH", path, {"columnIds": []})
    await talk.say("PATCH", f"/api/tables/{_NOWHERE}/columns", {"columnIds": ids})


async def _rows(talk: Conversation, table: str) -> list[str]:
    path = f"/api/tables/{table}/rows"
    data = [{"title": "Emma", "rating": "4"}, {"title": "Ulysses", "rating": 3, "note": [1]}]
    body = {"rows": [{"data": each, "createdBy": "wire"} for each in data]}
    made = await talk.say("POST", path, body)
    one = {"column": "rating", "operator": "gte", "value": 4}
    await talk.say("GET", path, filters=[one], sorts=[{"column": "title", "direction": "desc"}])
    computed = {"column": "twice", "operator": "lt", "value": 8}
    await talk.say("GET", path, filters=[computed], limit="1", offset="0")
    await talk.say("GET", path, filters="{")
    await talk.say("GET", path, sorts="nonsense")
    await talk.say("GET", path, filters=[{"column": "nobody", "operator": "eq", "value": 1}])
    await talk.say("GET", path, filters=[{"column": "title", "operator": "like", "value": 1}])
    await talk.say("GET", path, limit="0")
    await talk.say("POST", path, {"rows": [{"data": {"rating": "many"}}]})
    await talk.say("POST", path, {"rows": []})
    await talk.say("GET", f"/api/tables/{_NOWHERE}/rows")
    await talk.say("POST", f"/api/tables/{_NOWHERE}/rows", body)
    first = made[0]["id"]
    await talk.say("PATCH", f"{path}/{first}", {"data": {"title": "Emma", "state": "done"}})
    await talk.say("PATCH", f"{path}/{first}", {"data": {}})
    await talk.say("PATCH", f"{path}/{first}", {})
    await talk.say("PATCH", f"{path}/{_NOWHERE}", {"data": {"title": "x"}})
    await talk.say("DELETE", f"{path}/{made[1]['id']}")
    await talk.say("DELETE", f"{path}/{made[1]['id']}")
    return [row["id"] for row in made]


async def _imports(talk: Conversation, table: str) -> None:
    path = f"/api/tables/{table}/import"
    content = b"title,Rating,Seen On\nMiddlemarch,5,12/31/2025\n,1,1/2/2026\n"
    file = await talk.upload(content, "books.csv")
    await talk.say("POST", path, {"documentId": file, "preview": True})
    await talk.say("POST", path, {"documentId": file})
    await talk.say("POST", path, {})
    await talk.say("POST", path, {"documentId": _NOWHERE})
    pdf = await talk.upload(b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n", "books.csv")
    await talk.say("POST", path, {"documentId": pdf})
    await talk.say("POST", f"/api/tables/{_NOWHERE}/import", {"documentId": file})


async def _exports(talk: Conversation, table: str) -> None:
    path = f"/api/tables/{table}/export"
    await talk.say("GET", path)
    for format_ in ("csv", "json", "xlsx", "punched cards"):
        await talk.say("GET", path, format=format_)
    await talk.say("GET", f"/api/tables/{_NOWHERE}/export")


async def _triggers(talk: Conversation, table: str) -> None:
    path = f"/api/tables/{table}/triggers"
    await talk.say("GET", path)
    body = {
        "name": "Good books",
        "triggerEvent": "row_added",
        "condition": {"column": "rating", "operator": "greater_than", "value": 3},
        "actionType": "create_task",
        "actionConfig": {"title": "Read it"},
    }
    made = await talk.say("POST", path, body)
    await talk.say("GET", path)
    await talk.say("PATCH", f"{path}/{made['id']}", {"status": "paused", "condition": None})
    await talk.say("POST", path, {"name": "x"})
    await talk.say("POST", path, body | {"triggerEvent": "row_eaten"})
    await talk.say("POST", path, body | {"actionType": "sing"})
    await talk.say("PATCH", f"{path}/{made['id']}", {"status": "asleep"})
    await talk.say("PATCH", f"{path}/{_NOWHERE}", {"name": "x"})
    await talk.say("GET", f"/api/tables/{_NOWHERE}/triggers")
    await talk.say("POST", f"/api/tables/{_NOWHERE}/triggers", body)
    await talk.say("DELETE", f"{path}/{made['id']}")
    await talk.say("DELETE", f"{path}/{made['id']}")


async def _charts(talk: Conversation, table: str) -> None:
    path = f"/api/tables/{table}/charts"
    await talk.say("GET", path)
    body = {"type": "bar", "title": "Stars", "xColumn": "state", "yColumn": "rating"}
    made = await talk.say("POST", path, body | {"aggregation": "avg"})
    await talk.say("GET", path)
    await talk.say("PATCH", f"{path}/{made['id']}", {"type": "line", "title": "Stars in time"})
    await talk.say("POST", path, {"type": "bar", "title": "x"})
    await talk.say("PATCH", f"{path}/{_NOWHERE}", {"title": "x"})
    await talk.say("GET", f"/api/tables/{_NOWHERE}/charts")
    await talk.say("POST", f"/api/tables/{_NOWHERE}/charts", body)
    await talk.say("DELETE", f"{path}/{made['id']}")
    await talk.say("DELETE", f"{path}/{made['id']}")


async def _history(talk: Conversation, table: str, rows: list[str]) -> None:
    await talk.say("GET", f"/api/tables/{table}/history", limit="4")
    path = f"/api/tables/{table}/rows/{rows[0]}/history"
    entries = await talk.say("GET", path)
    await talk.say("POST", path, {"historyEntryId": entries[-1]["id"]})
    await talk.say("GET", path, limit="1")
    await talk.say("POST", path, {})
    await talk.say("POST", path, {"historyEntryId": "hist-1"})
    await talk.say("GET", f"/api/tables/{table}/rows/{_NOWHERE}/history")
    await talk.say("GET", f"/api/tables/{_NOWHERE}/history")
    await talk.say("GET", f"/api/tables/{_NOWHERE}/rows/{rows[0]}/history")


async def _enrichment(talk: Conversation) -> None:
    colours = column("colour", "select", config={"options": ["Red", "Green"]})
    columns = [column("name"), colours, column("why"), column("day", "date"), column("link", "url")]
    made = await talk.say("POST", "/api/tables", {"name": "Wire paints", "columns": columns})
    data = [
        {"name": "A red one"},
        {"name": "Moss", "colour": "Green"},
        {"name": "Ruby", "why": " "},
    ]
    path = f"/api/tables/{made['id']}"
    await talk.say("POST", f"{path}/rows", {"rows": [{"data": each} for each in data]})
    plan, start = f"{path}/enrich/plan", f"{path}/enrich"
    shown = await talk.say("POST", plan, {"targetColumn": "colour"})
    one = {"column": "name", "operator": "eq", "value": "Moss"}
    asked = {"targetColumn": "why", "promptMode": "auto", "prompt": "Why this colour?"}
    await talk.say("POST", plan, asked | {"filter": one, "batchSize": 100_000})
    await talk.say("POST", plan, {"targetColumn": "link", "prompt": "Its shop, {{row.name}}"})
    await talk.say("POST", plan, b"{")
    await talk.say("POST", plan, {"promptMode": "both", "batchSize": 0, "filter": [one]})
    await talk.say("POST", plan, {"targetColumn": "why", "promptMode": "custom"})
    await talk.say("POST", plan, {"targetColumn": "nobody"})
    await talk.say("POST", plan, {"targetColumn": "day"})
    await talk.say("POST", plan, asked | {"filter": one | {"column": "nobody"}})
    await talk.say("POST", f"/api/tables/{_NOWHERE}/enrich/plan", {})
    await talk.say("GET", f"{start}/runs")
    await talk.say("POST", start, {"targetColumn": "colour", "plan": shown})
    sample = {
        "steps": [{"id": "final", "name": "Pick", "purpose": "", "prompt": "Pick a colour"}],
        "targetContract": {"columnName": "colour", "dataType": "select"},
    }
    await talk.say("POST", start, {"targetColumn": "colour", "plan": sample})
    sample["targetContract"] |= {"allowedOptions": ["Red", "Green"]}  # type: ignore[operator]
    named = {"plan": sample, "workflowName": "Colours", "projectId": None}
    await talk.say("POST", start, {"targetColumn": "colour", **named})
    await talk.say("POST", start, {"targetColumn": "colour", "projectId": "p", "workflowName": ""})
    await talk.say("POST", start, {"targetColumn": "colour", "projectId": "p"})
    await talk.say("POST", start, {"targetColumn": "colour", "plan": {"steps": []}})
    await talk.say("POST", start, b"")
    await talk.say("POST", f"/api/tables/{_NOWHERE}/enrich", {"targetColumn": "colour"})
    await talk.say("GET", f"{start}/runs")
    await talk.say("GET", f"{start}/runs", limit="0")
    await talk.say("GET", f"{start}/runs", limit="many")
    await talk.say("GET", f"/api/tables/{_NOWHERE}/enrich/runs")
    await talk.say("DELETE", path)
    await talk.say("GET", f"{start}/runs")


async def _templates(talk: Conversation, table: str) -> None:
    path = "/api/tables/templates"
    await talk.say("GET", path, category="finance", scope="system")
    body = {"tableId": table, "name": "Wire shelf", "category": "content"}
    made = await talk.say("POST", path, body | {"includeSampleData": True})
    await talk.say("GET", path, category="content", scope="user")
    await talk.say("GET", path, category="gardening")
    await talk.say("POST", path, {"name": "x"})
    await talk.say("POST", path, body | {"tableId": _NOWHERE})
    clone = {"templateId": made["id"], "name": "Wire copy", "includeSampleData": True}
    copy = await talk.say("POST", "/api/tables", clone)
    await talk.say("POST", "/api/tables", clone | {"templateId": _NOWHERE})
    await talk.say("DELETE", f"/api/tables/{copy['id']}")
