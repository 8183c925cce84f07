"""Every use case asks for its right before it does anything."""

import ast
from collections.abc import Iterator

from domain.access import OPERATIONS
from tests.rules.source import Source, in_rooms, report, sources_of

#: What several use cases share after they have asked: only the domain may call these.
PARTS = {
    "on_table",
    "project_problems",
    "reached_webhook",
    "run_columns",
    "shape_of",
    "track_columns",
}

UseCase = tuple[Source, ast.AsyncFunctionDef]


def use_cases() -> Iterator[UseCase]:
    """The public async functions of the domain that a viewer calls."""
    for source in sources_of("domain"):
        for node in source.tree.body:
            if (
                isinstance(node, ast.AsyncFunctionDef)
                and not node.name.startswith("_")
                and node.name not in PARTS
                and any(_is_viewer(argument) for argument in node.args.args)
            ):
                yield source, node


def _is_viewer(argument: ast.arg) -> bool:
    return argument.annotation is not None and ast.unparse(argument.annotation) == "Viewer"


def _asks(function: ast.AsyncFunctionDef) -> list[str]:
    """The operations that the first statement after the docstring asks for."""
    body = [statement for statement in function.body if not _is_docstring(statement)]
    match body[0] if body else None:
        case ast.Expr(
            value=ast.Call(
                func=ast.Attribute(value=ast.Name(id="access"), attr="require"),
                args=[ast.Name(id="viewer"), ast.Constant(value=str(operation))],
            )
        ):
            return [operation]
    return []


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def test_every_use_case_asks_first() -> None:
    faults = [
        f"{source.at(function.lineno)} {function.name}"
        for source, function in use_cases()
        if not _asks(function)
    ]
    report(faults, 'Begin with `access.require(viewer, "<operation>")`; a part of one gets a `_`.')


def test_parts_of_use_cases_are_called_in_the_domain_only() -> None:
    faults = []
    for source in in_rooms():
        for node in ast.walk(source.tree):
            names = {
                ast.Attribute: lambda found: {found.attr},
                ast.ImportFrom: lambda found: {alias.name for alias in found.names},
            }.get(type(node), lambda _found: set())(node)
            if source.folder != "domain" and names & PARTS:
                faults.append(f"{source.path} {' '.join(names & PARTS)}")
    report(faults, "They ask for no right. Call a use case instead.")


def test_every_operation_is_known_and_used() -> None:
    asked = {operation for _source, function in use_cases() for operation in _asks(function)}
    unknown = sorted(asked - set(OPERATIONS))
    report(unknown, "Add the operation to domain.access.OPERATIONS with its least role.")
    unused = sorted(set(OPERATIONS) - asked)
    report(unused, "No use case asks for it: write the use case or take the operation out.")
