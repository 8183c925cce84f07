"""One followed log in this process: its position, its reader, and the groups that share renders."""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from typing import Protocol

import structlog

from realtime.events import Batch, EndReason, Render, ResetReason
from realtime.log import Clock, Entry, Topic
from realtime.runtime import Closed, Runtime

logger = structlog.get_logger(__name__)

Listener = Callable[[Sequence[Entry]], None]
"""Called with each slice of the log. An empty slice says that entries were missed or that the topic
is gone: assume that anything may have changed."""


class Member(Protocol):
    """A live subscriber, as its group sees it. No call blocks, so none slows another."""

    def offer(self, batch: Batch) -> None: ...

    def reset(self, reason: ResetReason, revision: int) -> None: ...

    def end(self, reason: EndReason) -> None: ...


class Group:
    """Subscribers of a topic that get the same bytes. A slice is rendered once for all of them."""

    __slots__ = ("_task", "_topic", "key", "members", "position", "render")

    def __init__(
        self, topic: "FollowedTopic", key: Hashable, render: Render, position: int
    ) -> None:
        self._topic = topic
        self._task: asyncio.Task[None] | None = None
        self.key = key
        self.render = render
        self.position = position
        self.members: set[Member] = set()

    def kick(self) -> None:
        """Bring the members up to date in the background, unless that is under way."""
        behind = self.position < self._topic.revision or self._topic.finished
        if behind and self._task is None:
            self._topic.busy += 1
            self._task = self._topic.runtime.spawn(self._pump())

    async def _pump(self) -> None:
        try:
            while self.members and self.position < self._topic.revision:
                await self._advance()
            if self._topic.finished:
                self._end("deleted")
        except Closed:
            return
        except Exception:
            # The fault is in this group's render: the others have done nothing wrong.
            logger.exception("live_render_failed", topic=self._topic.topic.channel)
            self._end("error")
        finally:
            self._task = None
            self._topic.caught_up()

    async def _advance(self) -> None:
        after = self.position
        entries = await self._topic.entries(after)
        if self.position != after:
            return  # the topic was rewound meanwhile
        if not entries or entries[0].revision != after + 1:
            self.reset("LOG_PRUNED", self._topic.revision)
            return
        batch = await self._topic.runtime.render(self.render, after, entries)
        if self.position != after:
            return
        self.position = batch.upto
        for member in tuple(self.members):
            member.offer(batch)

    def reset(self, reason: ResetReason, revision: int) -> None:
        self.position = revision
        for member in tuple(self.members):
            member.reset(reason, revision)

    def leave(self, member: Member) -> None:
        self.members.discard(member)
        if not self.members:
            self._topic.forget(self)

    def _end(self, reason: EndReason) -> None:
        for member in tuple(self.members):
            member.end(reason)


class FollowedTopic:
    """Reads one log for everybody in this process who follows it.

    `revision` is the last revision read, `wanted` the last one heard of. `epoch` changes when the
    log turned out to be shorter than it was (a backup was restored).
    """

    __slots__ = (
        "_recent",
        "busy",
        "epoch",
        "finished",
        "gone",
        "groups",
        "listeners",
        "lock",
        "oldest",
        "open",
        "reader",
        "revision",
        "runtime",
        "subscribers",
        "topic",
        "users",
        "wanted",
    )

    def __init__(self, topic: Topic, runtime: Runtime) -> None:
        self.topic = topic
        self.runtime = runtime
        self.revision = 0
        self.oldest = 0
        self.wanted = 0
        self.epoch = 0
        self.busy = 0  # groups at work
        self.open = False
        self.gone = False
        self.finished = False
        self.users = 0
        self.lock = asyncio.Lock()
        self.reader: asyncio.Task[None] | None = None
        self.groups: dict[Hashable, Group] = {}
        self.listeners: list[Listener] = []
        self.subscribers: set[Member] = set()
        self._recent: list[Entry] = []

    def start(self, clock: Clock | None) -> None:
        """Begin at the log's present. The bus already listens, so nothing falls in between."""
        self.open = True
        if clock is None:
            self.gone = self.finished = True
        else:
            self.revision = clock.revision
            self.oldest = clock.oldest
            self.wake(clock.revision)

    def wake(self, revision: int) -> None:
        """Someone says that the log has reached `revision`: read on, unless that is under way."""
        self.wanted = max(self.wanted, revision)
        behind = self.open and self.wanted > self.revision
        if behind and self.reader is None and not self.runtime.closing:
            self.reader = self.runtime.spawn(self._read())

    def note(self, clock: Clock | None, known: int) -> None:
        """Take in a clock. `known` is the revision read before the clock was asked for."""
        if self.finished:
            return
        if clock is None:
            self._vanish()
        elif clock.revision < known:
            self._rewind(clock)
        else:
            self.oldest = clock.oldest
            self.wake(clock.revision)

    async def entries(self, after: int) -> Sequence[Entry]:
        """The slice after a revision: what the reader has just read, or else from the log."""
        recent = self._recent
        if recent and recent[0].revision <= after + 1 <= recent[-1].revision:
            start = after + 1 - recent[0].revision
            return recent[start : start + self.runtime.limits.slice_entries]
        return await self.runtime.read(self.topic, after)

    def front(self, key: Hashable) -> int:
        """The revision from which on the group of that key delivers."""
        group = self.groups.get(key)
        return self.revision if group is None else group.position

    def join(self, member: Member, key: Hashable, render: Render, position: int) -> Group:
        """Make a subscriber live. Its position must not be below `front(key)`."""
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = Group(self, key, render, position)
        group.members.add(member)
        group.kick()
        return group

    def forget(self, group: Group) -> None:
        if self.groups.get(group.key) is group:
            del self.groups[group.key]

    def caught_up(self) -> None:
        """A group has no work left; when none has, the shared entries are dropped."""
        self.busy -= 1
        if self.busy == 0:
            self._recent = []

    async def _read(self) -> None:
        try:
            while self.gone or self.wanted > self.revision:
                after, target = self.revision, self.wanted
                entries = await self.runtime.read(self.topic, after)
                if self.revision != after:
                    continue  # rewound meanwhile
                if entries:
                    self._take(entries)
                elif self.gone:
                    self._finish()
                    return
                elif self.wanted == target:
                    # Heard of, but not to be seen. The next clock tells whether it is real.
                    self.wanted = self.revision
        finally:
            self.reader = None

    def _take(self, entries: Sequence[Entry]) -> None:
        whole = entries[0].revision == self.revision + 1
        self.revision = entries[-1].revision
        if self.groups:
            kept = [*self._recent, *entries] if whole else list(entries)
            # A group that is further behind than this reads the log on its own.
            self._recent = kept[-self.runtime.limits.recent_entries :]
        if not whole:
            self._tell(())
        self._tell(entries)
        for group in tuple(self.groups.values()):
            group.kick()

    def _tell(self, entries: Sequence[Entry]) -> None:
        for listener in tuple(self.listeners):
            try:
                listener(entries)
            except Exception:
                logger.exception("live_listener_failed", topic=self.topic.channel)

    def _vanish(self) -> None:
        """The topic was deleted: read what is left, then end."""
        self.gone = True
        if self.reader is None:
            self.reader = self.runtime.spawn(self._read())

    def _finish(self) -> None:
        self.finished = True
        self._tell(())
        for group in tuple(self.groups.values()):
            group.kick()

    def _rewind(self, clock: Clock) -> None:
        logger.error(
            "live_log_rewound",
            topic=self.topic.channel,
            revision=clock.revision,
            was=self.revision,
        )
        self.epoch += 1
        self.revision = self.wanted = clock.revision
        self.oldest = clock.oldest
        self._recent = []
        self._tell(())
        for group in tuple(self.groups.values()):
            group.reset("AHEAD_OF_LOG", clock.revision)
