"""Texts brought into a form: spaces, case, slugs, dates, telephone numbers, names of companies."""

import html
import re
import unicodedata
from collections.abc import Callable, Sequence

from processing.rules import contacts, dates
from processing.rules.prompts import HOLE, Brief
from processing.rules.records import NOTHING, Finding, Passage
from processing.rules.word_sets import word_set
from processing.rules.words import STOP_WORDS

Step = Callable[[str], str]

_SPACES = re.compile(r"[\s\u200b\u200c\u200d\u2060\ufeff]+")
_TAGS = re.compile(r"<[A-Za-z/!][^<>]{0,1000}>")
_HIDDEN = re.compile(r"[\u200b\u200c\u200d\u2060\ufeff\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SUFFIX = re.compile(
    r"[\s,]{1,3}(?:inc|incorporated|corp|corporation|co|company|llc|l\.l\.c|ltd|limited|plc|llp|lp"
    r"|gmbh(?: ?& ?co\.? ?kgaa?)?|ag|kg|kgaa|ohg|ug(?: \(haftungsbeschränkt\))?|e\.? ?k|se|s\.?a"
    r"|s\.?a\.?s|s\.?a\.?r\.?l|s\.?r\.?l|s\.?p\.?a|b\.?v|n\.?v|a\.?b|a/s|aps|oy|oyj|pty|pte|sp\. z"
    r" o\.? ?o|s\.?r\.?o|k\.?k)\.?$",
    re.IGNORECASE,
)
_SMALL_WORDS = word_set(
    "a an the and or but of in on at to for by with from von und de la et du des le les der die das"
)
#: The letter of a word that gets a capital: O'Brien, Smith-Jones, but not the s of children's.
_INITIAL = re.compile(r"(?:^|(?<=[-(\"/])|(?<=\b[^\W\d_]['\u2019]))[^\W\d_]")


def spaces(text: str) -> str:
    """One plain space between words, none around them, nothing hidden."""
    text = _HIDDEN.sub("", unicodedata.normalize("NFC", text))
    return _SPACES.sub(" ", text).strip()


def title_case(text: str) -> str:
    """Each word with a capital, small words only at the start."""
    parts = re.split(r"(\s+)", text.lower())
    return "".join(
        part if index and part in _SMALL_WORDS else _INITIAL.sub(_upper, part)
        for index, part in enumerate(parts)
    )


def _upper(match: re.Match[str]) -> str:
    return match[0].upper()


def sentence_case(text: str) -> str:
    lower = text.lower()
    return re.sub(r"(?:^|(?<=[.!?] ))[^\W\d_]", _upper, lower)


def slug(text: str) -> str:
    """Letters a to z, digits and hyphens."""
    written = text.replace("ß", "ss").replace("æ", "ae").replace("ø", "o").replace("&", " and ")
    return re.sub(r"[^a-z0-9]+", "-", without_accents(written).lower()).strip("-")


def without_accents(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", "".join(p for p in parts if not unicodedata.combining(p)))


def without_tags(text: str) -> str:
    """HTML as its text."""
    return spaces(html.unescape(_TAGS.sub(" ", text)))


def without_suffix(text: str) -> str:
    """The name of a company without its legal form."""
    name = spaces(text)
    for _ in range(3):
        shorter = _SUFFIX.sub("", name).rstrip(" ,&")
        if shorter == name or not shorter:
            break
        name = shorter
    return name


def _without_punctuation(text: str) -> str:
    return spaces("".join(" " if unicodedata.category(sign)[0] == "P" else sign for sign in text))


def _without_emoji(text: str) -> str:
    kept = (sign for sign in text if unicodedata.category(sign) not in ("So", "Sk", "Cs"))
    return spaces("".join(kept).replace("\ufe0f", ""))


def _digits(text: str) -> str:
    return re.sub(r"[^0-9]", "", text)


def _without_digits(text: str) -> str:
    return spaces(re.sub(r"[0-9]+", "", text))


_REMOVE = r"\b(?:remove|strip|drop|without|clean)\b[^.\n]{0,40}\b"
_EACH = r"(?:each|every|all|the (?:first letter of )?(?:each|every))"

#: What a prompt can ask for, in the order in which it is done, and how sure the result is.
_ASKED: Sequence[tuple[str, Step, float]] = (
    (_REMOVE + r"(?:html|tags|markup)\b", without_tags, 0.98),
    (_REMOVE + r"(?:emojis?|symbols)\b", _without_emoji, 0.98),
    (_REMOVE + r"(?:suffix(?:es)?|inc|gmbh|ltd|llc)\b", without_suffix, 0.93),
    (r"\b(?:legal (?:form|suffix|entity)|(?:company|corporate) suffix\w*)", without_suffix, 0.93),
    (_REMOVE + r"punctuation\b", _without_punctuation, 0.98),
    (_REMOVE + r"(?:digits|numbers)\b", _without_digits, 0.98),
    (_REMOVE + r"(?:accents?|diacritics|umlauts)\b", without_accents, 0.98),
    (r"\b(?:digits only|only (?:the )?digits|keep (?:the )?digits)\b", _digits, 0.98),
    (r"\b(?:trim|white ?space|extra spaces|double spaces|collapse)\b", spaces, 0.99),
    (r"\b(?:upper[- ]?case|all caps|capital letters|capitals)\b", str.upper, 0.99),
    (r"\b(?:lower[- ]?case|kleinbuchstaben|minuscules?|small letters)\b", str.lower, 0.99),
    (rf"\b(?:title[- ]?case|proper[- ]?case|capitali[sz]e {_EACH})\b", title_case, 0.95),
    (rf"\b(?:sentence[- ]?case|capitali[sz]e)\b(?! {_EACH})", sentence_case, 0.95),
    (r"\b(?:slug|slugify|slugified|url[- ]safe|kebab[- ]?case)\b", slug, 0.98),
)
_STEPS = [(re.compile(pattern), step, sure) for pattern, step, sure in _ASKED]
_CLEAN = re.compile(
    r"\b(?:normali[sz]e|clean(?: up)?|standardi[sz]e|tidy(?: up)?|bereinige\w*|nettoie\w*)\b"
)
_VERB = re.compile(
    rf"{_CLEAN.pattern}|\b(?:format|reformat|convert|write|rewrite|turn|change|put|make)\b"
)
#: Names of days beside a date.
WEEKDAY = re.compile(
    r"\b(?:mon|tue|tues|wed|wednes|thu|thur|thurs|fri|sat|satur|sun)(?:day)?\b|\b[a-zäöü]{3,9}tag\b"
    r"|\bmittwoch\b|\b(?:lun|mar|mercre|jeu|vendre|same)di\b|\bdimanche\b",
    re.IGNORECASE,
)
_AS_DATE = re.compile(r"\biso(?:[- ]8601)?\b|\byyyy[-/]mm[-/]dd\b")
_AS_PHONE = re.compile(r"\be\.?164\b|\b(?:phone|telephone|telefon)\w*\b")
_COUNTRY_CODE = re.compile(r"\+([1-9][0-9]{0,2})(?![0-9])")
_COUNTRIES = {
    "usa": "1", "american": "1", "german": "49", "germany": "49", "french": "33",
    "france": "33", "uk": "44", "british": "44", "swiss": "41", "switzerland": "41",
    "austria": "43", "austrian": "43", "spain": "34", "spanish": "34", "italy": "39",
}  # fmt: skip
_SAYS_LITTLE = STOP_WORDS | word_set(
    "text value values name names string field cell column title company customer product address "
    "input up it row raw messy tidy format data entry"
)


def asked(brief: Brief) -> bool:
    """Whether the prompt asks for a form that rules can give."""
    return bool(_steps(brief)) or _asks_for_date(brief) or _asks_for_phone(brief) or _bare(brief)


def _steps(brief: Brief) -> list[tuple[Step, float]]:
    return [(step, sure) for pattern, step, sure in _STEPS if pattern.search(brief.plain)]


def _asks_for_date(brief: Brief) -> bool:
    return bool(_AS_DATE.search(brief.plain) and _VERB.search(brief.plain))


def _asks_for_phone(brief: Brief) -> bool:
    return bool(_AS_PHONE.search(brief.plain) and _VERB.search(brief.plain))


def _bare(brief: Brief) -> bool:
    """Clean and normalise, and nothing that would say how."""
    if not _CLEAN.search(brief.plain):
        return False
    rest = _CLEAN.sub(" ", brief.plain).replace(HOLE, " ")
    terms = re.findall(r"[^\W_]+", rest)
    return all(term in _SAYS_LITTLE for term in terms)


def answer(brief: Brief, passages: Sequence[Passage]) -> Finding | None:
    """The input in the form that is asked for; None when there is not exactly one input."""
    if len(passages) != 1:
        return None
    passage = passages[0]
    if _asks_for_date(brief):
        return _as_date(brief, passage)
    if _asks_for_phone(brief):
        return _as_phone(brief, passage)
    text, sure = spaces(passage.text), 0.97
    for step, certainty in _steps(brief):
        text, sure = step(text), min(sure, certainty)
    if not text:
        return NOTHING
    return Finding(text, sure, (passage.cite_all(),), None, passage.text)


def _as_date(brief: Brief, passage: Passage) -> Finding:
    found = dates.find([passage], brief.plain)
    if len(found) != 1:
        return NOTHING
    beside = passage.text[: found[0].start] + passage.text[found[0].end :]
    if WEEKDAY.sub("", beside).strip(" \t\n.,()"):
        return NOTHING
    sure = 0.97 * found[0].certainty
    cite = passage.cite(found[0].start, found[0].end)
    return Finding(dates.iso_date(found[0].value), sure, (cite,), None, found[0].written)


def _as_phone(brief: Brief, passage: Passage) -> Finding:
    found = contacts.phones([passage])
    if len(found) != 1:
        return NOTHING
    code = _COUNTRY_CODE.search(brief.plain)
    named = next((_COUNTRIES[term] for term in sorted(brief.terms) if term in _COUNTRIES), None)
    country = code[1] if code else named
    number = contacts.e164(found[0].written, country)
    if number is None:
        return NOTHING
    abroad = found[0].written.lstrip("( ").startswith(("+", "00"))
    cite = passage.cite(found[0].start, found[0].end)
    return Finding(number, 0.97 if abroad else 0.85, (cite,), None, found[0].written)
