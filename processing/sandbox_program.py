"""What runs in the sandbox around a user's program: it calls `run` for each row, and packs what
comes back so that nothing but short texts and plain numbers ever leaves.

Packing happens inside, under the sandbox's own limits. A list that holds itself twenty times over
is small there and endless once it is copied out, so containers leave as JSON of bounded length. All
names that the wrapper uses are bound before the user's program is read, and what it defines itself
has a name that nobody can guess."""

import math
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain import numbers
from domain.numbers import InvalidJson

#: Bytes of one value that a program returns, and characters of the message of an error.
MAX_VALUE_BYTES = 65_536
_MAX_MESSAGE = 500
_RETURNED = "run returned "
#: Integers beyond are no numbers that a cell can hold.
_MAX_DIGITS = numbers.MAX_DIGITS
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")

_JSON, _ERROR, _LONG_ERROR = 0, 1, 2
_NOT_A_NUMBER = "NaN and Infinity are no values for a cell"
_TOO_LONG = f"run returned more than {MAX_VALUE_BYTES // 1024} kB"
_TOO_DEEP = "run returned lists or objects that are nested too deeply"

_WRAPPER = """
def {name}_make():
    import json, time
    from datetime import date, datetime
    from decimal import Decimal
    dumps, clock, kind_of, size, text_of = json.dumps, time.perf_counter, type, len, str
    whole, real, flag, key_error = int, float, bool, KeyError
    array, pair, table, group, frozen = list, tuple, dict, set, frozenset
    any_error, wrong_type, wrong_value, ordered = BaseException, TypeError, ValueError, sorted
    least, most, limit = -(10 ** {digits}), 10 ** {digits}, {limit}

    def plain(value, depth, left):
        kind = kind_of(value)
        left[0] -= 2
        if kind is text_of or kind is array or kind is pair or kind is table:
            left[0] -= size(value)
        if left[0] < 0:
            raise wrong_value({too_long!r})
        if value is None or kind is text_of or kind is flag:
            return value
        if kind is whole:
            if least < value < most:
                return '{name}:' + text_of(value)
            raise wrong_value('run returned a number of more than {digits} digits')
        if kind is real or kind is Decimal:
            return '{name}:' + text_of(value)
        if kind is date or kind is datetime:
            return value.isoformat()
        if depth > 90:
            raise wrong_value({too_deep!r})
        if kind is table:
            found = {{}}
            for key in value:
                if kind_of(key) is not text_of:
                    raise wrong_type('run returned an object with a key that is no text')
                left[0] -= size(key)
                found[key] = plain(value[key], depth + 1, left)
            return found
        if kind is array or kind is pair:
            return [plain(each, depth + 1, left) for each in value]
        if kind is group or kind is frozen:
            return [plain(each, depth + 1, left) for each in ordered(value)]
        raise wrong_type('run returned a ' + kind.__name__ + ', which no cell can hold')

    def packed(value):
        kind = kind_of(value)
        if value is None or kind is flag or kind is real:
            return value
        if kind is whole and least < value < most:
            return value
        if kind is text_of and size(value) <= limit:
            return value
        return ({json}, dumps(plain(value, 0, [limit]), ensure_ascii=False))

    def many(run, rows, seconds):
        done = []
        end = clock() + seconds
        for row in rows:
            try:
                done.append(packed(run(row)))
            except any_error as error:
                said = text_of(error)
                told = kind_of(error).__name__ + (': ' if said else '') + said[:{message}]
                done.append(({error} if size(said) <= {message} else {long}, told))
            if clock() > end:
                break
        return done

    def one(run, row):
        return packed(run(row))

    return many, one
{name}_many, {name}_one = {name}_make()
None
"""


@dataclass(frozen=True, slots=True)
class Returned:
    """What `run` gave for a row: JSON, numbers in normal form."""

    value: Any


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no value, as a sentence for people."""

    message: str


Result = Returned | Fault


@dataclass(frozen=True, slots=True)
class Raised:
    """`run` raised this exception. Where it did is to be had from another run of the row alone."""

    fault: Fault


class Broken(Exception):
    """What came out of the sandbox is nothing that the wrapper makes."""


class Wrapper:
    """The wrapper of one session, under a name of its own."""

    def __init__(self) -> None:
        self._name = "tc_" + secrets.token_hex(12)
        self._numbers = re.compile(f'"{self._name}:([^"]*)"')
        self.code = _WRAPPER.format(
            name=self._name,
            digits=_MAX_DIGITS,
            limit=MAX_VALUE_BYTES,
            too_long=_TOO_LONG,
            too_deep=_TOO_DEEP,
            json=_JSON,
            error=_ERROR,
            long=_LONG_ERROR,
            message=_MAX_MESSAGE,
        )

    def many(self, rows: Sequence[Mapping[str, Any]], seconds: float) -> tuple[str, dict[str, Any]]:
        """Code and inputs that run rows one after the other until `seconds` are over."""
        return f"{self._name}_many(run, {self._name}_rows, {seconds!r})", {
            f"{self._name}_rows": list(map(dict, rows))
        }

    def one(self, row: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Code and inputs that run one row and let its exception out."""
        return f"{self._name}_one(run, {self._name}_row)", {f"{self._name}_row": dict(row)}

    def results(self, came: Any, most: int) -> list[Result | Raised]:
        """What came of the first rows, at least one and at most `most`. Raises `Broken`."""
        if not isinstance(came, list) or not 1 <= len(came) <= most:
            raise Broken
        return [_error(each) or self.result(each) for each in came]

    def result(self, came: Any) -> Result:
        """What came of one row. Raises `Broken`."""
        if came is None or isinstance(came, bool):
            return Returned(came)
        if isinstance(came, str):
            fits = len(came) * 4 <= MAX_VALUE_BYTES or len(came.encode()) <= MAX_VALUE_BYTES
            return Returned(came) if fits else Fault(_TOO_LONG)
        if isinstance(came, int | float):
            if isinstance(came, float) and not math.isfinite(came):
                return Fault(_NOT_A_NUMBER)
            return Returned(numbers.normal(came))
        if isinstance(came, tuple) and len(came) == 2 and isinstance(came[1], str):
            return self._unpacked(came[1])
        raise Broken

    def _unpacked(self, written: str) -> Result:
        """Numbers inside containers leave as marked texts, since JSON of the sandbox knows no
        exact ones."""
        if any(not _NUMBER.fullmatch(each) for each in self._numbers.findall(written)):
            return Fault(_NOT_A_NUMBER)
        exact = self._numbers.sub(r"\1", written)
        if len(exact.encode()) > MAX_VALUE_BYTES:
            return Fault(_TOO_LONG)
        try:
            return Returned(numbers.loads(exact))
        except InvalidJson as error:
            return Fault(f"run returned no value: {error}")


def fault_of(message: str, where: str = "") -> Fault:
    """The fault of an exception, from its kind and message, at a length that a cell can show. What
    the wrapper raises itself speaks for itself."""
    own = message.removeprefix("ValueError: ").removeprefix("TypeError: ")
    clean = (own if own.startswith(_RETURNED) else message).replace("\0", "\ufffd")
    return Fault((clean if len(clean) <= _MAX_MESSAGE else clean[:_MAX_MESSAGE] + "…") + where)


def _error(came: Any) -> Raised | Fault | None:
    """An exception of the program. One with a long message is not asked for its line: the message
    would come out whole."""
    if not isinstance(came, tuple) or len(came) != 2 or came[0] not in (_ERROR, _LONG_ERROR):
        return None
    fault = fault_of(str(came[1]))
    return fault if came[0] == _LONG_ERROR else Raised(fault)
