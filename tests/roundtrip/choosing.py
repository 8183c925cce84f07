"""Which of many files `make test` takes; `make test-long` takes the others."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pytest
from _pytest.mark.structures import ParameterSet

_OF_EACH_KIND = 2

T = TypeVar("T")


def few(all_: Sequence[T], kind: Callable[[T], Any]) -> list[T]:
    """The first ones of each kind."""
    seen: Counter[Any] = Counter()
    found = []
    for each in all_:
        seen[kind(each)] += 1
        if seen[kind(each)] <= _OF_EACH_KIND:
            found.append(each)
    return found


def parameters(all_: Sequence[T], kind: Callable[[T], Any]) -> list[ParameterSet]:
    """All of them as parameters of tests, those beyond the first ones of their kind for long."""
    short = few(all_, kind)
    return [
        pytest.param(each, id=str(each), marks=() if each in short else pytest.mark.long)
        for each in all_
    ]
