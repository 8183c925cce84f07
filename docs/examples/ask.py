"""Send a GraphQL document from standard input: ask.py [-o path.to.value] [variable=value …]

Prints the answer as JSON; of a subscription every event, as a line, until it ends. With -o prints
one value of the answer alone. Needs URL and KEY, and for subscriptions the package websockets."""
# ruff: noqa: T201, S310

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from websockets import Subprotocol, connect

PROTOCOL = Subprotocol("graphql-transport-ws")
KEY = {"Authorization": f"Bearer {os.environ['KEY']}"}
URL = f"{os.environ['URL']}/graphql"


def send(document: str, variables: dict[str, Any]) -> dict[str, Any]:
    """The answer to a query or mutation: `data`, or `errors`."""
    body = json.dumps({"query": document, "variables": variables}).encode()
    try:
        answer = urlopen(Request(URL, body, {**KEY, "Content-Type": "application/json"}))
    except HTTPError as refused:
        answer = refused
    return dict(json.load(answer))


async def follow(document: str, variables: dict[str, Any]) -> AsyncIterator[Any]:
    """The events of a subscription, until it ends."""
    payload = {"query": document, "variables": variables}
    async with connect(URL.replace("http", "ws", 1), subprotocols=[PROTOCOL]) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": KEY}))
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "next":
                (event,) = message["payload"]["data"].values()
                yield event
            elif message["type"] == "error":
                sys.exit(pretty(message["payload"]))
            elif message["type"] == "complete":
                return


def pretty(value: Any, indent: str = "") -> str:
    """JSON in which everything that fits into a line stands in one."""
    line = json.dumps(value, ensure_ascii=False)
    if len(indent + line) <= 100 or not isinstance(value, dict | list):
        return line
    deeper, (first, last) = indent + "  ", "[]" if isinstance(value, list) else "{}"
    if isinstance(value, list):
        parts = [pretty(each, deeper) for each in value]
    else:
        parts = [f"{json.dumps(name)}: {pretty(each, deeper)}" for name, each in value.items()]
    return f"{first}\n{deeper}" + f",\n{deeper}".join(parts) + f"\n{indent}{last}"


def ask(document: str, variables: dict[str, Any], only: str | None) -> None:
    """Print an answer, or one value of it."""
    answer = send(document, variables)
    payloads = [each for each in (answer.get("data") or {}).values() if isinstance(each, dict)]
    told = [each["errors"] for each in payloads if each.get("errors")]
    if "errors" in answer or (only and told):
        sys.exit(pretty(answer.get("errors") or told))
    value = answer["data"]
    if only is None:
        print(pretty(value))
        return
    for name in only.split("."):
        value = value[int(name) if name.isdigit() else name]
    print(value if isinstance(value, str) else json.dumps(value))


async def main() -> None:
    arguments = sys.argv[1:]
    only = arguments[1] if arguments[:1] == ["-o"] else None
    variables = dict(text.split("=", 1) for text in arguments[2 if only else 0 :])
    document = sys.stdin.read()
    if not document.lstrip().startswith("subscription"):
        ask(document, variables, only)
        return
    async for event in follow(document, variables):
        print(json.dumps(event, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
