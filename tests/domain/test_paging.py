"""Page requests and cursors: what is taken and refused, and that cursors are exact and small."""

import base64
import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.columns import Column, ColumnType
from domain.errors import Invalid
from domain.filters import Direction, Nulls, Sort
from domain.paging import (
    MAX_CURSOR,
    Cursor,
    LongText,
    PageRequest,
    decode_cursor,
    encode_cursor,
    page_request,
)

ROW = UUID("018f3b2c-0000-8007-8000-000000000001")


def _sort(number: int, type: ColumnType, direction: Direction = Direction.ASC) -> Sort:
    column = Column(UUID(int=number), number, f"k{number}", f"K{number}", type, number)
    return Sort(column, direction, Nulls.FIRST)


TEXT = _sort(1, ColumnType.TEXT)
NUMBER = _sort(2, ColumnType.NUMBER)
MOMENT = _sort(3, ColumnType.DATETIME)


def test_a_page_has_fifty_rows_unless_told() -> None:
    assert page_request(maximum=1000) == PageRequest(50, None, None, backward=False)
    assert page_request(first=10, after="x", maximum=1000) == PageRequest(10, "x", None, False)
    assert page_request(last=0, before="x", maximum=1000) == PageRequest(0, None, "x", True)
    assert page_request(before="x", maximum=1000, default=7) == PageRequest(7, None, "x", True)
    assert page_request(first=10, maximum=10).fetch == 11


def test_impossible_pages_are_refused_with_every_reason() -> None:
    with pytest.raises(Invalid) as caught:
        page_request(first=-1, last=1001, maximum=1000)
    assert [(problem.path, problem.message) for problem in caught.value.problems] == [
        (("last",), "Give first or last, not both"),
        (("first",), "first must be from 0 to 1000, not -1"),
        (("last",), "last must be from 0 to 1000, not 1001"),
    ]


@given(st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=60))
def test_texts_come_back_exactly(text: str) -> None:
    cursor = encode_cursor((TEXT, NUMBER), (f"={text}", "-0.100"), 7, ROW)
    assert len(cursor) <= MAX_CURSOR
    decoded = decode_cursor((TEXT, NUMBER), cursor, "after")
    assert (decoded.position, decoded.id, str(decoded.keys[1])) == (7, ROW, "-0.100")
    [key, _] = decoded.keys
    assert key == text or (isinstance(key, LongText) and text.startswith(key.prefix))


def test_moments_keep_their_microseconds_and_nulls_stay_null() -> None:
    cursor = encode_cursor((MOMENT, TEXT), ("2024-01-01T00:00:00.123456Z", None), 7, str(ROW))
    moment, text = decode_cursor((MOMENT, TEXT), cursor, "before").keys
    assert str(moment) == "2024-01-01 00:00:00.123456+00:00"
    assert text is None


def test_the_largest_cursor_stays_within_its_bound() -> None:
    control = "=" + "\x01" * 400
    for text, type in ((control, ColumnType.TEXT), ("9" * 1000, ColumnType.NUMBER)):
        sorts = [_sort(number, type) for number in range(1, 6)]
        cursor = encode_cursor(sorts, [text] * 5, 2**62, ROW)
        assert len(cursor) <= MAX_CURSOR
        assert len(decode_cursor(sorts, cursor, "after").keys) == 5


def test_a_cursor_of_another_order_is_refused() -> None:
    cursor = encode_cursor((TEXT,), ("=a",), 1, ROW)
    others: list[tuple[Sort, ...]] = [
        (),
        (NUMBER,),
        (TEXT, NUMBER),
        (Sort(TEXT.field, Direction.DESC, Nulls.FIRST),),
        (Sort(TEXT.field, Direction.ASC, Nulls.LAST),),
    ]
    for sorts in others:
        with pytest.raises(Invalid, match="after is a cursor of another sort order"):
            decode_cursor(sorts, cursor, "after")


def _packed(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def _forged(index: int, value: Any) -> str:
    cursor = encode_cursor((TEXT, NUMBER), ("=a", "1"), 1, ROW)
    content = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    content[index] = value
    return _packed(content)


@pytest.mark.parametrize(
    "junk",
    [
        "",
        "x",
        "é",
        "a b",
        "' OR 1=1 --",
        "\x00",
        "A" * 10_000,
        _packed({}),
        _packed([1, 2]),
        base64.urlsafe_b64encode(b"[" * 6_000).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        base64.urlsafe_b64encode(b"9" * 5_000).decode(),
        _forged(2, None),
        _forged(2, ["=a"]),
        _forged(2, ["a", "1"]),
        _forged(2, ["=a\x00", "1"]),
        _forged(2, ["=\ud800", "1"]),
        _forged(2, ["~short", "1"]),
        _forged(2, [7, "1"]),
        _forged(2, ["=a", "NaN"]),
        _forged(2, ["=a", "1e999999999"]),
        _forged(2, ["=a", "1'; --"]),
        _forged(3, 2**63),
        _forged(3, True),
        _forged(3, "1"),
        _forged(4, "junk"),
        _forged(4, None),
    ],
)
def test_junk_is_refused_by_name(junk: str) -> None:
    with pytest.raises(Invalid) as caught:
        decode_cursor((TEXT, NUMBER), junk, "before")
    [problem] = caught.value.problems
    assert problem.path == ("before",)
    assert problem.message == "before is not a cursor of this server"


@pytest.mark.parametrize(
    ("type", "good", "bad"),
    [
        (ColumnType.BOOLEAN, "true", "yes"),
        (ColumnType.DATE, "2024-02-29", "2024-02-30"),
        (ColumnType.DATETIME, "2024-02-29T00:00:00.000001Z", "2024-02-29T00:00:00"),
        (ColumnType.RELATION, str(ROW), "r1"),
    ],
)
def test_keys_are_read_by_type(type: ColumnType, good: str, bad: str) -> None:
    sorts = (_sort(1, type),)
    decoded = decode_cursor(sorts, encode_cursor(sorts, (good,), 1, ROW), "after")
    assert decoded == Cursor(decoded.keys, 1, ROW)
    assert decoded.keys[0] is not None
    with pytest.raises(Invalid, match="after is not a cursor"):
        decode_cursor(sorts, encode_cursor(sorts, (bad,), 1, ROW), "after")
