"""Exports: the address under which a table is to be had as a file."""

from enum import Enum
from typing import Annotated, Any, Protocol
from urllib.parse import urlencode

import strawberry

from domain.cell_filters import cell_json
from domain.errors import ErrorCode, invalid
from domain.export_formats import ExportFormat as Format
from domain.filters import RawAll, RawAny, RawCell, RawCondition, RawNot
from gql.answers import to_json
from gql.scalars import moment_text
from gql.types.filters import RowFilter, RowSortInput, raw_filter, raw_sorts
from gql.types.history import AsOfInput


def _word(format: Format, description: str) -> Any:
    return strawberry.enum_value(format.value, description=description)


@strawberry.enum(description="What a table can be exported to.")
class ExportFormat(Enum):
    CSV = _word(Format.CSV, "Comma-separated UTF-8 with the labels as its first line.")
    JSON = _word(Format.JSON, "One array of the rows' data objects, indented.")
    JSONL = _word(Format.JSONL, "One data object a line.")
    XLSX = _word(Format.XLSX, "A spreadsheet; at most 1,048,575 rows.")


class _HasId(Protocol):
    id: strawberry.ID


@strawberry.type
class TableExport:
    """What a table tells of its exports."""

    @strawberry.field(
        description="The path of a download of all rows that match, on this server. Fetch it with "
        "the same `Authorization` header; it is not signed. The download is streamed, has no cap, "
        "and is of one revision, told in its header `X-Revision`. Its query is checked then."
    )
    def export_url(
        self: _HasId,
        format: Annotated[
            ExportFormat, strawberry.argument(description="What to write.")
        ] = ExportFormat.CSV,
        filter: Annotated[
            RowFilter | None, strawberry.argument(description="Only rows that match.")
        ] = None,
        sort: Annotated[
            list[RowSortInput] | None,
            strawberry.argument(
                description="At most 5 keys, for at most 1,000,000 rows; without any by position."
            ),
        ] = None,
        columns: Annotated[
            list[str] | None,
            strawberry.argument(description="Keys of the columns to write, in this order."),
        ] = None,
        as_of: Annotated[
            AsOfInput | None, strawberry.argument(description="The table as it was then.")
        ] = None,
        session_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only rows of this session.")
        ] = None,
        guard: Annotated[
            bool,
            strawberry.argument(
                description="Puts an apostrophe before texts in CSV and XLSX that a spreadsheet "
                "would run as formulas."
            ),
        ] = True,
    ) -> str | None:
        query = {"format": format.value}
        query |= _order(sort)
        if filter is not None:
            query["filter"] = _json(_condition(raw_filter(filter)))
        if columns is not None:
            query["columns"] = _json(columns)
        if as_of is not None:
            query["asOf"] = _moment(as_of)
        if session_id is not None:
            query["session"] = session_id
        if not guard:
            query["guard"] = "off"
        return f"/export/{self.id}?{urlencode(query)}"


def _order(sort: list[RowSortInput] | None) -> dict[str, str]:
    keys = [
        {"column": key.column, "direction": key.direction}
        | ({"nulls": key.nulls} if key.nulls else {})
        for key in raw_sorts(sort)
    ]
    return {"sort": _json(keys)} if keys else {}


def _condition(raw: RawCondition) -> dict[str, Any]:
    """The filter as `/export` reads it."""
    if isinstance(raw, RawAll):
        return {"all": [_condition(part) for part in raw.parts]}
    if isinstance(raw, RawAny):
        return {"any": [_condition(part) for part in raw.parts]}
    if isinstance(raw, RawNot):
        return {"not": _condition(raw.part)}
    if isinstance(raw, RawCell):
        return {"cell": cell_json(raw)}
    where = {"column": raw.column, "operator": raw.operator}
    return {"where": where | ({"value": raw.value} if raw.has_value else {})}


def _moment(as_of: AsOfInput) -> str:
    """A revision or a moment. Raises `Invalid` when not exactly one of both is given."""
    if as_of.at is not None and as_of.revision is None:
        return moment_text(as_of.at)
    if as_of.at is not None or as_of.revision is None:
        raise invalid(ErrorCode.INVALID, "asOf takes a revision or a moment", "asOf")
    return str(as_of.revision)


def _json(value: Any) -> str:
    return to_json(value).decode()
