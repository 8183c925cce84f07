"""Small checks that several use cases share."""

from collections.abc import Sequence

from domain.errors import ErrorCode, Invalid, Problem


def text_problems(name: str, value: str | None, least: int, most: int, *path: str) -> list[Problem]:
    """What is wrong with a text of `least` to `most` characters. None counts as absent and is
    fine."""
    if value is None:
        return []
    where = (*path, name)
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        return [
            Problem(ErrorCode.INVALID, f"{name} holds a character that cannot be stored", where)
        ]
    if len(value.strip()) < least:
        return [Problem(ErrorCode.REQUIRED, f"{name} must not be empty", where)]
    if len(value) > most:
        return [Problem(ErrorCode.TOO_LONG, f"{name} is longer than {most} characters", where)]
    return []


def refuse(problems: Sequence[Problem]) -> None:
    """Raise `Invalid` when there is any problem."""
    if problems:
        raise Invalid(problems)


def required_text_problems(name: str, value: object, most: int) -> list[Problem]:
    """What is wrong with a text that must be there and not blank."""
    if not isinstance(value, str):
        return [Problem(ErrorCode.REQUIRED, f"{name} must not be null", (name,))]
    return text_problems(name, value, 1, most)
