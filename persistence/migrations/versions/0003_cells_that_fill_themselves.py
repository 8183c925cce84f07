"""tools, runs, providers, secrets, webhooks"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "webhook_attempt",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("request_headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("response_headers", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("response_body", sa.String(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("duration_ms", sa.Float(), nullable=False),
        sa.Column(
            "at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("delivery_id", "number"),
    )
    op.create_table(
        "cell_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("table_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("columns", sa.ARRAY(sa.Integer()), nullable=False),
        sa.Column("tool", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("selection", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("cause", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("budget_cost", sa.Numeric(), nullable=True),
        sa.Column("budget_tokens", sa.Integer(), nullable=True),
        sa.Column("budget_rows", sa.Integer(), nullable=True),
        sa.Column("use_cache", sa.Boolean(), nullable=False),
        sa.Column("batch_rows", sa.Integer(), nullable=True),
        sa.Column("prepared", sa.Boolean(), nullable=False),
        sa.Column("after_position", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_batch", sa.Integer(), nullable=False),
        sa.Column("rows_total", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cells_total", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cells_resolved", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cells_failed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cells_stale", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cells_skipped", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cells_cached", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cells_left", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cells_dropped", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("over_budget", sa.Boolean(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cost", sa.Numeric(), server_default=sa.text("0"), nullable=False),
        sa.Column("unpriced", sa.Boolean(), nullable=False),
        sa.Column("reserved_tokens", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("reserved_cost", sa.Numeric(), server_default=sa.text("0"), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("undone_by", sa.String(), nullable=True),
        sa.Column("undone_at", postgresql.TIMESTAMP(timezone=True, precision=3), nullable=True),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("started_at", postgresql.TIMESTAMP(timezone=True, precision=3), nullable=True),
        sa.Column("finished_at", postgresql.TIMESTAMP(timezone=True, precision=3), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_cell_run_organization", "cell_run", ["organization_id", "id"], unique=False)
    op.create_index("ix_cell_run_table", "cell_run", ["table_id", "id"], unique=False)
    op.create_index(
        "ix_cell_run_active",
        "cell_run",
        ["organization_id"],
        unique=False,
        postgresql_where=sa.text("status IN ('queued', 'running')"),
    )
    op.create_table(
        "enrichment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=True),
        sa.Column("table_id", sa.Uuid(), nullable=False),
        sa.Column("column_number", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("plan", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("rows_queued", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_enrichment_table", "enrichment", ["table_id", "id"], unique=False)
    op.create_table(
        "provider",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("base_url", sa.String(), nullable=True),
        sa.Column("api_key", sa.LargeBinary(), nullable=True),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True, precision=3), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ux_provider_name",
        "provider",
        ["organization_id", "name"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "secret",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("hosts", sa.ARRAY(sa.String()), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("organization_id", "name", name="ux_secret_name"),
    )
    op.create_table(
        "tool_cache",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("inputs_hash", sa.String(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
        ),
        sa.PrimaryKeyConstraint("organization_id", "inputs_hash"),
    )
    op.create_index("ix_tool_cache_created", "tool_cache", ["created_at"], unique=False)
    op.create_table(
        "webhook_endpoint",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("dialect", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("event_types", sa.ARRAY(sa.String()), nullable=False),
        sa.Column("table_ids", postgresql.ARRAY(sa.Uuid()), nullable=True),
        sa.Column("filter", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("columns", sa.ARRAY(sa.String()), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("previous_secret", sa.LargeBinary(), nullable=True),
        sa.Column(
            "previous_until", postgresql.TIMESTAMP(timezone=True, precision=3), nullable=True
        ),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("disabled_reason", sa.String(), nullable=True),
        sa.Column("disabled_at", postgresql.TIMESTAMP(timezone=True, precision=3), nullable=True),
        sa.Column("verified_at", postgresql.TIMESTAMP(timezone=True, precision=3), nullable=True),
        sa.Column("failing_since", postgresql.TIMESTAMP(timezone=True, precision=3), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("probe_at", postgresql.TIMESTAMP(timezone=True, precision=3), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True, precision=3), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_webhook_endpoint_organization", "webhook_endpoint", ["organization_id"], unique=False
    )
    op.create_table(
        "cell_batch",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("row_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("reserved_tokens", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("reserved_cost", sa.Numeric(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "updated_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["cell_run.id"],
        ),
        sa.PrimaryKeyConstraint("run_id", "number"),
    )
    op.create_table(
        "webhook_start",
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("table_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("endpoint_id", "table_id"),
    )
    op.create_index("ix_webhook_start_table", "webhook_start", ["table_id"], unique=False)
    op.create_table(
        "webhook_replay",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("table_id", sa.Uuid(), nullable=False),
        sa.Column("from_revision", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("to_revision", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("after_row", sa.Uuid(), nullable=True),
        sa.Column("deliveries", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("finished_at", postgresql.TIMESTAMP(timezone=True, precision=3), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_webhook_replay_endpoint", "webhook_replay", ["endpoint_id"], unique=False)
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("event_type", sa.String(), nullable=False),
        sa.Column("table_id", sa.Uuid(), nullable=True),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("merged", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", postgresql.TIMESTAMP(timezone=True, precision=3), nullable=True),
        sa.Column("leased_until", postgresql.TIMESTAMP(timezone=True, precision=3), nullable=True),
        sa.Column("replay_id", sa.Uuid(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("finished_at", postgresql.TIMESTAMP(timezone=True, precision=3), nullable=True),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["webhook_endpoint.id"],
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_webhook_delivery_due",
        "webhook_delivery",
        ["endpoint_id", "next_at", "number"],
        unique=False,
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        "ix_webhook_delivery_endpoint", "webhook_delivery", ["endpoint_id", "id"], unique=False
    )
    op.create_index(
        "ix_webhook_delivery_queue",
        "webhook_delivery",
        ["endpoint_id", "subject_id", "number"],
        unique=False,
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.add_column("cell_state", sa.Column("run_id", sa.Uuid(), nullable=True))
    op.add_column("cell_state", sa.Column("previous", sa.String(), nullable=True))
    op.add_column(
        "cell_state", sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True)
    )
    op.add_column(
        "cell_state",
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column(
        "cell_state",
        sa.Column("outdated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column(
        "relay_cursor", sa.Column("place", postgresql.JSONB(astext_type=sa.Text()), nullable=True)
    )
    op.add_column("cell_state", sa.Column("inputs_hash", sa.String(), nullable=True))
    op.add_column(
        "cell_state", sa.Column("producer", postgresql.JSONB(astext_type=sa.Text()), nullable=True)
    )
    op.add_column("cell_state", sa.Column("confidence", sa.Float(), nullable=True))
    op.add_column(
        "cell_state", sa.Column("citations", postgresql.JSONB(astext_type=sa.Text()), nullable=True)
    )
    op.add_column("cell_state", sa.Column("raw", sa.String(), nullable=True))
    op.add_column("cell_state", sa.Column("input_tokens", sa.Integer(), nullable=True))
    op.add_column("cell_state", sa.Column("output_tokens", sa.Integer(), nullable=True))
    op.add_column("cell_state", sa.Column("cost", sa.Numeric(), nullable=True))
    op.create_index(
        "ix_cell_state_run",
        "cell_state",
        ["run_id", "status"],
        unique=False,
        postgresql_where=sa.text("run_id IS NOT NULL"),
    )
    op.create_index(
        "ix_cell_state_status", "cell_state", ["table_id", "status", "column_number"], unique=False
    )
    op.add_column(
        "table_column", sa.Column("tool", postgresql.JSONB(astext_type=sa.Text()), nullable=True)
    )
    op.add_column(
        "table_column",
        sa.Column("tracked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("table_column", "tracked")
    op.drop_column("table_column", "tool")
    op.drop_index("ix_cell_state_status", table_name="cell_state")
    op.drop_index(
        "ix_cell_state_run", table_name="cell_state", postgresql_where=sa.text("run_id IS NOT NULL")
    )
    op.drop_column("cell_state", "cost")
    op.drop_column("cell_state", "output_tokens")
    op.drop_column("cell_state", "input_tokens")
    op.drop_column("cell_state", "raw")
    op.drop_column("cell_state", "citations")
    op.drop_column("cell_state", "confidence")
    op.drop_column("cell_state", "producer")
    op.drop_column("cell_state", "inputs_hash")
    op.drop_column("relay_cursor", "place")
    op.drop_column("cell_state", "outdated")
    op.drop_column("cell_state", "attempt")
    op.drop_column("cell_state", "before")
    op.drop_column("cell_state", "previous")
    op.drop_column("cell_state", "run_id")
    op.drop_index(
        "ix_webhook_delivery_queue",
        table_name="webhook_delivery",
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.drop_index("ix_webhook_delivery_endpoint", table_name="webhook_delivery")
    op.drop_index(
        "ix_webhook_delivery_due",
        table_name="webhook_delivery",
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.drop_table("webhook_delivery")
    op.drop_index("ix_webhook_replay_endpoint", table_name="webhook_replay")
    op.drop_table("webhook_replay")
    op.drop_index("ix_webhook_start_table", table_name="webhook_start")
    op.drop_table("webhook_start")
    op.drop_table("cell_batch")
    op.drop_index("ix_webhook_endpoint_organization", table_name="webhook_endpoint")
    op.drop_table("webhook_endpoint")
    op.drop_index("ix_tool_cache_created", table_name="tool_cache")
    op.drop_table("tool_cache")
    op.drop_table("secret")
    op.drop_index(
        "ux_provider_name", table_name="provider", postgresql_where=sa.text("deleted_at IS NULL")
    )
    op.drop_table("provider")
    op.drop_index("ix_enrichment_table", table_name="enrichment")
    op.drop_table("enrichment")
    op.drop_index(
        "ix_cell_run_active",
        table_name="cell_run",
        postgresql_where=sa.text("status IN ('queued', 'running')"),
    )
    op.drop_index("ix_cell_run_table", table_name="cell_run")
    op.drop_index("ix_cell_run_organization", table_name="cell_run")
    op.drop_table("cell_run")
    op.drop_table("webhook_attempt")
