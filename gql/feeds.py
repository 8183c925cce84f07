"""What a subscription follows, and how entries of a log become its events."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

from realtime.events import Frame, Started
from realtime.log import Topic


class Event(Protocol):
    """An event of a stream. One entry of a log gives one event at most, so `revision` is a complete
    token to resume by."""

    @property
    def revision(self) -> int: ...


class LastFrame(Frame):
    """A frame after which the stream is complete."""

    __slots__ = ()


class FailedFrame(Frame):
    """A frame that ends the stream with errors: its payload is their list."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Feed:
    """A subscription before its first event.

    `begin` makes the event that tells how the stream starts; `events` those of a slice of entries,
    for everybody who asked for the same. `is_last` says that nothing comes behind an event."""

    topic: Topic
    after: int | None
    begin: Callable[[Started], Awaitable[Event]]
    events: Callable[[Sequence[Any]], Awaitable[Sequence[Event]]]
    is_last: Callable[[Event], bool] = lambda _: False

    def __aiter__(self) -> NoReturn:
        """graphql-core asks whether this is a stream, and never iterates: transports follow the
        topic through the hub, so that subscribers share what is rendered."""
        raise TypeError("follow a feed through the hub")
