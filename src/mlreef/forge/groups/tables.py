"""Tables of namespaces and memberships.

A namespace belongs to a user or is a group. `traversal` holds the ids from the root down, each followed by a slash
(`3/17/`), so that ancestors and descendants are found without recursion.
"""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint, func

from mlreef.forge.access.tables import metadata
from mlreef.kit.db import BigId, Json, UtcDateTime

namespaces = Table(
    "namespaces",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("kind", String(8), nullable=False),  # user or group
    Column("name", String(255), nullable=False),
    Column("path", String(255), nullable=False),
    Column("full_path", Text, nullable=False),
    Column("parent_id", BigId, ForeignKey("namespaces.id", ondelete="CASCADE")),
    Column("traversal", String(1024), nullable=False, index=True),
    Column("owner_id", BigId, ForeignKey("users.id", ondelete="CASCADE")),
    Column("visibility", String(16), nullable=False),
    Column("description", Text, nullable=False),
    Column("avatar", String(64)),
    Column("settings", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,  # a number is never given out twice
)
Index("namespaces_full_path", func.lower(namespaces.c.full_path), unique=True)

members = Table(
    "members",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("source_type", String(8), nullable=False),  # group or project
    Column("source_id", BigId, nullable=False),
    Column("user_id", BigId, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("access_level", Integer, nullable=False),
    Column("expires_at", Date),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", BigId),
    UniqueConstraint("source_type", "source_id", "user_id"),
    Index("members_user", "user_id"),
    sqlite_autoincrement=True,  # a number is never given out twice
)
