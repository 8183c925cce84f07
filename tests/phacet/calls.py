"""Short ways to call the Phacet API over HTTP."""

from dataclasses import dataclass
from typing import Any

import httpx2

from tests.rest.calls import Calls, column

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"


_COLUMNS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("title", "text", {}),
    ("price", "number", {}),
    ("state", "select", {"config": {"options": ["open", "done"]}}),
    ("tags", "multi_select", {"config": {"options": ["red", "blue, light"]}}),
    ("data", "json", {}),
    ("paper", "file", {}),
)


@dataclass(frozen=True)
class Shop:
    """A table with a column of each type that this API knows, by column name."""

    id: str
    columns: dict[str, str]

    def cells(self, **values: Any) -> list[dict[str, Any]]:
        """Cells as a request has them."""
        return [{"columnId": self.columns[name], "value": each} for name, each in values.items()]


async def shop(calls: Calls, **body: Any) -> Shop:
    """A table with a column of each type that this API knows."""
    made = await calls.table(
        *(column(name, type_, displayName=name, **more) for name, type_, more in _COLUMNS), **body
    )
    return Shop(made["id"], {each["name"]: each["id"] for each in made["columns"]})


@dataclass(frozen=True)
class Phacet:
    """Requests that must succeed, as their JSON; `client` is there for all others."""

    client: httpx2.AsyncClient

    async def get(self, path: str, **query: Any) -> Any:
        """What a path below `/api/v2` shows."""
        return _json(await self.client.get(f"/api/v2{path}", params=query), 200)

    async def post(self, path: str, body: Any) -> Any:
        """What was made."""
        return _json(await self.client.post(f"/api/v2{path}", json=body), 201)

    async def put(self, path: str, body: Any) -> Any:
        """What was changed."""
        return _json(await self.client.put(f"/api/v2{path}", json=body), 200)

    async def row(self, table: Shop, **values: Any) -> dict[str, Any]:
        """A new row."""
        path = f"/tables/{table.id}/rows"
        made: dict[str, Any] = await self.post(path, {"cells": table.cells(**values)})
        return made

    async def upload(self, content: bytes = PDF, name: str = "paper.pdf") -> dict[str, Any]:
        """A file."""
        files = {"file": (name, content, "application/pdf")}
        made: dict[str, Any] = _json(await self.client.post("/api/v2/files", files=files), 201)
        return made


def cell(row: dict[str, Any], name: str) -> dict[str, Any]:
    """The cell of a row by the name of its column."""
    [found] = [each for each in row["cells"] if each["columnName"] == name]
    return dict(found)


def values(row: dict[str, Any]) -> dict[str, Any]:
    """The values of a row by the name of its column."""
    return {each["columnName"]: each["value"] for each in row["cells"]}


def statuses(row: dict[str, Any]) -> list[str]:
    """The statuses of a row's cells in order."""
    return [each["status"] for each in row["cells"]]


def refused(answer: httpx2.Response, status: int, key: str, message: str) -> None:
    """The answer has this status and exactly this error."""
    told = {"message": message, "errorKey": key}
    assert (answer.status_code, answer.json()) == (status, told), answer.text


def _json(answer: httpx2.Response, status: int) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()
