"""Rows: a page of them, add, replace the content of one, delete one."""

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, TypeAdapter, WithJsonSchema
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from domain import numbers, rows
from domain.columns import TableShape
from domain.errors import ErrorCode, Invalid, NotFound, Problem
from domain.filters import (
    MAX_CONDITIONS,
    MAX_SORTS,
    OPERATORS,
    Arity,
    Filter,
    Operator,
    RawAll,
    RawSort,
    RawWhere,
    Sort,
    accept_search,
    bind,
    bind_sorts,
)
from domain.rows import NewRow, RowChange, RowsAdd, RowsUpdate
from domain.selection import OffsetPage, RowsQuery
from rest_compat.endpoints import Call
from rest_compat.stagent.bodies import Body, RowBody, RowsBody
from rest_compat.stagent.shapes import ROW
from rest_compat.wire import (
    Refused,
    json_array_response,
    json_text_response,
    parse,
    read_body,
)

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
#: The largest integer that every JSON client can write.
MAX_OFFSET = 2**53 - 1
DEFAULT_AUTHOR = "user"

_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,20}\s*", re.ASCII)


def _comparable(value: Any) -> Any:
    """In one message, where a union would tell one for each of its members."""
    for each in value if isinstance(value, list) else [value]:
        if value is not None and not isinstance(each, bool | int | float | Decimal | str):
            raise PydanticCustomError(
                "comparable", "must be a text, a number, a boolean, or a list of them"
            )
    return value


_SCALARS = [{"type": each} for each in ("string", "number", "boolean")]
_COMPARABLE = [*_SCALARS, {"type": "array", "items": {"anyOf": _SCALARS}}, {"type": "null"}]


class Condition(Body):
    """One comparison of a filter."""

    column: str = Field(description="The name of a column.")
    operator: Literal[
        "eq",
        "neq",
        "gt",
        "gte",
        "lt",
        "lte",
        "contains",
        "starts_with",
        "in",
        "is_empty",
        "is_not_empty",
    ] = Field(description="How to compare.")
    value: Annotated[Any, AfterValidator(_comparable), WithJsonSchema({"anyOf": _COMPARABLE})] = (
        Field(None, description="A text, a number, a boolean, or a list of them for `in`.")
    )


class SortKey(Body):
    """One key of an order."""

    column: str = Field(description="The name of a column.")
    direction: Literal["asc", "desc"] = Field(description="Empty cells come first in `asc`.")


CONDITIONS = TypeAdapter(Annotated[list[Condition], Field(max_length=MAX_CONDITIONS)])
SORT_KEYS = TypeAdapter(Annotated[list[SortKey], Field(max_length=MAX_SORTS)])
_ROWS = TypeAdapter(RowsBody)
_ROW = TypeAdapter(RowBody)


async def exists(call: Call) -> None:
    """Raises `NotFound` unless the row in the path is there, in the table in the path."""
    await _read_row(call)


async def list_rows(call: Call) -> Response:
    """A page by number, with the count of all rows that match in `X-Total-Count`."""
    table_id = call.id("id", "Table")
    problems: list[Problem] = []
    limit = _integer(call, "limit", (DEFAULT_LIMIT, 1, MAX_LIMIT), problems)
    offset = _integer(call, "offset", (0, 0, MAX_OFFSET), problems)
    conditions = _listed(call, "filters", CONDITIONS, problems)
    keys = _listed(call, "sorts", SORT_KEYS, problems)
    if problems:
        raise Invalid(problems)
    search = accept_search(call.query("search"))

    def query(shape: TableShape) -> RowsQuery:
        filter = _filter(shape, conditions)
        return RowsQuery(
            selection=ROW,
            page=OffsetPage(limit, offset),
            filter=filter,
            sorts=_sorts(shape, keys),
            search=search,
            # Counting reads every row that matches; the count of all rows stands in the clock.
            wants_total=filter is not None or search is not None,
        )

    page = await rows.read_rows(call.viewer, call.storage, table_id, query)
    total = page.row_count if page.total is None else page.total
    return json_array_response(_texts(page.rows), 200, {"X-Total-Count": str(total)})


async def add_rows(call: Call) -> Response:
    """All of them or none; the answer has them whole, in the order of the request."""
    table_id = call.id("id", "Table")
    body = parse(_ROWS, await read_body(call.request, call.limits.body_bytes))
    new = [NewRow(each.data, each.createdBy or DEFAULT_AUTHOR) for each in body.rows]
    written = await rows.add_rows(call.viewer, call.storage, RowsAdd(table_id, new))
    made = await rows.read_rows_by_id(
        call.viewer, call.storage, table_id, written.row_ids, lambda _shape: ROW
    )
    # None: deleted by somebody else in between.
    return json_array_response(_texts([each for each in made if each is not None]), 201)


async def replace_row(call: Call) -> Response:
    """The row has exactly the given data afterwards."""
    table_id, row_id = call.id("id", "Row"), call.id("rowId", "Row")
    body = parse(_ROW, await read_body(call.request, call.limits.body_bytes))
    command = RowsUpdate(table_id, [RowChange(row_id, body.data)], "replace")
    try:
        await rows.update_rows(call.viewer, call.storage, command)
    except Invalid as error:
        raise Invalid([_of_the_body(problem) for problem in error.problems]) from None
    except NotFound:
        raise NotFound("Row") from None
    return json_text_response(await _read_row(call))


async def delete_row(call: Call) -> Response:
    """A row or table that is not there is as good as deleted."""
    try:
        table_id, row_id = call.id("id", "Table"), call.id("rowId", "Row")
        await rows.delete_rows(call.viewer, call.storage, table_id, [row_id])
    except NotFound:
        return Response(status_code=204)
    return Response(status_code=204)


async def _read_row(call: Call) -> str:
    """The row in the path as JSON; in a table that is not there, it is the row that is missing."""
    table_id, row_id = call.id("id", "Row"), call.id("rowId", "Row")
    try:
        found = await rows.read_rows_by_id(
            call.viewer, call.storage, table_id, [row_id], lambda _shape: ROW
        )
    except NotFound:
        raise NotFound("Row") from None
    if found[0] is None:
        raise NotFound("Row")
    return _texts(found)[0]


def _texts(found: Sequence[Any]) -> Sequence[str]:
    """Rows read with a selection are JSON texts."""
    return found


def _integer(call: Call, name: str, bounds: tuple[int, int, int], problems: list[Problem]) -> int:
    default, least, most = bounds
    text = call.query(name)
    if text is None:
        return default
    value = int(text) if _INTEGER.fullmatch(text) else None
    if value is None or not least <= value <= most:
        message = f"{name} must be an integer from {least} to {most}"
        problems.append(Problem(ErrorCode.OUT_OF_RANGE, message, (name,)))
        return default
    return value


def _listed(call: Call, name: str, adapter: TypeAdapter[Any], problems: list[Problem]) -> Any:
    text = call.query(name)
    if text is None:
        return []
    try:
        return parse(adapter, numbers.loads(text), name)
    except numbers.InvalidJson:
        raise Refused(400, f"Invalid {name} JSON") from None
    except Invalid as error:
        problems += error.problems
        return []


def _filter(shape: TableShape, conditions: Sequence[Condition]) -> Filter | None:
    raws = [raw_where(each) for each in conditions]
    if not raws:
        return None
    try:
        return bind(shape, RawAll(raws), ("filters",))
    except Invalid as error:
        raise _named(error) from None


def raw_where(condition: Condition) -> RawWhere:
    """A condition before it is bound to columns. A value of null counts as missing."""
    arity = OPERATORS[Operator(condition.operator)].arity
    has_value = condition.value is not None or arity is Arity.NONE
    return RawWhere(condition.column, condition.operator, condition.value, has_value)


def _sorts(shape: TableShape, keys: Sequence[SortKey]) -> tuple[Sort, ...]:
    try:
        return bind_sorts(
            shape, [RawSort(each.column, each.direction) for each in keys], ("sorts",)
        )
    except Invalid as error:
        raise _named(error) from None


def _named(error: Invalid) -> Invalid | Refused:
    """An unknown column is answered with one text; other problems lie in a list that has no
    `all`."""
    for problem in error.problems:
        if problem.code is ErrorCode.UNKNOWN_COLUMN:
            return Refused(400, problem.message)
    return Invalid(
        [
            replace(problem, path=tuple(step for step in problem.path if step != "all"))
            for problem in error.problems
        ]
    )


def _of_the_body(problem: Problem) -> Problem:
    """The body is one row, while the rules speak of a list of them."""
    path = problem.path[2:] or ("data",)
    message = problem.message.removeprefix("rows[0].").removeprefix(f"{path[-1]}: ")
    return Problem(problem.code, message, path)
