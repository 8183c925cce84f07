"""What schemas of extraction may say: their texts, their tables and fields, and which columns can
be read out of documents at all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain import checks
from domain.column_rules import MAX_COLUMNS, new_column_problems
from domain.columns import Column, ColumnType, ComputedBy, NewColumn
from domain.errors import ErrorCode, Problem
from domain.extraction_commands import FieldDraft, TableDraft
from domain.extraction_records import SchemaField
from domain.rejections import show

#: Schemas and classifiers of an organisation.
MAX_SCHEMAS = 500
MAX_TABLES = 20
#: Columns that are made with one schema, all tables together: it is one transaction, which holds
#: the organisation's clock for a second or two.
MAX_NEW_COLUMNS = 1_000
MAX_NAME = 256
MAX_DESCRIPTION = 1_024
MAX_INSTRUCTIONS = 20_000
MAX_FIELD_TEXT = 2_000
MAX_LABELS = 50
MAX_LABEL = 200
MAX_UNIT = 64
MAX_PROVIDER = 64
MAX_MODEL = 200
#: Examples of a schema that are kept.
MAX_EXAMPLES = 500
MAX_EXAMPLE_TEXT = 20_000
MAX_EXAMPLE_VALUE = 4_000
MAX_VALUES = 500

#: How ambiguous dates are meant: the day first, or the month first.
DATE_FORMATS = ("EU", "US")

_OF_DATES = frozenset({ColumnType.DATE, ColumnType.DATETIME})
_OF_UNITS = frozenset({ColumnType.NUMBER, ColumnType.MEASUREMENT})
_NEVER_READ: Mapping[ColumnType, str] = {
    ColumnType.COMPUTED: "is computed",
    ColumnType.RELATION: "links rows",
    ColumnType.FILE: "holds files",
}
#: Paths of rules of columns lead to other names here.
_NAMES = {"name": "key", "displayName": "label"}


def unreadable(column: Column | NewColumn) -> str | None:
    """Why a column cannot be read out of documents: what it is. None when it can."""
    if column.computed_by is ComputedBy.TOOL:
        return "is filled by its tool"
    if column.computed_by is ComputedBy.EXTERNAL:
        return "is filled by an outside worker"
    return _NEVER_READ.get(column.type)


def text_problems(given: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with the plain fields of a schema or classifier that are given, by name."""
    problems: list[Problem] = []
    if "name" in given:
        problems += checks.required_text_problems("name", given["name"], MAX_NAME)
    for name, most in (("description", MAX_DESCRIPTION), ("instructions", MAX_INSTRUCTIONS)):
        problems += checks.text_problems(name, given.get(name), 0, most)
    for name, most in (("provider", MAX_PROVIDER), ("model", MAX_MODEL)):
        problems += checks.text_problems(name, given.get(name), 1, most)
    return problems + [
        Problem(ErrorCode.REQUIRED, f"{name} must not be null", (name,))
        for name in ("status", "type")
        if name in given and given[name] is None
    ]


def list_problems(tables: Sequence[TableDraft]) -> list[Problem]:
    """What is wrong with a list of tables whatever the tables are."""
    if not 1 <= len(tables) <= MAX_TABLES:
        message = f"tables names 1 to {MAX_TABLES} tables"
        return [Problem(ErrorCode.OUT_OF_RANGE, message, ("tables",))]
    problems: list[Problem] = []
    made = sum(len(table.fields or ()) for table in tables if table.table_id is None)
    if made > MAX_NEW_COLUMNS:
        message = f"New tables of a schema have at most {MAX_NEW_COLUMNS:,} columns together"
        problems.append(Problem(ErrorCode.TOO_MANY, message, ("tables",)))
    seen = set()
    for place, table in enumerate(tables):
        path = ("tables", str(place))
        if (table.table_id is None) == (table.name is None):
            message = "a table is an existing one by tableId, or a new one by name"
            problems.append(Problem(ErrorCode.INVALID, message, path))
        if table.table_id is not None and table.table_id in seen:
            message = "a schema fills a table once"
            problems.append(Problem(ErrorCode.DUPLICATE, message, (*path, "tableId")))
        seen.add(table.table_id)
        problems += _parent_problems(place, table, path)
        problems += checks.text_problems(
            "description", table.description, 0, MAX_DESCRIPTION, *path
        )
        for index, field in enumerate(table.fields or ()):
            problems += _text_problems(field, (*path, "fields", str(index)))
    return problems


def _parent_problems(place: int, table: TableDraft, path: tuple[str, ...]) -> list[Problem]:
    if table.parent is None or 0 <= table.parent < place:
        return []
    message = (
        "parent is the place of a table before this one, from 0"
        if place
        else "the first table is the primary one: it has no parent"
    )
    return [Problem(ErrorCode.OUT_OF_RANGE, message, (*path, "parent"))]


def _text_problems(field: FieldDraft, path: tuple[str, ...]) -> list[Problem]:
    problems: list[Problem] = []
    for name, value in (("description", field.description), ("hint", field.hint)):
        problems += checks.text_problems(name, value, 0, MAX_FIELD_TEXT, *path)
    problems += checks.text_problems("unit", field.unit, 1, MAX_UNIT, *path)
    return problems + label_problems(field.labels, path)


def label_problems(labels: Sequence[str], path: tuple[str, ...]) -> list[Problem]:
    """What is wrong with words that documents print."""
    if len(labels) > MAX_LABELS:
        message = f"labels holds at most {MAX_LABELS} texts"
        return [Problem(ErrorCode.TOO_MANY, message, (*path, "labels"))]
    problems: list[Problem] = []
    for index, label in enumerate(labels):
        problems += checks.text_problems(str(index), label, 1, MAX_LABEL, *path, "labels")
    return problems


@dataclass(frozen=True, slots=True)
class FieldRules:
    """What is checked of the fields of one table: by `column` each key leads to its column. `path`
    leads to the table. `is_new`: the table is made with the schema."""

    column: Callable[[str], Column | NewColumn | None]
    path: tuple[str, ...]
    is_new: bool = False

    def problems(self, fields: Sequence[FieldDraft]) -> list[Problem]:
        """Everything that is wrong with the fields."""
        found: list[Problem] = []
        seen: set[str] = set()
        for index, field in enumerate(fields):
            path = (*self.path, "fields", str(index))
            if field.key in seen and not self.is_new:
                message = f"Column {show(field.key)} stands in the list twice"
                found.append(Problem(ErrorCode.DUPLICATE, message, (*path, "key")))
            seen.add(field.key)
            column = self.column(field.key)
            if column is None:
                message = f"Unknown column: {field.key}"
                found.append(Problem(ErrorCode.UNKNOWN_COLUMN, message, (*path, "key")))
                continue
            found += self._definition_problems(field, path)
            found += _meaning_problems(field, column, path, may_skip=not self.is_new)
        if len(fields) > MAX_COLUMNS and not self.is_new:
            message = f"fields names at most {MAX_COLUMNS} columns"
            found.append(Problem(ErrorCode.TOO_MANY, message, (*self.path, "fields")))
        if all(field.excluded for field in fields):
            message = "there is no column to be read out of documents"
            found.append(Problem(ErrorCode.REQUIRED, message, (*self.path, "fields")))
        return found

    def _definition_problems(self, field: FieldDraft, path: tuple[str, ...]) -> list[Problem]:
        if self.is_new:
            return []
        given = (("label", field.label), ("type", field.type), ("config", field.config))
        return [
            Problem(ErrorCode.INVALID, f"{name} is for columns of new tables", (*path, name))
            for name, value in given
            if value is not None
        ]


def _meaning_problems(
    field: FieldDraft, column: Column | NewColumn, path: tuple[str, ...], *, may_skip: bool
) -> list[Problem]:
    why = unreadable(column)
    if why is not None and not (field.excluded and may_skip):
        message = f"Column {show(field.key)} {why}: it cannot be read out of documents"
        return [Problem(ErrorCode.INVALID_TYPE, message, (*path, "key"))]
    problems: list[Problem] = []
    if field.is_key and field.excluded:
        message = "a column that is not read cannot tell rows apart"
        problems.append(Problem(ErrorCode.INVALID, message, (*path, "isKey")))
    if field.date_format is not None and field.date_format not in DATE_FORMATS:
        message = f"dateFormat is one of {', '.join(DATE_FORMATS)}"
        problems.append(Problem(ErrorCode.NOT_AN_OPTION, message, (*path, "dateFormat")))
    elif field.date_format is not None and column.type not in _OF_DATES:
        message = f"dateFormat is for dates; the column is of the type {column.type}"
        problems.append(Problem(ErrorCode.INVALID, message, (*path, "dateFormat")))
    return problems + _unit_problems(field, column, path)


def _unit_problems(
    field: FieldDraft, column: Column | NewColumn, path: tuple[str, ...]
) -> list[Problem]:
    if field.unit is None:
        return []
    if column.type not in _OF_UNITS:
        message = f"unit is for numbers; the column is of the type {column.type}"
        return [Problem(ErrorCode.INVALID, message, (*path, "unit"))]
    own = (column.config or {}).get("unit")
    if column.type is ColumnType.MEASUREMENT and own and own != field.unit:
        message = f"the column measures in {show(own)}, not in {show(field.unit)}"
        return [Problem(ErrorCode.INVALID, message, (*path, "unit"))]
    return []


def new_columns(fields: Sequence[FieldDraft]) -> list[NewColumn]:
    """The columns of a new table. Those that are read may hold states from the start."""
    return [
        NewColumn(
            field.key,
            field.label if field.label is not None else field.key,
            field.type or ColumnType.TEXT,
            config=field.config,
            tracked=not field.excluded,
        )
        for field in fields
    ]


def new_table_problems(draft: TableDraft, path: tuple[str, ...]) -> list[Problem]:
    """What is wrong with a table that is to be made with its schema."""
    problems = checks.text_problems("name", draft.name, 1, MAX_NAME, *path)
    columns = new_columns(draft.fields or ())
    problems += [_of_field(problem, path) for problem in new_column_problems(columns)]
    by_key = {column.key: column for column in reversed(columns)}
    rules = FieldRules(by_key.get, path, is_new=True)
    return problems + rules.problems(draft.fields or ())


def _of_field(problem: Problem, path: tuple[str, ...]) -> Problem:
    """A problem of a new column, in the words of its field."""
    inside, message = list(problem.path[1:]), problem.message
    if len(inside) == 2 and inside[1] in _NAMES:
        old = inside[1]
        inside[1] = _NAMES[old]
        if message.startswith(old):
            message = inside[1] + message.removeprefix(old)
    return Problem(problem.code, message, (*path, "fields", *inside))


def schema_field(number: int, draft: FieldDraft) -> SchemaField:
    """A checked field, by the number of its column."""
    return SchemaField(
        number,
        draft.description,
        draft.hint,
        tuple(dict.fromkeys(draft.labels)),
        draft.is_key,
        draft.excluded,
        draft.date_format,
        draft.unit,
        draft.key,
    )
