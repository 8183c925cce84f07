"""What steps of workflows are done with, and how they fail."""

from dataclasses import dataclass
from typing import Any

from domain.access import Role, Viewer
from domain.changes import Cause, CauseKind
from domain.tool_ports import ToolRunner
from domain.workflow_records import WorkflowRun
from persistence.storage import PostgresStorage
from processing.outbound import Outbound


class StepFault(Exception):
    """A step failed. The text is for the user; `output` is what is known nevertheless. `lasting`
    says that it would fail again."""

    def __init__(self, message: str, *, lasting: bool = False, output: Any = None) -> None:
        super().__init__(message)
        self.lasting = lasting
        self.output = output


@dataclass(frozen=True, slots=True)
class Means:
    """What a worker does steps with."""

    storage: PostgresStorage
    outbound: Outbound
    tools: ToolRunner


@dataclass(frozen=True, slots=True)
class Doing:
    """A step that is being done: in which run, at which place, as whom, after how many failures."""

    means: Means
    run: WorkflowRun
    position: int
    failed: int = 0

    @property
    def storage(self) -> PostgresStorage:
        return self.means.storage

    @property
    def viewer(self) -> Viewer:
        """The workflow itself, with the rights of an editor."""
        name = f"workflow:{self.run.workflow_id}"
        return Viewer(self.run.organization_id, Role.EDITOR, name=name)

    @property
    def cause(self) -> Cause:
        """What the log says of the step's writes."""
        return Cause(CauseKind.WORKFLOW, str(self.run.id), self.run.depth)
