"""What is asked of a model and what comes back, apart from the large libraries that carry it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from domain.tool_records import Usage


class Busy(Exception):
    """The provider has too much to do. `seconds` is for how long, if it says so."""

    def __init__(self, seconds: float | None) -> None:
        super().__init__("The provider has too much to do")
        self.seconds = seconds


class Failed(Exception):
    """No answer came. The text is for people who look at the cell; `again` says whether asking
    again may help."""

    def __init__(self, told: str, *, again: bool = False) -> None:
        super().__init__(told)
        self.again = again


class TooSlow(Failed):
    """The answer took longer than the provider may take."""


class TooLong(Failed):
    """What was asked is more than the model takes."""


class Asked(Protocol):
    """What one request says. `schema` is the form of the answer as JSON schema; None when words
    alone tell it. With `network` the model may search the web."""

    @property
    def model(self) -> str: ...
    @property
    def system(self) -> str: ...
    @property
    def user(self) -> str: ...
    @property
    def schema(self) -> Mapping[str, Any] | None: ...
    @property
    def most_tokens(self) -> int: ...
    @property
    def temperature(self) -> float | None: ...
    @property
    def network(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question whose answer is read by whoever asks."""

    model: str
    system: str
    user: str
    schema: Mapping[str, Any]
    most_tokens: int
    temperature: float | None = None
    network: bool = False

    def again(self, problem: str) -> "Prompt":
        """The same, with what was wrong with the last answer to it."""
        told = problem.replace("<", "(").replace(">", ")")
        said = (
            f"Your last answer could not be used as it was: {told}. Answer in the form asked for."
        )
        return replace(self, user=f"{self.user}\n{said}")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said. `model` is what it calls itself; `finish` why it ended: stop, length,
    content_filter."""

    text: str
    model: str | None
    finish: str | None
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Told:
    """What a model said to a prompt, and what it cost. `finish` as for `Reply`."""

    text: str
    model: str | None
    finish: str | None
    usage: Usage
