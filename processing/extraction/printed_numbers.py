"""Numbers as documents print them: 1.234,56 €, (12.00), 12,50-, CHF 1'200.-, 19 %, 3 pcs."""

import re
from dataclasses import dataclass
from decimal import Decimal

from processing.rules import number_forms
from processing.rules.units import CURRENCIES, MULTIPLIERS, SHORT_MULTIPLIERS, unit_of
from processing.rules.word_sets import word_set

#: A word behind a number that is no unit that we know: 3 boxes.
_STRANGE_WORD = 0.8
_LONGEST = 80

_SIGNS = r"[$€£¥₹₩₽₺]"
_MINUS = r"[-\u2212\u2013]"
_CURRENCY = rf"(?:[A-Z]{{0,2}}{_SIGNS}|[A-Za-zżźćąęłčěšřž]{{2,4}}\.?)"
_FORM = re.compile(
    rf"(?P<minus>[-+\u2212\u2013]?) ?(?P<before>{_CURRENCY})? ?(?P<inner>[-+\u2212\u2013]?) ?"
    rf"(?P<number>{number_forms.NUMBER})(?: ?(?P<behind>{_MINUS}))?"
    rf"(?: ?(?P<unit>%|‰|{_SIGNS}(?:/[^\W\d_]{{1,8}}\.?)?|°[CFcf]?|[\"”]"
    r"|[^\W\d_]{1,14}[²³]?\.?(?:/[^\W\d_]{1,8}[²³]?)?))?"
    rf"(?: ?(?P<last>{_CURRENCY}|{_MINUS}))? ?[*†]{{0,3}}"
)
#: No cents: 100,- with all kinds of dashes.
_NO_CENTS = re.compile(rf"(?<=[0-9])[.,] ?(?:{_MINUS}|\u2014){{1,2}}(?= ?(?:{_CURRENCY})?$)")
_SPACES = re.compile(r"[\s\u00a0\u202f\u2009]+")


@dataclass(frozen=True, slots=True)
class PrintedNumber:
    """A number and what was printed with it. `unit` is a currency code, `%`, a unit of
    measurement, or a word in its place; empty when there is none. `known` says whether the unit is
    one that we know. `certainty` is how sure the reading is, 0 to 1."""

    value: Decimal
    unit: str
    known: bool
    certainty: float

    @property
    def is_money(self) -> bool:
        return self.unit in _CODES


def read_number(printed: str, decimal_comma: bool | None = None) -> PrintedNumber | None:
    """The number that a text is, with what belongs to it; None when it says anything else.

    `decimal_comma` tells what other numbers of the document use, None when nobody knows."""
    text = _SPACES.sub(" ", printed).strip()
    if len(text) > _LONGEST:
        return None
    negative = text.startswith("(") and text.endswith(")")
    if negative:
        text = text[1:-1].strip()
    text = _NO_CENTS.sub("", text)
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    signs = [match["minus"], match["inner"], match["behind"] or ""]
    before, unit, last = match["before"], match["unit"] or "", match["last"] or ""
    if re.fullmatch(_MINUS, last):
        signs.append(last)
        last = ""
    told = [sign for sign in signs if sign]
    if len(told) + negative > 1:
        return None
    currency = _currency(before or "")
    if before and not currency:
        return None
    measured = _unit(unit, currency, last)
    if measured is None:
        return None
    name, known, factor = measured
    parsed = number_forms.parse(match["number"], decimal_comma, name in _CODES)
    if parsed is None:
        return None
    minus = negative or (bool(told) and told[0] != "+")
    certainty = parsed[1] if known or not name else min(parsed[1], _STRANGE_WORD)
    value = parsed[0] * factor
    return PrintedNumber(-value if minus and value else value, name, known, certainty)


def _unit(unit: str, currency: str, last: str) -> tuple[str, bool, Decimal] | None:
    """The unit, whether it is a known one, and what the number is to be multiplied by; None when
    what is printed contradicts itself."""
    ending = _currency(last)
    if last and not ending:
        return None
    factor, word = Decimal(1), unit.lower().rstrip(".")
    if word in MULTIPLIERS and (currency or ending or word not in SHORT_MULTIPLIERS):
        factor, unit, word = Decimal(MULTIPLIERS[word]), "", ""
    # "rs" and "try" are words too.
    behind = _currency(unit.split("/")[0]) if unit.isupper() or word in _SMALL else ""
    behind = behind or CURRENCIES.get(unit[:1], "")
    currencies = {each for each in (currency, behind, ending) if each}
    if len(currencies) > 1:
        return None
    if currencies:
        return (currencies.pop(), True, factor) if behind or not unit else None
    if not unit or unit in ("%", "‰"):
        return unit, True, factor
    known = unit_of(unit) or unit_of(word)
    return (known, True, factor) if known else (unit, False, factor)


def _currency(written: str) -> str:
    low = written.lower().strip()
    for form in (low, low.rstrip(".")):
        if form in CURRENCIES or form in _ALSO:
            return CURRENCIES.get(form) or _ALSO[form]
    return ""


#: Money that is not in the list of units: crowns of three countries, and some from further away.
_ALSO = {
    "kr": "kr", "rm": "MYR", "myr": "MYR", "rp": "IDR", "idr": "IDR", "lei": "RON", "ron": "RON",
    "nt$": "TWD", "php": "PHP", "₱": "PHP", "vnd": "VND", "₫": "VND", "sar": "SAR", "ngn": "NGN",
}  # fmt: skip
_SMALL = word_set("eur euro euros usd gbp chf kč zł kr lei dollars")
_CODES = frozenset({*CURRENCIES.values(), *_ALSO.values()})
