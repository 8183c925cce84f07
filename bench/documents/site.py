"""What a client does: uploads files, starts their reading, waits, and looks at all rows."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from bench.documents.papers import Paper
from bench.servers import Servers

_POLL = 0.1
_MOST_SECONDS = 1_200
_PAGE = 1_000

_SCHEMA = """mutation($name: String!, $number: String!) { extractionSchemaCreate(input: {
  name: $name, provider: "rules", tables: [
    {name: "Papers", repeats: ONE, fields: [
      {key: "number", label: $number}, {key: "total", label: "Total", type: NUMBER}]}
    {name: "Lines", repeats: MANY, fields: [
      {key: "code", label: "Code"}, {key: "name", label: "Name"},
      {key: "quantity", label: "Quantity", type: NUMBER},
      {key: "amount", label: "Amount", type: NUMBER}]}]}) {
  schema { id tables { tableId } } errors { message } } }"""
_START = """mutation($schema: ID!, $files: [ID!]!) {
  extractionStart(input: {schemaId: $schema, fileIds: $files}) {
    jobs { id } errors { message } } }"""
_ENDED = """query($schema: ID!) { extractionJobs(schemaId: $schema,
  statuses: [COMPLETED, PARTIAL, FAILED, CANCELLED]) { totalCount } }"""
_JOBS = """query($schema: ID!, $after: String) {
  extractionJobs(schemaId: $schema, first: 100, after: $after) {
    nodes { fileId status rows pages error steps(first: 1000) { at } }
    pageInfo { hasNextPage } edges { cursor } } }"""
_ROWS = """query($table: ID!, $first: Int!, $after: String) {
  table(id: $table) { rows(first: $first, after: $after) {
    nodes { data extraction { fileId } } pageInfo { hasNextPage endCursor } } } }"""


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema and its two tables."""

    id: str
    papers: str
    lines: str


@dataclass(frozen=True, slots=True)
class Site:
    """A running tablecast, seen by a client."""

    servers: Servers
    client: httpx2.AsyncClient

    async def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer without errors of any kind."""
        answer = await self.client.post("/graphql", json={"query": query, "variables": variables})
        told: dict[str, Any] = answer.json()
        if "errors" in told or any((each or {}).get("errors") for each in told["data"].values()):
            raise SystemExit(f"refused: {told}")
        data: dict[str, Any] = told["data"]
        return data

    async def schema(self, name: str, number: str) -> Schema:
        """A new schema with tables of its own; `number` is what its papers call theirs."""
        answer = await self.graphql(_SCHEMA, name=name, number=number)
        made = answer["extractionSchemaCreate"]["schema"]
        return Schema(made["id"], *(table["tableId"] for table in made["tables"]))

    async def upload(self, paper: Paper) -> str:
        """The id of a new file."""
        part = {"file": (f"{paper.number}.pdf", paper.content)}
        answer = await self.client.post("/files", files=part)
        if answer.status_code != 201:
            raise SystemExit(f"refused: {answer.text}")
        return str(answer.json()["id"])

    async def start(self, schema: Schema, file_ids: Sequence[str]) -> None:
        """Queue the reading of files."""
        await self.graphql(_START, schema=schema.id, files=list(file_ids))

    async def ended(self, schema: Schema, count: int) -> None:
        """Wait until so many jobs of a schema have ended, in whatever way."""
        async with asyncio.timeout(_MOST_SECONDS):
            while await self.count_ended(schema) < count:  # noqa: ASYNC110  as a client asks
                await asyncio.sleep(_POLL)

    async def count_ended(self, schema: Schema) -> int:
        """How many jobs of a schema have ended."""
        answer = await self.graphql(_ENDED, schema=schema.id)
        return int(answer["extractionJobs"]["totalCount"])

    async def jobs(self, schema: Schema) -> list[dict[str, Any]]:
        """All jobs of a schema."""
        found: list[dict[str, Any]] = []
        after = None
        while True:
            page = (await self.graphql(_JOBS, schema=schema.id, after=after))["extractionJobs"]
            found += page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return found
            after = page["edges"][-1]["cursor"]

    async def rows(self, table: str) -> list[tuple[Any, ...]]:
        """All rows of a table: the file that each came from, and its values."""
        found: list[tuple[Any, ...]] = []
        after = None
        while True:
            answer = await self.graphql(_ROWS, table=table, first=_PAGE, after=after)
            page = answer["table"]["rows"]
            found += [
                (node["extraction"]["fileId"], *node["data"].values()) for node in page["nodes"]
            ]
            if not page["pageInfo"]["hasNextPage"]:
                return found
            after = page["pageInfo"]["endCursor"]
