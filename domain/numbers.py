"""Exact numbers: read from JSON and from text without losing a digit, and written as plain digits.

Normal form, the same for equal values: `int` when integral and within 64 bits; `Decimal` for longer
integers; `float` for fractions that are what the float's shortest text says, else `Decimal`.
Decimals have no trailing zeros. There is no minus zero.
"""

import json
from decimal import Context, Decimal, DecimalException
from typing import Any, NoReturn

#: Longest number, counted in the digits that it takes to write it out without an exponent.
MAX_DIGITS = 1_000
#: Deepest nesting of JSON. Writers refuse what is deeper, so it must not get in.
MAX_DEPTH = 100

Number = int | float | Decimal

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_FLOAT_EXACT_INT = 2**53
_CONTEXT = Context(prec=MAX_DIGITS + 1, Emax=999_999, Emin=-999_999)
_BITS_OF_MAX_DIGITS = 3_325
_TOO_LONG = f"a number has more than {MAX_DIGITS} digits"
# A number of at most 15 digits survives float64 and comes back as the same text.
_SHORT = 16
_SHORTEST_FLOAT = 24  # no float needs a longer text
_LONG_RUN = b"0" * 19
_DIGITS_ONLY = bytes(48 if 48 <= code <= 57 else 32 for code in range(256))


class InvalidJson(ValueError):
    """The text is not JSON that we take. The message is short and safe to show."""


def loads(data: bytes | str) -> Any:
    """Parse strict JSON (RFC 8259, UTF-8) and keep every number exact.

    Numbers come as int (64 bits), float (when float64 keeps the value) or Decimal. Strings may hold
    NUL or unpaired surrogates: JSON allows them, `domain.values` refuses them where they would be
    stored. Of repeated keys the last one wins.

    Raises `InvalidJson`: malformed text, invalid UTF-8, NaN or Infinity, numbers of more than
    1,000 digits, nesting deeper than 100.
    """
    if isinstance(data, str):
        text, raw = data, data.encode("ascii", "replace")
    else:
        raw = data
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InvalidJson(f"invalid UTF-8 at byte {error.start}") from None
    # Looking once for a long run of digits lets all other documents use the parser's own int.
    long_integers = _LONG_RUN in raw.translate(_DIGITS_ONLY)
    decoder = _EXACT_DECODER if long_integers else _DECODER
    try:
        value = decoder.decode(text)
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")
        raise InvalidJson(f"{what} at line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise InvalidJson("the JSON is nested too deeply") from None
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
        _check_depth(value)
    return value


def decode_at(text: str, start: int) -> tuple[Any, int]:
    """The JSON value that begins at this place of a text, and the place behind it.

    Numbers come and are refused as in `loads`. Raises `InvalidJson`."""
    try:
        value, end = _EXACT_DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")
        raise InvalidJson(f"{what} at line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise InvalidJson("the JSON is nested too deeply") from None
    _check_depth(value)
    return value, end


def exact(text: str) -> Number:
    """The number written in `text` (ASCII digits, sign, point, exponent), in normal form.

    Raises `ValueError` when the text is not a number or has more than 1,000 digits.
    """
    if len(text) <= 18 and text.isascii() and text.isdigit():
        return int(text)
    if not _LETTERS.issuperset(text):  # float() and Decimal() take spaces, words and all scripts
        raise ValueError("not a number")
    if len(text) <= _SHORT and "e" not in text and "E" not in text:
        try:
            short = float(text)
        except ValueError:
            raise ValueError("not a number") from None
        return int(short) if short.is_integer() else short
    return normal(_decimal(text))


def normal(value: Number) -> Number:
    """The normal form of a number. Raises `ValueError` for NaN, infinity and over 1,000 digits."""
    if isinstance(value, int):
        if _INT64_MIN <= value <= _INT64_MAX:
            return value
        if value.bit_length() > _BITS_OF_MAX_DIGITS:
            raise ValueError(_TOO_LONG)
        return _normal_decimal(Decimal(value))
    if isinstance(value, float):
        if not value.is_integer():
            if value - value != 0:  # only NaN and the infinities
                raise ValueError("NaN and Infinity are not numbers that can be stored")
            return value
        if -_FLOAT_EXACT_INT <= value <= _FLOAT_EXACT_INT:
            return int(value)
        return _normal_decimal(Decimal(repr(value)))
    return _normal_decimal(value)


def text(value: Number) -> str:
    """A number as plain digits, the form PostgreSQL writes: no exponent, no trailing zeros."""
    value = normal(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        written = repr(value)
        return written if "e" not in written else format(Decimal(written), "f")
    return format(value, "f")


def _normal_decimal(value: Decimal) -> Number:
    if not value.is_finite():
        raise ValueError("NaN and Infinity are not numbers that can be stored")
    if not value:
        return 0
    if _written_digits(value) > MAX_DIGITS:
        raise ValueError(_TOO_LONG)
    value = _CONTEXT.normalize(value)
    if int(value.as_tuple().exponent) >= 0:
        # As floats, long integers would equal their binary value, not the one they are written as.
        return int(value) if _INT64_MIN <= value <= _INT64_MAX else value
    shortest = float(value)
    return shortest if Decimal(repr(shortest)) == value else value


def _written_digits(value: Decimal) -> int:
    _, digits, exponent = value.as_tuple()
    exponent = int(exponent)
    return len(digits) + exponent if exponent >= 0 else max(len(digits), -exponent)


def _decimal(written: str) -> Decimal:
    if len(written) > MAX_DIGITS + 16:
        raise ValueError(_TOO_LONG)
    try:
        return Decimal(written)
    except DecimalException:
        raise ValueError("not a number") from None


_LETTERS = frozenset("0123456789+-.eE")


def _parse_float(written: str) -> Number:
    if len(written) <= _SHORT and "e" not in written and "E" not in written:
        return float(written)
    if len(written) <= _SHORTEST_FLOAT:
        value = float(written)
        if repr(value) == written:  # how other programs write their own floats
            return value
    return _parse_exact(written)


def _parse_int(written: str) -> Number:
    return int(written) if len(written) <= 18 else _parse_exact(written)


def _parse_exact(written: str) -> Number:
    try:
        return normal(_decimal(written))
    except ValueError as error:
        raise InvalidJson(str(error)) from None


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidJson(f"{name} is not JSON")


def _check_depth(value: Any) -> None:
    """Walks containers level by level: some 30 ns for each value in them."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        if not level:
            return
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
    if level:
        raise InvalidJson(f"the JSON is nested more than {MAX_DEPTH} levels deep")


_DECODER = json.JSONDecoder(parse_float=_parse_float, parse_constant=_refuse_constant)
_EXACT_DECODER = json.JSONDecoder(
    parse_float=_parse_float, parse_int=_parse_int, parse_constant=_refuse_constant
)
