"""Whatever a model does, no segment is called whole with rows missing
(accelerated-intelligent-document-processing-on-aws#659: lists cut off in silence)."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from domain.extraction_records import SegmentFound
from tests.extraction_models import papers
from tests.extraction_models.conftest import Reading
from tests.extraction_models.papers import cell, told
from tests.models import replies
from tests.models.replies import Call, Reply

ROWS = papers.items(30)
NAMES = [row[0] for row in ROWS]

Rows = list[dict[str, Any]]


def _answer(call: Call, change: Callable[[Rows], Rows]) -> Reply:
    """A good answer with other rows of items."""
    answer = papers.read_well(call)
    for table in answer.values():
        if table["rows"] and "item" in table["rows"][0]["cells"]:
            table["rows"] = change(table["rows"])
            table["count"] = len(table["rows"])
    return told(answer)


def _cut(call: Call, finish: str) -> Reply:
    """An answer that ends after so many characters."""
    return Reply(told(papers.read_well(call)).text[:900], finish=finish)


def _but_sevens(rows: Rows) -> Rows:
    return [row for row in rows if not row["cells"]["item"]["text"].startswith(("P7 ", "P17 "))]


def _instead(rows: Rows) -> Rows:
    """Every third row is a copy of the one before, with the line of the one that it hides."""
    found = list(rows)
    for at in range(2, len(rows), 3):
        line = rows[at]["cells"]["item"]["line"]
        cells = rows[at - 1]["cells"].items()
        found[at] = {"parent": None, "cells": {key: {**each, "line": line} for key, each in cells}}
    return found


def _emptied(rows: Rows) -> Rows:
    empty = dict.fromkeys(("item", "quantity", "price"))
    return [row if at % 2 else {"parent": None, "cells": empty} for at, row in enumerate(rows)]


def _half_emptied(rows: Rows) -> Rows:
    for row in rows[::2]:
        row["cells"].update(quantity=None, price=None)
    return rows


def _continuing(rows: Rows) -> Rows:
    line = rows[0]["cells"]["item"]["line"]
    said = {"item": cell("continuing this pattern …", line), "quantity": None, "price": None}
    return [*rows[:4], {"parent": None, "cells": said}]


def _invented(rows: Rows) -> Rows:
    made = []
    for row in rows:
        line = row["cells"]["item"]["line"]
        made.append({"item": cell("Gold", line), "quantity": None, "price": cell("1e9", line)})
    return [{"parent": None, "cells": cells} for cells in made]


#: Faults that a patient reader cannot get around.
LASTING: dict[str, Callable[[Call], Reply]] = {
    "some rows never come": lambda call: _answer(call, _but_sevens),
    "no rows": lambda call: _answer(call, lambda rows: []),
    "rows of nulls": lambda call: _answer(call, lambda rows: _emptied(rows)[:1]),
    "invented rows": lambda call: _answer(call, _invented),
    "prose": lambda call: replies.prose(),
    "nothing": lambda call: replies.empty(),
    "broken JSON": lambda call: replies.wrong_json(),
    "other JSON": lambda call: replies.other_json(),
    "a list": lambda call: Reply("[1, 2, 3]"),
    "deep JSON": lambda call: Reply('{"t1":' * 20_000),
    "cut off at once": lambda call: replies.truncated(),
    "refusals": lambda call: replies.refuses(),
    "a filter": lambda call: replies.filtered(),
    "errors": lambda call: replies.failing(500),
    "refused keys": lambda call: replies.failing(401),
    "closed connections": lambda call: replies.closes(),
    "no end": lambda call: replies.huge(),
}
#: Faults that asking again gets around.
PASSING: dict[str, Callable[[Call], Reply]] = {
    "cut off, and says so": lambda call: _cut(call, "length"),
    "cut off, and does not say so": lambda call: _cut(call, "stop"),
    "only the first rows": lambda call: _answer(call, lambda rows: rows[:8]),
    "only the last rows": lambda call: _answer(call, lambda rows: rows[-8:]),
    "copies instead of rows": lambda call: _answer(call, _instead),
    "every row twice": lambda call: _answer(call, lambda rows: rows + rows),
    "rows backwards": lambda call: _answer(call, lambda rows: rows[::-1]),
    "goes on like that": lambda call: _answer(call, _continuing),
}


def _check(found: SegmentFound) -> None:
    """Every row once, in its order, or else a sentence that says that some are missing."""
    names = papers.names_of(found)
    assert names == [name for name in NAMES if name in names]
    for row in papers.items_of(found):
        assert row.cells[1].citation is not None
    if names != NAMES:
        assert found.missing


@pytest.mark.parametrize("fault", LASTING)
async def test_what_a_model_never_gives_is_missing(reading: Reading, fault: str) -> None:
    reading.models.answer = LASTING[fault]
    found = await reading.read(papers.order(*ROWS))
    _check(found)
    assert found.missing
    assert "Items: row" in found.missing


@pytest.mark.parametrize("fault", PASSING)
async def test_what_a_model_leaves_out_is_asked_again(reading: Reading, fault: str) -> None:
    reading.models.answer = PASSING[fault]
    found = await reading.read(papers.order(*ROWS))
    _check(found)
    assert found.missing is None
    assert papers.names_of(found) == NAMES


@pytest.mark.parametrize("fault", LASTING)
async def test_a_fault_that_passes_leaves_nothing_missing(reading: Reading, fault: str) -> None:
    """All but what no second try helps against: a refused key, and an answer without end."""
    before = reading.models.count
    faulty = LASTING[fault]

    def answer(call: Call) -> Reply:
        is_first = reading.models.count == before + 1
        return faulty(call) if is_first else told(papers.read_well(call))

    reading.models.answer = answer
    found = await reading.read(papers.order(*ROWS))
    _check(found)
    assert (found.missing is None) == (fault not in ("refused keys", "no end"))


async def test_missing_rows_are_named(reading: Reading) -> None:
    def answer(call: Call) -> Reply:
        kept = ("P30 ", "P29 ", "P28 ", "P12 ")
        return _answer(
            call,
            lambda rows: [r for r in rows if not r["cells"]["item"]["text"].startswith(kept)],
        )

    reading.models.answer = answer
    found = await reading.read(papers.order(*ROWS))
    assert found.missing == (
        "Items: rows 12, 28 to 30 of the table on page 1 (the model left them out)"
    )
    assert len(papers.items_of(found)) == 26


async def test_rows_with_most_cells_empty_are_asked_again(reading: Reading) -> None:
    """accelerated-intelligent-document-processing-on-aws#666: rows replaced by nulls."""
    reading.models.answer = lambda call: _answer(call, _half_emptied)
    found = await reading.read(papers.order(*ROWS))
    _check(found)
    assert found.missing is not None
    assert "of the table on page 1" in found.missing


async def test_a_model_that_hangs_ends_nothing_else(reading: Reading) -> None:
    await reading.through(timeout_seconds=0.2)
    reading.models.answer = lambda call: replies.hangs()
    found = await reading.read(papers.order(*ROWS))
    _check(found)
    assert found.missing
    assert "did not answer within 0.2 seconds" in found.missing


async def test_a_model_that_is_too_slow_for_all_is_asked_for_less(reading: Reading) -> None:
    await reading.through(timeout_seconds=1)

    def answer(call: Call) -> Reply:
        if "Give the rows" in call.user and len(papers.wanted(call)) > 20:
            return replies.hangs()
        return told(papers.read_well(call))

    reading.models.answer = answer
    found = await reading.read(papers.order(*ROWS))
    assert found.missing is None
    assert papers.names_of(found) == NAMES


@pytest.mark.parametrize("kept", [1, 10, 29])
async def test_rows_of_no_table_are_known_by_how_they_are_set(reading: Reading, kept: int) -> None:
    reading.models.answer = lambda call: _answer(
        call, lambda rows: [row for row in rows if row["cells"]["item"]["text"] in NAMES[:kept]]
    )
    found = await reading.read(papers.loose_order(*ROWS))
    assert papers.names_of(found) == NAMES[:kept]
    assert found.missing
    noun = "line that looks like a row" if kept == 29 else "lines that look like rows"
    assert f"{30 - kept} {noun} on page 1" in found.missing


async def test_a_loose_list_that_breaks_off_goes_on(reading: Reading) -> None:
    reading.models.answer = lambda call: _cut(call, "length")
    found = await reading.read(papers.loose_order(*ROWS))
    assert found.missing is None
    assert papers.names_of(found) == NAMES


async def test_questions_are_bounded(reading: Reading) -> None:
    """A model that gives one row at a time is not asked for ever."""
    before = reading.models.count
    reading.models.answer = lambda call: _answer(call, lambda rows: rows[:1])
    found = await reading.read(papers.order(*papers.items(60)))
    assert reading.models.count - before < 80
    names = papers.names_of(found)
    assert len(set(names)) == len(names)
    assert (len(names) == 60) == (found.missing is None)


@pytest.mark.parametrize("seed", range(16))
async def test_any_mixture_of_faults(reading: Reading, seed: int) -> None:
    """Rows that never come, come twice, at wrong lines, in any order, in answers that are cut or
    none at all: nothing is there twice, nothing is missing unnoticed."""
    chance = random.Random(seed)
    rows = papers.items(chance.randrange(1, 50))
    never = {row[0] for row in rows if chance.random() < chance.choice([0, 0, 0.05, 0.5])}
    faulty = chance.choice([0, 0.2, 0.6])

    def change(given: Rows) -> Rows:
        kept = [row for row in given if row["cells"]["item"]["text"] not in never]
        if chance.random() < faulty:
            kept = kept[: chance.randrange(len(kept) + 1)]
        if chance.random() < faulty:
            kept += [row for row in kept if chance.random() < 0.5]
        if chance.random() < faulty:
            chance.shuffle(kept)
        if chance.random() < faulty:
            for each in (each for row in kept for each in row["cells"].values()):
                each["line"] += chance.randrange(-1, 2)
        return kept

    def answer(call: Call) -> Reply:
        good = _answer(call, change)
        if chance.random() >= faulty:
            return good
        cut = Reply(good.text[: chance.randrange(len(good.text))], finish="length")
        return chance.choice([cut, cut, replies.prose(), replies.empty(), replies.failing(500)])

    reading.models.answer = answer
    # Nothing tells that two lines of a text are rows when a model says that there are none.
    has_table = seed % 3 or len(rows) < 3
    document = papers.order(*rows) if has_table else papers.loose_order(*rows)
    found = await reading.read(document)
    names = papers.names_of(found)
    assert names == [row[0] for row in rows if row[0] in names]
    assert not never & set(names)
    for row in papers.items_of(found):
        at = [each[0] for each in rows].index(row.cells[1].value)
        assert {cell.raw for cell in row.cells.values()} <= set(rows[at])
    if len(names) < len(rows) or len(found.rows) == len(names):
        assert found.missing
