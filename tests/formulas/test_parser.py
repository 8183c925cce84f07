"""What is no formula is refused with the place and what was expected there."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.formula_parser import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_NODES,
    Additive,
    Binary,
    Call,
    FormulaError,
    Literal,
    Name,
    Negation,
    Template,
    Tree,
    parse,
    parse_template,
)


def _written(tree: Tree) -> str:
    """The tree with all its parentheses."""
    match tree:
        case Literal():
            return f"{tree.value}" if isinstance(tree.value, Decimal | bool) else repr(tree.value)
        case Name():
            return f"[{tree.name}]"
        case Negation():
            return f"(-{_written(tree.operand)})"
        case Binary():
            return f"({_written(tree.left)} {tree.operator} {_written(tree.right)})"
        case Additive():
            rest = "".join(f" {sign} {_written(part)}" for sign, part in tree.rest)
            return f"({_written(tree.first)}{rest})"
        case Call():
            return f"{tree.function}({', '.join(map(_written, tree.arguments))})"
        case Template():
            return " ~ ".join(map(_written, tree.parts))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("1 + 2 * 3", "(1 + (2 * 3))"),
        ("1 - 2 - 3", "(1 - 2 - 3)"),
        ("(1 - 2) - 3", "((1 - 2) - 3)"),
        ("8 / 4 % 3", "((8 / 4) % 3)"),
        ("-a * b", "((-[a]) * [b])"),
        ("a - -b", "([a] - (-[b]))"),
        ("a + 1 > b == c", "((([a] + 1) > [b]) == [c])"),
        ("a<=b", "([a] <= [b])"),
        ("{{ a b }}+{{c}}", "([ a b ] + [c])"),
        ("été2 + _x", "([été2] + [_x])"),
        ("'it' + \"it's\"", "('it' + \"it's\")"),
        ("true", "True"),
        ("{{true}}", "[true]"),
        ("if(a, 1, f())", "if([a], 1, f())"),
        (".5 + 5.", "(0.5 + 5)"),
        ("\n1\t+ 2 ", "(1 + 2)"),
    ],
)
def test_precedence_and_tokens(text: str, tree: str) -> None:
    assert _written(parse(text)) == tree


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a value, found the end at position 1"),
        ("1 +", "expected a value, found the end at position 4"),
        ("1 + * 2", "expected a value, found * at position 5"),
        ("(1 + 2", "expected an operator or ), found the end at position 7"),
        ("1 2", "expected an operator or the end, found 2 at position 3"),
        ("1)", "expected an operator or the end, found ) at position 2"),
        ("f(1, )", "expected a value, found ) at position 6"),
        ("f(1 2)", "expected an operator, a comma or ), found 2 at position 5"),
        ("a == = b", "unexpected character = at position 6"),
        ("a & b", "unexpected character & at position 3"),
        ("a = b", "unexpected character = at position 3"),
        ("{{a", "a column reference without }} begins at position 1"),
        ("1 + 'abc", "a text without its closing ' begins at position 5"),
        ("1e5", "expected an operator or the end, found e5 at position 2"),
        ("a.b", "unexpected character . at position 2"),
        ("1 " + "x" * 30, f"expected an operator or the end, found {'x' * 20}… at position 3"),
        ("9" * 501, "a number in a formula has at most 500 digits; too long at position 1"),
    ],
)
def test_errors_tell_the_place_and_what_was_expected(text: str, message: str) -> None:
    with pytest.raises(FormulaError) as raised:
        parse(text)
    assert str(raised.value) == message
    assert str(raised.value.position) == message.rsplit(" ", 1)[1]


@pytest.mark.parametrize(
    "text",
    [
        "(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1),
        "(" * 4_000,
        "-" * 8_000 + "1",
        "-" * (MAX_DEPTH + 1) + "1",
        "abs(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1),
        "1" + "*1" * (MAX_DEPTH + 1),
        "1" + "<1" * (MAX_DEPTH + 1),
        "1" + "+1" * MAX_NODES,
        "concat(" + ",".join(["1"] * MAX_NODES) + ")",
        "1" * (MAX_CHARACTERS + 1),
        " " * (MAX_CHARACTERS + 1),
    ],
)
def test_bounds(text: str) -> None:
    with pytest.raises(FormulaError):
        parse(text)


def test_what_is_within_the_bounds_is_taken() -> None:
    parse("(" * (MAX_DEPTH - 1) + "1" + ")" * (MAX_DEPTH - 1))
    parse("1" + "*1" * (MAX_DEPTH - 1))
    parse("1" + "+1" * (MAX_NODES // 2 - 1))  # a long chain is not deep
    parse(" " * (MAX_CHARACTERS - 1) + "1")


@given(st.text(max_size=30) | st.text("({[]})'\"+-*/%<>=!,. a1é{}\n", max_size=40))
def test_any_text_is_a_formula_or_an_error(text: str) -> None:
    place = 1
    try:
        parse(text)
    except FormulaError as error:
        place = error.position
    assert 1 <= place <= len(text) + 1
    parse_template(text)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("{{first}} {{last}}", "[first] ~ ' ' ~ [last]"),
        ("Dear {{a}}, {b} {{", "'Dear ' ~ [a] ~ ', {b} {{'"),
        ("plain", "'plain'"),
    ],
)
def test_templates(text: str, parts: str) -> None:
    assert _written(parse_template(text)) == parts


def test_a_template_is_bounded() -> None:
    with pytest.raises(FormulaError):
        parse_template("{{a}}" * (MAX_NODES + 1))
