"""Numbers in texts, and what they are of: money, percent, an amount with a unit, or plain."""

import re
from collections.abc import Sequence
from decimal import Decimal

from processing.rules import number_forms
from processing.rules.candidates import Candidate, blanked
from processing.rules.records import Passage
from processing.rules.units import CURRENCIES, MULTIPLIERS, SHORT_MULTIPLIERS, unit_of

MONEY, PERCENT, MEASURE, PLAIN, YEAR = "money", "percent", "measure", "plain", "year"

_MOST = 2_000
_SIGNS = r"[$€£¥₹₩₽₺]"
_CODES = "|".join(sorted(code.upper() for code in CURRENCIES if code.isalpha() and len(code) == 3))
_BEFORE = re.compile(
    rf"(?:(?<![^\W_])(?:US|AU|A|C|CA|NZ|HK|S|R)?{_SIGNS}|(?<![^\W_])(?:{_CODES}|Rs\.?|Fr\.|SFr\.?))"
    r"[ \u00a0\u202f]{0,2}([-\u2212]?)$"
)
_AMOUNT = re.compile(
    rf"(?<![\w.,'\u2019])(?P<minus>[-\u2212+]?)(?P<number>{number_forms.NUMBER})(?![0-9]|[.,][0-9])"
)
_SIGN_BEHIND = re.compile(rf"[ \u00a0\u202f]?({_SIGNS}|zł|Kč)")
_WORD_BEHIND = re.compile(
    r"[ \u00a0\u202f-]{0,2}(°[CFcf]|km/h|m/s|sq\.? ?(?:ft|m)|[^\W\d_]{1,12}[²³23]?\.?)"
)
#: Words of texts in German and French, where the comma is that of decimals.
_CONTINENTAL = re.compile(
    r"\b(?:Mitarbeiter|Rechnung\w*|Betrag|Umsatz|Gesamt\w*|Summe|Preis|Einwohner|Stück|für|und|MwSt"
    r"|Netto|Brutto|montant|facture|prix|TTC|TVA|chiffre|salariés|employés|habitants)\b"
)
_NEXT_WORD = re.compile(r" [^\W_]")
_INCHES = re.compile(r"[\"”″]")
_PERCENT_BEHIND = re.compile(
    r"[ \u00a0\u202f]?%|[ -](?:percent|per cent|pct|prozent|pour ?cent)\b", re.I
)
_SQUARE = {"sq ft": "ft²", "sq. ft": "ft²", "sqft": "ft²", "sq m": "m²", "sq. m": "m²"}
_CODE = re.compile(
    r"(?<![^\W_])(?P<letters>[A-Za-z]{1,12})[-_/]?[0-9][0-9A-Za-z]{0,30}(?:[-_/][0-9A-Za-z]{1,30}){0,6}"
)
#: The most that can be reached: 4.5/5, 4 out of 5.
_OUT_OF = re.compile(r"[0-9] ?(?:/|out of|von|sur) ?$")
_TIME = re.compile(r"(?<![\d:])[0-2]?[0-9]:[0-5][0-9](?::[0-5][0-9])?(?![\d:])")


def find(passages: Sequence[Passage], masked: Sequence[Candidate]) -> list[Candidate]:
    """The numbers of the passages in order, at most 2,000, without those that are part of what is
    masked: dates, addresses, telephone numbers. A percentage is its number: 12.5 % is 12.5."""
    found: list[Candidate] = []
    for passage in passages:
        text = blanked(passage.text, _spans(passage, masked))
        matches = []
        for match in _AMOUNT.finditer(text):
            matches.append(match)
            if len(found) + len(matches) >= _MOST:
                break
        told = {number_forms.uses_decimal_comma(match["number"]) for match in matches} - {None}
        ambiguous = len(told) > 1
        comma = told.pop() if len(told) == 1 else None
        if comma is None and not ambiguous and _CONTINENTAL.search(text):
            comma = True
        for match in matches:
            candidate = _read(passage, text, match, comma)
            if candidate is not None:
                found.append(candidate)
    return found


def _spans(passage: Passage, masked: Sequence[Candidate]) -> list[tuple[int, int]]:
    """Where no number is: in what is masked, in times, and in codes such as INV-2024-001."""
    spans = [(each.start, each.end) for each in masked if each.passage is passage]
    spans += [match.span() for match in _TIME.finditer(passage.text)]
    spans += [
        match.span()
        for match in _CODE.finditer(passage.text)
        if match["letters"].lower() not in CURRENCIES or len(match["letters"]) != 3
    ]
    return spans


def _read(
    passage: Passage, text: str, match: re.Match[str], comma: bool | None
) -> Candidate | None:
    start, end = match.span()
    minus = match["minus"] in "-\u2212" and bool(match["minus"])
    if minus and start and not text[start - 1].isspace() and text[start - 1] not in "(:=":
        minus, start = False, start + 1
    if _OUT_OF.search(text, max(start - 10, 0), start):
        return None
    before = _BEFORE.search(text, max(start - 8, 0), start)
    kind, unit = PLAIN, ""
    if before is not None:
        minus = (
            minus or bool(before[1]) or text[before.start() - 1 : before.start()] in ("-", "\u2212")
        )
        kind, unit, start = MONEY, _currency(before[0]), before.start()
    factor, kind, unit, end = _behind(text, end, kind, unit)
    if factor is None:
        return None
    read = number_forms.parse(match["number"], comma, kind == MONEY)
    if read is None:
        return None
    value = number_forms.stored(read[0] * factor * (-1 if minus else 1))
    if value is None:
        return None
    if kind == PLAIN and factor == 1 and re.fullmatch(r"(?:19|20)[0-9]{2}", match[0]):
        kind = YEAR
    return Candidate(passage, start, end, value, kind, unit, read[1])


def _behind(text: str, end: int, kind: str, unit: str) -> tuple[Decimal | None, str, str, int]:
    """What stands behind a number: a factor (None when the number is part of a word), its kind, its
    unit and where all of it ends."""
    factor = Decimal(1)
    word = _WORD_BEHIND.match(text, end)
    times = word and MULTIPLIERS.get(word[1].lower().rstrip("."))
    if word and times:
        short = word[1].lower() in SHORT_MULTIPLIERS
        money_behind = _money_behind(text, word.end())
        if not short or kind == MONEY or money_behind:
            factor, end = Decimal(times), word.end() - word[1].endswith(".")
            word = _WORD_BEHIND.match(text, end)
    percent = _PERCENT_BEHIND.match(text, end)
    if percent and kind == PLAIN:
        return factor, PERCENT, "%", percent.end()
    money = _money_behind(text, end)
    if money and kind == PLAIN:
        return factor, MONEY, money[0], money[1]
    if money and money[0] == unit:
        return factor, kind, unit, money[1]
    if kind == PLAIN and _INCHES.match(text, end):
        return factor, MEASURE, "in", end + 1
    if word is None or kind == MONEY:
        return factor, kind, unit, end
    written = word[1].rstrip(".")
    if written == "in" and _NEXT_WORD.match(text, word.end()):
        return factor, kind, unit, end  # "1998 in Berlin" is no length
    measured = _SQUARE.get(word[1].lower()) or unit_of(written)
    if measured:
        return factor, MEASURE, measured, word.end() - (word[1][-1] == ".")
    attached = word.start(1) == end or text[end : word.start(1)] == "-"
    return (None if attached and factor == 1 else factor), kind, unit, end


def _money_behind(text: str, end: int) -> tuple[str, int] | None:
    sign = _SIGN_BEHIND.match(text, end)
    if sign is not None and not re.match(r"[ \u00a0]?[0-9]", text[sign.end() : sign.end() + 2]):
        return CURRENCIES[sign[1].lower()], sign.end()
    word = _WORD_BEHIND.match(text, end)
    if word is not None:
        written = word[1].rstrip(".")
        code = CURRENCIES.get(written.lower())
        if code and (written.isupper() or len(written) > 3 or written.lower() in ("eur", "usd")):
            return code, word.start(1) + len(written)
    return None


def _currency(written: str) -> str:
    sign = written.strip(" \u00a0\u202f-\u2212").lower()
    return CURRENCIES.get(sign) or CURRENCIES.get(sign.rstrip("."), "")
