"""Tables of processors, publications, environments, CI configurations, connections and webhook deliveries.

Revision ID: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from mlreef.kit.db import BigId, Json, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "environments",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("framework", sa.Text(), nullable=False),
        sa.Column("image", sa.Text(), nullable=True),
        sa.Column("digest", sa.String(length=71), nullable=True),
        sa.Column("registered_by", sa.Text(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "processor_versions",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("processor_id", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("major", sa.Integer(), nullable=False),
        sa.Column("minor", sa.Integer(), nullable=False),
        sa.Column("patch", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("commit", sa.String(length=64), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("command", Json(), nullable=False),
        sa.Column("parameters", Json(), nullable=False),
        sa.Column("image", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("environment", sa.String(length=63), nullable=False),
        sa.Column("base_image", sa.Text(), nullable=False),
        sa.Column("packages", Json(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("publication_id", sa.String(length=40), nullable=False),
        sa.Column("published_by_id", sa.BigInteger(), nullable=False),
        sa.Column("published_by", sa.Text(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("processor_id", "version", name="processor_versions_version"),
        sa.UniqueConstraint("publication_id"),
    )
    op.create_table(
        "processors",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("project_path", sa.Text(), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("environment", sa.String(length=63), nullable=False),
        sa.Column("input_types", Json(), nullable=False),
        sa.Column("output_types", Json(), nullable=False),
        sa.Column("model_type", sa.Text(), nullable=True),
        sa.Column("ml_category", sa.Text(), nullable=True),
        sa.Column("latest_version_id", sa.String(length=40), nullable=True),
        sa.Column("usage_count", sa.BigInteger(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("project_id", "name", name="processors_name"),
    )
    op.create_index("processors_by_path", "processors", ["project_path", "name"], unique=False)
    op.create_index("processors_by_published", "processors", ["published_at"], unique=False)
    op.create_table(
        "publications",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("project_path", sa.Text(), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("commit", sa.String(length=64), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("requirements", sa.Text(), nullable=True),
        sa.Column("environment", sa.String(length=63), nullable=False),
        sa.Column("base_image", sa.Text(), nullable=False),
        sa.Column("description", Json(), nullable=False),
        sa.Column("parameters", Json(), nullable=False),
        sa.Column("ci_pipeline_id", sa.BigInteger(), nullable=True),
        sa.Column("ci_job_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("processor_id", sa.String(length=40), nullable=True),
        sa.Column("version_id", sa.String(length=40), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("publications_by_ci_pipeline", "publications", ["project_id", "ci_pipeline_id"], unique=True)
    op.create_index("publications_by_project", "publications", ["project_id", "id"], unique=False)
    op.create_index("publications_by_status", "publications", ["status"], unique=False)
    op.create_table(
        "version_claims",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("publication_id", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "name", "version"),
    )
    op.create_table(
        "ci_configs",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.String(length=40), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index(op.f("ix_ci_configs_subject_id"), "ci_configs", ["subject_id"], unique=False)
    op.create_table(
        "connections",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hook_id", sa.BigInteger(), nullable=False),
        sa.Column("connected_by", sa.Text(), nullable=False),
        sa.Column("connected_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("project_id"),
    )
    op.create_table(
        "hook_deliveries",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index(op.f("ix_hook_deliveries_received_at"), "hook_deliveries", ["received_at"], unique=False)
