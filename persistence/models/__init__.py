"""SQLModel tables: metadata of organisations, the logs, and stored work. Users' own tables are not
here."""

from persistence.models.automations import (
    FiringRow,
    RelayCursorRow,
    TaskRow,
    TriggerRow,
    WorkflowChangeRow,
    WorkflowRow,
    WorkflowRunRow,
    WorkflowStepRow,
)
from persistence.models.log import (
    CellChangeRow,
    CellStateRow,
    ChangeRow,
    OrganizationChangeRow,
    OrganizationClockRow,
    RowVersionRow,
    TableClockRow,
)
from persistence.models.metadata import (
    ApiKeyRow,
    ColumnRow,
    IndexRow,
    OrganizationRow,
    ProjectRow,
    SessionRow,
    TableRow,
)
from persistence.models.presentation import ChartRow, TemplateRow
from persistence.models.tools import (
    CellBatchRow,
    CellRunRow,
    EnrichmentRow,
    ProviderRow,
    SecretRow,
    ToolCacheRow,
)
from persistence.models.webhooks import (
    WebhookAttemptRow,
    WebhookDeliveryRow,
    WebhookEndpointRow,
    WebhookReplayRow,
    WebhookStartRow,
)
from persistence.models.work import (
    FileRow,
    IdempotencyRow,
    ImportRejectionRow,
    ImportRow,
    RollbackConflictRow,
    RollbackRow,
)

__all__ = [
    "ApiKeyRow",
    "CellBatchRow",
    "CellChangeRow",
    "CellRunRow",
    "CellStateRow",
    "ChangeRow",
    "ChartRow",
    "ColumnRow",
    "EnrichmentRow",
    "FileRow",
    "FiringRow",
    "IdempotencyRow",
    "ImportRejectionRow",
    "ImportRow",
    "IndexRow",
    "OrganizationChangeRow",
    "OrganizationClockRow",
    "OrganizationRow",
    "ProjectRow",
    "ProviderRow",
    "RelayCursorRow",
    "RollbackConflictRow",
    "RollbackRow",
    "RowVersionRow",
    "SecretRow",
    "SessionRow",
    "TableClockRow",
    "TableRow",
    "TaskRow",
    "TemplateRow",
    "ToolCacheRow",
    "TriggerRow",
    "WebhookAttemptRow",
    "WebhookDeliveryRow",
    "WebhookEndpointRow",
    "WebhookReplayRow",
    "WebhookStartRow",
    "WorkflowChangeRow",
    "WorkflowRow",
    "WorkflowRunRow",
    "WorkflowStepRow",
]
