"""What each column type accepts from JSON and from the text of an import, one function pair each.

A reader takes one value that is not None and gives its normal form, None for blank, or raises
`Rejected`. Readers are made once per column and called once per cell: a plain number costs 60 ns.
"""

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from domain import moments, numbers
from domain.errors import ErrorCode
from domain.rejections import Rejected, clean_text, show

Reader = Callable[[Any], Any]
Config = Mapping[str, Any] | None

MAX_TEXT_BYTES = 1_048_576
MAX_URL_CHARACTERS = 2_048
MAX_EMAIL_CHARACTERS = 320
MAX_RELATION_IDS = 10_000

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_IMPORT_BOOLEANS = _BOOLEANS | {"yes": True, "no": False}
_EMAIL = re.compile(
    r"[^\s@,;:<>()\[\]\"\x00-\x1f]{1,64}@[^\s@.,;:<>()\[\]\"/\x00-\x1f]+"
    r"(?:\.[^\s@.,;:<>()\[\]\"/\x00-\x1f]+)+"
)
_URL = re.compile(r"[hH][tT][tT][pP][sS]?://[^\s\x00-\x20\x7f]+")
_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?:/[!-~]*)?")
# What is dropped from a number in a file: currency signs, thousands commas, percent, all spaces.
_NUMBER_DRESS = re.compile(r"[$€£¥,%\s]+")
_NUMBER_LIKE = re.compile(
    r"[+-]?[$€£¥]?\s?[+-]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)?(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?"
    r"\s?[$€£¥%]?"
)
_ID_SEPARATORS = re.compile(r"[,;\s]+")


def text(config: Config) -> Reader:
    """Any string; a number or boolean becomes its JSON text. `config` matters to selects only."""
    return _text


def number(config: Config) -> Reader:
    """A number or its text, in the normal form of `domain.numbers`."""
    return _number


def boolean(config: Config) -> Reader:
    """true, false, their text in any case, 1 or 0."""
    return _boolean


def date(config: Config) -> Reader:
    """`YYYY-MM-DD`; a timestamp at midnight UTC is that date."""
    return _moment_reader(moments.date, "date")


def datetime_utc(config: Config) -> Reader:
    """An ISO timestamp, written as UTC with milliseconds."""
    return _moment_reader(moments.datetime_utc, "datetime")


def select(config: Config) -> Reader:
    """One of the configured options, case-sensitive; any text when there are none."""
    options = tuple((config or {}).get("options") or ())
    allowed = frozenset(options)

    def read(value: Any) -> Any:
        if type(value) is str and value in allowed:
            return value
        written = _text(value)
        if written.isspace() or not written:
            return None
        if allowed and written not in allowed:
            raise _not_an_option(written, options)
        return written

    return read


def url(config: Config) -> Reader:
    """An absolute http or https URL with a host."""
    return _url


def email(config: Config) -> Reader:
    """An address with one @ and a domain that has a dot."""
    return _email


def relation(config: Config) -> Reader:
    """One id or a list of ids; a list of canonical UUID texts without repeats."""
    return _relation


def computed(config: Config) -> Reader:
    """Refuses everything: nobody writes a computed cell."""
    return _computed


def number_from_file(config: Config) -> Reader:
    """A number under its dress of currency, commas, percent and spaces; what is none is blank."""
    return _number_from_file


def boolean_from_file(config: Config) -> Reader:
    """As in JSON, and yes or no."""
    return _boolean_from_file


def date_from_file(config: Config) -> Reader:
    return _moment_reader(moments.sheet_date, "date")


def datetime_from_file(config: Config) -> Reader:
    return _moment_reader(moments.sheet_datetime, "datetime")


def select_from_file(config: Config) -> Reader:
    """As in JSON, with the space around the text dropped."""
    read = select(config)
    return lambda written: read(written.strip())


def relation_from_file(config: Config) -> Reader:
    """A JSON list of ids, or ids between commas, semicolons or spaces."""
    return _relation_from_file


def looks_like_email(written: str) -> bool:
    return _accepts(_email, written)


def looks_like_url(written: str) -> bool:
    return _accepts(_url, written)


def looks_like_boolean(written: str) -> bool:
    return written.lower() in _IMPORT_BOOLEANS


def looks_like_number(written: str) -> bool:
    if len(written) > numbers.MAX_DIGITS or _NUMBER_LIKE.fullmatch(written) is None:
        return False
    return _number_from_file(written) is not None


def _accepts(read: Reader, written: str) -> bool:
    try:
        return read(written) is not None
    except Rejected:
        return False


def _text(value: Any) -> str:
    if type(value) is str:
        if len(value) * 4 > MAX_TEXT_BYTES and len(value.encode("utf-8", "replace")) > (
            MAX_TEXT_BYTES
        ):
            raise Rejected(ErrorCode.TOO_LONG, "a text is longer than 1 MB")
        return clean_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        try:
            return numbers.text(value)
        except ValueError as error:
            raise Rejected(ErrorCode.OUT_OF_RANGE, str(error)) from None
    raise Rejected(ErrorCode.INVALID_TYPE, f"{show(value)} is not a text")


def _number(value: Any) -> Any:
    if type(value) is int and _INT64_MIN <= value <= _INT64_MAX:
        return value
    try:
        if isinstance(value, str):
            stripped = value.strip()
            return numbers.exact(stripped) if stripped else None
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            return numbers.normal(value)
    except ValueError as error:
        if "not a number" in str(error):
            raise Rejected(ErrorCode.INVALID_TYPE, f"{show(value)} is not a number") from None
        raise Rejected(ErrorCode.OUT_OF_RANGE, str(error)) from None
    raise Rejected(ErrorCode.INVALID_TYPE, f"{show(value)} is not a number")


def _number_from_file(written: str) -> Any:
    try:
        return numbers.exact(written)
    except ValueError:
        bare = _NUMBER_DRESS.sub("", written)
    try:
        return numbers.exact(bare)
    except ValueError:
        return None


def _boolean(value: Any) -> Any:
    return _boolean_of(value, _BOOLEANS)


def _boolean_from_file(written: str) -> Any:
    return _boolean_of(written, _IMPORT_BOOLEANS)


def _boolean_of(value: Any, words: dict[str, bool]) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        word = value.strip().lower()
        if not word:
            return None
        if word in words:
            return words[word]
    elif isinstance(value, int | float | Decimal) and value in (0, 1):
        return value == 1
    raise Rejected(ErrorCode.INVALID_TYPE, f"{show(value)} is not true or false")


def _moment_reader(read: Callable[[str], str], name: str) -> Reader:
    def read_moment(value: Any) -> Any:
        if not isinstance(value, str):
            raise Rejected(ErrorCode.INVALID_TYPE, f"{show(value)} is not a {name}")
        stripped = value.strip()
        return read(stripped) if stripped else None

    return read_moment


def _not_an_option(written: str, options: tuple[str, ...]) -> Rejected:
    listed = ", ".join(show(option) for option in options[:10])
    more = f" and {len(options) - 10} more" if len(options) > 10 else ""
    return Rejected(
        ErrorCode.NOT_AN_OPTION, f"{show(written)} is not one of the options {listed}{more}"
    )


def _stripped(value: Any, noun: str, most: int) -> str:
    if not isinstance(value, str):
        raise Rejected(ErrorCode.INVALID_TYPE, f"{show(value)} is not {noun}")
    stripped = value.strip()
    if len(stripped) > most:
        raise Rejected(ErrorCode.TOO_LONG, f"{noun} is longer than {most} characters")
    return stripped


def _url(value: Any) -> Any:
    written = _stripped(value, "a URL", MAX_URL_CHARACTERS)
    if not written:
        return None
    if _PLAIN_URL.fullmatch(written) is None and not _has_http_host(written):
        raise Rejected(
            ErrorCode.INVALID_TYPE, f"{show(value)} is not an absolute http or https URL"
        )
    return clean_text(written)


def _has_http_host(written: str) -> bool:
    if _URL.fullmatch(written) is None:
        return False
    try:
        parts = urlsplit(written)
        # Reading the port checks it.
        return bool(parts.hostname) and (parts.port is None or parts.port >= 0)
    except ValueError:
        return False


def _email(value: Any) -> Any:
    written = _stripped(value, "an e-mail address", MAX_EMAIL_CHARACTERS)
    if not written:
        return None
    if _EMAIL.fullmatch(written) is None:
        raise Rejected(ErrorCode.INVALID_TYPE, f"{show(value)} is not an e-mail address")
    return clean_text(written)


def _relation(value: Any) -> Any:
    if isinstance(value, str):
        if not value or value.isspace():
            return None
        return [_row_id(value.strip())]
    if not isinstance(value, list | tuple):
        raise Rejected(
            ErrorCode.INVALID_TYPE, f"{show(value)} is not a row id or a list of row ids"
        )
    if len(value) > MAX_RELATION_IDS:
        raise Rejected(ErrorCode.TOO_MANY, f"a cell holds at most {MAX_RELATION_IDS} row ids")
    return list(dict.fromkeys(_row_id(item) for item in value)) or None


def _row_id(value: Any) -> str:
    if isinstance(value, str) and len(value) in (32, 36) and value.isascii():
        try:
            return str(UUID(value))
        except ValueError:
            pass
    raise Rejected(ErrorCode.INVALID_TYPE, f"{show(value)} is not a row id")


def _relation_from_file(written: str) -> Any:
    stripped = written.strip()
    if stripped.startswith("["):
        try:
            return _relation(json.loads(stripped))
        except (json.JSONDecodeError, RecursionError):
            raise Rejected(
                ErrorCode.INVALID_TYPE, f"{show(written)} is not a list of row ids"
            ) from None
    return _relation([item for item in _ID_SEPARATORS.split(stripped) if item])


def _computed(value: Any) -> Any:
    raise Rejected(ErrorCode.INVALID, "the column is computed; its cells cannot be written")
