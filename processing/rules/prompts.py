"""A prompt taken apart: what it asks for, the words it quotes, the keywords it gives for options.

The same prompt is asked for every row, so what was read is remembered.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from processing.rules.word_sets import word_set
from processing.rules.words import Word, fold, words

MOST_CHARACTERS = 20_000
#: Stands for a placeholder in `Brief.plain`.
HOLE = "\ufffc"

_PLACEHOLDER = re.compile(r"\{\{[^{}\n]{0,200}\}\}")
_QUOTED = re.compile(
    r'"([^"\n]{1,200})"|“([^”\n]{1,200})”|«([^»\n]{1,200})»|`([^`\n]{1,200})`'
    r"|(?<!\w)'([^'\n]{1,200})'(?!\w)"
)
#: What stands between an option and its keywords.
_SIGN = re.compile(r"[\"'”\u2019*_`]{0,3}\s{0,3}(?:(?::|=>?|->|→)|\()\s{0,5}")
_LINE_SIGN = re.compile(
    r"[\"'”\u2019*_`]{0,3}\s{0,3}(?:[-\u2013—]\s|\b(?:means|if|when|for)\b)\s{0,5}"
)
_BULLET = re.compile(r"(?:^|\n)[ \t]{0,20}(?:[-*•]|\d{1,3}[.)])?[ \t]{0,5}[\"'“\u2018*_`]{0,3}$")
_ANSWER = re.compile(
    r"\b(?:to|answer|choose|return|use|say|pick|write|select|give|is|as|put)\s[\"'“\u2018]?$",
    re.IGNORECASE,
)
_SPLIT = re.compile(r"[,;|/•\n]|\.(?:\s|$)|\b(?:or|and|oder|und|ou|et)\b")
_OTHERWISE = re.compile(
    r"\b(?:otherwise|or else|else|default(?:s)?|fall ?back|anything else|everything else"
    r"|(?:if|when) (?:none|nothing|no |not )|in doubt|unsure|unclear|sonst|sinon)\b"
)
_MOST_OPTIONS_IN_PROMPT = 200
_MOST_QUOTED = 20

_FILLING = word_set(
    "a an the any about question questions issue issues problem problems anything everything such "
    "as like e.g eg g etc for example examples mention mentions mentioning of with to is are be if "
    "when that related regarding concerning it customer customers user users asks asking wants "
    "keywords keyword words word synonyms text message contains says e means"
)


@dataclass(frozen=True, slots=True)
class Brief:
    """What a prompt says. `plain` is in lower case, with `HOLE` for placeholders, and without what
    is quoted and the keywords of options; `demand` is it without the options too. `asked` are its
    words. `keywords` are phrases by option;
    `otherwise` is the option for what fits none."""

    plain: str
    demand: str
    asked: tuple[Word, ...]
    quoted: tuple[str, ...]
    keywords: Mapping[str, tuple[str, ...]]
    otherwise: str | None

    @property
    def terms(self) -> frozenset[str]:
        return frozenset(word.folded for word in self.asked)


@lru_cache(maxsize=256)
def read(prompt: str, options: tuple[str, ...]) -> Brief:
    """The brief of a prompt for a column with these options."""
    text = _PLACEHOLDER.sub(HOLE, prompt[:MOST_CHARACTERS])
    sections = list(_sections(text, options))
    names = {fold(option) for option in options}
    keywords: dict[str, tuple[str, ...]] = {}
    plain = text
    for start, end, option, written in reversed(sections):
        found = tuple(phrase for phrase in _phrases(written) if fold(phrase) not in names)
        keywords[option] = found + keywords.get(option, ())
        if found:
            plain = plain[:start] + "\n" + plain[end:]
    quoted = tuple(
        next(filter(None, match.groups())).strip()
        for match in _QUOTED.finditer(plain)
        if HOLE not in match[0]
    )[:_MOST_QUOTED]
    otherwise = _otherwise(plain, options)
    plain = _QUOTED.sub(lambda match: HOLE if HOLE in match[0] else " ", plain).lower()
    demand = _without(plain, options)
    return Brief(plain, demand, tuple(words(plain)), quoted, keywords, otherwise)


def _without(plain: str, options: tuple[str, ...]) -> str:
    for option in options[:_MOST_OPTIONS_IN_PROMPT]:
        plain = re.sub(rf"(?<!\w){re.escape(option.lower())}(?!\w)", " ", plain)
    return plain


def _sections(text: str, options: tuple[str, ...]) -> Iterator[tuple[int, int, str, str]]:
    """Where the prompt gives keywords of an option: start, end, option, what is written."""
    heads: dict[int, tuple[int, str, bool]] = {}
    for option in options[:_MOST_OPTIONS_IN_PROMPT]:
        for match in re.finditer(rf"(?<!\w){re.escape(option)}(?!\w)", text, re.IGNORECASE):
            sign = _SIGN.match(text, match.end())
            ahead = max(match.start() - 40, 0), match.start()
            if sign is None and (_BULLET.search(text, *ahead) or _ANSWER.search(text, *ahead)):
                sign = _LINE_SIGN.match(text, match.end())
            if sign and (match.start() not in heads or sign.end() > heads[match.start()][0]):
                heads[match.start()] = sign.end(), option, sign[0].rstrip().endswith("(")
    starts = sorted(heads)
    for index, start in enumerate(starts):
        begin, option, bracketed = heads[start]
        limit = starts[index + 1] if index + 1 < len(starts) else len(text)
        end = _section_end(text, begin, max(limit, begin), bracketed)
        yield start, end, option, text[begin:end].replace(HOLE, " ")


def _section_end(text: str, begin: int, limit: int, bracketed: bool) -> int:
    stops = ")\n" if bracketed else ";\n"
    ends = [place for stop in stops if (place := text.find(stop, begin, limit)) >= 0]
    ends += [match.start() for match in _OTHERWISE.finditer(text.lower(), begin, limit)][:1]
    return min(ends, default=limit)


def _phrases(written: str) -> Iterator[str]:
    """Keywords and short phrases of a list, without words that say nothing."""
    for part in _SPLIT.split(written):
        found = [word.folded for word in words(part)]
        kept = [word for word in found if word not in _FILLING] or found[:1]
        if 0 < len(kept) <= 5:
            yield " ".join(kept)


def _otherwise(text: str, options: tuple[str, ...]) -> str | None:
    """The option that is named shortly after a word such as otherwise."""
    lower = text.lower()
    for match in _OTHERWISE.finditer(lower):
        ahead = lower[match.end() : match.end() + 80].split("\n")[0]
        places = [
            (found.start(), -len(option), option)
            for option in options[:_MOST_OPTIONS_IN_PROMPT]
            if (found := re.search(rf"(?<!\w){re.escape(option.lower())}(?!\w)", ahead))
        ]
        if places:
            return min(places)[2]
    return None
