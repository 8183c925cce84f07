"""Small files, small functions, honest names, nothing half done."""

import ast
import io
import re
import subprocess
import tokenize

from server.guards import ROOMS
from tests.rules.source import ROOT, functions, imported, in_rooms, report, sources

FOLDERS = {*ROOMS, "tests", "bench", "docs", "console", ".ci"}
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
SKIPS = {"skip", "skipif", "xfail", "importorskip"}


def test_files_are_short() -> None:
    faults = []
    for source in sources():
        limit, lines = (600 if source.folder == "tests" else 400), source.text.count("\n")
        if lines >= limit:
            faults.append(f"{source.path} has {lines} lines, {limit - 1} are allowed")
    report(faults, "Split the file by verb (rows: reading, adding, rolling back), not by size.")


def test_functions_are_short() -> None:
    faults = []
    for source in sources():
        limit = 90 if source.folder == "tests" else 50
        for node in functions(source.tree):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines >= limit:
                faults.append(f"{source.at(node.lineno)} {node.name} has {lines} lines of {limit}")
    report(faults, "Give the steps names of their own, or a table instead of branches.")


def test_our_rooms_are_imported_at_the_top() -> None:
    faults = []
    for source in sources():
        for function in functions(source.tree):
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom) and imported(node) & {*ROOMS}:
                    faults.append(source.at(node.lineno))
    report(
        faults,
        "A deferred import hides a circle. Move what both need into a module below both.",
    )


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = {"utils", "util", "helpers", "helper", "common", "misc"}
    faults = [str(source.path) for source in sources() if source.path.stem in drawers]
    report(faults, "Name the module after the one thing it is about, or put it where it is used.")


def test_nothing_is_left_for_later() -> None:
    faults = []
    for source in sources():
        for number, line in enumerate(source.text.splitlines(), 1):
            if UNFINISHED.search(line):
                faults.append(source.at(number))
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Name) and node.id == "NotImplemented" + "Error":
                faults.append(source.at(node.lineno))
    report(faults, "Finish it or leave it out; what is planned belongs into an issue.")


def test_no_test_is_skipped() -> None:
    faults = []
    for source in sources():
        for node in ast.walk(source.tree):
            if (
                isinstance(node, ast.Attribute)
                and node.attr in SKIPS
                and ast.unparse(node.value) in ("pytest", "pytest.mark", "unittest")
            ):
                faults.append(source.at(node.lineno))
    report(faults, "Make it pass, or define it only where it can run (`if sys.platform == …:`).")


def test_tests_wait_for_events_and_not_for_time() -> None:
    faults = []
    for source in sources():
        for node in ast.walk(source.tree):
            if (
                source.folder == "tests"
                and isinstance(node, ast.Call)
                and ast.unparse(node.func).split(".")[-1] == "sleep"
                and [ast.unparse(argument) for argument in node.args] != ["0"]
            ):
                faults.append(source.at(node.lineno))
    report(
        faults, "Wait for what should happen: an Event, a Queue, a line of output. sleep(0) may."
    )


def test_comments_name_no_place_on_somebodys_machine() -> None:
    faults = []
    for source in sources():
        tokens = tokenize.generate_tokens(io.StringIO(source.text).readline)
        places = [t.start[0] for t in tokens if re.search(r"/(?:home|Users|work)/\w", t.string)]
        faults += [source.at(line) for line in places]
    report(faults, "Use a path relative to the repository, or a temporary folder.")


def test_only_known_folders_lie_at_the_top() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.splitlines()
    found = {line.split("/")[0] for line in listed if "/" in line}
    report(
        sorted(found - FOLDERS),
        "A new top-level folder is a decision: put it into a room, or write a decision record.",
    )


def test_sql_stays_in_persistence() -> None:
    verbs = r"SELECT\s.+\sFROM|INSERT INTO|UPDATE\s\w+\sSET|DELETE FROM|(?:CREATE|ALTER) TABLE"
    sql = re.compile(rf"\s*(?:{verbs})\s", re.DOTALL)
    faults = []
    for source in in_rooms():
        for node in ast.walk(source.tree):
            if (
                source.folder != "persistence"
                and isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and sql.match(node.value)
            ):
                faults.append(source.at(node.lineno))
    report(faults, "Move the statement into persistence and call it by a name.")
