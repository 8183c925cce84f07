"""What an operator can set or call is in the docs, and the docs promise nothing else."""

import re

from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from server import cli
from server.settings import Settings, variable
from tests.rules.source import ROOT, report


def _headings(name: str) -> set[str]:
    text = (ROOT / "docs" / name).read_text()
    return set(re.findall(r"^#{2,4} `([^`]+)`", text, re.MULTILINE))


def _commands(group: TyperGroup, prefix: str) -> dict[str, TyperCommand]:
    found: dict[str, TyperCommand] = {}
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            found |= _commands(command, f"{prefix} {name}")
        elif isinstance(command, TyperCommand) and not command.hidden:
            found[f"{prefix} {name}"] = command
    return found


def test_every_setting_is_documented() -> None:
    settings = {variable(field) for field in Settings.model_fields}
    written = set(re.findall(r"^\| `([A-Z_]+)` \|", _text("configuration.md"), re.MULTILINE))
    report(sorted(settings - written), "Give it a row in docs/configuration.md.")
    report(sorted(written - settings), "Take its row out of docs/configuration.md.")


def test_every_setting_describes_itself() -> None:
    silent = [name for name, field in Settings.model_fields.items() if not field.description]
    report(silent, "Give the field a description.")


def test_the_documented_defaults_are_true() -> None:
    rows = dict(
        re.findall(r"^\| `([A-Z_]+)` \| ([^|]*?) \|", _text("configuration.md"), re.MULTILINE)
    )
    faults = []
    for field, info in Settings.model_fields.items():
        default = "" if info.default is None else f"`{info.default}`".lower()
        if rows.get(variable(field)) != default:
            faults.append(f"{variable(field)}: the default is {default or 'empty'}")
    report(faults, "Correct the second column in docs/configuration.md.")


def _text(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def test_every_command_and_option_is_documented() -> None:
    group = get_command(cli.app)
    assert isinstance(group, TyperGroup)
    commands = _commands(group, "tablecast")
    written = _headings("cli.md")
    report(sorted(set(commands) - written), "Give the command a heading in docs/cli.md.")
    report(sorted(written - set(commands)), "Take its heading out of docs/cli.md.")
    text = _text("cli.md")
    faults = [
        f"{name} {option}"
        for name, command in commands.items()
        for parameter in command.params
        if isinstance(parameter, TyperOption) and not parameter.hidden
        for option in parameter.opts
        if f"`{option}" not in text.split(f"`{name}`", 1)[1].split("\n## ", 1)[0]
    ]
    report(faults, "Name the option under its command in docs/cli.md.")
