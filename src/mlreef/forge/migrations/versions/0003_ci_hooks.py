"""CI pipelines, jobs, traces, artifacts, runners and variables; webhooks and their outbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from mlreef.kit.db import BigId, Json, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; the queue begins at version 1."""
    _ci_pipelines()
    _ci_queue()
    _ci_pushes()
    _ci_runners()
    _ci_variables()
    _hooks()
    _ci_jobs()
    _ci_runner_groups()
    _ci_runner_managers()
    _ci_runner_projects()
    _hook_deliveries()
    _ci_artifacts()
    _ci_job_tags()
    _ci_trace_chunks()
    op.execute("INSERT INTO ci_queue (id, version) VALUES (1, 1)")


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("downgrades are not supported; restore a backup")


def _ci_pipelines() -> None:
    op.create_table(
        "ci_pipelines",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("iid", sa.Integer(), nullable=False),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("tag", sa.Boolean(), nullable=False),
        sa.Column("protected", sa.Boolean(), nullable=False),
        sa.Column("sha", sa.String(length=64), nullable=False),
        sa.Column("before_sha", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("yaml_errors", sa.Text(), nullable=True),
        sa.Column("stages", Json(), nullable=False),
        sa.Column("variables", Json(), nullable=False),
        sa.Column("commit", Json(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("project_id", "iid"),
        sqlite_autoincrement=True,
    )
    op.create_index("ci_pipelines_project_ref", "ci_pipelines", ["project_id", "ref"], unique=False)


def _ci_queue() -> None:
    op.create_table(
        "ci_queue",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", BigId, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _ci_pushes() -> None:
    op.create_table(
        "ci_pushes",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("before", sa.String(length=64), nullable=False),
        sa.Column("after", sa.String(length=64), nullable=False),
        sa.Column("options", Json(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )


def _ci_runners() -> None:
    op.create_table(
        "ci_runners",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("runner_type", sa.String(length=16), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("maintenance_note", sa.Text(), nullable=True),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("run_untagged", sa.Boolean(), nullable=False),
        sa.Column("access_level", sa.String(length=16), nullable=False),
        sa.Column("maximum_timeout", sa.Integer(), nullable=True),
        sa.Column("tags", Json(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("short_token", sa.String(length=16), nullable=False),
        sa.Column("registration_type", sa.String(length=32), nullable=False),
        sa.Column("creator_id", BigId, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("contacted_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
        sqlite_autoincrement=True,
    )


def _ci_variables() -> None:
    op.create_table(
        "ci_variables",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("owner_id", BigId, nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("variable_type", sa.String(length=16), nullable=False),
        sa.Column("protected", sa.Boolean(), nullable=False),
        sa.Column("masked", sa.Boolean(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("raw", sa.Boolean(), nullable=False),
        sa.Column("environment_scope", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("scope", "owner_id", "key", "environment_scope"),
        sqlite_autoincrement=True,
    )


def _hooks() -> None:
    op.create_table(
        "hooks",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("uuid", sa.String(length=64), nullable=False),
        sa.Column("events", Json(), nullable=False),
        sa.Column("push_events_branch_filter", sa.Text(), nullable=False),
        sa.Column("enable_ssl_verification", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_hooks_project_id"), "hooks", ["project_id"], unique=False)


def _ci_jobs() -> None:
    op.create_table(
        "ci_jobs",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("pipeline_id", BigId, nullable=False),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("stage_index", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("when", sa.String(length=16), nullable=False),
        sa.Column("allow_failure", sa.Boolean(), nullable=False),
        sa.Column("options", Json(), nullable=False),
        sa.Column("variables", Json(), nullable=False),
        sa.Column("needs", Json(), nullable=True),
        sa.Column("dependencies", Json(), nullable=True),
        sa.Column("tags", Json(), nullable=False),
        sa.Column("timeout", sa.Integer(), nullable=True),
        sa.Column("protected", sa.Boolean(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("retried", sa.Boolean(), nullable=False),
        sa.Column("system_retries", sa.Integer(), nullable=False),
        sa.Column("runner_id", BigId, nullable=True),
        sa.Column("manager_id", BigId, nullable=True),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.Column("cancel_gracefully", sa.Boolean(), nullable=False),
        sa.Column("acknowledged", sa.Boolean(), nullable=False),
        sa.Column("contacted_at", UtcDateTime(), nullable=True),
        sa.Column("failure_reason", sa.String(length=64), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("trace_size", BigId, nullable=False),
        sa.Column("trace_crc", BigId, nullable=False),
        sa.Column("trace_digest", sa.String(length=64), nullable=True),
        sa.Column("checksum_faults", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("queued_at", UtcDateTime(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("erased_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["pipeline_id"], ["ci_pipelines.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
        sqlite_autoincrement=True,
    )
    _ci_jobs_indexes()


def _ci_jobs_indexes() -> None:
    op.create_index(
        "ci_jobs_alive",
        "ci_jobs",
        ["id"],
        unique=False,
        sqlite_where=sa.text("status IN ('running', 'canceling')"),
        postgresql_where=sa.text("status IN ('running', 'canceling')"),
    )
    op.create_index(
        "ci_jobs_pending",
        "ci_jobs",
        ["queued_at"],
        unique=False,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index("ci_jobs_pipeline", "ci_jobs", ["pipeline_id", "name"], unique=False)
    op.create_index("ci_jobs_project", "ci_jobs", ["project_id", "id"], unique=False)


def _ci_runner_groups() -> None:
    op.create_table(
        "ci_runner_groups",
        sa.Column("runner_id", BigId, nullable=False),
        sa.Column("group_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(["runner_id"], ["ci_runners.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("runner_id", "group_id"),
    )


def _ci_runner_managers() -> None:
    op.create_table(
        "ci_runner_managers",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("runner_id", BigId, nullable=False),
        sa.Column("system_id", sa.String(length=64), nullable=False),
        sa.Column("info", Json(), nullable=False),
        sa.Column("ip_address", sa.String(length=64), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("contacted_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["runner_id"], ["ci_runners.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("runner_id", "system_id"),
        sqlite_autoincrement=True,
    )


def _ci_runner_projects() -> None:
    op.create_table(
        "ci_runner_projects",
        sa.Column("runner_id", BigId, nullable=False),
        sa.Column("project_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(["runner_id"], ["ci_runners.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("runner_id", "project_id"),
    )


def _hook_deliveries() -> None:
    op.create_table(
        "hook_deliveries",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("hook_id", BigId, nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("uuid", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("response_status", sa.Integer(), nullable=True),
        sa.Column("response_body", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["hook_id"], ["hooks.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "hook_deliveries_due",
        "hook_deliveries",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(op.f("ix_hook_deliveries_hook_id"), "hook_deliveries", ["hook_id"], unique=False)


def _ci_artifacts() -> None:
    op.create_table(
        "ci_artifacts",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("job_id", BigId, nullable=False),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("file_type", sa.String(length=64), nullable=False),
        sa.Column("file_format", sa.String(length=16), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size", BigId, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expire_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["ci_jobs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("job_id", "file_type"),
        sqlite_autoincrement=True,
    )


def _ci_job_tags() -> None:
    op.create_table(
        "ci_job_tags",
        sa.Column("job_id", BigId, nullable=False),
        sa.Column("tag", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["ci_jobs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "tag"),
    )


def _ci_trace_chunks() -> None:
    op.create_table(
        "ci_trace_chunks",
        sa.Column("job_id", BigId, nullable=False),
        sa.Column("start", BigId, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["ci_jobs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "start"),
    )
