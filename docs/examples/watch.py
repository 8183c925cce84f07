"""Follow a table: python watch.py <table id> [after]. Needs the package websockets, URL and KEY."""
# ruff: noqa: T201

import asyncio
import json
import os
import sys

from websockets import ClientConnection, ConnectionClosed, Subprotocol, connect

PROTOCOL = Subprotocol("graphql-transport-ws")
QUERY = """
subscription ($table: ID!, $after: Int) {
  tableChanged(tableId: $table, after: $after) {
    __typename
    ... on StreamStarted { revision state }
    ... on ChangeEvent { revision }
    ... on RowsAdded { rows { data } }
    ... on RowsChanged { columns rows { data } }
    ... on RowsDeleted { rowIds }
  }
}"""


async def watch(table: str, after: int | None) -> None:
    """Print every change. After a lost connection go on behind the last revision seen."""
    url = os.environ["URL"].replace("http", "ws", 1) + "/graphql"
    # `async for` connects again, with growing pauses, as often as it takes.
    async for socket in connect(url, subprotocols=[PROTOCOL]):
        try:
            await subscribe(socket, {"table": table, "after": after})
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "next":
                    event = message["payload"]["data"]["tableChanged"]
                    after = event["revision"]
                    print(event, flush=True)
                elif message["type"] in ("error", "complete"):
                    sys.exit(str(text))
        except ConnectionClosed as closed:
            if closed.rcvd and closed.rcvd.code == 4403:
                sys.exit("The key is not good, or not any more.")


async def subscribe(socket: ClientConnection, variables: dict[str, object]) -> None:
    key = {"Authorization": f"Bearer {os.environ['KEY']}"}
    await socket.send(json.dumps({"type": "connection_init", "payload": key}))
    payload = {"query": QUERY, "variables": variables}
    await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))


asyncio.run(watch(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None))
