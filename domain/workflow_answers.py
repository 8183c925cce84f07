"""What a step that asks a model is to give: one value of a type, or an object of named values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain import values
from domain.columns import Column, ColumnType
from domain.errors import ErrorCode
from domain.rejections import Rejected, show

MAX_FIELDS = 50
MAX_OPTIONS = 1_000

TYPES = (
    ColumnType.TEXT,
    ColumnType.NUMBER,
    ColumnType.BOOLEAN,
    ColumnType.DATE,
    ColumnType.DATETIME,
    ColumnType.SELECT,
    ColumnType.MULTI_SELECT,
    ColumnType.URL,
    ColumnType.EMAIL,
    ColumnType.JSON,
)
_CHOICES = (ColumnType.SELECT, ColumnType.MULTI_SELECT)
_NAMES = ", ".join(TYPES)


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """The form of an answer. `options` are those of a choice, `fields` the types of the values in
    an object, by name."""

    type: ColumnType = ColumnType.TEXT
    options: Sequence[str] = ()
    fields: Mapping[str, ColumnType] = field(default_factory=dict)

    @property
    def column(self) -> Column:
        """The form as a column, for engines that fill columns."""
        return _column("answer", self.type, self.options)

    def worded(self, prompt: str) -> str:
        """The prompt with what the values of an object have to be."""
        if not self.fields:
            return prompt
        told = "\n".join(f"- {name}: {type_}, or null" for name, type_ in self.fields.items())
        return f"{prompt}\n\nThe value is one JSON object with exactly these keys:\n{told}"

    def accept(self, value: Any) -> Any:
        """The value in its stored form. Raises `Rejected`."""
        if not self.fields or value is None:
            return value
        if not isinstance(value, Mapping):
            raise Rejected(ErrorCode.INVALID_TYPE, f"{show(value)} is no object")
        missing = [name for name in self.fields if name not in value]
        if missing:
            raise Rejected(ErrorCode.REQUIRED, f"the answer has no {show(missing[0])}")
        return {name: _accepted(name, type_, value[name]) for name, type_ in self.fields.items()}


def answer_form(told: Mapping[str, Any] | None) -> AnswerForm:
    """The form that a checked setting describes; a text without one."""
    if told is None:
        return AnswerForm()
    fields = {name: ColumnType(each) for name, each in (told.get("fields") or {}).items()}
    return AnswerForm(ColumnType(told.get("type", "text")), told.get("options") or (), fields)


def form_fault(value: Any) -> str | None:
    """What is wrong with a setting that describes a form, or None."""
    if not isinstance(value, Mapping):
        return "must be an object: type, and perhaps options or fields"
    unknown = value.keys() - {"type", "options", "fields"}
    if unknown:
        return f"has no setting {show(min(unknown))}"
    type_ = value.get("type", "text")
    if type_ not in TYPES:
        return f"has no type {show(type_)}; there are {_NAMES}"
    return _options_fault(type_, value.get("options")) or _fields_fault(type_, value.get("fields"))


def _options_fault(type_: str, options: Any) -> str | None:
    if options is None:
        return None
    if type_ not in _CHOICES:
        return "has options, which only select and multi_select have"
    texts = isinstance(options, list) and all(isinstance(each, str) and each for each in options)
    if not texts or not 1 <= len(options) <= MAX_OPTIONS:
        return f"must have 1 to {MAX_OPTIONS} options that are texts"
    return None


def _fields_fault(type_: str, fields: Any) -> str | None:
    if fields is None:
        return None
    if type_ != ColumnType.JSON:
        return "has fields, which only json has"
    if not isinstance(fields, Mapping) or not 1 <= len(fields) <= MAX_FIELDS:
        return f"must have 1 to {MAX_FIELDS} fields: types by name"
    for name, each in fields.items():
        if not name.strip() or len(name) > 100:
            return "has a field whose name is not of 1 to 100 characters"
        if each not in TYPES:
            return f"has no type {show(each)}; there are {_NAMES}"
    return None


def _accepted(name: str, type_: ColumnType, value: Any) -> Any:
    try:
        return values.accept(_column(name, type_, ()), value)
    except Rejected as error:
        raise Rejected(error.code, f"{name}: {error.message}") from None


def _column(key: str, type_: ColumnType, options: Sequence[str]) -> Column:
    config = {"options": list(options)} if options else None
    return Column(UUID(int=0), 0, key, key, type_, 0, config=config)
