"""Tools that ask a server, against a real one."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from uuid import UUID

import pytest

from domain.addresses import Allowed
from domain.columns import ColumnType
from domain.errors import Conflict, NotFound
from domain.tool_ports import ToolWork, TryLater
from domain.tool_records import Answer, HttpTool, ProducerKind
from processing.http_tools import HttpTools
from processing.outbound import Outbound
from tests.tools.answering import Asked, Reply, answering
from tests.tools.tool_work import answered, tool_work

SECRETS = {"TOKEN": "s3cr3t", "BAD": "two\r\nlines"}


async def read_secret(organization_id: UUID, name: str, host: str) -> str:
    """Secrets for this machine alone."""
    if name not in SECRETS:
        raise NotFound("Secret")
    if host != "127.0.0.1":
        raise Conflict(f"The secret {name} is not for the host {host}")
    return SECRETS[name]


def engine(allowed: str = "127.0.0.1") -> HttpTools:
    return HttpTools(Outbound(Allowed.parse(allowed), seconds=5), read_secret)


async def test_a_secret_does_not_travel_in_the_open() -> None:
    """Any editor writes the URL of a tool; who listens on the way must not learn the secret."""

    async def resolver(host: str, port: int) -> list[str]:
        return ["93.184.216.34"]

    async def read(organization_id: UUID, name: str, host: str) -> str:
        return "s3cr3t"

    tools = HttpTools(Outbound(Allowed(), resolver=resolver, seconds=5), read)
    tool = HttpTool("http://api.example/{{id}}", headers={"X-Key": "{{secret.TOKEN}}"})
    (answer,) = await answered(tools, tool_work(tool, [{"id": 1}], ColumnType.JSON))
    assert answer.error == "Plain http goes only where the operator allows it; use https"


async def test_secrets_know_hosts_as_they_are_on_the_wire() -> None:
    hosts = []

    async def read(organization_id: UUID, name: str, host: str) -> str:
        hosts.append(host)
        raise NotFound("Secret")

    tool = HttpTool("https://bücher.example/{{id}}", headers={"X-Key": "{{secret.TOKEN}}"})
    await answered(HttpTools(Outbound(Allowed()), read), tool_work(tool, [{"id": 1}]))
    assert hosts == ["xn--bcher-kva.example"]


def always(reply: Reply) -> Callable[[Asked], Awaitable[Reply]]:
    async def answer(_: Asked) -> Reply:
        return reply

    return answer


async def echo(asked: Asked) -> Reply:
    return Reply(json.dumps({"path": asked.path, "body": asked.body, "method": asked.method}))


async def ask(
    tool: HttpTool, row: Mapping[str, Any], type_: ColumnType = ColumnType.JSON
) -> tuple[Any, str | None]:
    """Value and error of one row."""
    (answer,) = await answered(engine(), tool_work(tool, [row], type_))
    assert answer.producer.kind is ProducerKind.HTTP
    return answer.value, answer.error


@pytest.mark.parametrize(
    ("template", "value", "path"),
    [
        ("/u/{{id}}", "a b", "/u/a%20b"),
        ("/u/{{ row.id }}/x", "a/b", "/u/a%2Fb/x"),
        ("/u/{{id}}", "../admin", "/u/..%2Fadmin"),
        ("/u/{{id}}", "x?admin=1#y", "/u/x%3Fadmin%3D1%23y"),
        ("/u/{{id}}", "é%2f", "/u/%C3%A9%252f"),
        ("/u/{{id}}", "x\r\nHost: evil", "/u/x%0D%0AHost%3A%20evil"),
        ("/u/{{id}}", "...", "/u/..."),
        ("/u?q={{id}}&z=1", "a&z=2#", "/u?q=a%26z%3D2%23&z=1"),
        ("/u?q={{id}}", "", "/u?q="),
        ("/u?q={{id}}", 1.5, "/u?q=1.5"),
        ("/u?q={{id}}", True, "/u?q=true"),
        ("/u?q={{id}}", ["a", 1], "/u?q=%5B%22a%22%2C1%5D"),
        ("/u?q={{id}}", "@evil.example", "/u?q=%40evil.example"),
    ],
)
async def test_a_value_stays_in_its_place_of_the_url(template: str, value: Any, path: str) -> None:
    async with answering(echo) as server:
        tool = HttpTool(server.url(template), pointer="/path")
        assert await ask(tool, {"id": value}) == (path, None)
        assert server.asked[0].headers["host"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize(
    ("template", "value", "error"),
    [
        ("/u/{{id}}", "..", "A part of the URL's path would be . or .."),
        ("/u/{{id}}{{id}}/x", ".", "A part of the URL's path would be . or .."),
        ("/u/.{{id}}", ".", "A part of the URL's path would be . or .."),
        ("/u/{{id}}", None, '"id" is empty, and stands in the path of the URL'),
        ("/u/{{id}}", " ", '"id" is empty, and stands in the path of the URL'),
        ("/u/{{id}}", "x" * 3000, "The URL would be longer than 2048 characters"),
    ],
)
async def test_a_value_that_would_lead_elsewhere_is_refused(
    template: str, value: Any, error: str
) -> None:
    async with answering(echo) as server:
        assert await ask(HttpTool(server.url(template)), {"id": value}) == (None, error)
        assert server.asked == []


@pytest.mark.parametrize(
    ("template", "value", "body"),
    [
        ('{"a": "{{v}}"}', 'x", "admin": "y', {"a": 'x", "admin": "y'}),
        ('{"a": "<{{v}}>"}', '\\"\n', {"a": '<\\"\n>'}),
        ('{"a": {{v}}}', 'x", "admin": true', {"a": 'x", "admin": true'}),
        ('{"a": {{v}}, "b": "\\"{{v}}"}', 2.5, {"a": 2.5, "b": '"2.5'}),
        ('{"a": {{v}}}', None, {"a": None}),
        ('{"a": {{v}}}', {"x": [1, "é"]}, {"a": {"x": [1, "é"]}}),
        ('[{{v}}, "{{v}}", {{v}}]', "a", ["a", "a", "a"]),
    ],
)
async def test_a_value_stays_a_value_in_json(template: str, value: Any, body: Any) -> None:
    async with answering(echo) as server:
        tool = HttpTool(server.url(), "POST", body=template, pointer="/body")
        told, error = await ask(tool, {"v": value})
        assert error is None
        assert json.loads(told) == body
        assert server.asked[0].headers["content-type"] == "application/json"


async def test_other_bodies_by_their_type() -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    async with answering(echo) as server:
        tool = HttpTool(server.url(), "PUT", form, "a={{v}}&b=1", "/body")
        assert await ask(tool, {"v": "x&b=2"}) == ("a=x%26b%3D2&b=1", None)
        plain = HttpTool(server.url(), "POST", body="Hello {{v}}", pointer="/body")
        assert await ask(plain, {"v": "x\ny"}) == ("Hello x\ny", None)
        assert server.asked[1].headers["content-type"] == "text/plain; charset=utf-8"
        assert server.asked[0].method == "PUT"


async def test_secrets_go_into_headers_and_nowhere_else() -> None:
    headers = {"Authorization": "Bearer {{secret.TOKEN}}", "X-Row": "{{v}}"}
    async with answering(echo) as server:
        value, error = await ask(HttpTool(server.url(), headers=headers), {"v": "one"})
        assert error is None
        assert "s3cr3t" not in json.dumps(value)
        assert server.asked[0].headers["authorization"] == "Bearer s3cr3t"
        assert server.asked[0].headers["x-row"] == "one"
        other = server.url().replace("127.0.0.1", "localhost")
        for tool, told in (
            (HttpTool(other, headers=headers), "TOKEN is not for the host localhost"),
            (HttpTool(server.url(), headers={"X": "{{secret.NONE}}"}), "Secret"),
            (HttpTool(server.url(), headers={"X": "{{secret.BAD}}"}), "The header X would have"),
        ):
            _, error = await ask(tool, {"v": "one"})
            assert error is not None
            assert told in error
            assert "s3cr3t" not in error
        assert len(server.asked) == 1


async def test_a_header_is_one_line() -> None:
    async with answering(echo) as server:
        tool = HttpTool(server.url(), headers={"X-A": "{{v}}"})
        for value in ("a\r\nX-Admin: 1", "a\nb", "é"):
            _, error = await ask(tool, {"v": value})
            assert error == "The header X-A would have a line break or a letter beyond ASCII"
        _, error = await ask(HttpTool(server.url(), headers={"Host": "{{v}}"}), {"v": "x"})
        assert error == "The header host cannot be set"
        assert server.asked == []


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", {"a": {"b": [10, {"c/d": 1, "~": 2, "": 3}]}, "e": None, "0": "zero"}),
        ("/a/b/0", 10),
        ("/a/b/1/c~1d", 1),
        ("/a/b/1/~0", 2),
        ("/a/b/1/", 3),
        ("/0", "zero"),
        ("/e", None),
    ],
)
async def test_pointers(pointer: str, value: Any) -> None:
    body = '{"a": {"b": [10, {"c/d": 1, "~": 2, "": 3}]}, "e": null, "0": "zero"}'
    async with answering(always(Reply(body))) as server:
        assert await ask(HttpTool(server.url(), pointer=pointer), {"v": 1}) == (value, None)


@pytest.mark.parametrize("pointer", ["/b", "/a/b", "/a/2", "/a/00", "/a/-", "/a/0/x", "/"])
async def test_pointers_to_nothing(pointer: str) -> None:
    async with answering(always(Reply('{"a": [1, 2]}'))) as server:
        told = await ask(HttpTool(server.url(), pointer=pointer), {"v": 1})
        assert told == (None, f'The answer has nothing at "{pointer}"')


async def test_answers_that_are_no_json() -> None:
    async with answering(always(Reply("<p>é</p>"))) as server:
        assert await ask(HttpTool(server.url()), {"v": 1}) == ("<p>é</p>", None)
        _, error = await ask(HttpTool(server.url(), pointer="/a"), {"v": 1})
        assert (error or "").startswith("The answer is not JSON: ")
    async with answering(always(Reply("", 204))) as server:
        assert await ask(HttpTool(server.url()), {"v": 1}) == (None, None)
    async with answering(always(Reply("x" * 300_000))) as server:
        _, error = await ask(HttpTool(server.url()), {"v": 1})
        assert error == "The answer is longer than 256000 bytes"


async def test_numbers_stay_exact_and_columns_decide() -> None:
    async with answering(always(Reply('{"n": 12345678901234567890.5, "s": "x"}'))) as server:
        value, _ = await ask(HttpTool(server.url(), pointer="/n"), {"v": 1}, ColumnType.NUMBER)
        assert str(value) == "12345678901234567890.5"
        told = await ask(HttpTool(server.url(), pointer="/s"), {"v": 1}, ColumnType.NUMBER)
        assert told == (None, 'The answer is no value of this column: "x" is not a number')


@pytest.mark.parametrize("status", [301, 400, 404, 500, 503])
async def test_other_statuses_are_errors_of_their_cell(status: int) -> None:
    async with answering(always(Reply("{}", status, {"Location": "http://[::1]/"}))) as server:
        told = await ask(HttpTool(server.url()), {"v": 1})
        assert told == (None, f"The server answered with status {status}")
        assert len(server.asked) == 1


async def test_what_may_not_be_reached_is_an_error() -> None:
    async with answering(echo) as server:
        work = tool_work(HttpTool(server.url("/{{v}}")), [{"v": 1}])
        (answer,) = await answered(engine(allowed=""), work)
        assert answer.error == "The URL leads to an address that is not public"
        assert server.asked == []
    _, error = await ask(HttpTool(server.url()), {"v": 1})
    assert error == "No connection could be made to the server"


async def test_a_bad_row_stops_no_other() -> None:
    async def reply(asked: Asked) -> Reply:
        return Reply('"fine"', 500 if asked.path.endswith("7") else 200)

    async with answering(reply) as server:
        work = tool_work(HttpTool(server.url("/{{v}}")), [{"v": each} for each in range(40)])
        answers = await answered(engine(), work)
    wrong = [answer.index for answer in answers if answer.error]
    assert wrong == [7, 17, 27, 37]
    assert all(answer.value == "fine" for answer in answers if not answer.error)


async def test_a_host_has_few_requests_at_a_time() -> None:
    arrived, go_on = 0, asyncio.Event()

    async def reply(_: Asked) -> Reply:
        nonlocal arrived
        arrived += 1
        if arrived == 8:
            go_on.set()
        await go_on.wait()
        return Reply()

    async with answering(reply) as server:
        one = engine()
        rows = [{"v": each} for each in range(20)]
        works = [tool_work(HttpTool(server.url("/{{v}}")), rows) for _ in range(3)]
        await asyncio.gather(*(answered(one, work) for work in works))
        assert server.most == 8
        assert len(server.asked) == 60


async def test_a_short_pause_is_waited_for() -> None:
    seen: set[str] = set()

    async def reply(asked: Asked) -> Reply:
        if asked.path in seen:
            return Reply("1")
        seen.add(asked.path)
        return Reply("{}", 429 if asked.path == "/0" else 503, {"Retry-After": "0"})

    async with answering(reply) as server:
        work = tool_work(HttpTool(server.url("/{{v}}")), [{"v": 0}, {"v": 1}])
        assert [answer.value for answer in await answered(engine(), work)] == [1, 1]
        assert len(server.asked) == 4


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"Retry-After": "120"}, 120, 120),
        # Made when tests are collected, which may be long before this one runs.
        ({"Retry-After": format_datetime(datetime.now(UTC) + timedelta(hours=10))}, 30_000, 36_001),
        ({"Retry-After": "soon"}, 30, 30),
        ({}, 30, 30),
        ({"Retry-After": "99999999999"}, 86_400, 86_400),
    ],
)
async def test_a_long_pause_leaves_the_other_cells(
    headers: Mapping[str, str], least: float, most: float
) -> None:
    async def reply(asked: Asked) -> Reply:
        return Reply("1") if asked.path < "/3" else Reply("{}", 429, headers)

    async with answering(reply) as server:
        work = tool_work(HttpTool(server.url("/{{v}}")), [{"v": each} for each in range(300)])
        answers: list[Answer] = []
        with pytest.raises(TryLater) as caught:
            await _collect(work, answers)
        assert least <= caught.value.seconds <= most
        assert caught.value.reason == "The server answered with status 429"
        assert {0, 1, 2} <= {answer.index for answer in answers}
        assert len(server.asked) < 60


async def _collect(work: ToolWork, answers: list[Answer]) -> None:
    async for answer in engine().answers(work):
        answers.append(answer)


async def test_who_stops_listening_stops_asking() -> None:
    async with answering(echo) as server:
        work = tool_work(HttpTool(server.url("/{{v}}")), [{"v": each} for each in range(300)])
        answers = engine().answers(work)
        assert isinstance(answers, AsyncGenerator)
        await anext(answers)
        await answers.aclose()
        assert len(server.asked) < 30
