"""Tables of projects, their topics and stars."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint, func

from mlreef.forge.access.tables import metadata
from mlreef.kit.db import BigId, Json, UtcDateTime

projects = Table(
    "projects",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("namespace_id", BigId, ForeignKey("namespaces.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(255), nullable=False),
    Column("path", String(255), nullable=False),
    Column("full_path", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("visibility", String(16), nullable=False),
    Column("creator_id", BigId, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("default_branch", Text, nullable=False),
    Column("ci_config_path", Text),
    Column("settings", Json, nullable=False),
    Column("avatar", String(64)),
    Column("star_count", Integer, nullable=False),
    Column("forks_count", Integer, nullable=False),
    Column("forked_from_id", BigId, ForeignKey("projects.id", ondelete="SET NULL")),
    Column("state", String(16), nullable=False),  # creating until its repository exists, then ready
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("last_activity_at", UtcDateTime, nullable=False),
    Index("projects_namespace", "namespace_id"),
    Index("projects_forked_from", "forked_from_id"),
    sqlite_autoincrement=True,  # a number is never given out twice
)
Index("projects_full_path", func.lower(projects.c.full_path), unique=True)

topics = Table(
    "project_topics",
    metadata,
    Column("project_id", BigId, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("position", Integer, nullable=False),
)

stars = Table(
    "project_stars",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("project_id", BigId, ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("user_id", BigId, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("project_id", "user_id"),
    Index("project_stars_user", "user_id"),
    sqlite_autoincrement=True,  # a number is never given out twice
)
