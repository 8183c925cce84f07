"""Tools of columns: what the cells are filled by."""

import strawberry

from domain import tool_records as records
from gql.types.vocabulary import ToolKind


@strawberry.type(description="A question to a model.")
class AiTool:
    prompt: str = strawberry.field(
        description="The question, with `{{key}}` where the value of a column belongs."
    )
    provider: str | None = strawberry.field(
        description="The name of the provider; null for the organisation's default one, and "
        "`rules` for the rules engine."
    )
    model: str | None = strawberry.field(description="The model; null for the provider's own.")
    agent_profile: str | None = strawberry.field(description="The role that the model is given.")
    temperature: float | None = strawberry.field(description="From 0 to 2.")
    max_output_tokens: int | None = strawberry.field(description="The longest answer, in tokens.")
    network: bool = strawberry.field(description="Whether the model may search the web.")


@strawberry.type(description="A program that runs in a sandbox.")
class PythonTool:
    code: str = strawberry.field(description="Python that defines `run(row)`.")


@strawberry.type(description="A header of a request.")
class HttpHeader:
    name: str = strawberry.field(description="The name of the header.")
    value: str = strawberry.field(
        description="Its text, with `{{key}}` for columns and `{{secret.NAME}}` for secrets."
    )


@strawberry.type(description="A request to another server.")
class HttpTool:
    url: str = strawberry.field(description="The address, with `{{key}}` for columns.")
    method: str = strawberry.field(description="GET, POST, PUT, PATCH or DELETE.")
    headers: list[HttpHeader] = strawberry.field(description="The headers that it sends.")
    body: str | None = strawberry.field(description="The body, with `{{key}}` for columns.")
    pointer: str = strawberry.field(
        description="A JSON Pointer into the answer (RFC 6901); empty for all of it."
    )


@strawberry.type(description="A value that is looked up in another table.")
class LookupTool:
    table_id: strawberry.ID = strawberry.field(description="The other table.")
    match: str = strawberry.field(description="The column of this table whose value is looked up.")
    against: str = strawberry.field(description="The column of the other table that must equal it.")
    take: str = strawberry.field(description="The column of the other table that gives the value.")


@strawberry.type(
    description="What fills the cells of a column. The member of its kind is there, the others are "
    "null."
)
class ColumnTool:
    kind: ToolKind = strawberry.field(description="Which kind of tool it is.")
    inputs: list[str] = strawberry.field(description="The keys of the columns that it reads.")
    ai: AiTool | None = strawberry.field(description="The question to a model.")
    python: PythonTool | None = strawberry.field(description="The program.")
    http: HttpTool | None = strawberry.field(description="The request.")
    lookup: LookupTool | None = strawberry.field(description="The lookup.")

    @classmethod
    def of(cls, tool: records.Tool) -> "ColumnTool":
        settings = tool.settings
        return cls(
            kind=ToolKind(tool.kind.value),
            inputs=list(tool.inputs),
            ai=_ai(settings) if isinstance(settings, records.AiTool) else None,
            python=PythonTool(code=settings.code)
            if isinstance(settings, records.PythonTool)
            else None,
            http=_http(settings) if isinstance(settings, records.HttpTool) else None,
            lookup=_lookup(settings) if isinstance(settings, records.LookupTool) else None,
        )


def _ai(tool: records.AiTool) -> AiTool:
    return AiTool(
        prompt=tool.prompt,
        provider=tool.provider,
        model=tool.model,
        agent_profile=tool.agent_profile,
        temperature=tool.temperature,
        max_output_tokens=tool.max_output_tokens,
        network=tool.network,
    )


def _http(tool: records.HttpTool) -> HttpTool:
    return HttpTool(
        url=tool.url,
        method=tool.method,
        headers=[HttpHeader(name=name, value=value) for name, value in tool.headers.items()],
        body=tool.body,
        pointer=tool.pointer,
    )


def _lookup(tool: records.LookupTool) -> LookupTool:
    return LookupTool(
        table_id=strawberry.ID(str(tool.table_id)),
        match=tool.match,
        against=tool.against,
        take=tool.take,
    )
