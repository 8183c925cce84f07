from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import values
from domain.columns import Column, ColumnType
from domain.errors import ErrorCode
from domain.values import Family, Rejected, accept, accept_default, config_problems
from tests.examples import examples

ID_A = "018f0000-0000-8000-8000-00000000000a"
ID_B = "018f0000-0000-8000-8000-00000000000b"
MEGABYTE = 1_048_576


def column(type_: str, **more: Any) -> Column:
    return Column(UUID(int=1), 1, "value", "Value", ColumnType(type_), 0, **more)


OPEN_OR_DONE = column("select", config={"options": ["open", "done"]})


@pytest.mark.parametrize(
    ("type_", "value", "accepted"),
    [
        ("text", "", ""),
        ("text", " é\n", " é\n"),
        ("text", 5, "5"),
        ("text", 5.0, "5"),
        ("text", 1e21, "1" + "0" * 21),
        ("text", True, "true"),
        ("text", "x" * MEGABYTE, "x" * MEGABYTE),
        ("number", 5, 5),
        ("number", "5", 5),
        ("number", " 5.50 ", 5.5),
        ("number", "", None),
        ("number", "  ", None),
        ("number", 5.0, 5),
        ("number", -0.0, 0),
        ("number", 2**70, Decimal(2**70)),
        ("number", Decimal("1.10"), 1.1),
        ("boolean", True, True),
        ("boolean", "TRUE", True),
        ("boolean", " false", False),
        ("boolean", "1", True),
        ("boolean", 0, False),
        ("boolean", 1.0, True),
        ("boolean", "", None),
        ("date", "2024-02-29", "2024-02-29"),
        ("date", "2024-02-29T00:00:00Z", "2024-02-29"),
        ("date", "2024-03-01T02:00:00+02:00", "2024-03-01"),
        ("date", " ", None),
        ("datetime", "2024-02-29", "2024-02-29T00:00:00.000Z"),
        ("datetime", "2024-02-29 12:30", "2024-02-29T12:30:00.000Z"),
        ("datetime", "2024-02-29T12:30:15.987999Z", "2024-02-29T12:30:15.987Z"),
        ("datetime", "2024-02-29T23:59:59.9999Z", "2024-02-29T23:59:59.999Z"),
        ("datetime", "2024-02-29T12:30:15,5+05:30", "2024-02-29T07:00:15.500Z"),
        ("datetime", "2024-02-29t12:30:15z", "2024-02-29T12:30:15.000Z"),
        ("datetime", "2024-02-29T12:30:15-08", "2024-02-29T20:30:15.000Z"),
        ("datetime", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
        ("datetime", "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ("select", "anything", "anything"),
        ("select", 3, "3"),
        ("select", " ", None),
        ("url", "https://example.org", "https://example.org"),
        ("url", " HTTP://Example.org:8080/a?b=ü#c ", "HTTP://Example.org:8080/a?b=ü#c"),
        ("url", "http://[::1]/x", "http://[::1]/x"),
        ("url", "", None),
        ("email", " a.b+c@mail.example.org ", "a.b+c@mail.example.org"),
        ("email", "", None),
        ("multi_select", "a", ["a"]),
        ("multi_select", ["b", "a", "b", "", 5], ["b", "a", "5"]),
        ("multi_select", [], None),
        ("multi_select", [" "], None),
        ("json", "5", "5"),
        ("json", {"a": [1, 2.50, Decimal("1e30")]}, {"a": [1, 2.5, Decimal(10**30)]}),
        ("json", [], []),
        ("json", False, False),
        ("file", ID_A.upper(), {"id": ID_A}),
        ("file", {"id": ID_A, "name": "a.pdf", "size": 5}, {"id": ID_A, "name": "a.pdf"}),
        ("file", "", None),
        ("measurement", 12.50, 12.5),
        ("measurement", " 12.50 ", 12.5),
        ("measurement", {"amount": "7", "unit": None}, 7),
        ("measurement", {"amount": None}, None),
        ("measurement", {}, None),
        ("measurement", "", None),
        ("relation", ID_A, [ID_A]),
        ("relation", ID_A.upper(), [ID_A]),
        ("relation", [ID_B, ID_A, ID_B], [ID_B, ID_A]),
        ("relation", [], None),
        ("relation", "", None),
    ],
    ids=lambda case: repr(case)[:20],
)
def test_accepted_values_in_normal_form(type_: str, value: Any, accepted: Any) -> None:
    found = accept(column(type_), value)
    assert found == accepted
    assert type(found) is type(accepted)
    assert accept(column(type_), found) == found


@pytest.mark.parametrize(
    ("type_", "value", "code", "message"),
    [
        ("text", {"a": 1}, "INVALID_TYPE", "an object is not a text"),
        ("text", ["a"], "INVALID_TYPE", "a list is not a text"),
        ("text", "a\x00b", "INVALID", "U+0000"),
        ("text", "a\ud800b", "INVALID", "unpaired surrogate (U+D800)"),
        ("text", "x" * MEGABYTE + "y", "TOO_LONG", "longer than 1 MB"),
        ("text", "é" * (MEGABYTE // 2 + 1), "TOO_LONG", "longer than 1 MB"),
        ("number", "abc", "INVALID_TYPE", '"abc" is not a number'),
        ("number", "1,000", "INVALID_TYPE", "is not a number"),
        ("number", True, "INVALID_TYPE", "true is not a number"),
        ("number", [1], "INVALID_TYPE", "a list is not a number"),
        ("number", float("nan"), "OUT_OF_RANGE", "NaN"),
        ("number", 10**1000, "OUT_OF_RANGE", "1000 digits"),
        ("number", "9" * 5_000, "OUT_OF_RANGE", "1000 digits"),
        ("boolean", "yes", "INVALID_TYPE", '"yes" is not true or false'),
        ("boolean", 2, "INVALID_TYPE", "2 is not true or false"),
        ("date", "2023-02-29", "INVALID_TYPE", "YYYY-MM-DD"),
        ("date", "20240229", "INVALID_TYPE", "is not a date"),
        ("date", "2/29/2024", "INVALID_TYPE", "is not a date"),
        ("date", "2024-02-29T10:00:00Z", "INVALID_TYPE", "use the type datetime"),
        ("date", "2024-02-29T00:00:00+02:00", "INVALID_TYPE", "use the type datetime"),
        ("date", 20240229, "INVALID_TYPE", "20240229 is not a date"),
        ("datetime", "2024-02-29T25:00:00Z", "INVALID_TYPE", "is not a datetime"),
        ("datetime", "2024-02-29T10:00:60Z", "INVALID_TYPE", "is not a datetime"),
        ("datetime", "2024-02-29T10:00:00+24:00", "INVALID_TYPE", "is not a datetime"),
        ("datetime", "0001-01-01T00:00:00+01:00", "OUT_OF_RANGE", "years 1 to 9999"),
        ("datetime", "9999-12-31T23:30:00-01:00", "OUT_OF_RANGE", "years 1 to 9999"),
        ("datetime", "٢٠٢٤-02-29", "INVALID_TYPE", "is not a datetime"),
        ("url", "example.org", "INVALID_TYPE", "absolute http or https URL"),
        ("url", "ftp://example.org", "INVALID_TYPE", "absolute http or https URL"),
        ("url", "https://", "INVALID_TYPE", "absolute http or https URL"),
        ("url", "https:///path", "INVALID_TYPE", "absolute http or https URL"),
        ("url", "https://exa mple.org", "INVALID_TYPE", "absolute http or https URL"),
        ("url", "https://example.org:99999", "INVALID_TYPE", "absolute http or https URL"),
        ("url", "http://[::1", "INVALID_TYPE", "absolute http or https URL"),
        ("url", "https://example.org/\ud800", "INVALID", "unpaired surrogate"),
        ("url", "https://e.org/" + "x" * 2_048, "TOO_LONG", "2048"),
        ("email", "a@b", "INVALID_TYPE", "is not an e-mail address"),
        ("email", "a@b@c.org", "INVALID_TYPE", "is not an e-mail address"),
        ("email", "a b@c.org", "INVALID_TYPE", "is not an e-mail address"),
        ("email", "a@c.org\x00", "INVALID_TYPE", "is not an e-mail address"),
        ("multi_select", [["a"]], "INVALID_TYPE", "a list is not a text"),
        ("multi_select", {"a": 1}, "INVALID_TYPE", "an object is not a text"),
        ("multi_select", [str(n) for n in range(1001)], "TOO_MANY", "at most 1000 options"),
        ("multi_select", ["x" * 257], "TOO_LONG", "longer than 256 characters"),
        ("json", {"a": "\x00"}, "INVALID", "U+0000"),
        ("json", ["x" * MEGABYTE], "TOO_LONG", "1048576 bytes"),
        ("json", float("inf"), "OUT_OF_RANGE", "Infinity"),
        ("file", "doc-1", "NOT_FOUND", 'there is no file "doc-1"'),
        ("file", {"name": "a"}, "INVALID_TYPE", "a file is its id"),
        ("file", [ID_A], "INVALID_TYPE", "a file is its id"),
        ("measurement", "5 kg", "INVALID", 'the column has no unit, so it takes none: "kg"'),
        ("measurement", "kg", "INVALID_TYPE", '"kg" is not a number'),
        ("measurement", True, "INVALID_TYPE", "true is not a number"),
        ("measurement", {"amount": [1]}, "INVALID_TYPE", "a list is not a number"),
        ("relation", "tbl-1", "INVALID_TYPE", '"tbl-1" is not a row id'),
        ("relation", [None], "INVALID_TYPE", "is not a row id"),
        ("relation", 5, "INVALID_TYPE", "row id or a list of row ids"),
        ("relation", [ID_A] * 10_001, "TOO_MANY", "at most 10000"),
        ("computed", 1, "INVALID", "computed"),
    ],
    ids=lambda case: "long" if isinstance(case, int) else repr(case)[:20],
)
def test_refused_values(type_: str, value: Any, code: str, message: str) -> None:
    with pytest.raises(Rejected) as caught:
        accept(column(type_), value)
    assert caught.value.code is ErrorCode(code)
    assert message in caught.value.message
    assert len(caught.value.message) < 300
    caught.value.message.encode()


def test_select_takes_its_options_only() -> None:
    assert accept(OPEN_OR_DONE, "open") == "open"
    assert accept(OPEN_OR_DONE, "") is None
    with pytest.raises(Rejected, match='"Open" is not one of the options "open", "done"') as caught:
        accept(OPEN_OR_DONE, "Open")
    assert caught.value.code is ErrorCode.NOT_AN_OPTION


TAGS = column("multi_select", config={"options": ["open", "done", "a, b"]})
WEIGHT = column("measurement", config={"unit": "kg"})


def test_multi_select_takes_its_options_only() -> None:
    assert accept(TAGS, ["done", "open"]) == ["done", "open"]
    with pytest.raises(Rejected, match='"Open" is not one of the options') as caught:
        accept(TAGS, ["done", "Open"])
    assert caught.value.code is ErrorCode.NOT_AN_OPTION


def test_a_measurement_takes_its_own_unit_only() -> None:
    for value in ("12.5 kg", "12.5kg", {"amount": 12.5, "unit": "kg"}, {"amount": "12.5"}, 12.5):
        assert accept(WEIGHT, value) == 12.5
    for value in ("12.5 g", {"amount": 12.5, "unit": "g"}):
        with pytest.raises(Rejected, match='the unit is "g", but the column measures in "kg"'):
            accept(WEIGHT, value)


@pytest.mark.parametrize(
    ("target", "written", "accepted"),
    [
        (TAGS, '["done", "open"]', ["done", "open"]),
        (TAGS, "done; open", ["done", "open"]),
        (TAGS, "done,open", ["done", "open"]),
        (TAGS, " a, b ", ["a, b"]),
        (TAGS, "a, b; done", ["a, b", "done"]),
        (column("multi_select"), "x\ny", ["x", "y"]),
        (column("json"), '{"a": 1.50}', {"a": 1.5}),
        (column("json"), '"text"', "text"),
        (column("json"), "null", None),
        (column("file"), f'{{"id": "{ID_A}", "name": "ä.pdf"}}', {"id": ID_A, "name": "ä.pdf"}),
        (column("file"), ID_A, {"id": ID_A}),
        (WEIGHT, "1,200.5 kg", 1200.5),
        (WEIGHT, "$5", 5),
        (WEIGHT, "n/a", None),
    ],
    ids=repr,
)
def test_texts_of_files_for_types_made_of_parts(
    target: Column, written: str, accepted: Any
) -> None:
    assert values.file_reader(target)(written) == accepted


@pytest.mark.parametrize(
    ("target", "written", "message"),
    [
        (TAGS, "done; never", '"never" is not one of the options'),
        (column("json"), "{a: 1}", "is not JSON: Expecting property name"),
        (column("file"), "{", 'there is no file "{"'),
        (WEIGHT, "5%", 'the unit is "%"'),
    ],
)
def test_refused_texts_of_files(target: Column, written: str, message: str) -> None:
    with pytest.raises(Rejected, match=message):
        values.file_reader(target)(written)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.decimals()
    | st.dates().map(str) | st.datetimes().map(str) | st.integers().map(str)
    | st.floats().map(str) | st.uuids().map(str) | st.sampled_from(["open", "true", "http://a.b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)  # fmt: skip


@examples(300)
@given(ANY_JSON, st.sampled_from([*ColumnType, OPEN_OR_DONE, TAGS, WEIGHT]))
def test_accepting_twice_is_accepting_once(value: Any, type_: ColumnType | Column) -> None:
    target = column(type_) if isinstance(type_, ColumnType) else type_
    try:
        once = accept(target, value)
    except Rejected:
        return
    again = accept(target, once)
    assert again == once
    assert type(again) is type(once)


@examples(100)
@given(st.datetimes(), st.sampled_from(["", "Z", "+00:00"]))
def test_datetimes_lose_nothing_above_a_millisecond(moment: Any, offset: str) -> None:
    kept = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    found = accept(column("datetime"), moment.isoformat() + offset)
    assert found == kept.isoformat(timespec="milliseconds") + "Z"


def test_every_type_has_an_entry_with_storage_and_family() -> None:
    assert set(values.TYPES) == set(ColumnType)
    storage = {type_.value: rules.storage for type_, rules in values.TYPES.items()}
    assert storage == {
        "text": "text COLLATE pg_c_utf8",
        "number": "numeric",
        "boolean": "boolean",
        "date": "date",
        "datetime": "timestamptz(3)",
        "select": "text COLLATE pg_c_utf8",
        "url": "text COLLATE pg_c_utf8",
        "email": "text COLLATE pg_c_utf8",
        "multi_select": "text[] COLLATE pg_c_utf8",
        "json": "jsonb",
        "file": "jsonb",
        "measurement": "numeric",
        "relation": "uuid[]",
        "computed": None,
    }
    assert values.TYPES[ColumnType.RELATION].family is Family.IDS
    assert values.family(column("select")) is Family.TEXT
    assert values.family(column("computed")) is Family.TEXT
    assert values.family(column("computed", config={"formulaType": "date_diff"})) is Family.NUMBER
    assert values.family(column("computed", config={"resultType": "date"})) is Family.DATE


def test_defaults_are_coerced() -> None:
    assert accept_default(column("number", default_value="5")) == 5
    assert accept_default(column("boolean", default_value="True")) is True
    assert accept_default(column("text", default_value="")) == ""
    assert accept_default(column("text")) is None
    assert accept_default(column("multi_select", default_value="a; b")) == ["a", "b"]
    assert accept_default(column("json", default_value='{"a": 1}')) == {"a": 1}
    assert accept_default(column("computed", default_value="x")) is None
    with pytest.raises(Rejected):
        accept_default(column("date", default_value="soon"))


@pytest.mark.parametrize(
    ("config", "problems"),
    [
        (None, []),
        ({}, []),
        ({"options": []}, []),
        ({"options": ["a", "A"], "colour": {"a": "red"}}, []),
        ({"options": None, "resultType": "number", "formulaType": "date_diff"}, []),
        ([], ["config must be an object"]),
        ({"options": "a"}, ["config.options must be a list of texts"]),
        ({"options": ["a", "a"]}, ['config.options[1]: "a" stands in the list twice']),
        ({"options": ["a", " "]}, ["config.options[1]: an option must not be blank"]),
        ({"options": [1]}, ["config.options[0]: 1 is not a text"]),
        ({"options": ["x" * 257]}, ["config.options[0]: an option has at most 256 characters"]),
        ({"options": [str(n) for n in range(1001)]}, ["config.options holds at most 1000 texts"]),
        ({"note": "\x00"}, ["config: text cannot contain the character U+0000"]),
        ({"note": "x" * MEGABYTE}, ["config: more than 1048576 bytes of JSON"]),
    ],
    ids=lambda case: repr(case)[:20],
)
def test_config_problems(config: Any, problems: list[str]) -> None:
    assert config_problems(ColumnType.SELECT, config) == problems


def test_config_keys_are_checked_for_the_type_that_knows_them() -> None:
    config = {"formula": 5, "dependencies": [1], "targetTableId": 1}
    assert config_problems(ColumnType.TEXT, config) == []
    assert config_problems(ColumnType.COMPUTED, config) == [
        "config.formula must be a text of at most 8192 characters",
        "config.dependencies must be a list of at most 500 column names",
    ]
    assert config_problems(ColumnType.RELATION, config | {"multiple": 1}) == [
        "config.targetTableId must be a text of at most 256 characters",
        "config.multiple must be true or false",
    ]
    assert config_problems(ColumnType.MEASUREMENT, {"unit": 1}) == [
        "config.unit must be a text of at most 256 characters"
    ]


def test_config_words_are_listed() -> None:
    (problem,) = config_problems(ColumnType.COMPUTED, {"formulaType": "magic"})
    assert problem.startswith('config.formulaType: "magic" is not one of arithmetic, ')
    (problem,) = config_problems(ColumnType.COMPUTED, {"resultType": "computed"})
    assert "not one of text, number" in problem
