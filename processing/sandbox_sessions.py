"""Sessions of the sandbox: one program, some rows, in a worker process of pydantic-monty.

Rows run many at a time, in one call. When that call dies, nothing of it is known, so its rows run
once more, one by one, and only the guilty one gets the error. No row runs more than twice."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

from pydantic_monty import (
    Monty,
    MontyCrashedError,
    MontyError,
    MontyRuntimeError,
    MontySession,
    MontySyntaxError,
    OSPolicy,
    ResourceLimits,
)

from processing.sandbox_program import (
    Broken,
    Fault,
    Raised,
    Result,
    Wrapper,
    fault_of,
)

MAX_MEMORY = 64_000_000
MAX_DEPTH = 500

#: A call returns after the row with which this time is over: what is known then is safe from what
#: later rows do, and a program that is slow for many rows together breaks no limit.
_SLICE_SECONDS = 0.1
#: Rows that run one by one share a session, until so many have.
_ROWS_ALONE = 20
#: So many rows that went well alone, and the next ones run together again.
_WELL_ALONE = 5
#: So many rows that die one after the other, and the rest is not run: a program that never ends
#: must not hold up those of others for hours.
_MOST_DEATHS = 20
#: After this time rows of other programs get the thread; the rest waits behind them.
_TURN_SECONDS = 2.0
#: Times that a session may ask for a name, a file or a pause. It gets nothing, but each refusal
#: goes from process to process and back.
_QUESTIONS = 1_000
#: The user's program is the second text that a session reads.
_PROGRAM = "<python-input-1>"
_OS = OSPolicy(sleep="call_host")

_TIME = ("feed time limit", "turn time limit")
_MEMORY = ("memory limit exceeded", "the worker exceeded its memory limit")
_ASKED = ("suspension limit", "max_suspensions")
_UNKNOWN = "The monty syntax parser does not yet support"
_INTERNAL = "Internal error in monty: "

_Row = Mapping[str, Any]


class Unreadable(Exception):
    """A program fails before it sees a row. With `crashed`, another try may go better."""

    def __init__(self, message: str, crashed: bool = False) -> None:
        super().__init__(message)
        self.crashed = crashed


@dataclass(frozen=True, slots=True)
class Session:
    """A program that was read, and waits for rows."""

    inner: MontySession
    wrapper: Wrapper

    @classmethod
    @contextmanager
    def opened(cls, pool: Monty, code: str, seconds: float) -> Iterator["Session"]:
        """A fresh interpreter that has read the program; `seconds` is what one call may take.
        Raises `Unreadable`."""
        limits = ResourceLimits(
            max_feed_duration_secs=seconds,
            max_memory=MAX_MEMORY,
            max_recursion_depth=MAX_DEPTH,
            max_suspensions=_QUESTIONS,
            max_total_sleep_secs=0,
        )
        with pool.checkout(limits=limits, os_policy=_OS) as inner:
            session = cls(inner, Wrapper())
            session._read(code, seconds)
            yield session

    def _read(self, code: str, seconds: float) -> None:
        try:
            self._feed(self.wrapper.code)
            # The value of a last line would leave the sandbox as it is, and it must not: a list
            # that holds itself many times over is endless once it is copied.
            self._feed(code + "\n\nNone\n")
        except MontyError as error:
            raise Unreadable(
                sentence(error, seconds), isinstance(error, MontyCrashedError)
            ) from None
        try:
            self._feed("run\nNone\n")
        except MontyError:
            raise Unreadable("The program does not define run(row)") from None

    def many(self, rows: Sequence[_Row]) -> list[Result | Raised]:
        """The results of the first rows, of one at least."""
        return self.wrapper.results(self._feed(*self.wrapper.many(rows, _SLICE_SECONDS)), len(rows))

    def one(self, row: _Row) -> Result:
        """The result of one row."""
        return self.wrapper.result(self._feed(*self.wrapper.one(row)))

    def _feed(self, code: str, inputs: Mapping[str, Any] | None = None) -> Any:
        return self.inner.feed_run(code, inputs=dict(inputs or {}), print_callback=_discard)


class Run:
    """Some rows of one program, in a thread, turn by turn: others use the same threads. `emit` gets
    results in the order of the rows; `stopped` is asked between two calls."""

    def __init__(
        self,
        pool: Monty,
        code: str,
        rows: Sequence[_Row],
        seconds: float,
        emit: Callable[[Sequence[Result]], None],
        stopped: Callable[[], bool],
    ) -> None:
        self._pool = pool
        self._code = code
        self._rows = rows
        self._seconds = seconds
        self._emit = emit
        self._stopped = stopped
        self._done = 0
        self._deaths = 0
        self._crashes = 0
        self._careful = False
        self._turn_ends = 0.0

    def work(self) -> bool:
        """Run rows until all are done or the turn is over; whether some are left."""
        self._turn_ends = monotonic() + _TURN_SECONDS
        while self._goes_on():
            try:
                self._alone() if self._careful else self._together()
            except Unreadable as error:
                self._crashes += 1
                if not error.crashed or self._crashes > 1:
                    self._tell_rest(str(error))
            except (MontyError, Broken):
                self._careful = True
        if self._deaths >= _MOST_DEATHS:
            self._tell_rest(f"Not run: {_MOST_DEATHS} rows before it used up their time or memory")
        return self._done < len(self._rows) and not self._stopped()

    def _goes_on(self) -> bool:
        left = self._done < len(self._rows) and self._deaths < _MOST_DEATHS
        return left and monotonic() < self._turn_ends and not self._stopped()

    def _tell(self, results: Sequence[Result]) -> None:
        if results:
            self._emit(results)
            self._done += len(results)

    def _tell_rest(self, message: str) -> None:
        self._tell([Fault(message)] * (len(self._rows) - self._done))

    def _together(self) -> None:
        """Rows in large calls, until a row dies while its exception is looked at."""
        most = len(self._rows)
        with Session.opened(self._pool, self._code, self._seconds + _SLICE_SECONDS) as session:
            while self._goes_on():
                results = session.many(self._rows[self._done : self._done + most])
                most = 2 * len(results)
                if not self._take(session, results):
                    return

    def _take(self, session: Session, results: Sequence[Result | Raised]) -> bool:
        """Tell the results of the next rows; whether the session can be used further."""
        healthy = True
        known: list[Result] = []
        for result in results:
            if not isinstance(result, Raised):
                known.append(result)
                self._deaths = 0
            elif not healthy:
                known.append(result.fault)
            else:
                self._tell(known)
                known = []
                healthy = self._again(session, self._rows[self._done])
                self._deaths += not healthy
        self._tell(known)
        return healthy

    def _again(self, session: Session, row: _Row) -> bool:
        """Run a row that raised an exception once more for the line where it did; whether the
        session can be used further."""
        try:
            self._tell([session.one(row)])
        except (MontyError, Broken) as error:
            self._tell([Fault(sentence(error, self._seconds))])
            return not is_death(error)
        return True

    def _alone(self) -> None:
        """Rows one by one, in few sessions, until some went well."""
        well = 0
        while well < _WELL_ALONE and self._goes_on():
            with Session.opened(self._pool, self._code, self._seconds) as session:
                for row in self._rows[self._done : self._done + _ROWS_ALONE]:
                    healthy = self._again(session, row)
                    self._deaths, well = (0, well + 1) if healthy else (self._deaths + 1, 0)
                    if not healthy or not self._goes_on():
                        break
        self._careful = well < _WELL_ALONE


def problem(pool: Monty, code: str, seconds: float) -> str | None:
    """What keeps a program from being read, None when nothing does."""
    try:
        with Session.opened(pool, code, seconds):
            return None
    except Unreadable as error:
        return str(error)


def is_death(error: Exception) -> bool:
    """Whether the sandbox, not the program, raised it: the session is of no use any more."""
    if isinstance(error, MontyRuntimeError):
        return error.display("msg").startswith((*_TIME, *_MEMORY, *_ASKED))
    return True


def sentence(error: Exception, seconds: float) -> str:
    """What went wrong, for the people who look at the cell."""
    if isinstance(error, MontyCrashedError):
        if error.timed_out or "timeout" in str(error):
            return _too_long(seconds)
        return "The program crashed its sandbox"
    if not isinstance(error, MontyRuntimeError | MontySyntaxError):
        return "The program tampered with its sandbox"
    message = error.display("msg")
    if message.startswith(_TIME):
        return _too_long(seconds)
    lines = [frame.line for frame in error.traceback() if frame.filename == _PROGRAM]
    where = f" (line {lines[-1]})" if lines else ""
    if message.startswith(_MEMORY):
        return f"The program takes more than {MAX_MEMORY // 1_000_000} MB of memory{where}"
    if message.startswith(_ASKED):
        return f"The program asks for names, files or pauses too often{where}"
    if message.startswith(_UNKNOWN):
        return f"The sandbox does not know{message.removeprefix(_UNKNOWN)}{where}"
    return fault_of(error.display("type-msg").replace(_INTERNAL, ""), where).message


def _too_long(seconds: float) -> str:
    return f"The program takes longer than {seconds:g} seconds"


def _discard(_stream: str, _text: str) -> None:
    """What programs print goes nowhere."""
