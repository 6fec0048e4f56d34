"""LFS objects and locks of projects; protected branches."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from mlreef.kit.db import BigId, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "lfs_links",
        _project(primary_key=True, autoincrement=False),
        sa.Column("oid", sa.String(length=64), primary_key=True),
        sa.Column("size", BigId, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_lfs_links_oid", "lfs_links", ["oid"])
    op.create_table(
        "lfs_locks",
        sa.Column("id", BigId, primary_key=True, autoincrement=True),
        _project(nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("locked_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("project_id", "path", name="uq_lfs_locks_path"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "protected_branches",
        sa.Column("id", BigId, primary_key=True, autoincrement=True),
        _project(nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("push_level", sa.Integer(), nullable=False),
        sa.Column("merge_level", sa.Integer(), nullable=False),
        sa.Column("allow_force_push", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("project_id", "name", name="uq_protected_branches_name"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("downgrades are not supported; restore a backup")


def _project(**options: Any) -> sa.Column[int]:
    return sa.Column("project_id", BigId, sa.ForeignKey("projects.id", ondelete="CASCADE"), **options)
