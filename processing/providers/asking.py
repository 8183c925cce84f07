"""One request to a model, and every way in which it can fail."""

from collections.abc import Mapping
from typing import Any

import structlog
from pydantic_ai.direct import model_request
from pydantic_ai.exceptions import (
    ContentFilterError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelContextWindowExceededError,
    ModelHTTPError,
    ModelNotFoundError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestRejectedError,
    ModelRequestTimeout,
    ModelTimeoutError,
    UnexpectedModelBehavior,
    UserError,
)
from pydantic_ai.messages import ModelRequest, ModelResponse, SystemPromptPart, UserPromptPart
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.native_tools import WebSearchTool
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.settings import ModelSettings

from domain.provider_records import ProviderKind
from processing.guard import OutboundFailed, OutboundRefused, OutboundTooLarge
from processing.providers.clients import Client
from processing.providers.replies import Asked, Busy, Failed, Reply, TooLong, TooSlow

#: Searches that a model may make for one cell, where its provider lets us say so.
MOST_SEARCHES = 3

_MOST_TOLD = 300

_log = structlog.get_logger()


async def ask(client: Client, question: Asked) -> Reply:
    """Ask once. Raises `Busy` and `Failed`."""
    schema = question.schema
    if schema is None or question.model in client.plain:
        return await _ask(client, question, None)
    try:
        return await _ask(client, question, schema)
    except _NoSchema:
        # A server that does not know schemas refuses them. Words alone must do then.
        reply = await _ask(client, question, None)
        client.plain.add(question.model)
        return reply


class _NoSchema(Exception):
    """The request was refused; its schema may be why."""


async def _ask(client: Client, question: Asked, schema: Mapping[str, Any] | None) -> Reply:
    provider = client.provider
    parameters = ModelRequestParameters()
    settings = ModelSettings(
        max_tokens=question.most_tokens,
        max_retries=0,
        request_timeout=provider.settings.timeout_seconds,
        thinking=False,
    )
    if question.temperature is not None:
        settings["temperature"] = question.temperature
    if question.network:
        parameters = ModelRequestParameters(native_tools=[_web_search(client)])
    elif schema is not None and provider.kind is ProviderKind.OPENAI:
        # As it is: the library would copy it for each call, which takes longer than all of ours.
        strict = {"name": "answer", "schema": schema, "strict": True}
        body = {"response_format": {"type": "json_schema", "json_schema": strict}}
        settings["extra_body"] = body
    elif schema is not None:
        answer = OutputObjectDefinition(json_schema=dict(schema), name="answer", strict=True)
        parameters = ModelRequestParameters(output_mode="native", output_object=answer)
    message = ModelRequest(parts=[SystemPromptPart(question.system), UserPromptPart(question.user)])
    try:
        response = await model_request(
            client.model(question.model, question.network),
            [message],
            model_settings=settings,
            model_request_parameters=parameters,
        )
    except Exception as error:
        if schema is not None and _may_be_the_schema(error):
            raise _NoSchema from None
        raise _failure(client, question, error) from None
    return _reply(response)


def _web_search(client: Client) -> WebSearchTool:
    """The provider's own search. Raises `Failed` where there is none."""
    provider = client.provider
    if provider.kind is ProviderKind.OPENAI and provider.base_url is not None:
        raise Failed(
            f"The provider {provider.name} has no web search: it has a base URL of its own"
        )
    if provider.kind is ProviderKind.ANTHROPIC:
        return WebSearchTool(max_uses=MOST_SEARCHES)
    return WebSearchTool()


def _reply(response: ModelResponse) -> Reply:
    usage = response.usage
    return Reply(
        text=response.text or "",
        model=response.model_name,
        finish=response.finish_reason,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
    )


def _may_be_the_schema(error: Exception) -> bool:
    return (
        isinstance(error, ModelRequestRejectedError)
        and isinstance(error, ModelHTTPError)
        and error.status_code in (400, 422)
        and not isinstance(error, ModelContextWindowExceededError)
    ) or isinstance(error, UserError)


def _failure(client: Client, question: Asked, error: Exception) -> Exception:
    """What an error of the libraries means."""
    provider = client.provider
    outbound = _outbound_cause(error)
    if outbound is not None:
        again = not isinstance(outbound, OutboundRefused | OutboundTooLarge)
        return Failed(str(outbound), again=again)
    match error:
        case ModelRequestTimeout() | ModelTimeoutError() | TimeoutError():
            seconds = provider.settings.timeout_seconds
            return TooSlow(f"The model did not answer within {seconds:g} seconds", again=True)
        case ModelQuotaExceededError():
            return Failed(f"The quota of the provider {provider.name} is used up")
        case ModelRateLimitError():
            return Busy(error.retry_after)
        case ModelAuthenticationError():
            return Failed(f"The provider {provider.name} refuses its key")
        case ModelNotFoundError():
            told = f"The provider {provider.name} knows no model {question.model}"
            return Failed(f"{told}, or its base URL is wrong")
        case ModelContextWindowExceededError():
            return TooLong(f"What is asked is too long for the model {question.model}")
        case ContentFilterError():
            return Failed("The provider's filter took the answer away")
        case UserError():
            told = client.without_key(_short(str(error)))
            return Failed(f"The model {question.model} cannot be asked so: {told}")
    return _http_failure(client, error)


def _http_failure(client: Client, error: Exception) -> Exception:
    name = client.provider.name
    status = _status(error)
    match error:
        case ModelHTTPError(status_code=503 | 529) if error.retry_after is not None:
            return Busy(error.retry_after)
        case _ if status is not None and status >= 500:
            return Failed(f"The provider {name} answered with status {status}", again=True)
        case _ if status is not None and 300 <= status < 400:
            return Failed(f"The provider {name} wants to be asked elsewhere; check its base URL")
        case ModelHTTPError():
            told = f"The provider {name} refuses the question with status {error.status_code}"
            return Failed(f"{told}{client.without_key(_said(error))}")
        case ModelAPIError():
            return Failed(f"The connection to the provider {name} broke", again=True)
        case UnexpectedModelBehavior():
            return Failed(f"What the provider {name} answered is not its protocol", again=True)
    _log.warning("a model's answer could not be read", error=type(error).__name__)
    return Failed(f"What the provider {name} answered is not its protocol", again=True)


def _status(error: Exception) -> int | None:
    for each in (error, error.__cause__):
        for name in ("status_code", "code"):
            found = getattr(each, name, None)
            if isinstance(found, int):
                return found
    return None


def _outbound_cause(error: BaseException | None) -> OutboundRefused | OutboundFailed | None:
    """What our own guard said, however deep the libraries wrapped it."""
    while error is not None:
        if isinstance(error, OutboundRefused | OutboundFailed):
            return error
        error = error.__cause__ or error.__context__
    return None


def _said(error: ModelHTTPError) -> str:
    """The provider's own words on a request that it refused."""
    body: Any = error.body
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        body = body["error"]
    said = body.get("message") if isinstance(body, dict) else body
    return f": {_short(said)}" if isinstance(said, str) and said.strip() else ""


def _short(text: str) -> str:
    told = " ".join(text.split())
    return told if len(told) <= _MOST_TOLD else told[:_MOST_TOLD] + "…"
