"""What a row should be when some of its changes are undone and others are kept.

A change is taken apart into the values that it changed. A value goes back to what it was before the
first undone change of it. Where a kept change came later to the same value, that is a conflict, and
the whole row is left alone, unless the rollback is forced."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.rollback_records import ConflictReason

#: Keys without a column, in an image.
EXTRA = "_extra"

#: A value of a row: a column by its name in images, or a key without a column.
Place = tuple[str, ...]
Values = Mapping[Place, Any]


@dataclass(frozen=True, slots=True)
class PastVersion:
    """A version of a row. `image` is as stored: values by column, null or missing for none."""

    version: int
    revision: int
    actor: str
    exists: bool
    undone: bool
    image: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Merged:
    """What the row should be; `image` None: it should not exist."""

    image: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class InTheWay:
    """The kept change that forbids it."""

    version: PastVersion
    reason: ConflictReason


def merge(
    before: PastVersion | None, versions: Sequence[PastVersion], *, force: bool
) -> Merged | InTheWay | None:
    """What becomes of a row. `versions` are those from the first undone one on, in order; `before`
    is the one before them, None when there was none. None: the row is already as it should be."""
    current = versions[-1]
    moves = list(_moves(before, versions))
    first = next((index for index, move in enumerate(moves) if move.undone), None)
    if first is not None and moves[first].exists:
        # An undone change made the row, so it should not be there at all.
        return _removal(moves[first], versions) if not force or not current.exists else _GONE
    target, obstacle = _values(before, versions)
    if not current.exists and not moves[-1].undone and (first is None or not force):
        return InTheWay(moves[-1], ConflictReason.DELETED)
    if current.exists and target == _flat(current.image):
        return None
    if obstacle is not None and not force:
        return InTheWay(obstacle, ConflictReason.CHANGED)
    return Merged(_image(target))


_GONE = Merged(None)


def _removal(birth: PastVersion, versions: Sequence[PastVersion]) -> Merged | InTheWay | None:
    if not versions[-1].exists:
        return None
    later = (each for each in versions if each.version > birth.version and not each.undone)
    obstacle = next(later, None)
    return InTheWay(obstacle, ConflictReason.CHANGED) if obstacle else _GONE


def _moves(before: PastVersion | None, versions: Sequence[PastVersion]) -> Iterator[PastVersion]:
    """The versions that made the row, or made it go."""
    existed = before is not None and before.exists
    for each in versions:
        if each.exists is not existed:
            yield each
        existed = each.exists


def _values(
    before: PastVersion | None, versions: Sequence[PastVersion]
) -> tuple[dict[Place, Any], PastVersion | None]:
    """The values that the row should have, and the first kept change that came later to one of
    those that go back."""
    previous = _flat(before.image) if before is not None else {}
    undone: dict[Place, Any] = {}
    obstacle: PastVersion | None = None
    for each in versions:
        values = _flat(each.image)
        for place in [*previous, *(place for place in values if place not in previous)]:
            old = previous.get(place)
            if values.get(place) == old:
                continue
            if each.undone:
                undone.setdefault(place, old)
            elif place in undone and obstacle is None:
                obstacle = each
        previous = values
    target = previous | undone
    return {place: value for place, value in target.items() if value is not None}, obstacle


def _flat(image: Mapping[str, Any]) -> dict[Place, Any]:
    """The values of an image; null is none. Each is kept so that equal ones are the same: to
    Python, true and 1 are equal."""
    flat: dict[Place, Any] = {}
    for name, value in image.items():
        if name == EXTRA:
            flat |= {(EXTRA, key): _Exact(each) for key, each in (value or {}).items()}
        elif value is not None:
            flat[(name,)] = _Exact(value)
    return flat


class _Exact:
    """A JSON value that equals the same value of the same type."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Exact) and _same(self.value, other.value)

    __hash__ = None  # type: ignore[assignment]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return bool(one == other)


def _image(values: Values) -> dict[str, Any]:
    image: dict[str, Any] = {}
    for place, exact in values.items():
        if len(place) == 1:
            image[place[0]] = exact.value
        else:
            image.setdefault(EXTRA, {})[place[1]] = exact.value
    return image
