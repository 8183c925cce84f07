"""A value that was seen in a text, before anybody knows whether it is the one that is wanted."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from processing.rules.records import Passage


@dataclass(frozen=True, slots=True)
class Candidate:
    """`value` stands in the passage from `start` to `end`. `kind` says what it looks like, `unit`
    its currency or unit. `certainty` is how sure the reading is, 0 to 1: `03/04/2024` has two."""

    passage: Passage
    start: int
    end: int
    value: Any
    kind: str
    unit: str = ""
    certainty: float = 1.0

    @property
    def written(self) -> str:
        return self.passage.text[self.start : self.end]

    @property
    def whole(self) -> bool:
        """Whether the passage says nothing else."""
        text = self.passage.text
        return not text[: self.start].strip(_MARKS) and not text[self.end :].strip(_MARKS)


def blanked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with low lines in place of these spans: a sign of words, but of no value."""
    parts, place = [], 0
    for start, end in sorted(spans):
        if start >= place:
            parts += [text[place:start], "_" * (end - start)]
            place = end
    parts.append(text[place:])
    return "".join(parts)


_MARKS = " \t\r\n.,;:!?()[]<>\"'“”\u2018\u2019*_\u00a0"
