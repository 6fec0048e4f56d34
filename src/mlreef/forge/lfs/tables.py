"""Which project holds which object, and who locked which file."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, String, Table, Text, UniqueConstraint

from mlreef.forge.access.tables import metadata
from mlreef.kit.db import BigId, UtcDateTime

lfs_links = Table(
    "lfs_links",
    metadata,
    Column("project_id", BigId, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("oid", String(64), primary_key=True),
    Column("size", BigId, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_lfs_links_oid", "oid"),
)

lfs_locks = Table(
    "lfs_locks",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("project_id", BigId, ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("path", Text, nullable=False),
    Column("user_id", BigId, nullable=False),
    Column("owner", Text, nullable=False),
    Column("locked_at", UtcDateTime, nullable=False),
    UniqueConstraint("project_id", "path", name="uq_lfs_locks_path"),
    sqlite_autoincrement=True,  # a number is never given out twice
)
