"""Results as bytes."""

from decimal import Decimal
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError

from gql.errors import format_errors


def result_json(result: ExecutionResult, request_id: str | None = None) -> bytes:
    """The response object of a result: `errors` first where there are any, then `data`."""
    if result.errors:
        errors = format_errors(result.errors, request_id)
        return to_json({"errors": errors, "data": result.data})
    return to_json({"data": result.data})


def errors_json(errors: list[GraphQLError], request_id: str | None = None) -> bytes:
    """The response object of a request that was not executed."""
    return to_json({"errors": format_errors(errors, request_id)})


def to_json(value: Any) -> bytes:
    """JSON bytes; Decimals digit by digit, finished JSON as it is."""
    return orjson.dumps(value, default=_number)


def _number(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    raise TypeError(f"{type(value).__name__} is not JSON")
