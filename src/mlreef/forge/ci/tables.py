"""Tables of CI: pipelines, jobs, traces, artifacts, runners, variables, and the queue's version.

Ids of projects, users and groups are plain numbers here: those rows belong to other slices.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from mlreef.kit.db import BigId, Json, SealedText, UtcDateTime

metadata = MetaData()

pipelines = Table(
    "ci_pipelines",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("iid", Integer, nullable=False),
    Column("project_id", BigId, nullable=False),
    Column("user_id", BigId, nullable=False),
    Column("ref", Text, nullable=False),
    Column("tag", Boolean, nullable=False),
    Column("protected", Boolean, nullable=False),
    Column("sha", String(64), nullable=False),
    Column("before_sha", String(64), nullable=False),
    Column("source", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("name", Text),
    Column("yaml_errors", Text),
    Column("stages", Json, nullable=False),
    Column("variables", Json, nullable=False),
    Column("commit", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    UniqueConstraint("project_id", "iid"),
    Index("ci_pipelines_project_ref", "project_id", "ref"),
    sqlite_autoincrement=True,  # a number is never given out twice
)

jobs = Table(
    "ci_jobs",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("pipeline_id", BigId, ForeignKey("ci_pipelines.id", ondelete="CASCADE"), nullable=False),
    Column("project_id", BigId, nullable=False),
    Column("user_id", BigId, nullable=False),
    Column("name", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("stage_index", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("when", String(16), nullable=False),
    Column("allow_failure", Boolean, nullable=False),
    Column("options", Json, nullable=False),
    Column("variables", Json, nullable=False),
    Column("needs", Json),
    Column("dependencies", Json),
    Column("tags", Json, nullable=False),
    Column("timeout", Integer),
    Column("protected", Boolean, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("retried", Boolean, nullable=False),
    Column("system_retries", Integer, nullable=False),
    Column("runner_id", BigId),
    Column("manager_id", BigId),
    Column("token_hash", String(64), unique=True),
    Column("cancel_gracefully", Boolean, nullable=False),
    Column("acknowledged", Boolean, nullable=False),
    Column("contacted_at", UtcDateTime),
    Column("failure_reason", String(64)),
    Column("exit_code", Integer),
    Column("trace_size", BigId, nullable=False),
    Column("trace_crc", BigId, nullable=False),
    Column("trace_digest", String(64)),
    Column("checksum_faults", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("queued_at", UtcDateTime),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("erased_at", UtcDateTime),
    Index("ci_jobs_pipeline", "pipeline_id", "name"),
    Index("ci_jobs_project", "project_id", "id"),
    # Partial on PostgreSQL too (migration 0003); saying so here would load its dialect into every server.
    Index(
        "ci_jobs_pending",
        "queued_at",
        sqlite_where=text("status = 'pending'"),
    ),
    Index(
        "ci_jobs_alive",
        "id",
        sqlite_where=text("status IN ('running', 'canceling')"),
    ),
    sqlite_autoincrement=True,  # a number is never given out twice
)

job_tags = Table(
    "ci_job_tags",
    metadata,
    Column("job_id", BigId, ForeignKey("ci_jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("tag", String(255), primary_key=True),
)

trace_chunks = Table(
    "ci_trace_chunks",
    metadata,
    Column("job_id", BigId, ForeignKey("ci_jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("start", BigId, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

artifacts = Table(
    "ci_artifacts",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("job_id", BigId, ForeignKey("ci_jobs.id", ondelete="CASCADE"), nullable=False),
    Column("project_id", BigId, nullable=False),
    Column("file_type", String(64), nullable=False),
    Column("file_format", String(16), nullable=False),
    Column("filename", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("size", BigId, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expire_at", UtcDateTime),
    UniqueConstraint("job_id", "file_type"),
    sqlite_autoincrement=True,  # a number is never given out twice
)

runners = Table(
    "ci_runners",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("runner_type", String(16), nullable=False),
    Column("description", Text),
    Column("maintenance_note", Text),
    Column("paused", Boolean, nullable=False),
    Column("locked", Boolean, nullable=False),
    Column("run_untagged", Boolean, nullable=False),
    Column("access_level", String(16), nullable=False),
    Column("maximum_timeout", Integer),
    Column("tags", Json, nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("short_token", String(16), nullable=False),
    Column("registration_type", String(32), nullable=False),
    Column("creator_id", BigId),
    Column("created_at", UtcDateTime, nullable=False),
    Column("contacted_at", UtcDateTime),
    sqlite_autoincrement=True,  # a number is never given out twice
)

runner_projects = Table(
    "ci_runner_projects",
    metadata,
    Column("runner_id", BigId, ForeignKey("ci_runners.id", ondelete="CASCADE"), primary_key=True),
    Column("project_id", BigId, primary_key=True),
)

runner_groups = Table(
    "ci_runner_groups",
    metadata,
    Column("runner_id", BigId, ForeignKey("ci_runners.id", ondelete="CASCADE"), primary_key=True),
    Column("group_id", BigId, primary_key=True),
)

managers = Table(
    "ci_runner_managers",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("runner_id", BigId, ForeignKey("ci_runners.id", ondelete="CASCADE"), nullable=False),
    Column("system_id", String(64), nullable=False),
    Column("info", Json, nullable=False),
    Column("ip_address", String(64)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("contacted_at", UtcDateTime),
    UniqueConstraint("runner_id", "system_id"),
    sqlite_autoincrement=True,  # a number is never given out twice
)

queue = Table(
    "ci_queue",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("version", BigId, nullable=False),
)
"""One row: its version grows with every change that can give a runner something to do."""

pushes = Table(
    "ci_pushes",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("project_id", BigId, nullable=False),
    Column("user_id", BigId, nullable=False),
    Column("ref", Text, nullable=False),
    Column("before", String(64), nullable=False),
    Column("after", String(64), nullable=False),
    Column("options", Json, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,  # a number is never given out twice
)
"""Pushes that were acknowledged and whose pipeline and webhook are still to come."""

variables = Table(
    "ci_variables",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("scope", String(16), nullable=False),  # project, group or instance
    Column("owner_id", BigId, nullable=False),
    Column("key", String(255), nullable=False),
    Column("value", SealedText, nullable=False),
    Column("variable_type", String(16), nullable=False),
    Column("protected", Boolean, nullable=False),
    Column("masked", Boolean, nullable=False),
    Column("hidden", Boolean, nullable=False),
    Column("raw", Boolean, nullable=False),
    Column("environment_scope", String(255), nullable=False),
    Column("description", Text),
    UniqueConstraint("scope", "owner_id", "key", "environment_scope"),
    sqlite_autoincrement=True,  # a number is never given out twice
)
