"""Programs of users in the sandbox: what they may do, and what becomes of those that mean harm."""

import asyncio
import itertools
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psutil
import pytest

from domain.columns import ColumnType
from domain.tool_ports import TryLater
from domain.tool_records import ProducerKind, PythonTool
from processing.python_tools import PythonTools
from processing.sandbox import PythonSandbox
from processing.sandbox_program import Fault, Returned
from tests.tools.hostile_programs import MEMORY, PROGRAMS, TIME, Hostile
from tests.tools.tool_work import answered, tool_work

#: Of a worker process: twice what a program may take, since a list that grows is there twice.
MOST_MEMORY = 200_000_000


#: They run until a limit ends them, which others that `make test` runs do too.
ALIKE = {
    "nested loops",
    "endless sum",
    "endless max",
    "endless comprehension",
    "lambda calls",
    "time limit caught",
    "long division",
    "sorting bomb",
    "eval of a sum",
    "factorial bomb",
    "shared list as JSON",
    "shared list asserted",
    "exception chains",
    "recursion caught",
    "printing for ever",
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[PythonSandbox]:
    """One sandbox for all tests, as for all programs of a process."""
    made = PythonSandbox()
    yield made
    asyncio.run(made.close())


@pytest.fixture
def peak() -> Iterator[Callable[[], int]]:
    """The most memory that a child process of ours had since the test began."""
    most, stop = 0, threading.Event()

    def look(known: list[psutil.Process]) -> None:
        nonlocal most
        for process in known:
            with suppress(psutil.Error):
                most = max(most, process.memory_info().rss)

    def watch() -> None:
        # To find them means to read of all processes of the machine.
        known: list[psutil.Process] = []
        for turn in itertools.count():
            if turn % 10 == 0:
                known = workers()
            look(known)
            if stop.wait(0.01):
                return

    thread = threading.Thread(target=watch)
    thread.start()
    yield lambda: most
    stop.set()
    thread.join()


def workers() -> list[psutil.Process]:
    """The worker processes that live."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if child.name().startswith("monty"):
                found.append(child)
    return found


async def values_of(sandbox: PythonSandbox, code: str, *rows: Any) -> list[Any]:
    """What `run` gives for each row; texts of faults for those that fail."""
    found: list[Any] = []
    async for results in sandbox.results(code, [{"a": row} for row in rows]):
        found += [each.value if isinstance(each, Returned) else each.message for each in results]
    return found


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(each, id=each.name, marks=pytest.mark.long if each.name in ALIKE else ())
        for each in PROGRAMS
    ],
)
async def test_a_hostile_program_harms_its_own_cell_alone(
    sandbox: PythonSandbox, peak: Callable[[], int], program: Hostile
) -> None:
    body = textwrap.indent(program.body, "    ")
    code = f"def run(row):\n  if row['n'] == 1:\n{body}\n  return row['n']\n"
    work = tool_work(PythonTool(code), [{"n": 0}, {"n": 1}, {"n": 2}])
    async with asyncio.timeout(20):
        first, guilty, last = await answered(PythonTools(sandbox), work)
    assert (first.value, first.error, last.value, last.error) == (0, None, 2, None)
    if program.says:
        assert guilty.error is not None
        assert guilty.value is None
        # A busy machine is over the time before the memory is full.
        assert program.says in guilty.error or (program.says == MEMORY and TIME in guilty.error)
    assert len(guilty.error or "") < 700
    assert peak() < MOST_MEMORY
    assert await values_of(sandbox, "def run(row): return row['a']", 3) == [3]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("while True: pass\ndef run(row): return 1", TIME),
        ("x = 'a' * 10**9\ndef run(row): return 1", MEMORY),
        ("1 / 0\ndef run(row): return 1", "ZeroDivisionError: division by zero (line 1)"),
        ("def run(row):\n  yield 1", "The sandbox does not know yield expressions (line 2)"),
        ("class A(Exception): pass\ndef run(row): return 1", "The sandbox does not know class"),
        ("def run(row): return (", "SyntaxError"),
        ("def ran(row): return 1", "The program does not define run(row)"),
        ("import subprocess\ndef run(row): return 1", "No module named 'subprocess' (line 1)"),
        ("run = 3", "TypeError"),
    ],
)
async def test_a_program_that_fails_before_the_first_row(
    sandbox: PythonSandbox, code: str, says: str
) -> None:
    told = await values_of(sandbox, code, 1, 2)
    assert [says in each for each in told] == [True, True]
    problem = await sandbox.check(code)
    assert code == "run = 3" or (problem is not None and says in problem)


@pytest.mark.parametrize(
    "last",
    [
        "x = []\nfor _ in range(60): x = [x, x]\nx",
        "x = []\nfor _ in range(60): x = [x, x]\nx # ",
        "x = []\nfor _ in range(60): x = [x, x]\nx;",
        "def f():\n  x = []\n  for _ in range(60): x = [x, x]\n  return x\nf()",
    ],
)
async def test_the_last_line_of_a_program_does_not_leave_the_sandbox(
    sandbox: PythonSandbox, last: str
) -> None:
    code = f"def run(row): return row['a']\n{last}"
    async with asyncio.timeout(10):
        assert await sandbox.check(code) is None
        assert await values_of(sandbox, code, 1) == [1]


async def test_a_good_program_has_no_problem(sandbox: PythonSandbox) -> None:
    assert (
        await sandbox.check("import re\ndef run(row):\n  return re.sub('a', 'b', row['a'])") is None
    )


async def test_names_that_the_wrapper_uses_can_be_taken(sandbox: PythonSandbox) -> None:
    code = """
json = dumps = len = size = str = type = kind_of = packed = plain = many = one = row = rows = None
time = clock = perf_counter = BaseException = any_error = list = dict = done = limit = left = 1
def print(*args): pass
def run(row):
    global int, float, bool, tuple
    int = float = bool = tuple = None
    return [row['a'], {'b': row['a']}]
"""
    assert await values_of(sandbox, code, 1, 2) == [[1, {"b": 1}], [2, {"b": 2}]]


async def test_values_in_and_out(sandbox: PythonSandbox) -> None:
    long = Decimal("12345678901234567890.123456789")
    values = [None, True, "é\n", 0, -7, 2**63 - 1, 0.1, long, [1, [long]], {"a": {"b": None}}]
    assert await values_of(sandbox, "def run(row): return row['a']", *values) == values
    kinds = await values_of(sandbox, "def run(row): return type(row['a']).__name__", *values)
    assert kinds[3:9] == ["int", "int", "int", "float", "Decimal", "list"]


@pytest.mark.parametrize(
    ("returned", "value"),
    [
        ("2.0", 2),
        ("0.1 + 0.2", 0.30000000000000004),
        ("Decimal('1.10')", 1.1),
        ("Decimal('0.1') + Decimal('0.2')", 0.3),
        ("Decimal(10) ** 30", Decimal(10) ** 30),
        ("[Decimal('1.10'), 10 ** 30]", [1.1, Decimal(10) ** 30]),
        ("date(2026, 1, 2)", "2026-01-02"),
        ("datetime(2026, 1, 2, 3, 4)", "2026-01-02T03:04:00"),
        ("(1, 'a')", [1, "a"]),
        ("{'b', 'a'}", ["a", "b"]),
        ("{'d': date(2026, 1, 2)}", {"d": "2026-01-02"}),
        ("'x' * 65536", "x" * 65536),
    ],
)
async def test_what_run_may_return(sandbox: PythonSandbox, returned: str, value: Any) -> None:
    code = (
        "from datetime import date, datetime\nfrom decimal import Decimal\n"
        f"def run(row): return {returned}"
    )
    assert await values_of(sandbox, code, 1) == [value]


async def test_the_column_decides_what_it_takes(sandbox: PythonSandbox) -> None:
    engine = PythonTools(sandbox)
    rows: list[dict[str, Any]] = [{"a": "1,5"}, {"a": 12.5}, {"a": None}]
    work = tool_work(PythonTool("def run(row): return row['a']"), rows, ColumnType.NUMBER)
    wrong, right, empty = await answered(engine, work)
    assert wrong.error == 'run returned what is no value: "1,5" is not a number'
    assert (right.value, right.error, right.nothing) == (12.5, None, False)
    assert empty.nothing
    assert right.producer.kind is ProducerKind.PYTHON
    assert (right.producer.version or "").startswith("monty ")


@pytest.mark.parametrize(
    ("returned", "type_", "value"),
    [
        ("date(2026, 5, 7)", ColumnType.DATE, "2026-05-07"),
        ("date(2026, 5, 7)", ColumnType.DATETIME, "2026-05-07T00:00:00.000Z"),
        ("datetime(2026, 5, 7, 8)", ColumnType.DATETIME, "2026-05-07T08:00:00.000Z"),
        ("datetime(2026, 5, 7, 8, tzinfo=east)", ColumnType.DATETIME, "2026-05-07T06:00:00.000Z"),
        ("Decimal('0.10')", ColumnType.NUMBER, 0.1),
        ("7", ColumnType.TEXT, "7"),
        ("('x', 'y')", ColumnType.MULTI_SELECT, ["x", "y"]),
    ],
)
async def test_values_in_columns(
    sandbox: PythonSandbox, returned: str, type_: ColumnType, value: Any
) -> None:
    code = (
        "from datetime import date, datetime, timedelta, timezone\nfrom decimal import Decimal\n"
        f"east = timezone(timedelta(hours=2))\ndef run(row): return {returned}"
    )
    (answer,) = await answered(PythonTools(sandbox), tool_work(PythonTool(code), [{"a": 1}], type_))
    assert (answer.value, answer.error) == (value, None)


async def test_each_bad_row_has_its_own_error(sandbox: PythonSandbox) -> None:
    code = "def run(row):\n  x = row['a']\n  if x % 3 == 0:\n    return x / 0\n  return x"
    found = await values_of(sandbox, code, *range(1_200))
    wrong = "ZeroDivisionError: division by zero (line 4)"
    assert found == [wrong if each % 3 == 0 else each for each in range(1_200)]


async def test_slow_rows_are_not_guilty_of_being_many(sandbox: PythonSandbox) -> None:
    code = "def run(row):\n  n = 0\n  while n < 60000: n += 1\n  return row['a']"
    assert await values_of(sandbox, code, *range(150)) == list(range(150))


async def test_a_program_that_dies_again_and_again_is_given_up() -> None:
    sandbox = PythonSandbox(seconds=0.02)
    code = "def run(row):\n  while row['a']: pass\n  return 1"
    try:
        found = await values_of(sandbox, code, 0, *([1] * 30), 0)
    finally:
        await sandbox.close()
    assert found[:2] == [1, f"The program {TIME} 0.02 seconds"]
    assert len(found) == 32
    assert [each for each in found if "Not run: 20 rows before" in str(each)] == found[21:]


async def test_large_rows_go_in_smaller_parts(sandbox: PythonSandbox) -> None:
    rows = ["x" * 1_000_000] * 100
    code = "def run(row): return len(row['a'])"
    assert await values_of(sandbox, code, *rows) == [1_000_000] * 100


async def test_nothing_leaks_from_one_batch_to_the_next(sandbox: PythonSandbox) -> None:
    code = """
import random
seen = []
def run(row):
    seen.append(row['a'])
    return seen
"""
    await values_of(sandbox, code, "secret of another organisation")
    assert await values_of(sandbox, code, "mine") == [["mine"]]
    other = "def run(row): return seen"
    assert await values_of(sandbox, other, 1) == ["NameError: name 'seen' is not defined (line 1)"]


async def test_rows_of_a_batch_are_no_names_of_the_program(sandbox: PythonSandbox) -> None:
    code = "def run(row): return rows"
    assert await values_of(sandbox, code, 1) == ["NameError: name 'rows' is not defined (line 1)"]


async def test_programs_know_what_day_it_is(sandbox: PythonSandbox) -> None:
    code = "from datetime import datetime\ndef run(row): return datetime.now().year"
    assert await values_of(sandbox, code, 1) in ([datetime.now(UTC).year], [datetime.now(UTC).year])


async def test_a_worker_that_is_killed_costs_nobody_a_value() -> None:
    sandbox = PythonSandbox(processes=1)
    code = "def run(row):\n  n = 0\n  while n < 60000: n += 1\n  return row['a']"
    try:
        found: list[Any] = []
        killed = False
        rows = [{"a": number} for number in range(100)]
        async for results in sandbox.results(code, rows):
            found += results
            if not killed:
                killed = True
                for process in workers():
                    process.kill()
        assert found == [Returned(number) for number in range(100)]
        assert await sandbox.run(code, {"a": 7}) == Returned(7)
    finally:
        await sandbox.close()


async def test_programs_of_many_run_side_by_side(sandbox: PythonSandbox) -> None:
    endless = [values_of(sandbox, "def run(row):\n  while True: pass", 1) for _ in range(3)]
    good = [values_of(sandbox, "def run(row): return row['a'] + 1", each) for each in range(20)]
    found = await asyncio.gather(*endless, *good)
    assert all(TIME in each[0] for each in found[:3])
    assert found[3:] == [[each + 1] for each in range(20)]


async def test_a_slow_program_lets_others_have_their_turn() -> None:
    sandbox = PythonSandbox(processes=1)
    slow = "def run(row):\n    for n in range(10 ** 9):\n        pass"
    try:
        found: list[Any] = []

        async def run_slow() -> None:
            found.extend(
                [each async for each in sandbox.results(slow, [{"n": n} for n in range(50)])]
            )

        task = asyncio.create_task(run_slow())
        await asyncio.sleep(0)
        assert await sandbox.run("def run(row): return row['n'] + 1", {"n": 1}) == Returned(2)
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    finally:
        await sandbox.close()


async def test_who_stops_listening_frees_the_worker() -> None:
    sandbox = PythonSandbox(processes=1, seconds=0.1)
    slow = "def run(row):\n  while row['a']: pass\n  return 1"
    try:
        rows = [{"a": number} for number in range(400)]
        async for _ in sandbox.results(slow, rows):
            break
        async with asyncio.timeout(10):
            assert await sandbox.run("def run(row): return 5", {}) == Returned(5)
    finally:
        await sandbox.close()


async def test_a_closed_sandbox_leaves_cells_as_they_are() -> None:
    sandbox = PythonSandbox(processes=1, seconds=0.1)
    work = tool_work(
        PythonTool("def run(row):\n  while row['a']: pass\n  return 1"), [{"a": 1}] * 50
    )
    answers = PythonTools(sandbox).answers(work)
    assert TIME in ((await anext(answers)).error or "")
    await sandbox.close()
    with pytest.raises(TryLater):
        _ = [answer async for answer in answers]
    with pytest.raises(TryLater):
        await anext(PythonTools(sandbox).answers(work))


async def test_one_row_alone(sandbox: PythonSandbox) -> None:
    assert await sandbox.run("def run(row): return row['a']", {"a": 1}) == Returned(1)
    told = await sandbox.run("def run(row): return row['b']", {"a": 1})
    assert told == Fault("KeyError: b (line 1)")


async def test_the_processes_of_the_sandbox_know_nothing_of_ours(
    sandbox: PythonSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLECAST_SECRET_KEY", "a secret")
    fresh = PythonSandbox(processes=1)
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    try:
        assert await fresh.run("def run(row):\n    return 1", {}) == Returned(1)
        mine = [
            child
            for child in psutil.Process().children(recursive=True)
            if child.pid not in before and "monty" in child.name()
        ]
        assert mine
        assert [child.environ() for child in mine] == [{}] * len(mine)
    finally:
        await fresh.close()
