"""Print the events of a webhook that are really from tablecast: python receiver.py <port>

SECRET is what `webhookCreate` answered. Only the standard library; a program of yours would rather
take a library for Standard Webhooks."""
# ruff: noqa: T201

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer

SECRET = base64.b64decode(os.environ["SECRET"].removeprefix("whsec_"))


def is_genuine(headers: Message, body: bytes) -> bool:
    """Whether somebody signed this, not long ago, who knows the secret."""
    sent, moment = headers["webhook-id"], headers["webhook-timestamp"]
    if not sent or abs(time.time() - int(moment)) > 300:
        return False
    digest = hmac.digest(SECRET, f"{sent}.{moment}.".encode() + body, hashlib.sha256)
    mine = "v1," + base64.b64encode(digest).decode()
    return any(hmac.compare_digest(mine, each) for each in headers["webhook-signature"].split())


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        genuine = is_genuine(self.headers, body)
        self.send_response(204 if genuine else 401)
        self.end_headers()
        if genuine:
            event = json.loads(body)
            told = event["data"]
            values = {key: told["data"][key] for key in told.get("changedColumns", [])}
            shown = values or told.get("cells") or told.get("data") or ""
            print(event["type"], told.get("revision", ""), shown, flush=True)

    def log_message(self, *_: object) -> None:
        """Not of every request."""


HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
