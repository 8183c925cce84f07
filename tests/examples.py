"""How many examples a property is tried with."""

from hypothesis import settings

_USUAL = 50


def examples(count: int) -> settings:
    """So many, and as many times more as the profile tries more than usual."""
    return settings(max_examples=count * settings().max_examples // _USUAL)
