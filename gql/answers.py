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
    """JSON bytes; Decimals digit by digit, finished JSON as it is.

    Unpaired surrogates become `?`: a client may send them in JSON and find them in a message, but
    UTF-8 has no form for them."""
    try:
        return orjson.dumps(value, default=_number)
    except orjson.JSONEncodeError:
        return orjson.dumps(_printable(value), default=_number)


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_printable(key): _printable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_printable(each) for each in value]
    return value


def _number(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    raise TypeError(f"{type(value).__name__} is not JSON")
