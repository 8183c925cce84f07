"""Classification: which schema reads a file."""

from uuid import UUID

from pydantic import TypeAdapter
from starlette.responses import Response

from domain import classifiers, extraction_jobs, files
from domain.entities import FileStatus
from domain.extraction import get_schema
from domain.extraction_records import ExtractionSchema
from rest_compat.endpoints import Call
from rest_compat.limai.bodies import FileBody
from rest_compat.limai.requests import body_of, classifier_of, file_id
from rest_compat.wire import Refused, json_response

_FILE = TypeAdapter(FileBody)


async def classify(call: Call) -> Response:
    """What a file is."""
    id_, schema = await _classified(call)
    return _told(id_, schema)


async def classify_async(call: Call) -> Response:
    """What a file is; its schema begins to read it."""
    id_, schema = await _classified(call)
    if schema is not None:
        await extraction_jobs.start(call.viewer, call.storage, schema.id, [id_])
    return _told(id_, schema)


async def _classified(call: Call) -> tuple[UUID, ExtractionSchema | None]:
    classifier = await classifier_of(call)
    body: FileBody = await body_of(call, _FILE)
    given = body.fileId or body.unclassifiedFileId
    if not given:
        raise Refused(400, "fileId is required")
    id_ = file_id(given)
    file = await files.get_file(call.viewer, call.storage, id_)
    if file.status is not FileStatus.UPLOADED:
        raise Refused(400, "File has not been uploaded")
    found = await classifiers.classify(
        call.viewer, call.storage, call.services.engines, classifier.id, id_
    )
    if found.schema_id is None:
        return id_, None
    return id_, await get_schema(call.viewer, call.storage, found.schema_id)


def _told(id_: UUID, schema: ExtractionSchema | None) -> Response:
    if schema is None:
        return json_response({"fileId": None, "status": "UNCLASSIFIED"})
    return json_response(
        {
            "fileId": str(id_),
            "deploymentName": schema.name,
            "extractionSchemaId": str(schema.id),
        }
    )
