"""The table under drill: its columns, the values that writers make up, and the filters of its
subscribers."""

import random
from collections.abc import Callable
from typing import Any

from bench.drill.filters import where

COLUMNS: list[dict[str, Any]] = [
    {"key": "token", "type": "TEXT"},
    {"key": "kind", "type": "SELECT", "config": {"options": ["red", "green", "blue"]}},
    {"key": "amount", "type": "NUMBER"},
    {"key": "note", "type": "TEXT"},
    {"key": "due", "type": "DATE"},
    {"key": "flag", "type": "BOOLEAN"},
    {"key": "grade", "type": "NUMBER", "computedBy": "EXTERNAL"},
]

KEYS = [column["key"] for column in COLUMNS]

#: Unlike a number of the JSON text, these are exact in every parser.
_QUARTERS = 4


def values(chance: random.Random, token: str) -> dict[str, Any]:
    """A new row. `token` is unique in the drill: by it a write is found again in the log."""
    return {"token": token, "note": chance.choice(("é", "Plain", "seven 7", ""))} | {
        key: make(chance) for key, make in _MADE.items()
    }


def changed_values(chance: random.Random, token: str) -> dict[str, Any]:
    """New values for some cells of a row, the token among them."""
    keys = chance.sample(list(_MADE), chance.randint(1, 2))
    return {"token": token} | {key: _MADE[key](chance) for key in keys}


def _due(chance: random.Random) -> str:
    return f"2026-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"


_MADE: dict[str, Callable[[random.Random], Any]] = {
    "kind": lambda chance: chance.choice(("red", "green", "blue")),
    "amount": lambda chance: (
        None if chance.random() < 0.1 else chance.randrange(1000 * _QUARTERS) / _QUARTERS
    ),
    "due": _due,
    "flag": lambda chance: chance.random() < 0.5,
}


FILTERS: tuple[dict[str, Any], ...] = (
    where("kind", "EQ", "red"),
    where("amount", "GT", 500),
    {"all": [where("kind", "IN", ["red", "green"]), where("amount", "LTE", 300)]},
    {"any": [where("flag", "EQ", True), where("amount", "IS_EMPTY")]},
    {"not": where("kind", "EQ", "blue")},
    where("note", "CONTAINS", "SEVEN"),
    where("due", "GTE", "2026-07-01"),
    where("grade", "IS_NOT_EMPTY"),
)
