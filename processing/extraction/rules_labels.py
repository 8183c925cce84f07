"""How well the words of a label, or of the head of a column, fit what a schema looks for."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from processing.extraction.rules_words import OF_DOCUMENTS, OF_LINES, TOTAL_ROWS
from processing.rules.labels import among, english
from processing.rules.month_names import MONTHS
from processing.rules.word_sets import word_set
from processing.rules.words import STOP_WORDS, stem

#: From here on a label is that of a value.
FITS = 0.75
#: What a name from our own lists is worth beside one that the schema itself gives.
_OF_LISTS = 0.94
#: What a name that any value of its kind could have is worth where it is that of a document: Date.
_VAGUE = 0.85
_LONGEST = 90

#: Words that only say of which kind a value is.
_KINDS: Mapping[str, str] = {
    word: kind
    for kind, words in {
        "number": "number id code identifier",
        "date": "date datetime",
        "amount": "amount value sum figure",
        "name": "name",
        "percent": "percent percentage",
    }.items()
    for word in words.split()
}
_NEUTRAL = (STOP_WORDS - {"due"}) | word_set(
    "grand please per ca approx approx. eur usd gbp chf inr euro euros dollar dollars pounds us "
    "exact overall final full s d l del della di da dal al el los las il lo het een den och "
    "zzgl"
)
#: A total with tax is another one than a total without: words for it, as one of two.
_WITH = {
    **dict.fromkeys(
        word_set("with including incl inc inclusive inkl inklusive con avec inclus comprises"),
        "incl",
    ),
    **dict.fromkeys(
        word_set("without excluding excl ex exclusive exkl ohne sin senza hors sans before exc"),
        "excl",
    ),
}
#: They tell values apart in labels of two words: check in, check out.
_DIRECTIONS = word_set("in out from to by")
_SHORT = 2
#: Nouns of whole documents. A schema that is about them need not say so in each label.
_DOCUMENTS = frozenset(
    map(
        stem,
        word_set(
            "invoice receipt order statement quotation quote offer contract policy report "
            "certificate payslip document"
        ),
    )
)
_JOINED = re.compile(
    r"\b(bill|billed|invoice|invoiced|sold|ship|shipped|deliver|delivered|factur\w{1,2}|adress\w)"
    r" (to|à|a)\b|\b(sold|issued|paid|provided) (by)\b|\b(paid|money) (in|out)\b"
)
_ELISION = re.compile(r"\b[dlDLnN]['\u2019](?=[^\W\d_])")
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_CAMEL = re.compile(r"(?<=[a-zäöüß]{3})(?=[A-ZÄÖÜ])")
_NUMBER_SIGN = re.compile(r"\bn\.(?=\s|$)")
_PARTITA = re.compile(r"\bp\. ?iva\b")
_SHARE = re.compile(r"[0-9]+(?:[.,][0-9]+)? ?%")
_WORDS = re.compile(r"№|[nN][°º](?![^\W\d_])|#|%|[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_DOTTED = re.compile(r"\b(?:[A-Za-zÀ-ÿ]\.){2,4}")
_GLUED = re.compile(r"(?<=[°º#№])(?=[0-9A-Za-z])|(?<=\b[nN][or]\.)(?=[0-9])")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A label as what it means. `special` are the stems that tell a value from others, `kinds` what
    it is beside that: a number, a date, an amount, a name, a percentage."""

    special: frozenset[str]
    kinds: frozenset[str]


@lru_cache(maxsize=16_384)
def phrase_of(text: str) -> Phrase | None:
    """What a label says; None when it says nothing or is too long for a label."""
    if len(text) > _LONGEST:
        return None
    text = _CAMEL.sub(" ", text.replace("_", " "))
    kept = _terms(_BRACKETS.sub(" ", text))
    if not kept:
        return None
    kinds = frozenset(_KINDS[term] for term in kept if term in _KINDS)
    return Phrase(frozenset(stem(term) for term in kept if term not in _KINDS), kinds)


def _terms(text: str) -> list[str]:
    text = _ELISION.sub("", _DOTTED.sub(lambda match: match[0].replace(".", ""), text))
    text = _PARTITA.sub(" partita iva ", _NUMBER_SIGN.sub(" no ", text.lower()))
    text = _SHARE.sub(" ", text)
    text = _JOINED.sub(lambda match: "".join(filter(None, match.groups())), text)
    short = len(text.split()) <= _SHORT
    kept: list[str] = []
    found = _WORDS.findall(_GLUED.sub(" ", text))
    for written in found:
        if written == "%":
            kept.append("percent")
            continue
        for word in (_WITH[written],) if written in _WITH else english(written):
            lone = len(word) == 1 and word.isalpha()
            neutral = word in _NEUTRAL and not (short and word in _DIRECTIONS)
            if word in _KINDS or not (lone or neutral or word in MONTHS):
                kept.append(word)
    if "tax" in kept and "vat" in kept:
        kept.remove("tax")
    # A column may be called "am", or "A".
    return kept or found[:1]


def glue_removed(text: str) -> str:
    """With a space between a sign for a number and the number: n°12 becomes n° 12."""
    return _GLUED.sub(" ", text)


@dataclass(slots=True, eq=False)
class Names:
    """The names of one value, each with its weight, and the nouns of documents that a label may
    leave out. `lists` are the lists of ours that know it. Answers are kept: heads of columns are
    the same on hundreds of pages."""

    phrases: tuple[tuple[Phrase, float], ...]
    nouns: frozenset[str]
    lists: frozenset[str]
    known: dict[Phrase, float] = field(default_factory=dict)

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(kind for phrase, _ in self.phrases for kind in phrase.kinds)

    def fit(self, label: Phrase | None) -> float:
        """1 for a label that says exactly this, 0 for another one."""
        if label is None:
            return 0.0
        fit = self.known.get(label)
        if fit is None:
            scores = [weight * _fit(each, label, self.nouns) for each, weight in self.phrases]
            fit = self.known[label] = max(scores, default=0.0)
        return fit


def names_of(own: Iterable[str], about: Iterable[str], lists: Mapping[str, Sequence[str]]) -> Names:
    """All names of a value: its own ones and those of the lists that have one of them. `about` are
    the names of the schema and its table."""
    phrases: dict[Phrase, float] = {}
    nouns = frozenset[str]()
    if lists is OF_DOCUMENTS:
        named = [phrase.special for text in about if (phrase := phrase_of(text))]
        nouns = frozenset(word for special in named for word in special & _DOCUMENTS)
    for text in own:
        phrase = phrase_of(text)
        if phrase is None:
            continue
        vague = bool(nouns) and not phrase.special
        phrases.setdefault(phrase, _VAGUE if vague else 1.0)
        for noun in nouns if vague else ():
            phrases.setdefault(Phrase(frozenset({noun}), phrase.kinds), 1.0)
    known = {
        name for name, listed in _listed(lists) if any(p in listed for p in _full(phrases, nouns))
    }
    for name in sorted(known):
        for text in lists[name]:
            phrase = phrase_of(text)
            if phrase is not None:
                phrases.setdefault(phrase, _OF_LISTS)
    return Names(tuple(phrases.items()), nouns, frozenset(known))


def _full(phrases: Iterable[Phrase], nouns: frozenset[str]) -> set[Phrase]:
    """The phrases, those of one word also with the noun of the document: an invoice's date."""
    found = set(phrases)
    for phrase in tuple(found):
        if not phrase.special:
            found |= {Phrase(frozenset({noun}), phrase.kinds) for noun in nouns}
        elif phrase.special & nouns and len(phrase.special) > 1:
            found.add(Phrase(phrase.special - nouns, phrase.kinds))
    return found


def _listed(lists: Mapping[str, Sequence[str]]) -> Iterable[tuple[str, frozenset[Phrase]]]:
    key = "documents" if lists is OF_DOCUMENTS else "lines"
    return _PHRASES[key].items()


def _phrases(lists: Mapping[str, Sequence[str]]) -> dict[str, frozenset[Phrase]]:
    return {
        name: frozenset(phrase for text in texts if (phrase := phrase_of(text)) is not None)
        for name, texts in lists.items()
    }


_PHRASES = {"documents": _phrases(OF_DOCUMENTS), "lines": _phrases(OF_LINES)}
_TOTALS = frozenset(phrase for text in TOTAL_ROWS if (phrase := phrase_of(text)) is not None)
_SUMS = frozenset(
    map(stem, word_set("total totals subtotal balance sum carried brought ubertrag saldo report"))
)
_OF_HEADS = ("description", "quantity", "unit price", "item number", "unit", "position",
             "narrative", "debit", "credit", "discount")  # fmt: skip
_HEADS = frozenset(phrase for name in _OF_HEADS for phrase in _PHRASES["lines"][name])
_LABELS = frozenset(phrase for listed in _PHRASES["documents"].values() for phrase in listed)


def is_total(text: str) -> bool:
    """Whether a text begins a row that is about other rows."""
    phrase = phrase_of(text)
    if phrase is None:
        return False
    bare = Phrase(phrase.special - _DOCUMENTS, phrase.kinds - {"percent"})
    return phrase in _TOTALS or bare in _TOTALS


def speaks_of_totals(text: str) -> bool:
    """Whether a text has a word for sums and balances."""
    phrase = phrase_of(text)
    return phrase is not None and bool(phrase.special & _SUMS)


def is_head(text: str) -> bool:
    """Whether a text is a usual head of a column of a list."""
    return phrase_of(text) in _HEADS


def is_label(text: str) -> bool:
    """Whether a text is a usual label, or one by its colon."""
    return text.rstrip().endswith(":") or phrase_of(text) in _LABELS


def _fit(sought: Phrase, label: Phrase, nouns: frozenset[str]) -> float:
    missing, extra = sought.special - label.special, label.special - sought.special
    if not sought.kinds & label.kinds and len(missing) == len(sought.special) > 1:
        return 0.0  # not a word in common: most pairs end here
    if missing and extra:  # perhaps only spelt otherwise
        missing, extra = (
            frozenset(word for word in missing if not among(word, extra)),
            frozenset(word for word in extra if not among(word, missing)),
        )
    if missing - nouns:
        return 0.0
    if missing and not sought.kinds & label.kinds:
        return 0.0
    if not sought.special and not sought.kinds & label.kinds:
        return 0.0
    score = 0.85 ** len(missing) * 0.96 ** len(extra & nouns) * 0.6 ** len(extra - nouns)
    lacking, beside = sought.kinds - label.kinds, label.kinds - sought.kinds
    score *= 0.88 ** len(lacking - {"amount", "name"}) * 0.99 ** len(lacking & {"amount", "name"})
    if label.special <= _DOCUMENTS and lacking and "number" not in lacking:
        score *= 0.6  # "Invoice" alone may be its number, but not its date or amount
    if label.kinds and sought.kinds and not label.kinds & sought.kinds:
        score *= 0.6  # "VAT amount" is no "VAT number"
    # "Customer" is not "Customer no.", and "VAT" is not "VAT ID".
    score *= 0.97 ** len(beside & {"amount", "name"}) * 0.6 ** len(beside - {"amount", "name"})
    return score
