"""Print the events of a LimAI webhook that are really from tablecast: python documents.py <port>

SECRET is what `webhookCreate` answered. Only the standard library."""
# ruff: noqa: T201

import hashlib
import hmac
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

SECRET = os.environ["SECRET"].encode()


class Receiver(BaseHTTPRequestHandler):
    """Answers the challenge, and accepts what is signed with our secret."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        mine = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(mine, self.headers["x-webhook-signature"]):
            self.send_error(400, "the signature is wrong")
            return
        event = json.loads(body)
        challenge = event.get("challenge", "").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(challenge)))
        self.end_headers()
        self.wfile.write(challenge)
        if event["eventType"] != "VERIFICATION":
            told = {name: value for name, value in event["data"].items() if value is not None}
            print(event["eventType"], json.dumps(told), flush=True)

    def log_message(self, format: str, *args: object) -> None:
        """The events are all that is to be seen."""


HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
