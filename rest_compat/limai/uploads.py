"""Addresses that files are put to."""

from uuid import UUID

from starlette.responses import Response

from domain import files
from domain.upload_links import upload_path
from rest_compat.endpoints import Call
from rest_compat.limai.requests import classifier_of, required, schema_of
from rest_compat.wire import json_response


async def for_schema(call: Call) -> Response:
    """A file that a schema shall read."""
    schema = await schema_of(call)
    return await _address(call, schema_id=schema.id)


async def for_classifier(call: Call) -> Response:
    """A file that a classifier shall look at."""
    classifier = await classifier_of(call)
    return await _address(call, classifier_id=classifier.id)


async def _address(
    call: Call, schema_id: UUID | None = None, classifier_id: UUID | None = None
) -> Response:
    name = required(call, "filename")
    file = await files.begin_upload(call.viewer, call.storage, name, schema_id, classifier_id)
    path = upload_path(call.storage.secret_box, file.organization_id, file.id)
    url = str(call.request.base_url.replace(path=path, query=""))
    return json_response({"url": url, "fileId": str(file.id)})
