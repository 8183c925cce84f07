"""What an extraction looks for: the labels of the value, which of several, and whether the prompt
says outright that the value stands in the text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from domain.columns import Column
from processing.rules.label_words import ALSO
from processing.rules.labels import Label, label_of
from processing.rules.prompts import HOLE, Brief
from processing.rules.word_sets import word_set
from processing.rules.words import fold

_STRONG = word_set(
    "extract extracts extracting pull parse parses copy read reads take capture isolate "
    "extrahiere extrahieren extrais extraire extraits"
)
_VERBS = _STRONG | word_set(
    "find get identify retrieve detect locate pick return give provide output determine is are was "
    "what which who when finde finden nenne trouve trouver ist lautet est show tell"
)
_QUESTION = word_set("what which who whom whose when where how why was welche wer quel qui")
_ARTICLES = word_set("me the a an any all every each this its his her their our der die das den "
                      "le la les un une us out only just exact")  # fmt: skip
_STOPS = word_set(
    "from in out mentioned stated given written shown as for if on below above using and or with "
    "that which found contained into aus im dans normalised normalized formatted where at by "
    "here please who is are was it"
)
_PICKS = {
    "first": "first", "last": "last", "earliest": "least", "oldest": "least", "latest": "most",
    "newest": "most", "recent": "most", "largest": "most", "highest": "most", "biggest": "most",
    "maximum": "most", "max": "most", "smallest": "least", "lowest": "least", "minimum": "least",
    "min": "least", "cheapest": "least",
}  # fmt: skip
_TEXTS = (
    "text|texts|message|description|note|notes|document|e-?mail|mail|invoice|letter|line|review"
    "|ticket|comment|body|cell|row|input|string|content|transcript|post|article|snippet|paragraph"
    "|receipt|contract|order|rechnung|nachricht|texte"
)
_FROM_TEXT = re.compile(
    rf"\b(?:in|from|within|inside|out of|aus|im|dans|du)\b\W{{1,3}}"
    rf"(?:(?:the|this|that|each|my|der|dem|le|la|following|given|above|below|raw|free)\W{{1,3}})"
    rf"{{0,3}}(?:{_TEXTS})\b"
)
_FROM_HOLE = re.compile(rf"\b(?:from|aus|out of)\W{{1,3}}(?:the\W{{1,3}})?{HOLE}")
_IN_HOLE = re.compile(rf"\b(?:in|within|inside|im|dans)\W{{1,3}}(?:the\W{{1,3}})?{HOLE}")
_PIECE = re.compile(rf"{HOLE}|[#№]|[^\W_]+(?:['\u2019-][^\W_]+)*|[.,;:?!()\n]")
_MOST_WORDS = 6


@dataclass(frozen=True, slots=True)
class Wanted:
    """`labels` are names of the value; `names` the words of them all. `pick` says which of several:
    first, last, most, least. `every` asks for all of them. `explicit` holds when the prompt says
    that the value is to be taken from the text, `vague` when it names a value by its kind alone."""

    labels: tuple[Label, ...]
    names: frozenset[str]
    pick: str | None
    every: bool
    explicit: bool
    vague: bool


def read(brief: Brief, column: Column) -> Wanted:
    """What the prompt and the name of the column ask for."""
    asked = _phrase(brief)
    spoken = [_without_picks(phrase) for phrase in (*brief.quoted, asked) if phrase]
    phrases = [*spoken, _without_picks(column.label), _without_picks(column.key.replace("_", " "))]
    phrases += [other for term in _terms(phrases) for other in ALSO.get(term, ())]
    named = labels_of(spoken) or labels_of(phrases)
    labels = list(labels_of(phrases))
    if any(not label.vague for label in labels):
        # "Amount" of a column says less than the "deposit" of its prompt.
        labels = [label for label in labels if not label.vague]
    return Wanted(
        labels=tuple(dict.fromkeys(labels)),
        names=frozenset(_terms(phrases)),
        pick=_pick(asked, column),
        every=any(word.folded in ("all", "every", "alle", "tous") for word in brief.asked),
        explicit=_explicit(brief),
        vague=not named or any(label.vague for label in named),
    )


def _terms(phrases: Sequence[str]) -> list[str]:
    return [fold(term) for phrase in phrases for term in re.findall(r"[^\W_]+", phrase)]


def _without_picks(phrase: str) -> str:
    kept = [word for word in phrase.split() if fold(word) not in _PICKS and fold(word) != "most"]
    return " ".join(kept)


def _pick(asked: str, column: Column) -> str | None:
    for term in re.findall(r"[^\W_]+", f"{asked} {column.label}".lower()):
        if term in _PICKS:
            return _PICKS[term]
    return None


def _explicit(brief: Brief) -> bool:
    plain, terms = brief.plain, brief.terms
    if not plain.strip(f" \n\t.:{HOLE}") and not brief.quoted:
        return True
    if terms & _STRONG or _FROM_TEXT.search(plain) or _FROM_HOLE.search(plain):
        return True
    return not terms & _QUESTION and _IN_HOLE.search(plain) is not None


def _phrase(brief: Brief) -> str:
    """The words behind the first verb: "Extract the due date from …" asks for a due date."""
    pieces = _PIECE.findall(brief.plain)
    for index, piece in enumerate(pieces):
        if fold(piece) in _VERBS:
            phrase = _words_from(pieces[index + 1 :])
            if phrase:
                return " ".join(phrase)
    return " ".join(_words_from(pieces)) if len(pieces) <= 8 else ""


def _words_from(pieces: Sequence[str]) -> list[str]:
    phrase: list[str] = []
    for index, piece in enumerate(pieces[: _MOST_WORDS * 2]):
        folded = fold(piece)
        if folded in _ARTICLES or (not phrase and folded in _VERBS):
            continue
        if folded == "of" and phrase:
            rest = [each for each in pieces[index + 1 : index + 3] if fold(each) not in _ARTICLES]
            if not rest or rest[0] == HOLE or re.fullmatch(_TEXTS, rest[0]):
                break
            continue
        if (
            piece == HOLE
            or folded in _STOPS
            or not (piece.isalnum() or len(piece) > 1 or piece in "#№")
        ):
            break
        phrase.append(piece)
        if len(phrase) >= _MOST_WORDS:
            break
    return phrase


def labels_of(phrases: Sequence[str]) -> tuple[Label, ...]:
    """The labels that these phrases name."""
    return tuple(label for phrase in phrases if (label := label_of(phrase)) is not None)
