"""Watch the cells of a table move from status to status: python statuses.py <table id> [after]"""
# ruff: noqa: T201

import asyncio
import sys
from collections import Counter

from ask import follow

DOCUMENT = """
subscription ($table: ID!, $after: Int) {
  cellStatusChanged(tableId: $table, after: $after) {
    ... on StreamStarted { revision }
    ... on ChangeEvent { revision }
    ... on CellStatusesChanged { cells { column previousStatus status } }
  }
}"""


async def watch(table: str, after: int | None) -> None:
    """A line for each revision: how many cells of which column went from where to where."""
    async for event in follow(DOCUMENT, {"table": table, "after": after}):
        moves = Counter(
            f"{cell['column']} {cell['previousStatus'].lower()} → {cell['status'].lower()}"
            for cell in event.get("cells", [])
        )
        told = ", ".join(f"{count} {move}" for move, count in moves.items())
        print(f"revision {event['revision']}:", told or "watching", flush=True)


asyncio.run(watch(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None))
