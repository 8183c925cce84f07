import json
import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import numbers
from domain.numbers import InvalidJson, exact, loads, normal, text
from tests.examples import examples

FEW = examples(60)
DIGITS_1000 = "9" * 1_000


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("0", 0),
        ("-0", 0),
        ("0.0", 0),
        ("-0.000e7", 0),
        ("0e999999", 0),
        ("5.00", 5),
        ("1e3", 1000),
        ("100e-2", 1),
        ("+7", 7),
        (".5", 0.5),
        ("5.", 5),
        ("0.1", 0.1),
        ("10.357019999999999", 10.357019999999999),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("9223372036854775808", Decimal(2**63)),
        ("1e20", Decimal("1e20")),
        ("100000000000000000001", Decimal("100000000000000000001")),
        ("0.1234567890123456789", Decimal("0.1234567890123456789")),
        ("0.12345678901234567890000", Decimal("0.1234567890123456789")),
        ("1e-400", Decimal("1e-400")),
        ("1e400", Decimal("1e400")),
        ("1234567890123456789.0", 1234567890123456789),
        ("1192092895507812500000000000000000", Decimal("1192092895507812500000000000000000")),
        ("1.2345678901234568e18", 1234567890123456800),
        (DIGITS_1000, Decimal(DIGITS_1000)),
        ("0." + "0" * 400 + "1", Decimal("1e-401")),
    ],
    ids=lambda case: str(case)[:20],
)
def test_exact_numbers_in_normal_form(written: str, value: object) -> None:
    found = exact(written)
    assert found == value
    assert type(found) is type(value)
    if isinstance(found, Decimal):
        assert str(found) == str(value) or found.as_tuple().digits[-1] != 0
    assert math.copysign(1, found) == (-1 if written.startswith("-") and found else 1)


@pytest.mark.parametrize(
    "written",
    [
        *("", " ", "abc", "1_000", "1 000", "٣", "NaN", "Infinity", "-inf", "1e", "--1", "0x1"),
        *("1,5", ".", "1.2.3", "1e1000", "1e-1001", "1e999999999999999999999"),
        *(DIGITS_1000 + "9", "0." + "1" * 1_001),
    ],
    ids=lambda written: repr(written[:20]),
)
def test_what_is_no_number_or_too_long_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"not a number|more than 1000 digits"):
        exact(written)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, Decimal("NaN"), 10**1000])
def test_normal_refuses_what_cannot_be_stored(value: numbers.Number) -> None:
    with pytest.raises(ValueError, match=r"NaN|digits"):
        normal(value)


@FEW
@given(st.decimals(allow_nan=False, allow_infinity=False, places=8))
def test_normal_keeps_the_value_and_is_its_own_normal_form(value: Decimal) -> None:
    found = normal(value)
    assert Decimal(text(found)) == value
    assert normal(found) == found
    assert type(normal(found)) is type(found)
    assert exact(str(value)) == found


@FEW
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_keep_the_value_that_they_are_written_with(value: float) -> None:
    assert Decimal(text(normal(value))) == Decimal(repr(value))
    assert normal(exact(repr(value))) == normal(value)


@FEW
@given(st.integers(-(10**40), 10**40))
def test_integers_of_any_size_come_back(value: int) -> None:
    assert loads(str(value)) == value
    assert text(exact(str(value))) == str(value)


@pytest.mark.parametrize(
    ("value", "written"),
    [(5, "5"), (0.5, "0.5"), (1e20, "1" + "0" * 20), (1e-7, "0.0000001"), (Decimal("1.50"), "1.5")],
)
def test_text_is_plain_digits(value: numbers.Number, written: str) -> None:
    assert text(value) == written


def test_loads_keeps_numbers_exact_and_floats_floats() -> None:
    found = loads(b'{"a":1,"b":0.1,"c":123456789012345678901,"d":0.12345678901234567891,"e":5.0}')
    assert found == {
        "a": 1,
        "b": 0.1,
        "c": Decimal("123456789012345678901"),
        "d": Decimal("0.12345678901234567891"),
        "e": 5,
    }
    assert [type(value) for value in found.values()] == [int, float, Decimal, Decimal, float]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@FEW
@given(JSON_VALUES)
def test_loads_agrees_with_the_standard_parser(value: object) -> None:
    written = json.dumps(value)
    assert loads(written) == value
    assert loads(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "Expecting value"),
        (b"{", "line 1 column 2"),
        (b"[1,]", "at line 1"),
        (b"[NaN]", "NaN is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b'"\xff"', "invalid UTF-8 at byte 1"),
        (b'"\x01"', "control character"),
        (b"[1" + b"0" * 1_000 + b"]", "more than 1000 digits"),
        (b"[1e1000]", "more than 1000 digits"),
        (b"[" * 101 + b"]" * 101, "nested more than 100 levels"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 150 + b"1" + b"}" * 150, "nested more than 100 levels"),
        (b"1 2", "Extra data"),
    ],
    ids=lambda case: repr(case[:20]),
)
def test_loads_refuses_in_words(data: bytes, message: str) -> None:
    with pytest.raises(InvalidJson, match="(?i)" + message):
        loads(data)


def test_loads_takes_what_is_deep_enough_and_wide() -> None:
    assert loads(b"[" * 100 + b"]" * 100)
    assert len(loads("[" + ",".join(["{}"] * 500) + "]")) == 500
    assert loads(b"\xef\xbb\xbf[1]") == [1]
    assert loads('"' + "[" * 500 + '"') == "[" * 500
    assert loads(rb'"\ud800\u0000"') == "\ud800\x00"
