"""Our scalars: moments in one form, and JSON that keeps every number exact."""

from datetime import UTC, datetime
from typing import Any, NewType

import strawberry
from graphql import (
    BooleanValueNode,
    GraphQLError,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
)
from graphql.language import EnumValueNode, FloatValueNode, StringValueNode
from strawberry.types.scalar import ScalarDefinition

from domain import moments, numbers
from domain.rejections import Rejected

JSON = NewType("JSON", object)


def moment_text(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, for example `2026-01-31T09:30:00.000Z`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _read_moment(value: Any) -> datetime:
    if not isinstance(value, str):
        raise GraphQLError("DateTime must be a text such as 2026-01-31T09:30:00.000Z")
    try:
        return datetime.fromisoformat(moments.datetime_utc(value))
    except Rejected as error:
        raise GraphQLError(f"DateTime: {error.message}") from None


def _same(value: Any) -> Any:
    return value


def _literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
    """A JSON value written in a document. Numbers come in the same exact forms as from JSON."""
    if isinstance(node, IntValueNode | FloatValueNode):
        return numbers.exact(node.value)
    if isinstance(node, StringValueNode | BooleanValueNode | EnumValueNode):
        return node.value
    if isinstance(node, NullValueNode):
        return None
    if isinstance(node, ListValueNode):
        return [_literal(item, variables) for item in node.values]
    if isinstance(node, ObjectValueNode):
        return {
            field.name.value: _literal(field.value, variables)
            for field in node.fields
            if not _is_absent(field.value, variables)
        }
    if isinstance(node, VariableNode):
        return (variables or {}).get(node.name.value)
    raise GraphQLError("This is not a JSON value")


def _is_absent(node: ValueNode, variables: dict[str, Any] | None) -> bool:
    return isinstance(node, VariableNode) and node.name.value not in (variables or {})


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment in UTC with milliseconds, ISO 8601: `2026-01-31T09:30:00.000Z`. "
        "Input without an offset means UTC; years 1 to 9999.",
        serialize=moment_text,
        parse_value=_read_moment,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value. Numbers are exact up to 1,000 digits; NaN and Infinity are "
        "refused.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=_same,
        parse_value=_same,
        parse_literal=_literal,
    ),
}
