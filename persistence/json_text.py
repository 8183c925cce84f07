"""JSON text for jsonb parameters, with numbers kept exact."""

from decimal import Decimal
from typing import Any

import orjson


def dumps(value: Any) -> str:
    """JSON text; Decimals are written digit by digit."""
    return orjson.dumps(value, default=_number).decode()


def _number(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    raise TypeError(f"{type(value).__name__} is not JSON")
