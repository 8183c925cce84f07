"""What is compiled and what is left to resolvers, field by field."""

from typing import Any

from gql.compiled import rows
from gql.schema import core_schema


def fields(type_name: str) -> set[str]:
    found: Any = core_schema.get_type(type_name)
    return set(found.fields)


def test_only_what_needs_another_read_is_left_to_resolvers() -> None:
    assert fields("Row") - set(rows._ROW_PARTS) == {"cells", "cell", "table", "session"}
    assert fields("Cell") - set(rows._CELL_PARTS) == {"column", "columnId", "row"}
