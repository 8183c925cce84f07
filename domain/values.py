"""The registry of column types: what each accepts, how it is stored, compared, read from a file.

Values are JSON values. Normal forms: text str, number int | float | Decimal (`domain.numbers`),
boolean bool, date and datetime str (`domain.moments`), relation list of UUID texts, multi_select
list of str, json any JSON value, file an object with `id` and `name`, measurement its amount as a
number. None is empty. Accepting a normal form gives the same value back.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from domain import column_values as kinds
from domain import moments
from domain import structured_values as structured
from domain.column_values import Config, Reader
from domain.columns import Column, ColumnType
from domain.plain_json import clean_json
from domain.rejections import Rejected, show

__all__ = [
    "FORMULA_TYPES",
    "SORTED_AS_TEXT",
    "TYPES",
    "Family",
    "Reader",
    "Rejected",
    "TypeRules",
    "Typed",
    "accept",
    "accept_default",
    "config_problems",
    "family",
    "file_reader",
    "reader",
    "result_family",
]

MAX_OPTIONS = 1_000
MAX_OPTION_CHARACTERS = 256
MAX_FORMULA_CHARACTERS = 8_192
MAX_DEPENDENCIES = 500
MAX_CONFIG_BYTES = 1_048_576

#: Labels of formulas, with the type of their result where it is not text.
FORMULA_TYPES: Mapping[str, ColumnType] = {
    "arithmetic": ColumnType.NUMBER,
    "text_concat": ColumnType.TEXT,
    "date_diff": ColumnType.NUMBER,
    "conditional": ColumnType.TEXT,
    "aggregate": ColumnType.NUMBER,
}


class Typed(Protocol):
    """What values need to know of a column, made or to be made."""

    @property
    def type(self) -> ColumnType: ...

    @property
    def config(self) -> Config: ...


class TypedWithDefault(Typed, Protocol):
    """A column with its default value."""

    @property
    def default_value(self) -> str | None: ...


class Family(StrEnum):
    """How values are compared, sorted and filtered."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    TEXTS = "texts"
    JSON = "json"
    FILE = "file"
    IDS = "ids"
    ID = "id"  # of a row itself: no column has it


#: Families that sort by the text that is written for their values.
SORTED_AS_TEXT = frozenset({Family.TEXT, Family.TEXTS, Family.JSON, Family.FILE})


@dataclass(frozen=True, slots=True)
class TypeRules:
    """The entry of one column type.

    `storage` is the PostgreSQL type, None when nothing is stored. `accept` and `from_file` make,
    from a column's config, its reader for JSON values and the one for texts of a file.
    `looks_like` says whether a text of a file, stripped and not blank, could be of the type; it is
    None when the type is never guessed.
    """

    family: Family
    storage: str | None
    accept: Callable[[Config], Reader]
    from_file: Callable[[Config], Reader]
    looks_like: Callable[[str], bool] | None = None


_TEXT = "text COLLATE pg_c_utf8"

#: One entry per type. Guessing from a file asks `looks_like` in this order.
TYPES: Mapping[ColumnType, TypeRules] = {
    ColumnType.EMAIL: TypeRules(
        Family.TEXT, _TEXT, kinds.email, kinds.email, kinds.looks_like_email
    ),
    ColumnType.URL: TypeRules(Family.TEXT, _TEXT, kinds.url, kinds.url, kinds.looks_like_url),
    ColumnType.BOOLEAN: TypeRules(
        Family.BOOLEAN, "boolean", kinds.boolean, kinds.boolean_from_file, kinds.looks_like_boolean
    ),
    ColumnType.DATE: TypeRules(
        Family.DATE,
        "date",
        kinds.date,
        kinds.date_from_file,
        lambda written: moments.looks_like(written) == "date",
    ),
    # A date fits here too: a column is one of datetimes as soon as a single value has a time.
    ColumnType.DATETIME: TypeRules(
        Family.DATETIME,
        "timestamptz(3)",
        kinds.datetime_utc,
        kinds.datetime_from_file,
        lambda written: moments.looks_like(written) is not None,
    ),
    ColumnType.NUMBER: TypeRules(
        Family.NUMBER, "numeric", kinds.number, kinds.number_from_file, kinds.looks_like_number
    ),
    ColumnType.SELECT: TypeRules(Family.TEXT, _TEXT, kinds.select, kinds.select_from_file),
    ColumnType.TEXT: TypeRules(Family.TEXT, _TEXT, kinds.text, kinds.text),
    ColumnType.MULTI_SELECT: TypeRules(
        Family.TEXTS,
        "text[] COLLATE pg_c_utf8",
        structured.multi_select,
        structured.multi_select_from_file,
    ),
    ColumnType.JSON: TypeRules(
        Family.JSON, "jsonb", structured.json_value, structured.json_from_file
    ),
    ColumnType.FILE: TypeRules(Family.FILE, "jsonb", structured.file, structured.file_from_file),
    # The unit stands in the config, so that amounts compare, sort and add up as numbers.
    ColumnType.MEASUREMENT: TypeRules(
        Family.NUMBER, "numeric", structured.measurement, structured.measurement_from_file
    ),
    ColumnType.RELATION: TypeRules(Family.IDS, "uuid[]", kinds.relation, kinds.relation_from_file),
    ColumnType.COMPUTED: TypeRules(Family.TEXT, None, kinds.computed, kinds.computed),
}


def family(column: Typed) -> Family:
    """How the column's values compare. A computed column compares as its result does."""
    if column.type is not ColumnType.COMPUTED:
        return TYPES[column.type].family
    if isinstance(column, Column) and column.computation is not None:
        return column.computation.family
    return result_family(column.config or {}, Family.TEXT)


def result_family(config: Mapping[str, Any], natural: Family) -> Family:
    """How results of a computed column with this config compare; `natural` is what its formula
    gives, and holds when neither the type of the result nor that of the formula is told."""
    result, formula = config.get("resultType"), config.get("formulaType")
    if result is None and formula is None:
        return natural
    if result is None:
        return TYPES[FORMULA_TYPES.get(str(formula), ColumnType.TEXT)].family
    told = TYPES[ColumnType(result)].family
    return told if told in _RESULTS else Family.TEXT


_RESULTS = frozenset({Family.TEXT, Family.NUMBER, Family.BOOLEAN, Family.DATE, Family.DATETIME})


def reader(column: Typed) -> Reader:
    """The function that brings JSON values of the column, other than None, into normal form."""
    return TYPES[column.type].accept(column.config)


def file_reader(column: Typed) -> Reader:
    """The function that reads texts of a file, other than blank ones, for the column."""
    return TYPES[column.type].from_file(column.config)


def accept(column: Typed, value: Any) -> Any:
    """The normal form of a JSON value for the column; None is empty. Raises `Rejected`."""
    return None if value is None else reader(column)(value)


def accept_default(column: TypedWithDefault) -> Any:
    """The column's default value in normal form, None when it has none. Raises `Rejected`."""
    if column.default_value is None or TYPES[column.type].storage is None:
        return None
    if column.type in _DEFAULTS_AS_IN_FILES:
        return file_reader(column)(column.default_value)
    return accept(column, column.default_value)


#: A default value is a text. For these types the text form of a file says more than one text can.
_DEFAULTS_AS_IN_FILES = frozenset(
    {ColumnType.MULTI_SELECT, ColumnType.JSON, ColumnType.FILE, ColumnType.MEASUREMENT}
)


def config_problems(column_type: ColumnType, config: Any) -> list[str]:
    """Everything that is wrong with a column's config, one sentence each.

    The keys that the type knows are checked, and options always; others are kept as they are. All
    together may have 1 MB of JSON.
    """
    if config is None:
        return []
    if not isinstance(config, Mapping):
        return ["config must be an object"]
    problems = []
    try:
        clean_json(dict(config), most_bytes=MAX_CONFIG_BYTES)
    except Rejected as error:
        problems.append(f"config: {error.message}")
    checks = {**_COMMON_CHECKS, **_CONFIG_CHECKS.get(column_type, {})}
    for key, check in checks.items():
        if config.get(key) is not None:
            problems += [f"config.{message}" for message in check(config[key])]
    return problems


def _check_options(options: Any) -> list[str]:
    if not isinstance(options, list | tuple):
        return ["options must be a list of texts"]
    if len(options) > MAX_OPTIONS:
        return [f"options holds at most {MAX_OPTIONS} texts"]
    problems = []
    seen: set[str] = set()
    for index, option in enumerate(options):
        fault = _option_fault(option, seen)
        if fault is not None:
            problems.append(f"options[{index}]: {fault}")
        else:
            seen.add(option)
    return problems


def _option_fault(option: Any, seen: set[str]) -> str | None:
    if not isinstance(option, str):
        return f"{show(option)} is not a text"
    if not option.strip():
        return "an option must not be blank"
    if len(option) > MAX_OPTION_CHARACTERS:
        return f"an option has at most {MAX_OPTION_CHARACTERS} characters"
    return f"{show(option)} stands in the list twice" if option in seen else None


def _check_formula(formula: Any) -> list[str]:
    if isinstance(formula, str) and len(formula) <= MAX_FORMULA_CHARACTERS:
        return []
    return [f"formula must be a text of at most {MAX_FORMULA_CHARACTERS} characters"]


def _check_rollup(rollup: Any) -> list[str]:
    return [] if isinstance(rollup, Mapping) else ["rollup must be an object"]


def _check_dependencies(names: Any) -> list[str]:
    is_list = isinstance(names, list | tuple) and len(names) <= MAX_DEPENDENCIES
    if is_list and all(isinstance(name, str) for name in names):
        return []
    return [f"dependencies must be a list of at most {MAX_DEPENDENCIES} column names"]


def _check_word(key: str, words: Sequence[str]) -> Callable[[Any], list[str]]:
    def check(word: Any) -> list[str]:
        if isinstance(word, str) and word in words:
            return []
        return [f"{key}: {show(word)} is not one of {', '.join(words)}"]

    return check


def _check_name(key: str) -> Callable[[Any], list[str]]:
    def check(name: Any) -> list[str]:
        if isinstance(name, str) and len(name) <= MAX_OPTION_CHARACTERS:
            return []
        return [f"{key} must be a text of at most {MAX_OPTION_CHARACTERS} characters"]

    return check


def _check_flag(key: str) -> Callable[[Any], list[str]]:
    def check(flag: Any) -> list[str]:
        return [] if isinstance(flag, bool) else [f"{key} must be true or false"]

    return check


#: What no formula gives.
_NEVER_RESULTS = frozenset(
    {
        ColumnType.COMPUTED,
        ColumnType.MULTI_SELECT,
        ColumnType.JSON,
        ColumnType.FILE,
        ColumnType.MEASUREMENT,
    }
)
_RESULT_TYPES = [each.value for each in ColumnType if each not in _NEVER_RESULTS]

_Checks = Mapping[str, Callable[[Any], list[str]]]

_COMMON_CHECKS: _Checks = {"options": _check_options}
_CONFIG_CHECKS: Mapping[ColumnType, _Checks] = {
    ColumnType.COMPUTED: {
        "formula": _check_formula,
        "formulaType": _check_word("formulaType", list(FORMULA_TYPES)),
        "resultType": _check_word("resultType", _RESULT_TYPES),
        "dependencies": _check_dependencies,
        "rollup": _check_rollup,
    },
    ColumnType.RELATION: {
        "targetTableId": _check_name("targetTableId"),
        "displayColumn": _check_name("displayColumn"),
        "multiple": _check_flag("multiple"),
    },
    ColumnType.MEASUREMENT: {"unit": _check_name("unit")},
}
