"""What tokens cost: as the provider's settings say, or else by a list of public prices that comes
with its package and asks nobody."""

from decimal import Decimal

from genai_prices import Usage as PricedUsage
from genai_prices import calc_price

from domain.provider_records import Provider

_MILLION = Decimal(1_000_000)


def cost(provider: Provider, model: str, input_tokens: int, output_tokens: int) -> Decimal | None:
    """US dollars; None when no price is known."""
    settings = provider.settings
    if settings.input_price is not None and settings.output_price is not None:
        return (
            input_tokens * settings.input_price + output_tokens * settings.output_price
        ) / _MILLION
    tokens = PricedUsage(input_tokens=input_tokens, output_tokens=output_tokens)
    try:
        if provider.base_url is None:
            return calc_price(tokens, model, provider_id=provider.kind.value).total_price
        return calc_price(tokens, model, provider_api_url=provider.base_url).total_price
    except (LookupError, ValueError):
        return None
