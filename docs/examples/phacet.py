"""Add a row through the Phacet API, have its tools run, and wait for them:
python phacet.py <table id> <column>=<value> … Needs URL and KEY."""
# ruff: noqa: T201, S310

import json
import os
import sys
import time
from typing import Any
from urllib.request import Request, urlopen

HEADERS = {"Authorization": f"Bearer {os.environ['KEY']}", "Content-Type": "application/json"}
TABLE = f"{os.environ['URL']}/api/v2/tables/{sys.argv[1]}"


def call(path: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(TABLE + path, data, HEADERS)) as answer:
        return json.load(answer)


table = call("")
ids = {column["columnName"]: column["id"] for column in table["columns"]}
given = dict(text.split("=", 1) for text in sys.argv[2:])
cells = [{"columnId": ids[name], "value": value} for name, value in given.items()]
session = table["sessions"][0]["id"]
row = call("/rows", {"sessionId": session, "cells": cells, "triggerTasks": True})
while True:
    print({cell["columnName"]: cell["status"] for cell in row["cells"]}, flush=True)
    if all(cell["status"] in ("resolved", "error") for cell in row["cells"]):
        break
    time.sleep(1)
    row = call(f"/rows/{row['id']}")
print({cell["columnName"]: cell["value"] for cell in row["cells"]})
