"""History of a table and of a row, and going back to an entry of it."""

import re
from typing import Any

import orjson
from starlette.responses import Response

from domain import history, ids, rollbacks, tables
from domain.changes import CauseKind
from domain.errors import NotFound
from domain.history_records import HistoryAction, HistoryEntry, HistoryQuery
from rest_compat.endpoints import Call
from rest_compat.wire import Refused, json_array_response, json_response, moment, read_body

#: Entries when `limit` does not say how many, and at most; a larger one is cut.
TABLE_LIMITS = (100, 500)
ROW_LIMITS = (50, 200)
#: Who is told when nobody in particular is known: calls without a key.
NOBODY = "user"
ENTRY = "History entry"

_NUMBER = re.compile(r"\s*\+?0*[1-9][0-9]{0,30}\s*", re.ASCII)


async def table_history(call: Call) -> Response:
    """The newest entries of a table."""
    table_id = call.id("id", "Table")
    query = HistoryQuery(limit=_limit(call, TABLE_LIMITS))
    page = await history.read_history(call.viewer, call.storage, table_id, query)
    return json_array_response([_entry(each) for each in page.entries])


async def row_history(call: Call) -> Response:
    """The newest entries of a row. A row that never was has none."""
    table_id = call.id("id", "Table")
    row_id = ids.parse(call.request.path_params["rowId"])
    limit = _limit(call, ROW_LIMITS) if row_id is not None else 0
    query = HistoryQuery(limit=limit, row_id=row_id)
    page = await history.read_history(call.viewer, call.storage, table_id, query)
    return json_array_response([_entry(each) for each in page.entries])


def _limit(call: Call, bounds: tuple[int, int]) -> int:
    default, most = bounds
    text = call.query("limit")
    return min(int(text), most) if text and _NUMBER.fullmatch(text) else default


def _entry(entry: HistoryEntry) -> str:
    """The entry as JSON; its data is JSON already."""
    action = entry.action
    shown: dict[str, Any] = {
        "id": entry.id,
        "tableId": str(entry.table_id),
        "rowId": str(entry.row_id),
        "version": entry.version,
        "revision": entry.revision,
        "action": action.value,
        "changeType": "update" if action is HistoryAction.ROLLBACK else action.value,
        "data": orjson.Fragment(entry.data),
        "previousData": orjson.Fragment(entry.previous) if entry.previous is not None else None,
        "changedBy": _author(entry),
        "cause": {"kind": entry.cause["kind"], "id": entry.cause.get("id")},
        "createdAt": moment(entry.at),
    }
    return orjson.dumps(shown).decode()


def _author(entry: HistoryEntry) -> str:
    """`rollback`, who was named as the maker of a new row, or the key's name."""
    if entry.cause["kind"] == CauseKind.ROLLBACK:
        return CauseKind.ROLLBACK.value
    if entry.change == "create" and entry.author != entry.actor:
        return entry.author
    return entry.actor_name or (NOBODY if entry.actor == "open" else entry.actor)


async def exists(call: Call) -> None:
    """Raises `NotFound` unless the table in the path is there: it has no such entry then."""
    try:
        await tables.get_table(call.viewer, call.storage, call.id("id", ENTRY))
    except NotFound:
        raise NotFound(ENTRY) from None


async def roll_back_row(call: Call) -> Response:
    """Afterwards the row has the data of the entry, under its id, also if it was deleted."""
    given = await read_body(call.request, call.limits.body_bytes)
    entry_id = given.get("historyEntryId") if isinstance(given, dict) else None
    if not (isinstance(entry_id, str) and entry_id):
        raise Refused(400, "historyEntryId is required")
    table_id, row_id = call.id("id", ENTRY), call.id("rowId", ENTRY)
    entry = ids.parse_entry_id(entry_id)
    if entry is None or entry[0] != row_id:
        raise NotFound(ENTRY)
    try:
        await rollbacks.roll_back_row(call.viewer, call.storage, row_id, entry[1], table_id)
    except NotFound:
        raise NotFound(ENTRY) from None
    return json_response({"ok": True})
