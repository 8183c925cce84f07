"""An OpenAPI 3.1 document from a table of endpoints."""

import re
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel, TypeAdapter

from rest_compat.endpoints import Endpoint

_REFERENCE = "#/components/schemas/{model}"
_IN_PATH = re.compile(r"\{(\w+)\}")
_ERRORS = {
    400: "The request breaks a rule; the error names the field.",
    401: "No key, or one that does not work.",
    403: "The key's role does not allow it.",
    413: "The body is too large.",
    500: "Our fault; the log has the details under the answer's X-Request-ID.",
    503: "The table is busy; try again.",
}

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A repeat with the same key is not carried out again: it gets the first answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


def document(
    title: str, endpoints: Sequence[Endpoint], error_body: type[BaseModel], key: str
) -> dict[str, Any]:
    """The document. Each operation names its GraphQL field in `x-graphql-field`. `key` says what
    the key in the header is."""
    schemas: dict[str, Any] = {}
    error = _schema(error_body, schemas, "serialization")
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        entry = _operation(endpoint, schemas, error)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = entry
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version("tablecast")},
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": key,
                }
            },
        },
    }


def _operation(
    endpoint: Endpoint, schemas: dict[str, Any], error: dict[str, Any]
) -> dict[str, Any]:
    for parameter in endpoint.parameters:
        schemas.update(parameter.models)
    operation: dict[str, Any] = {
        "operationId": f"{endpoint.method.lower()}{_words(endpoint.path)}",
        "summary": endpoint.summary,
        "x-operation": endpoint.operation,
        "parameters": _parameters(endpoint),
        "responses": {str(endpoint.status): _answer(endpoint, schemas)},
    }
    if endpoint.graphql_field is not None:
        operation["x-graphql-field"] = endpoint.graphql_field
    body = _body(endpoint, schemas)
    if body is not None:
        operation["requestBody"] = {"required": endpoint.body_needed, "content": body}
    if endpoint.keyless:
        operation["security"] = []
    texts = dict(_ERRORS) | ({404: endpoint.missing} if endpoint.missing else {})
    if endpoint.method != "GET":
        texts[409] = "It is in use, or the idempotency key is."
    texts |= endpoint.errors
    for status, text in sorted(texts.items()):
        content = {"application/json": {"schema": error}}
        operation["responses"][str(status)] = {"description": text, "content": content}
    return operation


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    in_path = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": "Opaque.",
            "schema": {"type": "string"},
        }
        for name in _IN_PATH.findall(endpoint.path)
    ]
    in_query = [
        {
            "name": each.name,
            "in": "query",
            "required": False,
            "description": each.description,
            "schema": each.schema,
        }
        for each in endpoint.parameters
    ]
    return in_path + in_query + ([_IDEMPOTENCY_KEY] if endpoint.repeatable else [])


def _answer(endpoint: Endpoint, schemas: dict[str, Any]) -> dict[str, Any]:
    if endpoint.status == 204 or endpoint.raw_body:
        return {"description": "Done; the body is empty."}
    schema: dict[str, Any] = {"type": "string", "format": "binary"}
    if endpoint.answer is not None:
        schema = _schema(endpoint.answer, schemas, "serialization")
    media_types = (endpoint.media_type, *endpoint.other_media_types)
    content = {media_type: {"schema": schema} for media_type in media_types}
    return {"description": endpoint.summary, "content": content}


def _body(endpoint: Endpoint, schemas: dict[str, Any]) -> dict[str, Any] | None:
    if endpoint.upload:
        fields = endpoint.fields
        parts = {
            "file": {"type": "string", "format": "binary", "description": "The file."},
            **{each.name: each.schema | {"description": each.description} for each in fields},
        }
        schema: dict[str, Any] = {"type": "object", "properties": parts, "required": ["file"]}
        return {"multipart/form-data": {"schema": schema}}
    if endpoint.raw_body:
        return {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    if endpoint.body is None:
        return None
    return {"application/json": {"schema": _schema(endpoint.body, schemas, "validation")}}


def _schema(type_: Any, schemas: dict[str, Any], mode: Any) -> dict[str, Any]:
    """The schema of a type; models go to `schemas` and are referred to."""
    made = TypeAdapter(type_).json_schema(ref_template=_REFERENCE, mode=mode)
    schemas.update(made.pop("$defs", {}))
    name = made.get("title")
    if not isinstance(type_, type) or name != getattr(type_, "__name__", None):
        return made
    schemas[str(name)] = made
    return {"$ref": _REFERENCE.format(model=name)}


def _words(path: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.findall(r"\w+", path)[1:])
