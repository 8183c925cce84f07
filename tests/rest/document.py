"""The OpenAPI document as a judge: whether an answer is what it says."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import httpx2

from rest_compat.app import document_of

#: Every keyword that the document may use; one that is not here would go unchecked.
CHECKED = {
    "$ref",
    "additionalProperties",
    "anyOf",
    "const",
    "enum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "pattern",
    "properties",
    "required",
    "type",
}
#: Keywords that say nothing about what is valid, or only about what is sent.
NOTES = {"contentMediaType", "contentSchema", "default", "description", "examples", "title"}

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "array": list,
    "boolean": bool,
    "integer": int,
    "null": type(None),
    "number": (int, float),
    "object": dict,
    "string": str,
}
_SIZES = {"array": ("minItems", "maxItems"), "string": ("minLength", "maxLength")}


class Judge:
    """Holds answers against the document of one face."""

    def __init__(self, face: str) -> None:
        self._face = face

    @cached_property
    def document(self) -> dict[str, Any]:
        """The document as JSON."""
        found: dict[str, Any] = json.loads(document_of(self._face))
        return found

    def operation_of(self, method: str, path: str) -> dict[str, Any] | None:
        """The operation that answers a request."""
        for template, methods in self.document["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
                found: dict[str, Any] | None = methods.get(method.lower())
                return found
        return None

    async def check(self, response: httpx2.Response) -> None:
        """Fail unless the document has this answer to this request. A hook of the client."""
        request = response.request
        operation = self.operation_of(request.method, request.url.path)
        if operation is None:
            return
        await response.aread()
        said = operation["responses"].get(str(response.status_code))
        place = f"{request.method} {request.url.path} {response.status_code}"
        assert said is not None, f"{place} is not in the document: {response.text}"
        if "content" not in said:
            assert response.content == b"", place
            return
        if "*/*" in said["content"]:  # a file is of the type that its bytes tell
            return
        media_type = response.headers["content-type"]
        assert media_type in said["content"], f"{place} is {media_type}"
        content = said["content"][media_type]
        if media_type == "application/json" and "format" not in content["schema"]:
            faults = list(self.faults_of(response.json(), content["schema"], place))
            assert not faults, faults[:5]

    def faults_of(self, value: Any, schema: Mapping[str, Any], place: str) -> Iterator[str]:
        """What is wrong with a JSON value by a schema of the document."""
        unknown = set(schema) - CHECKED - NOTES
        assert not unknown, f"teach {__name__} the keywords {unknown}"
        if "$ref" in schema:
            yield from self.faults_of(value, self.resolve(schema["$ref"]), place)
        if "anyOf" in schema:
            found = [list(self.faults_of(value, each, place)) for each in schema["anyOf"]]
            if all(found):
                yield f"{place} fits none: {found}"
        if "enum" in schema and value not in schema["enum"]:
            yield f"{place}: {value!r} is none of {schema['enum']}"
        if "const" in schema and value != schema["const"]:
            yield f"{place}: {value!r} is not {schema['const']!r}"
        if "type" in schema:
            yield from self._faults_of_type(value, schema, place)

    def resolve(self, reference: str) -> dict[str, Any]:
        """The schema that a reference names. Raises `KeyError`."""
        found: Any = self.document
        head, *steps = reference.split("/")
        assert head == "#", reference
        for step in steps:
            found = found[step]
        assert isinstance(found, dict), reference
        return found

    def _faults_of_type(self, value: Any, schema: Mapping[str, Any], place: str) -> Iterator[str]:
        type_ = schema["type"]
        is_bool = isinstance(value, bool) and type_ != "boolean"
        fits: bool = isinstance(value, _TYPES[type_])
        if is_bool or not fits:
            yield f"{place}: {value!r} is no {type_}"
            return
        least, most = _SIZES.get(type_, ("minimum", "maximum"))
        size = len(value) if type_ in _SIZES else value
        if (least in schema and size < schema[least]) or (most in schema and size > schema[most]):
            yield f"{place}: {value!r} is out of bounds"
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{place}: {value!r} does not match {schema['pattern']}"
        if type_ == "array":
            for index, item in enumerate(value):
                yield from self.faults_of(item, schema.get("items", {}), f"{place}[{index}]")
        if type_ == "object":
            yield from self._faults_of_members(value, schema, place)

    def _faults_of_members(
        self, value: Mapping[str, Any], schema: Mapping[str, Any], place: str
    ) -> Iterator[str]:
        known = schema.get("properties", {})
        others = schema.get("additionalProperties", True)
        missing = set(schema.get("required", ())) - set(value)
        if missing:
            yield f"{place} lacks {sorted(missing)}"
        for key, item in value.items():
            if key in known:
                yield from self.faults_of(item, known[key], f"{place}.{key}")
            elif others is False:
                yield f"{place} has the unknown key {key!r}"
            elif isinstance(others, dict):
                yield from self.faults_of(item, others, f"{place}.{key}")


_TABLES = Judge("tables")
check = _TABLES.check
operation_of = _TABLES.operation_of
faults_of = _TABLES.faults_of
resolve = _TABLES.resolve


def document() -> dict[str, Any]:
    """The document of the Tables API."""
    return _TABLES.document
