"""Tables of runs. A run's snapshot (definition, plan of each step) is written once and never changed."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from mlreef.kit.db import Json, UtcDateTime

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("project_id", BigInteger, nullable=False),
    Column("project_path", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    Column("reason", Text),
    Column("definition", Json, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("username", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("ci_pipeline_id", BigInteger),
    Column("jobs_started", Integer, nullable=False),
    Column("cached_steps", Integer, nullable=False),
    Column("rerun_of", String(40)),
    Column("cancel_requested", Boolean, nullable=False),
    Column("use_cache", Boolean, nullable=False),
    Column("config_hash", String(64)),
    Column("target_branch", Text),
    Column("target_path", Text),
    Column("base_commit", Text),
    Column("dataset_commit", Text),
    Column("dataset_files", BigInteger),
    Column("dataset_bytes", BigInteger),
    Column("finish_lease", UtcDateTime),
    Column("revision", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    UniqueConstraint("project_id", "number", name="runs_number"),
    Index("runs_by_project", "project_id", "kind", "number"),
    Index("runs_by_status", "status"),
    Index("runs_by_config", "config_hash"),
    Index("runs_by_ci_pipeline", "project_id", "ci_pipeline_id", unique=True),
)

run_numbers = Table(
    "run_numbers",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
)

steps = Table(
    "run_steps",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("run_id", String(40), nullable=False),
    Column("project_id", BigInteger, nullable=False),
    Column("position", Integer, nullable=False),
    Column("name", String(63), nullable=False),
    Column("version_id", String(40), nullable=False),
    Column("slug", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("processor_kind", String(20), nullable=False),
    Column("processor_commit", Text),
    Column("processor_project_id", BigInteger),
    Column("image", Text, nullable=False),
    Column("command", Json, nullable=False),
    Column("arguments", Json, nullable=False),
    Column("parameters", Json, nullable=False),
    Column("inputs", Json, nullable=False),
    Column("outputs", Json, nullable=False),
    Column("needs", Json, nullable=False),
    Column("machine", Text, nullable=False),
    Column("timeout_s", Integer, nullable=False),
    Column("status", String(20), nullable=False),
    Column("reason", Text),
    Column("message", Text),
    Column("exit_code", Integer),
    Column("cached", Boolean, nullable=False),
    Column("cached_from", String(40)),
    Column("cache_key", String(64)),
    Column("cache_reason", Text),
    Column("ci_job_id", BigInteger),
    Column("result", Json),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("duration_s", Float),
    UniqueConstraint("run_id", "name", name="run_steps_name"),
    Index("run_steps_by_run", "run_id", "position"),
)

outputs = Table(
    "step_outputs",
    metadata,
    Column("step_id", String(40), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("project_id", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("files", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
)

manifests = Table(
    "manifests",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", String(64), primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("files", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

step_cache = Table(
    "step_cache",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("cache_key", String(64), primary_key=True),
    Column("step_id", String(40), nullable=False),
    Column("run_id", String(40), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

# Whose dataset is already committed: same content and place, same commit.
dataset_commits = Table(
    "dataset_commits",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("tree", String(64), primary_key=True),
    Column("run_id", String(40), nullable=False),
    Column("branch", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("commit", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
