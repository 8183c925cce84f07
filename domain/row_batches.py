"""Batches of rows in which the good ones are written and the bad ones are told.

The rules are those of `domain.rows`: a batch that is refused is tried again without the rows that
were named. A refused batch writes nothing, so each row is written once or not at all."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from domain import access
from domain.access import Viewer
from domain.errors import Conflict, DomainError, Invalid, Problem, VersionConflict
from domain.ports import Storage
from domain.row_writes import Written
from domain.rows import RowsAdd, RowsUpdate, add_rows, update_rows


@dataclass(frozen=True, slots=True)
class PartlyWritten:
    """What was written, None when no row was good, and why others were not. `places` are the places
    of the written rows in the request."""

    written: Written | None
    places: Sequence[int]
    refusals: Sequence[DomainError]


async def add_good_rows(viewer: Viewer, storage: Storage, command: RowsAdd) -> PartlyWritten:
    """Add the rows that break no rule, in one revision. Raises `NotFound`, and `Invalid` for what
    is wrong with the request as a whole."""
    access.require(viewer, "rowsAdd")

    async def write(rows: Sequence[int]) -> Written:
        chosen = [command.rows[place] for place in rows]
        return await add_rows(viewer, storage, replace(command, rows=chosen))

    return await _write_good(len(command.rows), write)


async def update_good_rows(viewer: Viewer, storage: Storage, command: RowsUpdate) -> PartlyWritten:
    """Change the rows that are there, break no rule and have the version that the writer saw, in
    one revision. Raises like `add_good_rows`."""
    access.require(viewer, "rowsUpdate")

    async def write(rows: Sequence[int]) -> Written:
        chosen = [command.rows[place] for place in rows]
        return await update_rows(viewer, storage, replace(command, rows=chosen))

    return await _write_good(len(command.rows), write)


async def _write_good(
    count: int, write: Callable[[Sequence[int]], Awaitable[Written]]
) -> PartlyWritten:
    places = list(range(count))
    refusals: list[DomainError] = []
    while True:
        try:
            written = await write(places)
        except Invalid as error:
            bad = {problem.row_index for problem in error.problems}
            if None in bad:
                raise
            problems = [_placed(problem, places) for problem in error.problems]
            refusals.append(Invalid(problems))
        except Conflict as error:
            bad = {conflict.row_index for conflict in error.conflicts}
            if not bad:
                raise
            conflicts = [_placed_conflict(conflict, places) for conflict in error.conflicts]
            refusals.append(Conflict(error.message, conflicts))
        else:
            return PartlyWritten(written, places, refusals)
        places = [place for index, place in enumerate(places) if index not in bad]
        if not places:
            return PartlyWritten(None, (), refusals)


def _placed(problem: Problem, places: Sequence[int]) -> Problem:
    """The problem with the row's place in the request instead of that in what was tried."""
    index = problem.row_index or 0
    place = places[index]
    path = tuple(str(place) if at == 1 else step for at, step in enumerate(problem.path))
    message = problem.message.replace(f"rows[{index}]", f"rows[{place}]", 1)
    return replace(problem, message=message, path=path, row_index=place)


def _placed_conflict(conflict: VersionConflict, places: Sequence[int]) -> VersionConflict:
    return replace(conflict, row_index=places[conflict.row_index])
