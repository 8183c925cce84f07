"""Models of OpenAI, and of servers that speak its protocol."""

from collections.abc import Callable

import httpx2
from openai import AsyncOpenAI
from pydantic_ai.models import Model
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.profiles import merge_profile
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.openai import OpenAIProvider


def maker(
    base_url: str, api_key: str, http: httpx2.AsyncClient, newer: bool
) -> Callable[[str, bool], Model]:
    """Makes a model of its name; with True, one that searches the web."""
    client = AsyncOpenAI(base_url=base_url, api_key=api_key, http_client=http, max_retries=0)
    provider = OpenAIProvider(openai_client=client)
    # Servers that speak the protocol know the older word for the bound of tokens; OpenAI's own
    # newer models only know the newer one.
    words = OpenAIModelProfile(openai_chat_supports_max_completion_tokens=newer)

    def make(name: str, network: bool) -> Model:
        profile = merge_profile(provider.model_profile(name), words)
        if network:
            return OpenAIResponsesModel(name, provider=provider)
        return OpenAIChatModel(name, provider=provider, profile=profile)

    return make
