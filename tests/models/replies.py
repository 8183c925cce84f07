"""What a model server of the tests is asked, and everything it can answer: well, or badly."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

_DATA = re.compile(r"<untrusted_data>\n(.*)\n</untrusted_data>", re.DOTALL)
_DOCUMENT = re.compile(r"<untrusted_document>\n(.*)\n</untrusted_document>", re.DOTALL)
_LINE = re.compile(r"^([0-9]+): (.*)$", re.MULTILINE)
_TASK = re.compile(r"<task>\n(.*)\n</task>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a model. `system` and `user` are its texts, `key` what it carried as API key,
    `body` the whole of it, `headers` its headers by their names in small letters."""

    protocol: str
    model: str
    key: str
    system: str
    user: str
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def task(self) -> str:
        """The prompt of the tool."""
        found = _TASK.search(self.user)
        return found[1] if found else self.user

    @property
    def inputs(self) -> dict[str, Any]:
        """The values of the row, by key."""
        found = _DATA.search(self.user)
        return json.loads(found[1]) if found else {}

    @property
    def lines(self) -> dict[int, str]:
        """The lines of the document, by number."""
        found = _DOCUMENT.search(self.user)
        told = _LINE.findall(found[1]) if found else []
        return {int(number): text for number, text in told}

    @property
    def most_tokens(self) -> int | None:
        """The bound that was sent for the answer."""
        config = self.body.get("generationConfig", {})
        given = (
            self.body.get("max_completion_tokens"),
            self.body.get("max_tokens"),
            config.get("maxOutputTokens"),
        )
        return next((int(each) for each in given if each is not None), None)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `finish` is OpenAI's word for why it ended: stop, length, content_filter.

    `seconds` is how long it takes; `hangs` means until the client or the server goes away, `closes`
    that the connection ends without an answer, `bytes` that so many bytes follow the answer in its
    body. `usage` is (input, output) tokens; without it about four characters are a token."""

    text: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    finish: str = "stop"
    usage: tuple[int, int] | None = None
    model: str | None = None
    refused: bool = False
    seconds: float = 0.0
    hangs: bool = False
    closes: bool = False
    bytes: int = 0

    def after(self, seconds: float) -> "Reply":
        """The same, later."""
        return replace(self, seconds=seconds)


def value(given: Any, confidence: float | None = None, **more: Any) -> Reply:
    """A good answer: the value as the contract wants it."""
    told = {"value": given} if confidence is None else {"value": given, "confidence": confidence}
    return Reply(json.dumps(told, default=_number, ensure_ascii=False), **more)


def text(given: str, **more: Any) -> Reply:
    """An answer that is this text, byte by byte."""
    return Reply(given, **more)


def empty() -> Reply:
    """An answer without a word."""
    return Reply("")


def prose() -> Reply:
    """Talk instead of a value."""
    return Reply("Sure! I had a look at the row, and I believe that the best answer is as follows.")


def wrong_json() -> Reply:
    """JSON that breaks off in the middle, although the model says that it was done."""
    return Reply('{"value": "Par')


def other_json() -> Reply:
    """Good JSON of another form."""
    return Reply('{"result": {"answer": 1}, "status": "ok"}')


def duplicates(*given: Any) -> Reply:
    """Several answers instead of one."""
    return Reply("\n".join(json.dumps({"value": each}) for each in given or ("a", "b")))


def truncated(given: str = '{"value": "continuing this patt') -> Reply:
    """An answer that ran into the bound of tokens."""
    return Reply(given, finish="length")


def refuses() -> Reply:
    """A model that does not want to."""
    return Reply("I'm sorry, but I can't help with that.", refused=True)


def filtered() -> Reply:
    """A provider whose filter took the answer away."""
    return Reply("", finish="content_filter")


def failing(status: int = 500) -> Reply:
    """An HTTP error."""
    return Reply("the server is on fire", status=status)


def too_many(seconds: float | None = 1) -> Reply:
    """429 with Retry-After, or without."""
    headers = {} if seconds is None else {"retry-after": str(seconds)}
    return Reply("slow down", status=429, headers=headers)


def soon(milliseconds: int = 50) -> Reply:
    """429 that says in milliseconds when to come again, as OpenAI does."""
    return Reply("slow down", status=429, headers={"retry-after-ms": str(milliseconds)})


def hangs() -> Reply:
    """No answer, ever."""
    return Reply(hangs=True)


def closes() -> Reply:
    """The connection ends instead of an answer."""
    return Reply(closes=True)


def huge(count: int = 8_000_000) -> Reply:
    """A body without end, or nearly."""
    return replace(value("x"), bytes=count)


def call_of(path: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> Call:
    """What a request says, whichever of the three protocols it speaks."""
    if path.endswith("/messages"):
        key, model = headers.get("x-api-key", ""), str(body["model"])
        return _call("anthropic", model, key, body.get("system"), body["messages"], body)
    if ":generateContent" in path:
        model = path.rsplit("/", 1)[1].split(":")[0]
        system = body.get("systemInstruction", {}).get("parts")
        contents = body["contents"]
        return _call("google", model, headers.get("x-goog-api-key", ""), system, contents, body)
    key = headers.get("authorization", "").removeprefix("Bearer ")
    told = [each for each in body["messages"] if each["role"] in ("system", "developer")]
    asked = [each for each in body["messages"] if each["role"] == "user"]
    return _call("openai", str(body["model"]), key, told, asked, body)


def answer_of(call: Call, reply: Reply) -> dict[str, Any]:
    """The JSON body of a reply in the protocol of its call."""
    if reply.status >= 400:
        return {"error": {"message": reply.text, "type": "test_error", "code": reply.status}}
    tokens = reply.usage or (
        (len(call.system) + len(call.user)) // 4 + 1,
        len(reply.text) // 4 + 1,
    )
    return _ANSWERS[call.protocol](call, reply, tokens)


def _openai(call: Call, reply: Reply, tokens: tuple[int, int]) -> dict[str, Any]:
    message = {"role": "assistant", "content": reply.text}
    if reply.refused:
        message = {"role": "assistant", "content": None, "refusal": reply.text}  # type: ignore[dict-item]
    return {
        "id": "chatcmpl-test",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": reply.model or f"{call.model}-0001",
        "choices": [{"index": 0, "message": message, "finish_reason": reply.finish}],
        "usage": {
            "prompt_tokens": tokens[0],
            "completion_tokens": tokens[1],
            "total_tokens": sum(tokens),
        },
    }


def _anthropic(call: Call, reply: Reply, tokens: tuple[int, int]) -> dict[str, Any]:
    words = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}
    return {
        "id": "msg_test",
        "type": "message",
        "role": "assistant",
        "model": reply.model or f"{call.model}-0001",
        "content": [{"type": "text", "text": reply.text}],
        "stop_reason": "refusal" if reply.refused else words[reply.finish],
        "stop_sequence": None,
        "usage": {"input_tokens": tokens[0], "output_tokens": tokens[1]},
    }


def _google(call: Call, reply: Reply, tokens: tuple[int, int]) -> dict[str, Any]:
    words = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}
    return {
        "candidates": [
            {
                "content": {"role": "model", "parts": [{"text": reply.text}]},
                "finishReason": "SAFETY" if reply.refused else words[reply.finish],
                "index": 0,
            }
        ],
        "usageMetadata": {
            "promptTokenCount": tokens[0],
            "candidatesTokenCount": tokens[1],
            "totalTokenCount": sum(tokens),
        },
        "modelVersion": reply.model or f"{call.model}-0001",
        "responseId": "test",
    }


_ANSWERS = {"openai": _openai, "anthropic": _anthropic, "google": _google}


def _call(
    protocol: str, model: str, key: str, system: Any, messages: Any, body: Mapping[str, Any]
) -> Call:
    return Call(protocol, model, key, _joined(system), _joined(messages), body)


def _joined(given: Any) -> str:
    """All text in a message or messages, however deep."""
    if isinstance(given, str):
        return given
    if isinstance(given, Mapping):
        return _joined(given.get("content") or given.get("parts") or given.get("text") or "")
    if isinstance(given, Sequence):
        return "\n".join(filter(None, map(_joined, given)))
    return ""


def _number(given: Any) -> Any:
    return int(given) if isinstance(given, Decimal) and given == given.to_integral() else str(given)
