"""What each kind of steps does. Rows and tasks are written by the use cases that clients call too.

A step may be done twice when its worker is lost between the work and the note that it is done. Rows
and tasks get ids that follow from the run and the step, so the second time finds the first; a row
is given the same values again; a request is sent again."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from domain import ids, numbers, rows, tasks
from domain.bindings import TooMuch
from domain.errors import Conflict, Invalid, NotFound, TableBusy, TooLarge
from domain.ids import Kind
from domain.numbers import InvalidJson
from domain.plain_json import clean_json
from domain.rejections import Rejected
from domain.rows import NewRow, RowChange, RowsAdd, RowsUpdate
from domain.task_records import DEFAULT_PRIORITY, TaskCreate
from domain.workflow_definitions import Step, StepKind, fill_step, filled_settings
from persistence.json_text import dumps
from processing.outbound import (
    OutboundFailed,
    OutboundRefused,
    OutboundRequest,
    OutboundResponse,
)
from processing.workflow_doing import Doing, StepFault
from processing.workflow_tools import ask_model, run_program

#: Characters that bindings may bring into the settings of one step.
MAX_FILLED = 1_000_000


async def do_step(doing: Doing, step: Step, scope: Mapping[str, Any]) -> Any:
    """Do a step with its bindings filled in from `scope`; what it gives. Raises `StepFault`."""
    try:
        settings = filled_settings(step.kind, fill_step(step, scope, most=MAX_FILLED))
    except TooMuch:
        message = f"The bindings of the step bring more than {MAX_FILLED} characters"
        raise StepFault(message, lasting=True) from None
    except Rejected as error:
        raise StepFault(error.message, lasting=True) from None
    try:
        if step.kind is StepKind.PROMPT:
            return await ask_model(doing, settings, scope, MAX_FILLED)
        return await _WORK[step.kind](doing, settings)
    except (Invalid, NotFound, TooLarge, OutboundRefused) as error:
        raise StepFault(str(error), lasting=True) from None
    except (Conflict, TableBusy, OutboundFailed) as error:
        raise StepFault(str(error)) from None


async def _add_row(doing: Doing, settings: Mapping[str, Any]) -> Any:
    table_id = _id(settings["tableId"], "Table")
    shape = await doing.storage.tables.shape(doing.run.organization_id, table_id)
    if shape is None:
        raise NotFound("Table")
    row_id = ids.step_id(doing.run.id, doing.position, Kind.ROW, shape.number)
    command = RowsAdd(table_id, [NewRow(settings["data"], id=row_id)])
    with suppress(Conflict):  # a worker that was lost has added it
        await rows.add_rows(doing.viewer, doing.storage, command, doing.cause)
    return {"tableId": str(table_id), "rowId": str(row_id)}


async def _update_row(doing: Doing, settings: Mapping[str, Any]) -> Any:
    table_id, row_id = _id(settings["tableId"], "Table"), _id(settings["rowId"], "Row")
    command = RowsUpdate(table_id, [RowChange(row_id, settings["data"])], "merge")
    written = await rows.update_rows(doing.viewer, doing.storage, command, doing.cause)
    return {"tableId": str(table_id), "rowId": str(row_id), "revision": written.revision}


async def _create_task(doing: Doing, settings: Mapping[str, Any]) -> Any:
    project = settings.get("projectId")
    command = TaskCreate(
        title=settings["title"],
        description=settings.get("description"),
        priority=settings.get("priority", DEFAULT_PRIORITY),
        project_id=None if project is None else _id(project, "Project"),
        id=ids.step_id(doing.run.id, doing.position, Kind.TASK),
        workflow_run_id=doing.run.id,
    )
    made = await tasks.create_task(doing.viewer, doing.storage, command)
    return {"taskId": str(made.id)}


async def _send_request(doing: Doing, settings: Mapping[str, Any]) -> Any:
    body, kind = _body(settings.get("body"))
    # A request may be sent twice; the key tells the receiver that it is the same one.
    headers = {"idempotency-key": f"{doing.run.id}.{doing.position}"}
    if kind is not None:
        headers["content-type"] = kind
    for name, value in settings.get("headers", {}).items():
        headers[name.lower()] = value
    method = settings.get("method", "GET")
    answer = await doing.means.outbound.send(
        OutboundRequest(method, settings["url"], headers, body)
    )
    output = {
        "status": answer.status,
        "body": _answer_body(answer),
        "truncated": answer.truncated,
    }
    wanted = settings.get("expectStatus")
    expected = (
        range(200, 300) if wanted is None else wanted if isinstance(wanted, list) else [wanted]
    )
    if answer.status not in expected:
        raise StepFault(f"The server answered with status {answer.status}", output=output)
    return output


def _body(value: Any) -> tuple[bytes, str | None]:
    """The bytes of a body and their type: texts as they are, everything else as JSON."""
    if value is None:
        return b"", None
    if isinstance(value, str):
        return value.encode(), "text/plain; charset=utf-8"
    return dumps(value).encode(), "application/json"


def _answer_body(answer: OutboundResponse) -> Any:
    """JSON where the answer says so and is it, else text that can be stored."""
    kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    if (kind == "application/json" or kind.endswith("+json")) and not answer.truncated:
        try:
            return clean_json(numbers.loads(answer.body), most_bytes=10 * len(answer.body) + 1_000)
        except (InvalidJson, Rejected):
            pass
    return answer.body.decode("utf-8", "replace").replace("\0", "\ufffd")


def _id(value: Any, noun: str) -> UUID:
    found = ids.parse(value) if isinstance(value, str) else None
    if found is None:
        raise NotFound(noun)
    return found


_WORK: Mapping[StepKind, Callable[[Doing, Mapping[str, Any]], Awaitable[Any]]] = {
    StepKind.ROW_ADD: _add_row,
    StepKind.ROW_UPDATE: _update_row,
    StepKind.TASK_CREATE: _create_task,
    StepKind.HTTP_REQUEST: _send_request,
    StepKind.PYTHON: run_program,
}
