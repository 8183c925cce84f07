"""Which options of a column a text speaks for: by their names, by keywords of the prompt, by stems,
by spelling, and by words that usually go with an option."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from domain.tool_records import Citation
from processing.rules.prompts import Brief
from processing.rules.records import Passage
from processing.rules.thesaurus import USUAL_WORDS
from processing.rules.word_sets import word_set
from processing.rules.words import STOP_WORDS, Word, denied, fold, words

#: How much one kind of evidence is worth, from 0 to 1.
EXACT, STEM, PART, SIMILAR, USUAL = 0.93, 0.88, 0.72, 0.68, 0.62
#: Below this an option is not chosen.
ENOUGH = 0.5
#: A runner-up with more than this share of the best leaves the question open.
TOO_CLOSE = 0.8

_SIMILAR_AT_LEAST = 88
_SHORTEST_SIMILAR = 6
_MOST_WORDS_FOR_SIMILAR = 500
_MOST_HITS = 200
_PARTS = re.compile(r"\s*(?:[&/,+]|\band\b|\bund\b|\bor\b)\s*")
#: Options that name what fits no other one: their words in a text mean nothing.
_CATCH_ALL = word_set(
    "other others misc miscellaneous none unknown n/a na general neutral any various undefined "
    "unclear normal default sonstiges sonstige autre autres yes no true false"
)


@dataclass(frozen=True, slots=True)
class Clue:
    """A phrase that speaks for an option. `cased` must stand as it is written."""

    option: str
    stems: tuple[str, ...]
    weight: float
    phrase: str
    cased: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """How strongly a text speaks for one option, and where."""

    option: str
    score: float
    citations: tuple[Citation, ...]


def verdicts(brief: Brief, options: tuple[str, ...], passages: Sequence[Passage]) -> list[Verdict]:
    """Options with evidence, the strongest first."""
    clues = _clues(options, tuple((name, brief.keywords.get(name, ())) for name in options))
    hits: dict[str, dict[str, float]] = defaultdict(dict)
    cites: dict[str, list[Citation]] = defaultdict(list)
    for passage in passages:
        for clue, weight, citation in _found(clues, passage):
            worth = hits[clue.option]
            worth[clue.phrase] = max(weight, worth.get(clue.phrase, 0.0))
            if len(cites[clue.option]) < 5:
                cites[clue.option].append(citation)
    found = [
        Verdict(option, _together(worth.values()), tuple(cites[option]))
        for option, worth in hits.items()
    ]
    return sorted(found, key=lambda verdict: (-verdict.score, options.index(verdict.option)))


def whole_cell(options: tuple[str, ...], passage: Passage) -> Verdict | None:
    """The option that the whole text is, or is but for a slip of spelling."""
    text = " ".join(fold(word) for word in re.findall(r"[^\W_]+", passage.text[:300]))
    if not text or len(passage.text) > 280:
        return None
    names = _folded_options(options)
    if text in names:
        return Verdict(names[text], 0.99, (passage.cite_all(),))
    if len(text) < 5:
        return None
    best = process.extract(text, list(names), scorer=fuzz.ratio, limit=2, score_cutoff=60)
    if not best or not _same_numbers(text, best[0][0]):
        return None
    name, score, _ = best[0]
    # Two letters that changed places are one slip, though they count as two for a ratio.
    slip = OSA.distance(text, name) <= 1
    if (score < _SIMILAR_AT_LEAST and not slip) or (len(best) > 1 and best[1][1] > score - 10):
        return None
    sure = max(score / 100, 0.9 if slip else 0) * 0.92
    return Verdict(names[name], round(sure, 2), (passage.cite_all(),))


@lru_cache(maxsize=256)
def _folded_options(options: tuple[str, ...]) -> Mapping[str, str]:
    """Options by their words; of two that differ in marks only, the first."""
    names: dict[str, str] = {}
    for option in options:
        folded = " ".join(fold(word) for word in re.findall(r"[^\W_]+", option))
        if folded:
            names.setdefault(folded, option)
    return names


def _same_numbers(one: str, other: str) -> bool:
    return re.findall(r"\d+", one) == re.findall(r"\d+", other)


@lru_cache(maxsize=256)
def _clues(
    options: tuple[str, ...], keywords: tuple[tuple[str, tuple[str, ...]], ...]
) -> tuple[Clue, ...]:
    """All clues. A phrase that would speak for several options speaks for none."""
    found: dict[tuple[str, ...], dict[str, Clue]] = defaultdict(dict)
    for option, given in keywords:
        for clue in (*_of_name(option), *_of_phrases(option, given, EXACT), *_usual(option)):
            known = found[clue.stems].get(option)
            if known is None or known.weight < clue.weight:
                found[clue.stems][option] = clue
    clues = []
    for by_option in found.values():
        top = max(clue.weight for clue in by_option.values())
        best = [clue for clue in by_option.values() if clue.weight >= top - 0.1]
        if len(best) == 1:
            clues.append(best[0])
    return tuple(clues)


def _of_name(option: str) -> Iterator[Clue]:
    if fold(option).strip() in _CATCH_ALL:
        return
    short = option.isupper() and len(option) <= 4
    if len(option.strip()) < 2:
        return
    yield from _of_phrases(option, (option,), EXACT, cased=short)
    parts = [part for part in _PARTS.split(option) if len(part) > 3]
    if len(parts) > 1:
        yield from _of_phrases(option, parts, PART)


def _usual(option: str) -> Iterator[Clue]:
    folded = fold(option)
    for name, phrases in USUAL_WORDS.items():
        if folded == name or name in _PARTS.split(folded) or name.split()[0] == folded:
            yield from _of_phrases(option, phrases, USUAL)


def _of_phrases(
    option: str, phrases: Sequence[str], weight: float, cased: bool = False
) -> Iterator[Clue]:
    for phrase in phrases:
        stems = tuple(word.stem for word in words(phrase) if word.folded not in _WITHOUT_WEIGHT)
        if stems and (len(stems) > 1 or len(stems[0]) > 1):
            yield Clue(option, stems, weight, phrase, cased)


_WITHOUT_WEIGHT = word_set("a an the of")


def _found(clues: Sequence[Clue], passage: Passage) -> Iterator[tuple[Clue, float, Citation]]:
    """Where the clues stand in the text and are not denied."""
    text_words = [word for word in words(passage.text) if word.folded not in _WITHOUT_WEIGHT]
    places: dict[str, list[int]] = defaultdict(list)
    for index, word in enumerate(text_words):
        places[word.stem].append(index)
    missing = []
    for clue in clues:
        count = 0
        for index in places.get(clue.stems[0], ())[:_MOST_HITS]:
            length = len(clue.stems)
            span = text_words[index : index + length]
            if tuple(word.stem for word in span) != clue.stems:
                continue
            citation = passage.cite(span[0].start, span[-1].end)
            if clue.cased and citation.text != clue.phrase:
                continue
            count += 1
            if not denied(passage.text, text_words, index):
                yield clue, _weight(clue, span), citation
        if not count and len(clue.stems) == 1 and not clue.cased:
            missing.append(clue)
    yield from _similar(missing, text_words, places, passage)


def _weight(clue: Clue, span: Sequence[Word]) -> float:
    written = [word.folded for word in span]
    given = [word.folded for word in words(clue.phrase) if word.folded not in _WITHOUT_WEIGHT]
    return clue.weight if written == given else clue.weight * STEM / EXACT


def _similar(
    clues: Sequence[Clue],
    text_words: Sequence[Word],
    places: Mapping[str, Sequence[int]],
    passage: Passage,
) -> Iterator[tuple[Clue, float, Citation]]:
    """Long words of the text that are a clue but for a slip of spelling."""
    known = {
        stem: at for stem, at in places.items()
        if len(stem) >= _SHORTEST_SIMILAR - 1 and stem not in STOP_WORDS
    }  # fmt: skip
    if len(known) > _MOST_WORDS_FOR_SIMILAR:
        return
    for clue in clues:
        if len(clue.stems[0]) < _SHORTEST_SIMILAR or clue.weight < PART:
            continue
        best = process.extractOne(
            clue.stems[0], known.keys(), scorer=fuzz.ratio, score_cutoff=_SIMILAR_AT_LEAST
        )
        if best is None or best[0][0] != clue.stems[0][0]:
            continue
        index = known[best[0]][0]
        word = text_words[index]
        if not denied(passage.text, text_words, index):
            yield clue, clue.weight * SIMILAR, passage.cite(word.start, word.end)


def _together(weights: Iterable[float]) -> float:
    """Several clues together say more than each, and never more than 0.97."""
    doubt = 1.0
    for weight in sorted(weights, reverse=True)[:6]:
        doubt *= 1.0 - weight
    return min(1.0 - doubt, 0.97)
