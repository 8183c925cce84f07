"""Formulas as text: tokens and the tree that they make, with bounds on size and depth.

formula    = additive { ("==" | "!=" | ">" | ">=" | "<" | "<=") additive }
additive   = product { ("+" | "-") product }
product    = unary { ("*" | "/" | "%") unary }
unary      = "-" unary | value
value      = number | text | reference | function "(" [ formula { "," formula } ] ")"
           | "(" formula ")" | "true" | "false"
reference  = "{{" column "}}" | name
text       = '"' characters '"' | "'" characters "'"
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

MAX_CHARACTERS = 8_192
MAX_DEPTH = 50
MAX_NODES = 500
#: Digits of a number written in a formula.
MAX_LITERAL_DIGITS = 500

_SHOWN = 20
_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
    r"|(?P<reference>\{\{(?P<column>.*?)\}\})"
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<text>\"[^\"]*\"|'[^']*')"
    r"|(?P<sign>==|!=|>=|<=|[-+*/%<>(),])",
    re.DOTALL,
)
_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_COMPARISONS = frozenset({"==", "!=", ">", ">=", "<", "<="})


class FormulaError(ValueError):
    """What is wrong with a formula. `position` counts characters from 1."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"{message} at position {position}")
        self.position = position


@dataclass(frozen=True, slots=True)
class Literal:
    position: int
    value: Decimal | str | bool
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Name:
    """A column, by key. What stands in braces may have spaces around it."""

    position: int
    name: str
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Negation:
    position: int
    operand: "Tree"
    depth: int


@dataclass(frozen=True, slots=True)
class Binary:
    """Any operation but + and -."""

    position: int
    operator: str
    left: "Tree"
    right: "Tree"
    depth: int


@dataclass(frozen=True, slots=True)
class Additive:
    """A chain of + and -, from left to right. A long one is no deeper than a short one."""

    position: int
    first: "Tree"
    rest: tuple[tuple[str, "Tree"], ...]
    depth: int


@dataclass(frozen=True, slots=True)
class Call:
    position: int
    function: str
    arguments: tuple["Tree", ...]
    depth: int


@dataclass(frozen=True, slots=True)
class Template:
    """Texts and columns one after the other."""

    position: int
    parts: tuple[Literal | Name, ...]
    depth: int = 2


Tree: TypeAlias = Literal | Name | Negation | Binary | Additive | Call | Template


def parse(text: str) -> Tree:
    """The tree of a formula. Raises `FormulaError`."""
    _check_length(text)
    return _Parser(text).whole()


def parse_template(text: str) -> Template:
    """A text with columns in double braces. Raises `FormulaError` when there are too many."""
    _check_length(text)
    parts: list[Literal | Name] = []
    end = 0
    for match in _PLACEHOLDER.finditer(text):
        if match.start() > end:
            parts.append(Literal(end + 1, text[end : match.start()]))
        parts.append(Name(match.start() + 1, match[1]))
        end = match.end()
    if end < len(text):
        parts.append(Literal(end + 1, text[end:]))
    if len(parts) > MAX_NODES:
        raise FormulaError(f"a formula has at most {MAX_NODES} parts; too many", end)
    return Template(1, tuple(parts))


def _check_length(text: str) -> None:
    if len(text) > MAX_CHARACTERS:
        message = f"a formula has at most {MAX_CHARACTERS:,} characters; too long"
        raise FormulaError(message, MAX_CHARACTERS + 1)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int

    @property
    def shown(self) -> str:
        if self.kind == "end":
            return "the end"
        return self.text if len(self.text) <= _SHOWN else self.text[:_SHOWN] + "…"


def _tokens(text: str) -> list[_Token]:
    tokens = []
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise FormulaError(_unreadable(text, place), place + 1)
        kind = match.lastgroup or ""
        kind = "reference" if match["reference"] is not None else kind
        if kind != "space":
            tokens.append(_Token(kind, match[0], place + 1))
        place = match.end()
    tokens.append(_Token("end", "", len(text) + 1))
    return tokens


def _unreadable(text: str, place: int) -> str:
    if text.startswith("{{", place):
        return "a column reference without }} begins"
    if text[place] in "\"'":
        return f"a text without its closing {text[place]} begins"
    return f"unexpected character {text[place]}"


class _Parser:
    """Recursive descent; `_nesting` bounds the recursion and `_nodes` the size."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._index = 0
        self._nesting = 0
        self._nodes = 0

    def whole(self) -> Tree:
        tree = self._formula()
        if self._next.kind != "end":
            raise self._expected("an operator or the end")
        return tree

    @property
    def _next(self) -> _Token:
        return self._tokens[self._index]

    def _take(self) -> _Token:
        token = self._next
        self._index += 1
        return token

    def _expected(self, what: str) -> FormulaError:
        return FormulaError(f"expected {what}, found {self._next.shown}", self._next.position)

    def _counted(self, depth: int, position: int) -> int:
        """Counts one more node; its depth again, when both are within bounds."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise FormulaError(f"a formula has at most {MAX_NODES} parts; too many", position)
        if depth > MAX_DEPTH:
            raise FormulaError(f"a formula nests at most {MAX_DEPTH} deep; deeper", position)
        return depth

    def _formula(self) -> Tree:
        self._nesting += 1
        if self._nesting > MAX_DEPTH:
            message = f"a formula nests at most {MAX_DEPTH} deep; deeper"
            raise FormulaError(message, self._next.position)
        left = self._additive()
        while self._next.text in _COMPARISONS and self._next.kind == "sign":
            left = self._binary(left, self._take(), self._additive())
        self._nesting -= 1
        return left

    def _additive(self) -> Tree:
        first = self._product()
        rest: list[tuple[str, Tree]] = []
        position = self._next.position
        while self._next.kind == "sign" and self._next.text in "+-":
            sign = self._take()
            rest.append((sign.text, self._product()))
            self._counted(0, sign.position)
        if not rest:
            return first
        depth = 1 + max(first.depth, *(part.depth for _, part in rest))
        return Additive(position, first, tuple(rest), self._counted(depth, position))

    def _product(self) -> Tree:
        left = self._unary()
        while self._next.kind == "sign" and self._next.text in "*/%":
            left = self._binary(left, self._take(), self._unary())
        return left

    def _binary(self, left: Tree, sign: _Token, right: Tree) -> Binary:
        depth = self._counted(1 + max(left.depth, right.depth), sign.position)
        return Binary(sign.position, sign.text, left, right, depth)

    def _unary(self) -> Tree:
        signs = []
        while self._next.kind == "sign" and self._next.text == "-":
            signs.append(self._take())
        tree = self._value()
        for sign in reversed(signs):
            depth = self._counted(1 + tree.depth, sign.position)
            tree = Negation(sign.position, tree, depth)
        return tree

    def _value(self) -> Tree:
        token = self._next
        self._counted(1, token.position)
        match token.kind:
            case "number":
                return Literal(token.position, _number(self._take()))
            case "text":
                return Literal(token.position, self._take().text[1:-1])
            case "reference":
                return Name(token.position, self._take().text[2:-2])
            case "name":
                return self._named(self._take())
        if token.kind == "sign" and token.text == "(":
            self._take()
            tree = self._formula()
            self._close("an operator or )")
            return tree
        raise self._expected("a value")

    def _named(self, token: _Token) -> Tree:
        if self._next.kind == "sign" and self._next.text == "(":
            self._take()
            arguments = self._arguments()
            depth = 1 + max((each.depth for each in arguments), default=0)
            return Call(token.position, token.text, arguments, self._counted(depth, token.position))
        if token.text in ("true", "false"):
            return Literal(token.position, token.text == "true")
        return Name(token.position, token.text)

    def _arguments(self) -> tuple[Tree, ...]:
        if self._next.kind == "sign" and self._next.text == ")":
            self._take()
            return ()
        arguments = [self._formula()]
        while self._next.kind == "sign" and self._next.text == ",":
            self._take()
            arguments.append(self._formula())
        self._close("an operator, a comma or )")
        return tuple(arguments)

    def _close(self, what: str) -> None:
        if self._next.kind != "sign" or self._next.text != ")":
            raise self._expected(what)
        self._take()


def _number(token: _Token) -> Decimal:
    if len(token.text) > MAX_LITERAL_DIGITS:
        message = f"a number in a formula has at most {MAX_LITERAL_DIGITS} digits; too long"
        raise FormulaError(message, token.position)
    return Decimal(token.text)
