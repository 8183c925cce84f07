"""What a schema looks for, field by field, and how its value is taken out of a printed text."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from domain.columns import ColumnType
from domain.extraction_ports import ExtractionWork, PlannedField, PlannedTable
from domain.extraction_records import Example, ExtractedCell
from processing.extraction import values
from processing.extraction.printed_numbers import read_number
from processing.extraction.rules_labels import Names, names_of
from processing.extraction.values import Habits
from processing.rules import contacts, dates
from processing.rules.candidates import Candidate
from processing.rules.records import Passage
from processing.rules.words import stem

_MOST_NAME_WORDS = 5
_MOST_TEXT, _MOST_TEXT_WORDS = 120, 14
_MOST_VALUE_WORDS = 8
_QUOTED = re.compile(r"[\"“„«']([^\"“”„«»']{2,40})[\"”“»']")
_LEADING = re.compile(
    r"^(?:the|a|an|this is the|name of the|date of the|number of the|der|die|das|le|la|les|el)\s",
    re.IGNORECASE,
)
#: What follows a value is about something else: Date: 1.5.2026 Page: 1
_NEXT_LABEL = re.compile(r"\s+[^\W\d_][^:\d]{0,30}:(?!//).*")
_CENTS = re.compile(r"[0-9][.,][0-9]{2}")


class Role(StrEnum):
    """What a value looks like, whatever the type of its column."""

    TYPED = "typed"
    CODE = "code"
    AMOUNT = "amount"
    DATE = "date"
    CURRENCY = "currency"
    EMAIL = "email"
    PHONE = "phone"
    IBAN = "iban"
    ADDRESS = "address"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Sought:
    """A field with all its names. `money` says that it is an amount of money."""

    planned: PlannedField
    names: Names
    role: Role
    money: bool
    share: bool

    @property
    def number(self) -> int:
        return self.planned.column.number

    @property
    def is_text(self) -> bool:
        """Whether only the place tells that a text is the value."""
        return self.role in (Role.TEXT, Role.ADDRESS)


@dataclass(frozen=True, slots=True)
class Taken:
    """A value that was read out of a text, from the character `start` to `end`. `factor` is below 1
    when the text says more."""

    cell: ExtractedCell
    start: int
    end: int
    factor: float = 1.0


def sought_in(
    work: ExtractionWork, table: PlannedTable, lists: Mapping[str, Sequence[str]]
) -> list[Sought]:
    """The fields of a table that can be read, with their names."""
    about = (work.schema.name, table.name)
    learned = _learned(work.examples, table)
    found = []
    for planned in table.fields:
        if planned.field.excluded or not values.takes_printed(planned.column):
            continue
        own = [*own_names(planned), *learned.get(planned.column.number, ())]
        names = names_of(own, about, lists)
        role = _role(planned, names)
        found.append(Sought(planned, names, role, _is_money(names), _is_share(names)))
    return found


def own_names(planned: PlannedField) -> list[str]:
    """What the schema itself calls a value: label, key, other labels, words in quotes, and a
    description that is as short as a name."""
    column, field = planned.column, planned.field
    names = [column.label, column.key, *field.labels]
    for text in (field.hint, field.description):
        if text:
            names += _QUOTED.findall(text)
            first = _LEADING.sub("", re.split(r"[.;:(,\n]", text.strip(), maxsplit=1)[0].strip())
            if 0 < len(first.split()) <= _MOST_NAME_WORDS - 1:
                names.append(first)
    return names


def _learned(examples: Sequence[Example], table: PlannedTable) -> Mapping[int, list[str]]:
    """The words in front of values that people put right."""
    found: dict[int, list[str]] = {}
    for example in examples:
        if example.table_id != table.table.table_id or not example.after:
            continue
        at = example.text.find(example.after)
        before = example.text[:at].rsplit("\n", 1)[-1].rsplit("\t", 1)[-1].strip(" :.#\t")
        if at > 0 and before and len(before.split()) <= _MOST_NAME_WORDS:
            found.setdefault(example.column_number, []).append(before)
    return found


_CODES = frozenset(
    {
        "invoice number", "order number", "customer number", "delivery number", "vat number",
        "account number", "bic", "item number",
    }
)  # fmt: skip
_MONEY = frozenset(
    {
        "total", "net", "tax", "opening balance", "closing balance", "unit price", "line total",
        "line tax", "debit", "credit", "balance", "transaction amount",
    }
)  # fmt: skip
_ROLES = (("iban", Role.IBAN), ("email", Role.EMAIL), ("phone", Role.PHONE),
          ("currency", Role.CURRENCY))  # fmt: skip


def _role(planned: PlannedField, names: Names) -> Role:
    if planned.column.type is not ColumnType.TEXT:
        is_currency = "currency" in names.lists and planned.column.type is ColumnType.SELECT
        return Role.CURRENCY if is_currency else Role.TYPED
    special = {word for phrase, weight in names.phrases if weight == 1 for word in phrase.special}
    for name, role in _ROLES:
        if name in names.lists or stem(name) in special:
            return role
    own = {kind for phrase, weight in names.phrases if weight == 1 for kind in phrase.kinds}
    if names.lists & _CODES or "number" in own:
        return Role.CODE
    if "date" in own or any("date" in each.split() for each in names.lists):
        return Role.DATE
    if names.lists & _MONEY or "amount" in own:
        return Role.AMOUNT
    return Role.ADDRESS if stem("address") in special else Role.TEXT


def _is_money(names: Names) -> bool:
    return bool(names.lists & _MONEY) or "amount" in names.kinds


def _is_share(names: Names) -> bool:
    return "percent" in names.kinds or bool(names.lists & {"tax rate", "line tax rate", "discount"})


def take(sought: Sought, text: str, habits: Habits) -> Taken | None:
    """The value that a text begins with; None when it begins with none."""
    start = len(text) - len(text.lstrip(" :=\t"))
    bare = text[start:]
    if not bare.strip():
        return None
    found = _TAKERS[sought.role](sought, bare, habits)
    if found is None:
        return None
    return replace(found, start=found.start + start, end=found.end + start)


def _leading(sought: Sought, text: str, habits: Habits) -> Taken | None:
    """The longest beginning that the column takes, when no figures follow it."""
    ends = [match.end() for match in re.finditer(r"\S+", text)][:_MOST_VALUE_WORDS]
    for end in reversed(ends):
        piece = text[:end].rstrip(",;")
        cell = values.read(sought.planned.column, sought.planned.field, piece, habits)
        if cell.value is None:
            continue
        rest = _NEXT_LABEL.sub("", text[end:]).strip()
        if any(map(str.isdigit, rest)) or not _plausible(sought, piece, habits):
            return None
        return Taken(cell, 0, len(piece), 0.97 if rest else 1.0)
    return None


def _plausible(sought: Sought, piece: str, habits: Habits) -> bool:
    """Whether a number has a unit that the field can have."""
    if sought.planned.column.type is not ColumnType.NUMBER and sought.role is not Role.AMOUNT:
        return True
    found = read_number(piece, habits.decimal_comma)
    if found is None:
        return False
    if found.unit == "%":
        return sought.share
    if not sought.money:
        return found.known or not found.unit
    return not found.unit or found.is_money


def _typed(sought: Sought, text: str, habits: Habits) -> Taken | None:
    kind = sought.planned.column.type
    if kind in (ColumnType.SELECT, ColumnType.MULTI_SELECT) and not sought.planned.column.options:
        return _text(sought, text, habits)
    if kind in (ColumnType.EMAIL, ColumnType.URL):
        finder = contacts.emails if kind is ColumnType.EMAIL else contacts.urls
        return _only(sought, text, habits, finder([Passage("", "", text)]))
    return _leading(sought, text, habits)


def _only(sought: Sought, text: str, habits: Habits, found: Sequence[Candidate]) -> Taken | None:
    if len(found) != 1:
        return None
    start, end = found[0].start, found[0].end
    return _cell(sought, text, start, end, habits)


def _cell(sought: Sought, text: str, start: int, end: int, habits: Habits) -> Taken | None:
    cell = values.read(sought.planned.column, sought.planned.field, text[start:end], habits)
    return None if cell.value is None else Taken(cell, start, end, 1.0)


def _code(sought: Sought, text: str, habits: Habits) -> Taken | None:
    """The first words that have a figure in them, or are short words of such a number."""
    end, figures = 0, False
    for match in re.finditer(r"\S+", text):
        word = match[0].rstrip(",;")
        has_figure = any(map(str.isdigit, word))
        short = word.isupper() and word.isalpha() and len(word) <= 4 and not end
        if "%" in word or not (has_figure or short or word in "#-/"):
            break
        figures = figures or has_figure
        end = match.start() + len(word)
        if word != match[0]:
            break
    start = len(text) - len(text.lstrip("# "))
    piece = text[start:end].strip()
    if not figures or len(piece) > 40 or text[start + len(piece) :].lstrip().startswith("%"):
        return None
    if dates.find([Passage("", "", piece)], "") or is_price(piece):
        return None
    return _cell(sought, text, start, start + len(piece), habits)


def is_price(text: str) -> bool:
    """Whether a text is a number with cents."""
    return _CENTS.search(text) is not None and read_number(text) is not None


def _amount(sought: Sought, text: str, habits: Habits) -> Taken | None:
    return _pretended(sought, text, habits, ColumnType.NUMBER)


def _date(sought: Sought, text: str, habits: Habits) -> Taken | None:
    return _pretended(sought, text, habits, ColumnType.DATE)


def _pretended(sought: Sought, text: str, habits: Habits, kind: ColumnType) -> Taken | None:
    """A text that says a number or a date, kept as it is printed."""
    column = replace(sought.planned.column, type=kind, config=None)
    field = sought.planned.field
    typed = replace(sought, planned=PlannedField(column, field))
    found = _leading(typed, text, habits)
    if found is None:
        return None
    kept = _cell(sought, text, found.start, found.end, habits)
    return kept and replace(kept, factor=found.factor)


def _currency(sought: Sought, text: str, habits: Habits) -> Taken | None:
    match = re.match(r"[A-Z]{3}\b|[$€£¥₹]|Euros?\b", text)
    return None if match is None else _cell(sought, text, 0, match.end(), habits)


def _email(sought: Sought, text: str, habits: Habits) -> Taken | None:
    return _only(sought, text, habits, contacts.emails([Passage("", "", text)]))


def _phone(sought: Sought, text: str, habits: Habits) -> Taken | None:
    found = contacts.phones([Passage("", "", text)])
    return _only(sought, text, habits, [each for each in found if each.start <= 1][:1])


def _iban(sought: Sought, text: str, habits: Habits) -> Taken | None:
    return _only(sought, text, habits, contacts.ibans([Passage("", "", text)]))


def _text(sought: Sought, text: str, habits: Habits) -> Taken | None:
    if len(text) > _MOST_TEXT or not text[0].isalnum() or len(text.split()) > _MOST_TEXT_WORDS:
        return None
    if _is_name(sought.names) and sum(map(str.isalpha, text)) < _LEAST_LETTERS:
        return None
    return _cell(sought, text, 0, len(text.rstrip()), habits)


def _is_name(names: Names) -> bool:
    """Whether somebody or something with a name is sought: no number is one."""
    return "name" in names.kinds or bool(names.lists & _NAMED)


_LEAST_LETTERS = 2
_NAMED = frozenset({"customer", "supplier", "bank", "account holder", "description"})


_Taker = Callable[[Sought, str, Habits], Taken | None]
_TAKERS: Mapping[Role, _Taker] = {
    Role.TYPED: _typed,
    Role.CODE: _code,
    Role.AMOUNT: _amount,
    Role.DATE: _date,
    Role.CURRENCY: _currency,
    Role.EMAIL: _email,
    Role.PHONE: _phone,
    Role.IBAN: _iban,
    Role.ADDRESS: _text,
    Role.TEXT: _text,
}
