"""How a value is refused, and the rule that every text must keep to be stored."""

import json
from typing import Any

from domain.errors import ErrorCode

SHOWN_CHARACTERS = 60


class Rejected(ValueError):
    """One value breaks one rule. `message` reads well after a path: `"abc" is not a number`."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def show(value: Any) -> str:
    """A value as a reader of an error message wants to see it: short, quoted, always printable."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        short = value if len(value) <= SHOWN_CHARACTERS else value[:SHOWN_CHARACTERS] + "…"
        written = json.dumps(short, ensure_ascii=False)  # which escapes control characters alone
        return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in written)
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, int) and value.bit_length() > 256:
        return "a very long number"  # str() of a huge int is slow, and refused by Python
    text = str(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"


def clean_text(text: str) -> str:
    """`text` itself; `Rejected` when PostgreSQL cannot store it: NUL or an unpaired surrogate."""
    if "\x00" in text:
        raise Rejected(ErrorCode.INVALID, "text cannot contain the character U+0000")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            code_point = ord(text[error.start])
            raise Rejected(
                ErrorCode.INVALID, f"text cannot contain an unpaired surrogate (U+{code_point:04X})"
            ) from None
    return text
