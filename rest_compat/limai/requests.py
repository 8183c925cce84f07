"""What several endpoints ask of a request."""

from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from domain import ids, numbers
from domain.classifiers import get_classifier
from domain.errors import Invalid, NotFound
from domain.extraction import get_schema
from domain.extraction_records import Classifier, ExtractionSchema
from rest_compat.endpoints import Call
from rest_compat.limai.errors import placed
from rest_compat.wire import Refused, bounded, parse

SCHEMA = "Extraction schema"
FILE = "File"


async def schema_of(call: Call) -> ExtractionSchema:
    """The schema in the path. Raises `NotFound`."""
    schema_id = call.id("extractionSchemaId", SCHEMA)
    return await get_schema(call.viewer, call.storage, schema_id)


async def classifier_of(call: Call) -> Classifier:
    """The classifier in the path. Raises `NotFound`."""
    classifier_id = call.id("classifierId", "Classifier")
    return await get_classifier(call.viewer, call.storage, classifier_id)


async def schema_exists(call: Call) -> None:
    """Raises `NotFound` unless the schema in the path is there."""
    await schema_of(call)


async def classifier_exists(call: Call) -> None:
    """Raises `NotFound` unless the classifier in the path is there."""
    await classifier_of(call)


def file_id(text: str) -> UUID:
    """The id of a file. What cannot be an id names nothing: `NotFound`."""
    found = ids.parse(text)
    if found is None:
        raise NotFound(FILE)
    return found


def required(call: Call, name: str) -> str:
    """A parameter of the query. Raises `Refused` without it."""
    found = call.query(name)
    if found is None:
        raise Refused(400, f"Missing {name} query parameter")
    return found


async def body_of(call: Call, adapter: TypeAdapter[Any]) -> Any:
    """The body in the form of the adapter; an empty one is an empty object. Raises `Refused` with
    every problem."""
    chunks = bounded(call.request, call.limits.body_bytes)
    text = b"".join([chunk async for chunk in chunks])
    value = numbers.loads(text) if text.strip() else {}
    try:
        return parse(adapter, value)
    except Invalid as error:
        raise placed(error) from None
