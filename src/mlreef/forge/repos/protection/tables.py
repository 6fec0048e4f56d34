"""Protected branches by name or wildcard."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, Table, Text, UniqueConstraint

from mlreef.forge.access.tables import metadata
from mlreef.kit.db import BigId

protected_branches = Table(
    "protected_branches",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("project_id", BigId, ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("push_level", Integer, nullable=False),
    Column("merge_level", Integer, nullable=False),
    Column("allow_force_push", Boolean, nullable=False),
    # False: a default branch that somebody chose to leave unprotected.
    Column("active", Boolean, nullable=False),
    UniqueConstraint("project_id", "name", name="uq_protected_branches_name"),
    sqlite_autoincrement=True,  # a number is never given out twice
)
