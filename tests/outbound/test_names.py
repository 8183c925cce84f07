"""Looking up names: those that nobody answers for must not hold up others."""

import asyncio
import socket
import threading
from typing import Any

import pytest

from processing.guard import system_resolver


async def test_a_name_that_hangs_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, asked = threading.Event(), []
    real = socket.getaddrinfo

    def getaddrinfo(host: str, *more: Any, **named: Any) -> Any:
        if host.endswith("hangs.example"):
            asked.append(host)
            go_on.wait()
            raise socket.gaierror
        return real(host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    hanging = [
        asyncio.create_task(system_resolver(f"{n % 20}.hangs.example", 443)) for n in range(60)
    ]
    try:
        async with asyncio.timeout(10):
            assert await system_resolver("127.0.0.1", 443) == ["127.0.0.1"]
            # The loop's own look-ups, which connections to the database use, go on too.
            await asyncio.get_running_loop().getaddrinfo("127.0.0.1", 443)
        hanging[0].cancel()
    finally:
        go_on.set()
    found = await asyncio.gather(*hanging, return_exceptions=True)
    assert found[1:] == [[]] * 59, "who gave up takes the answer from nobody"
    assert sorted(asked) == sorted(f"{n}.hangs.example" for n in range(20)), "each is asked once"
