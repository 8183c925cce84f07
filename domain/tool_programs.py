"""Programs of Python tools, looked at by the sandbox before a column is saved with them."""

from collections.abc import Mapping

from domain import access, checks
from domain.access import Viewer
from domain.errors import ErrorCode, Problem
from domain.tool_code import Program, read_program
from domain.tool_ports import ProgramChecker
from domain.tool_records import PythonTool, Tool


async def check_programs(
    viewer: Viewer, programs: ProgramChecker, tools: Mapping[tuple[str, ...], Tool | None]
) -> None:
    """Let the sandbox read each program among the tools, named by their paths in the request.

    Raises `Invalid` for those that could give no value for any row. What is no program at all is
    left to the rules of tools."""
    access.require(viewer, "toolCheck")
    problems = []
    for path, tool in tools.items():
        code = tool.settings.code if tool and isinstance(tool.settings, PythonTool) else ""
        if isinstance(read_program(code), Program):
            fault = await programs.check(code)
            if fault is not None:
                problems.append(Problem(ErrorCode.INVALID, f"code: {fault}", (*path, "code")))
    checks.refuse(problems)
