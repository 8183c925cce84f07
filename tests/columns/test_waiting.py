"""Others are served while the values of a column are converted."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from domain import column_types
from domain.column_type_records import ColumnTypeChange
from domain.columns import ColumnType
from tests.worlds import open_world


async def test_values_are_converted_beside_the_event_loop(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    convert: Callable[[Any, str], Any] = column_types.Conversion.convert

    def watched(self: Any, json: str) -> Any:
        threads.append(threading.get_ident())
        return convert(self, json)

    monkeypatch.setattr(column_types.Conversion, "convert", watched)
    async with open_world(postgres_url) as world:
        table_id = await world.table("a")
        await world.add(table_id, {"a": "1"}, {"a": "2"})
        column = await world.column(table_id, "a")
        command = ColumnTypeChange(column.id, ColumnType.NUMBER)
        await column_types.change_column_type(world.viewer, world.storage, table_id, command)
    assert len(threads) == 2
    assert threading.get_ident() not in threads
