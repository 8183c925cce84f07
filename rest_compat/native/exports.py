"""Export of a table in full: `/export/{tableId}`."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from starlette.responses import Response

from domain import ids, moments, numbers
from domain.errors import ErrorCode, Invalid, NotFound, Problem
from domain.export_formats import ExportFormat
from domain.exports import ExportRequest
from domain.history_records import AsOf
from domain.rejections import Rejected
from rest_compat.endpoints import Call
from rest_compat.export_answers import export_answer
from rest_compat.native.bodies import COLUMNS, FILTER, SORT
from rest_compat.wire import parse

_REVISION = re.compile(r"[0-9]{1,19}", re.ASCII)


async def export_table(call: Call) -> Response:
    """All rows that match, without a cap. Every problem of the query is told at once."""
    problems: list[Problem] = []
    filter = _json(call, "filter", FILTER, problems)
    request = ExportRequest(
        table_id=call.id("tableId", "Table"),
        format=_format(call, problems),
        filter=filter and filter.raw(),
        sort=[key.raw() for key in _json(call, "sort", SORT, problems) or ()],
        columns=_columns(call, problems),
        session_id=_session(call),
        as_of=_as_of(call, problems),
        guards=guards(call, problems),
    )
    if problems:
        raise Invalid(problems)
    return await export_answer(call, request)


def guards(call: Call, problems: list[Problem]) -> bool:
    """Whether texts that look like formulas are guarded: yes, unless `guard=off`."""
    given = call.query("guard") or "on"
    if given not in ("on", "off"):
        message = "guard must be on or off"
        problems.append(Problem(ErrorCode.NOT_AN_OPTION, message, ("guard",)))
    return given != "off"


def _format(call: Call, problems: list[Problem]) -> ExportFormat:
    given = call.query("format") or ExportFormat.CSV
    try:
        return ExportFormat(given.lower())
    except ValueError:
        message = f"format must be one of {', '.join(ExportFormat)}"
        problems.append(Problem(ErrorCode.NOT_AN_OPTION, message, ("format",)))
        return ExportFormat.CSV


def _json(call: Call, name: str, adapter: TypeAdapter[Any], problems: list[Problem]) -> Any:
    text = call.query(name)
    if text is None:
        return None
    try:
        return parse(adapter, numbers.loads(text), name)
    except numbers.InvalidJson as error:
        problems.append(Problem(ErrorCode.INVALID, f"{name} is not JSON: {error}", (name,)))
    except Invalid as error:
        problems += [
            Problem(each.code, f"{'.'.join(each.path)}: {each.message}", each.path)
            for each in error.problems
        ]
    return None


def _columns(call: Call, problems: list[Problem]) -> list[str] | None:
    """A JSON list of keys, or keys between commas."""
    text = call.query("columns")
    if text is None:
        return None
    if text.lstrip().startswith("["):
        found: list[str] | None = _json(call, "columns", COLUMNS, problems)
        return found
    return text.split(",")


def _session(call: Call) -> UUID | None:
    text = call.query("session")
    if text is None:
        return None
    found = ids.parse(text)
    if found is None:
        raise NotFound("Session")
    return found


def _as_of(call: Call, problems: list[Problem]) -> AsOf | None:
    """A revision in digits, or a moment in ISO 8601."""
    text = call.query("asOf")
    if text is None:
        return None
    if _REVISION.fullmatch(text):
        return AsOf(revision=int(text))
    try:
        moment = datetime.fromisoformat(moments.datetime_utc(text))
    except Rejected as rejected:
        problems.append(Problem(rejected.code, f"asOf: {rejected.message}", ("asOf",)))
        return None
    return AsOf(at=moment.astimezone(UTC))
