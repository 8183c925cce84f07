"""Models of Anthropic."""

from collections.abc import Callable

import httpx2
from anthropic import AsyncAnthropic
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.providers.anthropic import AnthropicProvider


def maker(
    base_url: str, api_key: str, http: httpx2.AsyncClient, _own: bool
) -> Callable[[str, bool], Model]:
    """Makes a model of its name; with True, one that searches the web."""
    client = AsyncAnthropic(base_url=base_url, api_key=api_key, http_client=http, max_retries=0)
    provider = AnthropicProvider(anthropic_client=client)
    return lambda name, _network: AnthropicModel(name, provider=provider)
