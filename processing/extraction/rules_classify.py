"""What a document is, told by its words: those of the schemas, weighed by how few of the schemas
share them. Offline, and always the same."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from domain.documents import Document
from domain.entities import File
from domain.extraction_records import (
    Classification,
    Classifier,
    ClassifierRoute,
    ExtractionSchema,
)
from domain.provider_records import RULES
from domain.tool_records import Producer, ProducerKind
from processing.rules.labels import english
from processing.rules.word_sets import word_set
from processing.rules.words import content, stem, words

#: Changes whenever the same document may be classified otherwise.
VERSION = "1"

_MOST_CHARACTERS = 20_000
_HEAD_CHARACTERS = 300
#: What the parts of a profile are worth at most, and how much makes nearly sure.
_NAME, _TEXT, _FIELDS, _LABELS, _EXAMPLES = 3.0, 3.0, 2.0, 4.0, 5.0
_IN_HEAD = 1.5
_SURE = 3.0
_SAYS_LITTLE = word_set(
    "document file data extract extraction model schema read page pdf text field value all each "
    "number date amount total name copy scan type kind form from list table new test default"
)


@dataclass(frozen=True, slots=True)
class _Profile:
    """What is known of one kind of documents, as stems; `labels` as sequences of stems."""

    schema_id: UUID
    name: frozenset[str]
    text: frozenset[str]
    fields: frozenset[str]
    labels: Sequence[tuple[str, ...]]
    examples: Sequence[Mapping[str, int]]


def classify(
    classifier: Classifier,
    schemas: Sequence[ExtractionSchema],
    file: File,
    document: Document,
    actor: str,
) -> Classification:
    """The kind of a document. Scores are from 0 to 1: how much of what is known of a kind stands in
    the document, and how much less of every other kind. Below the threshold it is none."""
    by_id = {schema.id: schema for schema in schemas}
    profiles = [
        _profile(route, by_id[route.schema_id])
        for route in classifier.routes
        if route.schema_id in by_id
    ]
    text = document.text()[:_MOST_CHARACTERS]
    said = _stems(text)
    head = {*_stems(text[:_HEAD_CHARACTERS]), *_stems(file.name.rsplit(".", 1)[0] if file else "")}
    rarity = _rarity(profiles)
    strengths = [_strength(each, said, head, rarity) for each in profiles]
    scores = sorted(
        (
            (profile.schema_id, round(_score(at, strengths), 4))
            for at, profile in enumerate(profiles)
        ),
        key=lambda pair: -pair[1],
    )
    confidence = scores[0][1] if scores else 0.0
    fits = bool(scores) and confidence > 0 and confidence >= classifier.threshold
    return Classification(
        file_id=file.id,
        classifier_id=classifier.id,
        schema_id=scores[0][0] if fits else None,
        confidence=confidence,
        scores=scores,
        producer=Producer(ProducerKind.RULES, actor, RULES, version=VERSION),
    )


def _profile(route: ClassifierRoute, schema: ExtractionSchema) -> _Profile:
    described = [schema.description, route.description, *(t.description for t in schema.tables)]
    fields = [
        text
        for table in schema.tables
        for field in table.fields
        if not field.excluded
        for text in (field.description, field.hint, *field.labels)
    ]
    return _Profile(
        schema.id,
        _telling(schema.name),
        _telling(*described),
        _telling(*fields),
        [tuple(_stems(label)) for label in route.labels if _stems(label)],
        [Counter(_stems(text[:_MOST_CHARACTERS])) for text in route.examples],
    )


def _telling(*texts: str | None) -> frozenset[str]:
    found = {word for text in texts if text for word in _stems(text)}
    return frozenset(found - _LITTLE)


def _stems(text: str) -> list[str]:
    """The words of a text as stems of English words, as far as we know the word."""
    plain = text.replace("_", " ")
    return [stem(term) for word in content(words(plain)) for term in english(word.folded)]


_LITTLE = frozenset(map(stem, _SAYS_LITTLE))


def _rarity(profiles: Sequence[_Profile]) -> Mapping[str, float]:
    """How much each word tells: more when fewer kinds have it."""
    counts = Counter(word for each in profiles for word in each.name | each.text | each.fields)
    return {word: math.log(1 + len(profiles) / count) for word, count in counts.items()}


def _strength(
    profile: _Profile, said: Sequence[str], head: set[str], rarity: Mapping[str, float]
) -> float:
    there = set(said) | head
    named = _share(profile.name, there, rarity)
    if profile.name and profile.name <= head:
        named *= _IN_HEAD
    hits = sum(_says(said, label) for label in profile.labels)
    return (
        _NAME * named
        + _TEXT * _share(profile.text, there, rarity)
        + _FIELDS * _share(profile.fields, there, rarity)
        + _LABELS * (1 - 0.45**hits)
        + _EXAMPLES * _likeness(profile.examples, Counter(said))
    )


def _share(sought: Iterable[str], there: set[str], rarity: Mapping[str, float]) -> float:
    """How much of what is sought is there, each word by what it tells."""
    weights = {word: rarity.get(word, 0.0) for word in sought}
    every = sum(weights.values())
    return sum(weight for word, weight in weights.items() if word in there) / every if every else 0


def _says(said: Sequence[str], phrase: tuple[str, ...]) -> bool:
    size = len(phrase)
    return any(tuple(said[at : at + size]) == phrase for at in range(len(said) - size + 1))


def _likeness(examples: Sequence[Mapping[str, int]], said: Mapping[str, int]) -> float:
    """The cosine of the document and the most similar example, by words that both have more or
    less often; numbers are left out."""
    return max((_cosine(example, said) for example in examples), default=0.0)


def _cosine(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    a, b = (
        {word: 1 + math.log(count) for word, count in counts.items() if word.isalpha()}
        for counts in (one, other)
    )
    common = sum(weight * b[word] for word, weight in a.items() if word in b)
    lengths = math.sqrt(sum(x * x for x in a.values()) * sum(x * x for x in b.values()))
    return common / lengths if lengths else 0.0


def _score(at: int, strengths: Sequence[float]) -> float:
    own = strengths[at]
    if own <= 0:
        return 0.0
    rival = max((each for index, each in enumerate(strengths) if index != at), default=0.0)
    return (1 - math.exp(-own / _SURE)) * own**2 / (own**2 + rival**2)
