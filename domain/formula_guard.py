"""Texts that a spreadsheet would run as formulas, and the apostrophe that keeps it from doing so.

The guard can be taken off again without loss: a text that already looks guarded gets one more
apostrophe, so the first one is always ours."""

import re

#: What makes a spreadsheet read a text as a formula, or a reader of CSV begin a new cell with one.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")


def guarded(text: str) -> str:
    """The text, behind an apostrophe when it begins like a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """What `guarded` made this of."""
    return text[1:] if text[:1] == "'" and _FORMULA.match(text) else text
