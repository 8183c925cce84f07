"""The examples of the page on formulas are true, and it names all that there is."""

import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from domain import numbers
from domain.columns import Column, ColumnType
from domain.computations import attach
from domain.formula_nodes import AggregateFunction
from domain.formulas import Binder
from domain.values import TYPES
from persistence.json_text import dumps
from persistence.read_sql import value_json

PAGE = (Path(__file__).parents[2] / "docs" / "formulas.md").read_text()
_ROW = re.compile(r"^\| `([^`]+)` \| `([^`]+)` \|$", re.MULTILINE)
_COLUMN = re.compile(r"^\| `([^`]+)` \| (\w+) \| `([^`]+)` \|$", re.MULTILINE)


def _columns() -> tuple[list[Column], dict[str, Any]]:
    columns, cells = [], {}
    for number, (key, type_, value) in enumerate(_COLUMN.findall(PAGE), 1):
        columns.append(Column(UUID(int=number), number, key, key, ColumnType(type_), number))
        cells[f"c{number}"] = json.loads(value)
    return columns, cells


def _examples() -> list[tuple[str, str, str | None]]:
    head, _, tail = PAGE.partition("| template | value |")
    templates = tail.partition("##")[0]
    found: list[tuple[str, str, str | None]] = [(*pair, None) for pair in _ROW.findall(head)]
    return found + [(*pair, "text_concat") for pair in _ROW.findall(templates)]


def test_there_are_examples() -> None:
    assert len(_columns()[0]) == 8
    assert len(_examples()) > 30


@pytest.mark.parametrize(("formula", "value", "label"), _examples())
async def test_example(postgres_url: str, formula: str, value: str, label: str | None) -> None:
    columns, cells = _columns()
    config = {"formula": formula} | ({"formulaType": label} if label else {})
    column = Column(UUID(int=99), 99, "f", "F", ColumnType.COMPUTED, 99, config=config)
    table = "page"
    attached = attach([*columns, column], table, {})
    assert not attached.problems
    definition = ", ".join(f"{c.sql_name} {TYPES[c.type].storage}" for c in columns)
    connection = await asyncpg.connect(postgres_url)
    try:
        found = await connection.fetchval(
            f"WITH {table} AS MATERIALIZED (SELECT * FROM jsonb_to_record($1) AS r({definition}))"
            f" SELECT {value_json(attached.columns[-1], 't')} FROM {table} AS t",
            dumps(cells),
        )
    finally:
        await connection.close()
    expected = json.loads(value, parse_float=numbers.exact)
    assert (None if found is None else numbers.loads(found)) == expected


def test_every_function_is_named() -> None:
    columns: dict[str, Column] = {}
    binder = Binder("t", columns.__getitem__)
    for name in binder.functions:
        assert f"`{name}(" in PAGE, name
    for function in AggregateFunction:
        assert f"`{function.value}`" in PAGE, function
