"""The rows that a relation leads to."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, cast
from uuid import UUID

import orjson
import strawberry

from domain import ids
from domain.columns import Column, ColumnType
from domain.errors import ErrorCode, invalid
from domain.paging import page_request
from domain.rows import MAX_ROWS
from gql.compiled.rows import row_selector
from gql.context import Info
from gql.execution import Executor
from gql.links import Linked, LinkedRows, Select
from gql.paging import PageInfo
from gql.types import rows as row_types

if TYPE_CHECKING:
    from gql.types.rows import Row

_MAX_CURSOR = 100


@strawberry.type(description="A row that a relation leads to; `row` is null when it is gone.")
class LinkedRow:
    linked: strawberry.Private[Linked]
    id: strawberry.ID = strawberry.field(description="The id that the cell holds.")

    @strawberry.field(
        description="The row; null when it was deleted, is in another table, or never was."
    )
    def row(self) -> Annotated["Row", strawberry.lazy("gql.types.rows")] | None:
        if self.linked is None:
            return None
        if isinstance(self.linked, str):
            return cast("row_types.Row", row_types.spliced_row(self.linked))
        return row_types.Row.of(*self.linked)


@dataclass(frozen=True, slots=True)
class LinksPlan:
    """What a selection of a LinkedRowConnection needs. `select` is None when no row is shown;
    `parts` are the members of a node when all of it can be written at once."""

    select: Select | None
    parts: tuple[tuple[str, str], ...] | None


@strawberry.type(description="A page of the rows that a cell leads to, in the order of its ids.")
class LinkedRowConnection:
    row_ids: strawberry.Private[Sequence[UUID]]
    rows: strawberry.Private[Sequence[Linked]]
    start: strawberry.Private[int]
    total: strawberry.Private[int]
    plan: strawberry.Private[LinksPlan]

    @strawberry.field(description="The rows of the page. Those that are gone keep their place.")
    def nodes(self) -> list[LinkedRow]:
        pairs = list(zip(self.row_ids, self.rows, strict=True))
        if self.plan.parts is not None and not any(isinstance(row, tuple) for row in self.rows):
            written = [_node_json(self.plan.parts, *pair) for pair in pairs]  # type: ignore[arg-type]
            return cast("list[LinkedRow]", row_types.spliced_rows(written))
        return [LinkedRow(linked=row, id=strawberry.ID(str(row_id))) for row_id, row in pairs]

    @strawberry.field(description="Where the page lies.")
    def page_info(self) -> PageInfo:
        count = len(self.row_ids)
        return PageInfo(
            has_next_page=self.start + count < self.total,
            has_previous_page=self.start > 0,
            start_cursor=_cursor(self.start, self.row_ids[0]) if count else None,
            end_cursor=_cursor(self.start + count - 1, self.row_ids[-1]) if count else None,
        )

    @strawberry.field(description="How many ids the cell holds, those of rows that are gone too.")
    def total_count(self) -> int:
        return self.total


async def linked_rows(
    info: Info, column: Column, json: str | None, first: int | None, after: str | None
) -> LinkedRowConnection | None:
    """A page of the rows that a cell leads to; None for a column that is no relation."""
    if column.type is not ColumnType.RELATION:
        return None
    held = _ids(json)
    request = page_request(first, after, maximum=MAX_ROWS)
    start = _start(held, after) if after is not None else 0
    page = held[start : start + request.limit]
    nodes = info._raw_info.field_nodes
    plan = info.context.once(nodes, lambda: _plan(info.context.executor, nodes))
    rows: Sequence[Linked] = [None] * len(page)
    if plan.select is not None and page:
        target = (column.config or {}).get("targetTableId")
        table_id = ids.parse(target) if isinstance(target, str) and target else None
        asked = LinkedRows(table_id, tuple(page), plan.select)
        rows = await info.context.links.rows.load(asked)
    return LinkedRowConnection(row_ids=page, rows=rows, start=start, total=len(held), plan=plan)


def _plan(executor: Executor, nodes: list[Any]) -> LinksPlan:
    lists = [
        executor.selected("LinkedRow", found)
        for name, found in executor.selected("LinkedRowConnection", nodes).values()
        if name == "nodes"
    ]
    rows = [found for each in lists for name, found in each.values() if name == "row"]
    if not rows:
        return LinksPlan(None, None)
    if len(rows) > 1 or len(lists) > 1:
        return LinksPlan(lambda _: None, None)
    parts = tuple((response, name) for response, (name, _) in lists[0].items())
    return LinksPlan(row_selector(executor, rows[0]), parts)


def _node_json(parts: tuple[tuple[str, str], ...], row_id: UUID, row: str | None) -> str:
    values = {"id": f'"{row_id}"', "row": row or "null", "__typename": '"LinkedRow"'}
    members = (f"{orjson.dumps(response).decode()}:{values[name]}" for response, name in parts)
    return "{" + ",".join(members) + "}"


def _ids(json: str | None) -> list[UUID]:
    held = orjson.loads(json) if json is not None else []
    return [UUID(each) for each in ([held] if isinstance(held, str) else held)]


def _cursor(index: int, row_id: UUID) -> str:
    return base64.urlsafe_b64encode(f"{index}:{row_id}".encode()).rstrip(b"=").decode()


def _start(held: Sequence[UUID], after: str) -> int:
    """The place behind a cursor's id. If the cell has lost that id since, what stood behind it has
    moved into its place."""
    try:
        if len(after) > _MAX_CURSOR:
            raise ValueError
        padded = after.encode("ascii") + b"=" * (-len(after) % 4)
        index, _, text = base64.urlsafe_b64decode(padded).decode("ascii").partition(":")
        place, row_id = int(index), UUID(text)
    except (ValueError, binascii.Error):
        message = "after is not a cursor of this server"
        raise invalid(ErrorCode.INVALID, message, "after") from None
    if 0 <= place < len(held) and held[place] == row_id:
        return place + 1
    return held.index(row_id) + 1 if row_id in held else max(0, min(place, len(held)))
