"""Who may do what. One table of operations; every use case asks it first."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.errors import Forbidden, OutOfScope


class Role(StrEnum):
    """What a key may do: look, write data and structure, or also manage keys."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"


_RANK = {Role.VIEWER: 0, Role.EDITOR: 1, Role.ADMIN: 2}

#: Every operation with the least role that may call it. Faces name their fields and routes after
#: these; a test proves that no use case is missing here and that each one asks before it does
#: anything else.
OPERATIONS: dict[str, Role] = {
    "projects": Role.VIEWER,
    "project": Role.VIEWER,
    "tables": Role.VIEWER,
    "table": Role.VIEWER,
    "rows": Role.VIEWER,
    "aggregate": Role.VIEWER,
    "cellCounts": Role.VIEWER,
    "charts": Role.VIEWER,
    "chart": Role.VIEWER,
    "chartChanged": Role.VIEWER,
    "row": Role.VIEWER,
    "import": Role.VIEWER,
    "export": Role.VIEWER,
    "triggers": Role.VIEWER,
    "trigger": Role.VIEWER,
    "firings": Role.VIEWER,
    "firing": Role.VIEWER,
    "history": Role.VIEWER,
    "diff": Role.VIEWER,
    "rollback": Role.VIEWER,
    "templates": Role.VIEWER,
    "template": Role.VIEWER,
    "task": Role.VIEWER,
    "tasks": Role.VIEWER,
    "workflow": Role.VIEWER,
    "workflows": Role.VIEWER,
    "workflowRun": Role.VIEWER,
    "workflowRunChanged": Role.VIEWER,
    "file": Role.VIEWER,
    "files": Role.VIEWER,
    "filePicture": Role.VIEWER,
    "tableChanged": Role.VIEWER,
    "cellStatusChanged": Role.VIEWER,
    "organizationChanged": Role.VIEWER,
    "importProgress": Role.VIEWER,
    "run": Role.VIEWER,
    "runs": Role.VIEWER,
    "runProgress": Role.VIEWER,
    "enrichment": Role.VIEWER,
    "enrichmentRuns": Role.VIEWER,
    "extractionSchemas": Role.VIEWER,
    "extractionSchema": Role.VIEWER,
    "classifiers": Role.VIEWER,
    "classifier": Role.VIEWER,
    "extractionJob": Role.VIEWER,
    "extractionJobs": Role.VIEWER,
    "jobProgress": Role.VIEWER,
    "extractedRows": Role.VIEWER,
    "projectCreate": Role.EDITOR,
    "tableCreate": Role.EDITOR,
    "tableUpdate": Role.EDITOR,
    "tableDelete": Role.EDITOR,
    "tableFromTemplate": Role.EDITOR,
    "templateCreate": Role.EDITOR,
    "templateImport": Role.EDITOR,
    "templateDelete": Role.EDITOR,
    "sessionCreate": Role.EDITOR,
    "columnAdd": Role.EDITOR,
    "columnUpdate": Role.EDITOR,
    "columnDelete": Role.EDITOR,
    "columnTypePreview": Role.EDITOR,
    "columnTypeChange": Role.EDITOR,
    "columnRestore": Role.EDITOR,
    "columnsReorder": Role.EDITOR,
    "columnIndexCreate": Role.EDITOR,
    "chartCreate": Role.EDITOR,
    "chartUpdate": Role.EDITOR,
    "chartDelete": Role.EDITOR,
    "rowsAdd": Role.EDITOR,
    "rowsUpdate": Role.EDITOR,
    "rowsDelete": Role.EDITOR,
    "cellsReport": Role.EDITOR,
    "cellsRun": Role.EDITOR,
    "runEstimate": Role.EDITOR,
    "runPreview": Role.EDITOR,
    "runPause": Role.EDITOR,
    "runResume": Role.EDITOR,
    "runCancel": Role.EDITOR,
    "runRetry": Role.EDITOR,
    "runUndo": Role.EDITOR,
    "enrichmentPlan": Role.EDITOR,
    "enrichmentStart": Role.EDITOR,
    "toolCheck": Role.EDITOR,
    "extractionSchemaCreate": Role.EDITOR,
    "extractionSchemaFromTable": Role.EDITOR,
    "extractionSchemaUpdate": Role.EDITOR,
    "extractionSchemaDelete": Role.EDITOR,
    "extractionExampleAdd": Role.EDITOR,
    "extractionExampleDelete": Role.EDITOR,
    "classifierCreate": Role.EDITOR,
    "classifierUpdate": Role.EDITOR,
    "classifierDelete": Role.EDITOR,
    "documentClassify": Role.EDITOR,
    "rowRollback": Role.EDITOR,
    "rowRestore": Role.EDITOR,
    "cellRollback": Role.EDITOR,
    "rowsRollback": Role.EDITOR,
    "importRollback": Role.EDITOR,
    "actorRollback": Role.EDITOR,
    "fileUpload": Role.EDITOR,
    "fileUploadUrl": Role.EDITOR,
    "fileDelete": Role.EDITOR,
    "importPreview": Role.EDITOR,
    "importStart": Role.EDITOR,
    "extractionStart": Role.EDITOR,
    "extractionCancel": Role.EDITOR,
    "extractionRerun": Role.EDITOR,
    "reviewAccept": Role.EDITOR,
    "reviewSubmit": Role.EDITOR,
    "importCancel": Role.EDITOR,
    "importResume": Role.EDITOR,
    "triggerCreate": Role.EDITOR,
    "triggerUpdate": Role.EDITOR,
    "triggerDelete": Role.EDITOR,
    "firingReplay": Role.EDITOR,
    "firingsReplay": Role.EDITOR,
    "taskCreate": Role.EDITOR,
    "taskUpdate": Role.EDITOR,
    "workflowCreate": Role.EDITOR,
    "workflowUpdate": Role.EDITOR,
    "workflowDelete": Role.EDITOR,
    "workflowStart": Role.EDITOR,
    "workflowPause": Role.EDITOR,
    "workflowResume": Role.EDITOR,
    "workflowRunCancel": Role.EDITOR,
    "workflowRunReplay": Role.EDITOR,
    # URLs of endpoints often are secrets themselves, and deliveries hold rows.
    "webhooks": Role.EDITOR,
    "webhook": Role.EDITOR,
    "webhookDeliveries": Role.EDITOR,
    "webhookDelivery": Role.EDITOR,
    "webhookCreate": Role.EDITOR,
    "webhookUpdate": Role.EDITOR,
    "webhookDelete": Role.EDITOR,
    "webhookRotateSecret": Role.EDITOR,
    "webhookEnable": Role.EDITOR,
    "webhookDisable": Role.EDITOR,
    "webhookPing": Role.EDITOR,
    "webhookVerify": Role.EDITOR,
    "webhookReplay": Role.EDITOR,
    "webhookDeliveryRetry": Role.EDITOR,
    "apiKeys": Role.ADMIN,
    "apiKeyCreate": Role.ADMIN,
    "apiKeyRevoke": Role.ADMIN,
    "providers": Role.VIEWER,
    "provider": Role.VIEWER,
    "providerCreate": Role.ADMIN,
    "providerUpdate": Role.ADMIN,
    "providerDelete": Role.ADMIN,
    "providerTest": Role.ADMIN,
    "secrets": Role.EDITOR,
    "secretSet": Role.ADMIN,
    "secretDelete": Role.ADMIN,
}


#: What a key with a scope may ask for. All else works on the whole organisation.
SCOPED_OPERATIONS = frozenset(
    {
        "projects",
        "project",
        "tables",
        "table",
        "rows",
        "row",
        "import",
        "file",
        "files",
        "filePicture",
        "aggregate",
        "cellCounts",
        "charts",
        "chart",
        "chartChanged",
        "export",
        "history",
        "diff",
        "rollback",
        "tableChanged",
        "cellStatusChanged",
        "importProgress",
        "toolCheck",
        "tableCreate",
        "tableUpdate",
        "tableDelete",
        "sessionCreate",
        "columnAdd",
        "columnUpdate",
        "columnDelete",
        "columnRestore",
        "columnTypePreview",
        "columnTypeChange",
        "columnsReorder",
        "columnIndexCreate",
        "rowsAdd",
        "rowsUpdate",
        "rowsDelete",
        "rowRollback",
        "rowRestore",
        "rowsRollback",
        "cellRollback",
        "importRollback",
        "actorRollback",
        "cellsReport",
        "cellsRun",
        "run",
        "runs",
        "runProgress",
        "runEstimate",
        "runPreview",
        "runPause",
        "runResume",
        "runCancel",
        "runRetry",
        "runUndo",
        "enrichment",
        "enrichmentRuns",
        "enrichmentPlan",
        "enrichmentStart",
        "extractionSchemas",
        "extractionSchema",
        "extractionSchemaCreate",
        "extractionSchemaFromTable",
        "extractionSchemaUpdate",
        "extractionSchemaDelete",
        "extractionExampleAdd",
        "extractionExampleDelete",
        "classifiers",
        "classifier",
        "classifierCreate",
        "classifierUpdate",
        "classifierDelete",
        "extractionStart",
        "extractionJob",
        "extractionJobs",
        "extractionCancel",
        "extractionRerun",
        "jobProgress",
        "extractedRows",
        "reviewAccept",
        "reviewSubmit",
        "documentClassify",
        "chartCreate",
        "chartUpdate",
        "chartDelete",
        "fileUpload",
        "fileUploadUrl",
        "fileDelete",
        "importPreview",
        "importStart",
        "importCancel",
        "importResume",
        "webhooks",
        "webhook",
        "webhookDeliveries",
        "webhookDelivery",
        "webhookCreate",
        "webhookUpdate",
        "webhookDelete",
        "webhookRotateSecret",
        "webhookEnable",
        "webhookDisable",
        "webhookPing",
        "webhookVerify",
        "webhookReplay",
        "webhookDeliveryRetry",
    }
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a key reaches when it does not reach the whole organisation: these projects with their
    tables, and these tables."""

    project_ids: frozenset[UUID]
    table_ids: frozenset[UUID]

    def covers(self, table_id: UUID, project_id: UUID | None) -> bool:
        """Whether a table lies in the scope, given the project that it belongs to."""
        return table_id in self.table_ids or project_id in self.project_ids


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who calls: one key of one organisation. `key_id` is None for `serve --open` on loopback, and
    for what works by itself, which has a `name` such as `workflow:<id>`."""

    organization_id: UUID
    role: Role
    key_id: UUID | None = None
    expires_at: datetime | None = None
    name: str | None = None
    scope: Scope | None = None

    @property
    def actor(self) -> str:
        """What the log writes as the author of a change: the name of what works by itself, the
        key's id, or `open`."""
        if self.name is not None:
            return self.name
        return str(self.key_id) if self.key_id else "open"


def allows(viewer: Viewer, operation: str) -> bool:
    """Whether the viewer's role reaches the operation."""
    return _RANK[viewer.role] >= _RANK[OPERATIONS[operation]]


def require(viewer: Viewer, operation: str) -> None:
    """Refuse with `Forbidden` unless the viewer may call `operation`."""
    if not allows(viewer, operation):
        raise Forbidden(operation, OPERATIONS[operation].value)
    if viewer.scope is not None and operation not in SCOPED_OPERATIONS:
        raise OutOfScope(operation, OPERATIONS[operation].value)
