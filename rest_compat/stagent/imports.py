"""Import of an uploaded file. The answer waits for the end, also when a worker does the work."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from starlette.responses import Response

from domain import files, ids, imports, tables
from domain.entities import Import, ImportStatus
from domain.errors import Conflict, Invalid, NotFound, Problem
from domain.file_types import IMPORTABLE
from domain.import_plans import ImportPlan
from domain.imports import ImportStart
from domain.inference import InferredColumn, MappingEntry
from rest_compat.endpoints import Call
from rest_compat.stagent import shapes
from rest_compat.stagent.bodies import ImportBody
from rest_compat.wire import Refused, json_response, parse, read_body

SHOWN_ERRORS = 20

_IMPORT = TypeAdapter(ImportBody)


async def import_file(call: Call) -> Response:
    """A preview when the body asks for one, else the import. The table is looked up before the
    body."""
    table_id = call.id("id", "Table")
    given = await read_body(call.request, call.limits.body_bytes)
    if not (isinstance(given, dict) and isinstance(given.get("documentId"), str)):
        raise Refused(400, "documentId is required")
    if not given["documentId"]:
        raise Refused(400, "documentId is required")
    body = parse(_IMPORT, given)
    await tables.get_table(call.viewer, call.storage, table_id)
    file_id = await _document(call, body.documentId)
    try:
        if body.preview:
            seen = await imports.preview_import(call.viewer, call.storage, table_id, file_id)
            return json_response(_preview(seen))
        mapping = [
            MappingEntry(each.name, each.displayName, each.dataType, each.skip)
            for each in body.columnMapping
        ]
        run = await imports.start_import(
            call.viewer, call.storage, ImportStart(table_id, file_id, mapping)
        )
    except Invalid as error:
        raise Invalid([_of_the_body(problem) for problem in error.problems]) from None
    return json_response(await _result(call, run))


async def _document(call: Call, document_id: str) -> UUID:
    file_id = ids.parse(document_id)
    if file_id is None:
        raise NotFound("Document")
    try:
        file = await files.get_file(call.viewer, call.storage, file_id)
    except NotFound:
        raise NotFound("Document") from None
    if file.mime_type not in IMPORTABLE:
        raise Refused(400, f"Unsupported mime type for import: {file.mime_type}")
    return file_id


async def _result(call: Call, started: Import) -> dict[str, Any]:
    run = await imports.finished_import(call.viewer, call.storage, started.id)
    if run.status is ImportStatus.CANCELLED:
        raise Conflict("The import was cancelled")
    if run.status is ImportStatus.FAILED:
        raise Refused(400, run.error or "The import failed")
    rejected = await imports.import_rejections(
        call.viewer, call.storage, run.id, limit=SHOWN_ERRORS
    )
    plan = ImportPlan.from_json(run.plan)
    return {
        "importId": str(run.id),
        "rowsImported": run.rows_imported,
        "rowsSkipped": run.rows_skipped,
        "errors": [{"row": each.line, "error": each.error} for each in rejected],
        "columns": [shapes.file_column(each) for each in plan.columns],
    }


def _preview(seen: imports.ImportPreview) -> dict[str, Any]:
    return {
        "headers": seen.preview.headers,
        "sampleRows": seen.preview.sample_rows,
        "totalRows": seen.total_rows,
        "inferredColumns": [_inferred(each) for each in seen.preview.columns],
    }


def _inferred(column: InferredColumn) -> dict[str, Any]:
    told = {"name": column.key, "displayName": column.label, "dataType": column.type.value}
    return shapes.file_column(told | ({"config": dict(column.config)} if column.config else {}))


def _of_the_body(problem: Problem) -> Problem:
    """What the rules call a file, this dialect calls a document."""
    path = ("documentId", *problem.path[1:]) if problem.path[:1] == ("fileId",) else problem.path
    return replace(problem, path=path)
