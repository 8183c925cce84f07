"""The inputs that define a column's tool."""

from collections.abc import Mapping

import strawberry

from domain import tool_records as records
from domain.tool_programs import check_programs
from domain.tools import make_tool
from gql.context import Info, given_id


@strawberry.input(description="A question to a model, or to the rules engine.")
class AiToolInput:
    prompt: str = strawberry.field(
        description="The question, with `{{key}}` where the value of a column belongs; 20,000 "
        "characters."
    )
    provider: str | None = strawberry.field(
        default=None,
        description="The name of a provider. Without it the organisation's default one answers, or "
        "the rules engine, which is also the provider `rules`.",
    )
    model: str | None = strawberry.field(
        default=None, description="The model; the provider's own without it."
    )
    agent_profile: str | None = strawberry.field(
        default=None, description="The role that the model is given, such as `data-analyst`."
    )
    temperature: float | None = strawberry.field(default=None, description="From 0 to 2.")
    max_output_tokens: int | None = strawberry.field(
        default=None, description="The longest answer, 1 to 100,000 tokens."
    )
    network: bool = strawberry.field(
        default=False, description="Whether the model may search the web."
    )


@strawberry.input(description="A program for the sandbox.")
class PythonToolInput:
    code: str = strawberry.field(
        description='Python that defines `run(row)`; `row["key"]` is a value, and what it returns '
        "goes into the cell. 64 kB."
    )


@strawberry.input(description="A header of a request.")
class HttpHeaderInput:
    name: str = strawberry.field(description="The name of the header.")
    value: str = strawberry.field(
        description="Its text, with `{{key}}` for columns and `{{secret.NAME}}` for secrets."
    )


@strawberry.input(description="A request for each row.")
class HttpToolInput:
    url: str = strawberry.field(
        description="The address; `{{key}}` may stand in its path and query."
    )
    method: str = strawberry.field(default="GET", description="GET, POST, PUT, PATCH or DELETE.")
    headers: list[HttpHeaderInput] = strawberry.field(
        default_factory=list, description="At most 50 headers."
    )
    body: str | None = strawberry.field(
        default=None, description="The body, with `{{key}}` for columns; 64 kB."
    )
    pointer: str = strawberry.field(
        default="", description="A JSON Pointer into the answer (RFC 6901); empty for all of it."
    )


@strawberry.input(description="A value from another table.")
class LookupToolInput:
    table_id: strawberry.ID = strawberry.field(description="The other table.")
    match: str = strawberry.field(description="The column of this table whose value is looked up.")
    against: str = strawberry.field(description="The column of the other table that must equal it.")
    take: str = strawberry.field(description="The column of the other table that gives the value.")


@strawberry.input(description="The tool itself: exactly one kind.", one_of=True)
class ToolSettingsInput:
    ai: strawberry.Maybe[AiToolInput] = strawberry.field(description="A question to a model.")
    python: strawberry.Maybe[PythonToolInput] = strawberry.field(description="A program.")
    http: strawberry.Maybe[HttpToolInput] = strawberry.field(description="A request.")
    lookup: strawberry.Maybe[LookupToolInput] = strawberry.field(description="A lookup.")


@strawberry.input(description="What shall fill the cells of a column.")
class ColumnToolInput:
    run: ToolSettingsInput = strawberry.field(description="The tool, of one kind.")
    inputs: list[str] = strawberry.field(
        default_factory=list,
        description="Keys of columns that it reads besides those that its texts name; at most 100 "
        "in all.",
    )


def given_tool(given: ColumnToolInput) -> records.Tool:
    """The tool as the rules know it."""
    return make_tool(_settings(given.run), given.inputs)


async def refuse_programs(info: Info, tools: Mapping[tuple[str, ...], records.Tool | None]) -> None:
    """Raise `Invalid` for programs that the sandbox cannot run; tools by their paths."""
    if any(tool is not None and tool.kind is records.ToolKind.PYTHON for tool in tools.values()):
        await check_programs(info.context.viewer, info.context.tools, tools)


def _settings(given: ToolSettingsInput) -> records.ToolSettings:
    if given.ai is not None:
        ai = given.ai.value
        return records.AiTool(
            ai.prompt,
            ai.provider,
            ai.model,
            ai.agent_profile,
            ai.temperature,
            ai.max_output_tokens,
            ai.network,
        )
    if given.python is not None:
        return records.PythonTool(given.python.value.code)
    if given.http is not None:
        http = given.http.value
        headers = {header.name: header.value for header in http.headers}
        return records.HttpTool(http.url, http.method, headers, http.body, http.pointer)
    assert given.lookup is not None, "a one-of input has exactly one member"
    lookup = given.lookup.value
    return records.LookupTool(given_id(lookup.table_id), lookup.match, lookup.against, lookup.take)
