"""What a subscriber receives, and the bounds within which it does."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

StartState = Literal["RESUMED", "SNAPSHOT", "RESET"]
ResetReason = Literal["TOO_FAR", "LOG_PRUNED", "AHEAD_OF_LOG"]
EndReason = Literal["deleted", "error", "closed"]


@dataclass(frozen=True, slots=True)
class Frame:
    """Bytes ready for a socket. The same object goes to every subscriber of a group."""

    revision: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Started:
    """From here on nothing is missed: every change after `revision` follows.

    Always the first item. RESUMED continues from the revision the client named. SNAPSHOT starts at
    the present. RESET says that what lies between the client's state and `revision` will not be
    sent, and why; it may also come later in the stream, when a slow client fell too far behind.
    """

    state: StartState
    revision: int
    reason: ResetReason | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The last item: the topic was deleted, its rendering failed, or the hub is closing."""

    reason: EndReason


Item = Started | Frame | Ended

# Entries are opaque here; a face annotates its own type of entry, which `Any` lets it do.
Render = Callable[[Sequence[Any]], Awaitable[Sequence[Frame]]]
"""Turns a slice of the log into frames, ascending by revision; a revision may give none or many.

The last frame may be of a later revision than the slice, when it shows a newer state: then it
stands for everything up to there. Called once per group and slice. It may raise `Unavailable` to
be called again.
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """A rendered slice: all frames of the revisions above `after` up to and including `upto`."""

    after: int
    upto: int
    frames: tuple[Frame, ...]
    size: int

    def beyond(self, position: int) -> tuple[Frame, ...]:
        """The frames of the revisions above `position`. A revision is taken whole or not at all."""
        if position <= self.after:
            return self.frames
        return tuple(frame for frame in self.frames if frame.revision > position)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of memory and time. Counts are per subscriber unless said otherwise; times in seconds.

    A subscriber holds at most its queue and the part its consumer has taken and not yet sent, so
    twice `queue_frames` and `queue_bytes`, plus one slice.
    """

    slice_entries: int = 100
    recent_entries: int = 1_000  # per topic, kept only while a group is behind
    queue_frames: int = 1_000
    queue_bytes: int = 1_000_000
    replay_entries: int = 10_000
    replay_bytes: int = 8_000_000
    poll_seconds: float = 1.0
    read_seconds: float = 10.0
    first_retry_seconds: float = 0.05
    last_retry_seconds: float = 1.0


@dataclass(slots=True)
class Counters:
    """Totals since the hub was made."""

    frames_sent: int = 0
    gaps: int = 0
    resets: int = 0
    log_reads: int = 0
    clock_reads: int = 0
    renders: int = 0
    failures: int = 0
