"""The form that an answer must have, from the column that it is for; and reading answers.

An answer is one JSON object, `{"value": …, "confidence": …}`. Models that can are held to its
schema by their provider, all are told in words. A bare value is taken too where no talk can be
mistaken for it. Everything else is refused with a sentence that tells the model what was wrong."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain import numbers, values
from domain.columns import Column, ColumnType
from domain.rejections import Rejected

NOT_FOUND = "NOT_FOUND"
#: Longer lists of options are told in words, not in the schema: providers bound schemas.
MOST_IN_SCHEMA = 100
#: Tokens that an answer may have when nobody says. Models that think count their thoughts.
MOST_TOKENS = 1_024
MOST_TOKENS_OF_LONG_TYPES = 4_096

_LONG_TYPES = frozenset({ColumnType.TEXT, ColumnType.JSON, ColumnType.MULTI_SELECT})
_FENCED = re.compile(r"```[a-zA-Z]*\s*\n?(.*?)\n?\s*```", re.DOTALL)
#: How talk begins. Only bare answers for text columns are asked.
_TALK = re.compile(
    r"(?:sure|certainly|of course|absolutely|thank you|sorry|unfortunately|based on|according to"
    r"|as (?:an ai|requested)|here(?:'s| is| are)|i|i'm|i'll|i've|let me|let's|looking at"
    r"|the (?:answer|value|result|output)|this (?:is|row)|it (?:is|seems|looks)|to answer)\b"
    r"|(?:yes|no|ok|okay|great|well|hello|hi)[,!:]",
    re.IGNORECASE,
)
_LONGEST_BARE_TEXT = 300


class Unusable(Exception):
    """An answer that is no value. The text tells the model, and people, what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A value that the column accepts, in stored form; None when there is none to be found."""

    value: Any = None
    confidence: float | None = None


def most_tokens(column: Column) -> int:
    """Tokens that an answer for the column may have when nobody says."""
    return MOST_TOKENS_OF_LONG_TYPES if column.type in _LONG_TYPES else MOST_TOKENS


def instructions(column: Column) -> str:
    """The contract in words."""
    return (
        "Answer with one JSON object and nothing else, without a code fence:\n"
        '{"value": …, "confidence": …}\n'
        f"value: {_form(column)} When the data and what you know do not tell, give null; never "
        f"guess, and never explain. {NOT_FOUND} means null too.\n"
        "confidence: how sure you are, from 0 to 1, or null."
    )


def schema(column: Column) -> Mapping[str, Any] | None:
    """The contract as a JSON schema; None for values of any form."""
    if column.type is ColumnType.JSON:
        return None
    return {
        "type": "object",
        "properties": {
            "value": {"anyOf": [_value_schema(column), {"type": "null"}]},
            "confidence": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        },
        "required": ["value", "confidence"],
        "additionalProperties": False,
    }


def read(column: Column, written: str) -> Reading:
    """What an answer says. Raises `Unusable`."""
    text = without_fence(written)
    if not text or text.upper() == NOT_FOUND:
        return Reading()
    if text.startswith("{"):
        answer = _object(text)
        return Reading(_value(column, answer["value"]), _confidence(answer.get("confidence")))
    return Reading(_value(column, _bare(column, text)))


def is_blank(written: str) -> bool:
    """Whether an answer that could be read says nothing, not even that there is nothing."""
    try:
        refuse_blank(written)
    except Unusable:
        return True
    return False


def refuse_blank(written: str) -> None:
    """Raise `Unusable` for an answer that says nothing, not even that there is nothing."""
    text = without_fence(written)
    if not text:
        raise Unusable("the answer is empty")
    if text.startswith("{"):
        given = _object(text)["value"]
        if isinstance(given, str) and not given.strip():
            raise Unusable("the value is an empty text; null says that there is none")


def without_fence(written: str) -> str:
    """What a model wrote, without the code fence around it."""
    text = written.strip().removeprefix("\ufeff")
    fenced = _FENCED.fullmatch(text)
    return fenced[1].strip() if fenced else text


def _object(text: str) -> Mapping[str, Any]:
    try:
        answer, end = numbers.decode_at(text, 0)
    except numbers.InvalidJson:
        raise Unusable("the answer is broken JSON") from None
    rest = text[end:].strip().strip(",")
    if rest.lstrip().startswith("{"):
        raise Unusable("there is more than one answer; give exactly one")
    if rest:
        raise Unusable("there is text behind the JSON object; give the object alone")
    if "value" not in answer:
        raise Unusable('the JSON object has no "value"')
    if _repeats_value(text):
        raise Unusable('the JSON object has more than one "value"')
    return dict(answer)


def _repeats_value(text: str) -> bool:
    last: list[tuple[str, Any]] = []

    def pairs(found: list[tuple[str, Any]]) -> None:
        last[:] = found  # the outermost object comes last

    json.JSONDecoder(object_pairs_hook=pairs).raw_decode(text)
    return [name for name, _ in last].count("value") > 1


def _bare(column: Column, text: str) -> Any:
    """A value without the object around it."""
    if text[0] in '"[':
        try:
            value, end = numbers.decode_at(text, 0)
        except numbers.InvalidJson:
            raise Unusable("the answer is broken JSON") from None
        if text[end:].strip():
            raise Unusable("there is more than one value; give exactly one")
        return value
    if "{" in text or "```" in text:
        raise Unusable("there is text around the JSON object; give the object alone")
    if column.type is ColumnType.JSON:
        raise Unusable("the answer is not a JSON object")
    free = column.type is ColumnType.TEXT or (
        column.type in (ColumnType.SELECT, ColumnType.MULTI_SELECT) and not column.options
    )
    if free and (_TALK.match(text) or "\n" in text or len(text) > _LONGEST_BARE_TEXT):
        raise Unusable("the answer is prose instead of a value; give the JSON object alone")
    return text


def _value(column: Column, given: Any) -> Any:
    """The stored form of a value. Raises `Unusable`."""
    if isinstance(given, str) and (not given.strip() or given.strip().upper() == NOT_FOUND):
        return None
    if isinstance(given, list) and column.type not in (ColumnType.MULTI_SELECT, ColumnType.JSON):
        raise Unusable("the value is a list; give exactly one value")
    if isinstance(given, str) and column.type is not ColumnType.TEXT:
        given = given.strip()
    if column.type is ColumnType.BOOLEAN and str(given).lower() not in ("true", "false"):
        # 1 and 0 are booleans in a cell, but from a model they are more likely a count.
        raise Unusable("the value is neither true nor false")
    if column.options and column.type is ColumnType.SELECT:
        given = _option(column, given)
    if column.options and column.type is ColumnType.MULTI_SELECT:
        items = given if isinstance(given, list) else [given]
        given = [_option(column, item) for item in items if item is not None]
    try:
        return values.accept(column, given)
    except Rejected as error:
        raise Unusable(f"the value does not fit the column: {error.message}") from None


def _option(column: Column, given: Any) -> Any:
    """The option as it is stored, whatever its case; what is none stays for the refusal."""
    if not isinstance(given, str) or given in column.options:
        return given
    wanted = given.strip().casefold()
    return next((option for option in column.options if option.casefold() == wanted), given)


def _confidence(given: Any) -> float | None:
    if isinstance(given, bool) or not isinstance(given, int | float | Decimal):
        return None
    return float(given) if 0 <= given <= 1 else None


_FORMS: Mapping[ColumnType, str] = {
    ColumnType.TEXT: "a text, the bare answer without an introduction.",
    ColumnType.NUMBER: "one JSON number, without a unit, a currency or a percent sign.",
    ColumnType.BOOLEAN: "true or false.",
    ColumnType.DATE: "one day as a text, YYYY-MM-DD.",
    ColumnType.DATETIME: "one moment as a text, ISO 8601 with an offset.",
    ColumnType.URL: "one absolute http or https URL as a text.",
    ColumnType.EMAIL: "one e-mail address as a text.",
    ColumnType.SELECT: "one short text.",
    ColumnType.MULTI_SELECT: "a list of short texts, each once.",
    ColumnType.JSON: "any JSON value.",
}


def _form(column: Column) -> str:
    if column.type is ColumnType.MEASUREMENT:
        unit = (column.config or {}).get("unit")
        return f"one JSON number in the unit {json.dumps(unit)}." if unit else "one JSON number."
    if column.options:
        options = json.dumps(list(column.options), ensure_ascii=False)
        if column.type is ColumnType.MULTI_SELECT:
            return f"a list of texts, each one of {options}, each once."
        return f"exactly one of {options}."
    return _FORMS.get(column.type, "one text.")


def _text_schema(column: Column) -> dict[str, Any]:
    if 0 < len(column.options) <= MOST_IN_SCHEMA:
        return {"type": "string", "enum": list(column.options)}
    return {"type": "string"}


_SCHEMAS: Mapping[ColumnType, Callable[[Column], dict[str, Any]]] = {
    ColumnType.NUMBER: lambda _column: {"type": "number"},
    ColumnType.MEASUREMENT: lambda _column: {"type": "number"},
    ColumnType.BOOLEAN: lambda _column: {"type": "boolean"},
    ColumnType.MULTI_SELECT: lambda column: {"type": "array", "items": _text_schema(column)},
}


def _value_schema(column: Column) -> dict[str, Any]:
    return _SCHEMAS.get(column.type, _text_schema)(column)
