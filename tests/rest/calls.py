"""Short ways to call the Tables API over HTTP."""

import json
from dataclasses import dataclass
from typing import Any

import httpx2

#: Ids that name nothing: of our form, of another, and none.
UNKNOWN = ("0198c7b0-0000-8000-8000-000000000000", "tbl-6c1d-9e7f", "x")


def column(name: str, type_: str = "text", **more: Any) -> dict[str, Any]:
    """The body of a column."""
    return {"name": name, "displayName": name.title(), "dataType": type_} | more


def condition(name: str, operator: str, *value: Any) -> dict[str, Any]:
    """One condition of a filter, without a value when none is given."""
    return {"column": name, "operator": operator} | ({"value": value[0]} if value else {})


def order(*keys: str) -> list[dict[str, str]]:
    """Sort keys: `name` ascending, `-name` descending."""
    return [
        {"column": key.lstrip("-"), "direction": "desc" if key.startswith("-") else "asc"}
        for key in keys
    ]


@dataclass(frozen=True)
class Calls:
    """Requests that must succeed, as their JSON; `client` is there for all others."""

    client: httpx2.AsyncClient

    async def table(self, *columns: dict[str, Any], **body: Any) -> dict[str, Any]:
        """A new table."""
        given = {"name": "Test", "columns": list(columns)} | body
        answer = await self.client.post("/api/tables", json=given)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def add(self, table_id: str, *data: dict[str, Any]) -> list[dict[str, Any]]:
        """New rows."""
        body = {"rows": [{"data": each} for each in data]}
        answer = await self.client.post(f"/api/tables/{table_id}/rows", json=body)
        assert answer.status_code == 201, answer.text
        made: list[dict[str, Any]] = answer.json()
        return made

    async def page(self, table_id: str, **query: Any) -> httpx2.Response:
        """The answer to a request for rows; lists become JSON."""
        given = {
            name: json.dumps(value) if isinstance(value, list) else value
            for name, value in query.items()
        }
        return await self.client.get(f"/api/tables/{table_id}/rows", params=given)

    async def rows(self, table_id: str, **query: Any) -> list[dict[str, Any]]:
        """A page of rows."""
        answer = await self.page(table_id, **query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found

    async def column(self, table_id: str, name: str, **query: Any) -> list[Any]:
        """The values of one column in a page."""
        return [row["data"][name] for row in await self.rows(table_id, **query)]

    async def upload(
        self, content: bytes, name: str = "data.csv", type_: str = "text/csv", **fields: str
    ) -> dict[str, Any]:
        """An uploaded file."""
        answer = await self.client.post(
            "/api/uploads", files={"file": (name, content, type_)}, data=fields
        )
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def import_(self, table_id: str, document_id: str, **more: Any) -> dict[str, Any]:
        """A preview or the result of an import."""
        answer = await self.client.post(
            f"/api/tables/{table_id}/import", json={"documentId": document_id} | more
        )
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told


def refused(answer: httpx2.Response, status: int, error: Any) -> None:
    """The answer has this status and exactly this error."""
    assert (answer.status_code, answer.json()) == (status, {"error": error}), answer.text


def fields(**errors: list[str]) -> dict[str, Any]:
    """The flattened errors of a body."""
    return {"formErrors": [], "fieldErrors": errors}
