"""Words of a text: where they stand, their folded form and their stem, and what denies them."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from processing.rules.word_sets import word_set

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W\d_]+)*")
_CLAUSE_END = re.compile(r"[.,;:!?()\n]")
#: How many words before a word can deny it.
_REACH = 3

NEGATIONS = word_set(
    "not no never without none neither nor cannot cant hardly nothing nobody zero lacks lacking "
    "kein keine keinen keinem keiner nicht ohne nie pas sans aucun aucune jamais"
)
#: After these a negation denies nothing.
_NOT_DENYING = word_set("only just doubt problem problems wonder")

STOP_WORDS = word_set(
    "a an the this that these those it its is are was were be been being am do does did has have "
    "had i you he she we they me him her us them my your his our their and or but if then of to in "
    "on at by for from with as into out up so than there here what which who whom whose when where "
    "how please can could would should will shall may might must also any all each "
    "der die das den dem des ein eine einen einem einer und oder ist sind war im am von vom zum "
    "zur mit aus auf für le la les un une des du de et ou est sont au aux en dans par sur"
)


@dataclass(frozen=True, slots=True)
class Word:
    """One word and its place. `folded` has no case and no accents; a contracted not is its own
    word."""

    folded: str
    stem: str
    start: int
    end: int


def words(text: str) -> list[Word]:
    """The words of a text in order."""
    found = []
    for match in _WORD.finditer(text):
        folded = fold(match[0])
        start, end = match.span()
        if folded.endswith("n't"):
            bare = _CONTRACTED.get(folded, folded[:-3])
            found.append(Word(bare, bare, start, end - 3))
            found.append(Word("not", "not", end - 3, end))
        else:
            bare = folded.split("'")[0] if "'" in folded[-3:] else folded
            found.append(Word(bare, stem(bare), start, end))
    return found


_CONTRACTED = {"can't": "can", "won't": "will", "shan't": "shall", "n't": "do"}


@lru_cache(maxsize=16_384)
def fold(word: str) -> str:
    """Without case and accents, one kind of apostrophe."""
    word = word.casefold()
    if word.isascii():
        return word
    parts = unicodedata.normalize("NFKD", word.replace("\u2019", "'"))
    return "".join(part for part in parts if not unicodedata.combining(part))


@lru_cache(maxsize=16_384)
def stem(word: str) -> str:
    """A folded word without its English endings: charged, charges, charging → charg."""
    if len(word) < 4 or not word.isalpha():
        return word
    word = _singular(word)
    for ending in ("ing", "ed"):
        rest = word.removesuffix(ending)
        if rest != word and len(rest) >= 3 and any(letter in "aeiouy" for letter in rest):
            word = rest
            if word[-1] == word[-2] and word[-1] not in "lsezf":
                word = word[:-1]
            break
    if len(word) > 5 and word[-1] == "y":
        return word[:-1]
    return word[:-1] if len(word) > 4 and word[-1] == "e" else word


def _singular(word: str) -> str:
    if word.endswith(("ies", "ied")) and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def content(found: Sequence[Word]) -> list[Word]:
    """Without the words that say little alone."""
    return [word for word in found if word.folded not in STOP_WORDS]


def denied(text: str, found: Sequence[Word], index: int) -> bool:
    """Whether the word at `index` is denied by a word shortly before it in its clause."""
    for back in range(index - 1, max(index - 1 - _REACH, -1), -1):
        between = text[found[back].end : found[back + 1].start]
        if _CLAUSE_END.search(between):
            return False
        if found[back].folded in NEGATIONS:
            return found[back + 1].folded not in _NOT_DENYING
    return False
