"""Labels beside values: what is looked for, and how well the words beside a place fit it."""

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz

from processing.rules.label_words import CLASSES, ENGLISH, NEUTRAL
from processing.rules.word_sets import word_set
from processing.rules.words import STOP_WORDS, fold, stem

#: A label fits from here on.
FITS = 0.6
_BEHIND_A_NUMBER = 0.62

_BEFORE, _AFTER, _HEADING = 80, 40, 40
_TOKEN = re.compile(r"№|[nN][°º]|#|[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_LABELLED = re.compile(r"(?:[:=#№°]|\b[nN][or]\.)\s*[^\w\s]{0,3}\s*$")
_BREAK = re.compile(r"[\n;|\t•]|,\s|[.!?]\s+(?=\S)|\s[-\u2013—]\s|\d\w*|\b(?:and|und|et|plus)\b")
_SHORT_FORMS = word_set("no nr num nbr inv tel ref approx ca art st qty amt incl")
_BRACKETS = re.compile(r"\([^()]*\)")
#: At the end of a segment they say that it is about what follows.
_LEADS = re.compile(r"(?:\b(?:of|is|was|at|von|de|est|ist)|[:=])\s*[$€£¥]?\s*$")
_AFTER_BREAK = re.compile(r"[\n;|\t•:=(),.!?]|\b(?:and|und|et|plus)\b|\s[-\u2013—]\s|\d")
_WITHOUT_STOP = STOP_WORDS - {"due"}


@dataclass(frozen=True, slots=True)
class Label:
    """What a value is called. `special` are the words that tell it from others, `kinds` the classes
    of the words that only say what kind of value it is."""

    special: frozenset[str]
    kinds: frozenset[str]

    @property
    def vague(self) -> bool:
        """Whether nothing tells this value from others of its kind."""
        return not self.special


@dataclass(frozen=True, slots=True)
class Beside:
    """How well a label fits the words beside a place, 0 to 1. `labelled` says that there is a label
    in so many words, set off by a colon; `other` that it is the label of something else."""

    score: float
    labelled: bool
    other: bool


@lru_cache(maxsize=1024)
def label_of(phrase: str) -> Label | None:
    """The label that a phrase names; None when it names nothing."""
    tokens = _tokens(phrase.replace("_", " ").replace("-", " "))
    if not tokens:
        return None
    kinds = frozenset(CLASSES[token] for token in tokens if token in CLASSES)
    special = frozenset(stem(token) for token in tokens if token not in CLASSES)
    return Label(special, kinds)


@lru_cache(maxsize=16_384)
def english(token: str) -> tuple[str, ...]:
    """The English words that a word of a label means; itself, folded, when it is unknown."""
    folded = fold(token)
    return ENGLISH.get(folded) or ENGLISH.get(stem(folded)) or (folded,)


def _tokens(segment: str) -> list[str]:
    """English words of a label, cut to the eight nearest to its end, without what says nothing."""
    found: list[str] = []
    for match in _TOKEN.findall(segment)[-8:]:
        for word in english(match):
            if word in CLASSES or (word not in _WITHOUT_STOP and word not in NEUTRAL):
                found.append(word)
    return found


def beside(text: str, start: int, end: int, wanted: Sequence[Label], whole: str) -> Beside:
    """How well the best of the wanted labels fits the text around a place. `whole` is what the text
    is called itself, which counts when the place is all of it."""
    before, labelled, close = _segment_before(text, start)
    if not before and not text[:start].strip():
        before, labelled = whole, False
    score = max((fit(label, before) for label in wanted), default=0.0)
    specific = bool(wanted) and not any(label.vague for label in wanted)
    other = labelled and bool(_tokens(before)) and score < FITS and specific
    if close and not labelled and not _LEADS.search(before):
        score *= _BEHIND_A_NUMBER
    if score < FITS and not labelled:
        behind = _segment_after(text, end)
        score = max(score, 0.95 * max((fit(label, behind) for label in wanted), default=0.0))
    return Beside(score, labelled, other)


def _segment_before(text: str, start: int) -> tuple[str, bool, bool]:
    """The words before a place, whether a colon sets them off as a label, and whether they follow a
    number, whose own they could be: "3 bedrooms 2 baths"."""
    window = text[max(start - _BEFORE, 0) : start]
    window = _BRACKETS.sub(lambda match: " " * len(match[0]), window)
    labelled = _LABELLED.search(window) is not None
    cut, close = 0, False
    for match in _BREAK.finditer(window):
        if match[0][0] in ".!?" and _short_form_before(window, match.start()):
            continue
        if match.end() < len(window.rstrip()) or match[0] in "\n;|\t":
            cut, close = match.end(), match[0][0].isdigit()
    segment = window[cut:]
    if not _TOKEN.search(segment) and "\n" in window:
        heading = _line_above(text, start)
        return heading, labelled or heading.endswith(":"), False
    return segment, labelled, close


def _short_form_before(window: str, place: int) -> bool:
    found = _TOKEN.findall(window[max(place - 8, 0) : place])
    return bool(found) and fold(found[-1]) in _SHORT_FORMS


def _line_above(text: str, start: int) -> str:
    """The line above, when the place begins its own line and the line above could be a heading."""
    line_start = text.rfind("\n", max(start - _BEFORE, 0), start)
    if line_start < 0 or text[line_start:start].strip(" \n\t$€£¥"):
        return ""
    above = text[max(line_start - 2 * _HEADING, 0) : line_start].rsplit("\n", 1)[-1].strip()
    return above if len(above) <= _HEADING and not re.search(r"\d", above) else ""


def _segment_after(text: str, end: int) -> str:
    """The few words behind a place, when they are not the label of the next one."""
    window = text[end : end + _AFTER]
    match = _AFTER_BREAK.search(window)
    if match is None:
        return " ".join(window.split()[:4])
    if match[0] in ":=" or (match[0].isdigit() and _LEADS.search(window[: match.start()])):
        return ""
    return " ".join(window[: match.start()].split()[:4])


def fit(label: Label, segment: str) -> float:
    """1 when the segment says exactly this, less for words beside it, 0 for something else."""
    tokens = _tokens(segment)
    if not tokens:
        return 0.0
    kinds = {CLASSES[token] for token in tokens if token in CLASSES}
    special = {stem(token) for token in tokens if token not in CLASSES}
    if kinds and label.kinds and not kinds & label.kinds:
        return 0.0
    if label.vague:
        hits, wanted = (1, 1) if kinds & label.kinds else (0, 1)
        beside_it = len(special)
    else:
        met = {word for word in label.special if among(word, special)}
        hits, wanted = len(met), len(label.special)
        beside_it = max(len(special) - hits, 0)
    recall = hits / wanted
    if recall < 0.66 or not hits:
        return 0.0
    return recall * (0.35 + 0.65 * hits / (hits + beside_it))


def among(word: str, others: Set[str]) -> bool:
    """Whether a stem, or one that differs by a slip of spelling, is one of these."""
    if word in others:
        return True
    return len(word) >= 5 and any(
        len(other) >= 5 and other[0] == word[0] and fuzz.ratio(word, other) >= 85
        for other in others
    )
