"""Reading the program of a Python tool without running it: whether it is one, and what it reads."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

MAX_CODE = 65_536


@dataclass(frozen=True, slots=True)
class Program:
    """A program that defines `run(row)`. `reads` are the keys that it takes from the row by name,
    in the order of the text."""

    reads: tuple[str, ...]


def read_program(code: str) -> Program | str:
    """The program, or a sentence that says why it is none. Nothing of it is run."""
    if len(code) > MAX_CODE:
        return f"code is longer than {MAX_CODE} characters"
    try:
        tree = ast.parse(code)
    except SyntaxError as error:
        where = f" (line {error.lineno})" if error.lineno else ""
        return f"code is not Python: {error.msg}{where}"
    except (ValueError, RecursionError, MemoryError):
        return "code is not Python: it cannot be read"
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "run":
            return _program(tree, statement)
    return "code must define run(row)"


def _program(tree: ast.Module, run: ast.FunctionDef) -> Program | str:
    arguments = [*run.args.posonlyargs, *run.args.args]
    needed = len(arguments) - len(run.args.defaults)
    if not arguments or needed > 1 or any(each is None for each in run.args.kw_defaults):
        return "code must define run with one argument, the row"
    return Program(tuple(dict.fromkeys(_reads(tree, arguments[0].arg))))


def _reads(tree: ast.Module, row: str) -> Iterator[str]:
    """Texts in `row["key"]` and `row.get("key")`, wherever they stand."""
    found: list[tuple[int, int, str]] = []
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str(key))):
                if name == row:
                    found.append((node.lineno, node.col_offset, key))
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr="get"),
                args=[ast.Constant(value=str(key)), *_],
            ):
                if name == row:
                    found.append((node.lineno, node.col_offset, key))
    yield from (key for _, _, key in sorted(found))
