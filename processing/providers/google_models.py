"""Models of Google."""

from collections.abc import Callable

import httpx2
from pydantic_ai.models import Model
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.providers.google import GoogleProvider


def maker(
    base_url: str, api_key: str, http: httpx2.AsyncClient, _own: bool
) -> Callable[[str, bool], Model]:
    """Makes a model of its name; with True, one that searches the web."""
    provider = GoogleProvider(base_url=base_url, api_key=api_key, http_client=http)
    return lambda name, _network: GoogleModel(name, provider=provider)
