"""Which numbers of a text can be meant: money for a price, percent for a rate, kilograms for a
weight."""

import re
from collections.abc import Sequence
from dataclasses import replace

from domain.columns import Column, ColumnType
from processing.rules.candidates import Candidate
from processing.rules.prompts import Brief
from processing.rules.quantities import MEASURE, MONEY, PERCENT, PLAIN, YEAR
from processing.rules.units import CURRENCIES, DIMENSION_OF, DIMENSION_WORDS, unit_of
from processing.rules.wanted import Wanted
from processing.rules.word_sets import word_set

_MONEY_WORDS = word_set(
    "price prices cost costs amount total subtotal revenue salary fee fees budget balance payment "
    "paid money spend spent turnover gross net betrag preis prix montant umsatz gehalt kosten sum "
    "deposit funding valuation profit income usd eur gbp refund wage rent gesamtbetrag"
)
_PERCENT_WORDS = word_set("percent percentage pct prozent pourcentage %")
_EITHER_WORDS = word_set("rate share discount margin tax vat growth interest yield")
_YEAR_WORDS = word_set("year years founded established jahr annee")
_IN_UNIT = re.compile(
    r"\b(?:in|as)\s(?P<in>[^\W\d_]{1,12}[²³]?|°[cf]|km/h)(?!\w)|\((?P<brackets>[^()\s]{1,8})\)"
)

Sorted = tuple[list[Candidate], list[Candidate], Wanted]


def sort_out(brief: Brief, column: Column, wanted: Wanted, found: Sequence[Candidate]) -> Sorted:
    """The numbers that fit what is asked for, those that fit only under a label, and what is wanted
    of them: a unit, a dimension or a percent sign that is asked for names a value as a label does.
    """
    names = wanted.names
    unit = _unit_asked(brief, column)
    if column.type is ColumnType.MEASUREMENT:
        return (*_measured(column, found), replace(wanted, vague=True))
    if unit is not None:
        measured = [each for each in found if each.kind == MEASURE and each.unit == unit]
        return (*_of(measured, found), replace(wanted, vague=True))
    currency = _currency_asked(brief, column)
    if names & _MONEY_WORDS or currency is not None:
        money = [each for each in found if each.kind == MONEY and currency in (None, each.unit)]
        return (*_of(money, found), wanted)
    if (names | brief.terms) & _PERCENT_WORDS:
        percent = [each for each in found if each.kind == PERCENT]
        return (*_of(percent, found), replace(wanted, vague=True))
    if names & _EITHER_WORDS:
        either = [each for each in found if each.kind in (PERCENT, MONEY)]
        return (*_of(either, found), wanted)
    dimension = next((DIMENSION_WORDS[name] for name in names if name in DIMENSION_WORDS), None)
    if dimension is not None:
        fitting = [each for each in found if DIMENSION_OF.get(each.unit) == dimension]
        # 800 g and 2 kg cannot be compared without converting them.
        comparable = fitting if len({each.unit for each in fitting}) < 2 else []
        return (*_of(comparable, found), replace(wanted, vague=True))
    if names & _YEAR_WORDS:
        return [each for each in found if each.kind == YEAR], [], wanted
    plain = [each for each in found if each.kind == PLAIN]
    return plain, [each for each in found if each.kind != PLAIN], wanted


def _of(
    fitting: list[Candidate], found: Sequence[Candidate]
) -> tuple[list[Candidate], list[Candidate]]:
    """With the plain numbers for want of better ones: they need a label."""
    return fitting, [] if fitting else [each for each in found if each.kind in (PLAIN, YEAR)]


def _measured(
    column: Column, found: Sequence[Candidate]
) -> tuple[list[Candidate], list[Candidate]]:
    """Amounts in the unit of the column. Nothing is converted."""
    written = str((column.config or {}).get("unit") or "")
    unit = unit_of(written) or written
    if not unit:
        return [], [each for each in found if each.kind in (PLAIN, YEAR)]
    code = CURRENCIES.get(unit.lower(), unit)
    fitting = [each for each in found if each.unit in (unit, code)]
    bare = [each for each in found if each.kind in (PLAIN, YEAR)]
    return fitting, [] if fitting else bare


def _unit_asked(brief: Brief, column: Column) -> str | None:
    """The unit that prompt, label or key name: in kg, (kg), weight_kg."""
    for text in (brief.plain, column.label.lower()):
        for match in _IN_UNIT.finditer(text):
            written = match["in"] or match["brackets"]
            if written not in ("in", "a", "s", "us", "d") and (unit := unit_of(written)):
                return unit
    head, _, tail = column.key.lower().rpartition("_")
    return unit_of(tail) if head and tail not in ("in", "s", "d", "at", "day", "days") else None


def _currency_asked(brief: Brief, column: Column) -> str | None:
    for text in (brief.plain, column.label.lower()):
        for match in _IN_UNIT.finditer(text):
            code = CURRENCIES.get(match["in"] or match["brackets"])
            if code:
                return code
    return None
