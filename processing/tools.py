"""All tools: each work goes to the engine of its kind, and every call gets exactly one answer."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence

import structlog

from domain.tool_ports import (
    CallEstimate,
    ProgramChecker,
    ToolEstimator,
    ToolRunner,
    ToolWork,
    TryLater,
)
from domain.tool_records import Answer, Producer, ProducerKind, ToolKind
from persistence.jobs import out_of_reach

#: How long a database that is away is given.
AWAY_SECONDS = 1.0

_log = structlog.get_logger()

#: What people are told of faults that are ours.
FAILED = "The tool failed; the log of the server says why"
LOST = "The tool gave no answer for this row"

_PRODUCERS: Mapping[ToolKind, ProducerKind] = {
    ToolKind.AI: ProducerKind.MODEL,
    ToolKind.PYTHON: ProducerKind.PYTHON,
    ToolKind.HTTP: ProducerKind.HTTP,
    ToolKind.LOOKUP: ProducerKind.LOOKUP,
}


def unmade(work: ToolWork) -> Producer:
    """The producer of an error before anybody was asked."""
    return Producer(_PRODUCERS[work.tool.kind], actor=work.actor)


class Tools:
    """The engines of a process as one. `estimators` are those of the kinds that cost something;
    `programs` reads Python."""

    def __init__(
        self,
        engines: Mapping[ToolKind, ToolRunner],
        programs: ProgramChecker,
        estimators: Mapping[ToolKind, ToolEstimator] | None = None,
    ) -> None:
        self._engines = engines
        self._programs = programs
        self._estimators = estimators or {}

    async def answers(self, work: ToolWork) -> AsyncIterator[Answer]:
        """One answer for each call, in the order in which they come. What an engine forgets, or
        does not come to because it fails, is answered with an error. Raises `TryLater`, after which
        the calls without an answer have none."""
        left = {call.index for call in work.calls}
        fault = LOST
        stream = self._engines[work.tool.kind].answers(work)
        try:
            async for answer in stream:
                if answer.index in left:
                    left.discard(answer.index)
                    yield answer
                else:
                    _log.warning("tool_answered_twice", kind=work.tool.kind, index=answer.index)
        except TryLater:
            raise
        except Exception as error:
            # Keys, secrets and other tables are read from the database; programs need none.
            if work.tool.kind is not ToolKind.PYTHON and out_of_reach(error):
                raise TryLater("The database is out of reach", AWAY_SECONDS) from error
            _log.exception("tool_failed", kind=work.tool.kind, table=str(work.table_id))
            fault = FAILED
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()
        if left and fault is LOST:
            _log.error("tool_lost_answers", kind=work.tool.kind, count=len(left))
        for index in sorted(left):
            yield Answer(index, unmade(work), error=fault)

    async def estimates(self, work: ToolWork) -> Sequence[CallEstimate]:
        """What each call will take; nothing for the kinds that cost nothing."""
        estimator = self._estimators.get(work.tool.kind)
        if estimator is None:
            return [CallEstimate()] * len(work.calls)
        return await estimator.estimates(work)

    async def check(self, code: str) -> str | None:
        """What the sandbox has against a program, None when nothing."""
        return await self._programs.check(code)
