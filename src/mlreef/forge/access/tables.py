"""Tables of users, their tokens and sessions, failed logins, and the audit log."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, ForeignKey, Index, Integer, MetaData, String, Table, Text, func

from mlreef.kit.db import BigId, Json, UtcDateTime

metadata = MetaData()
"""Shared by the slices access, groups and projects, whose tables refer to each other."""

users = Table(
    "users",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("username", String(255), nullable=False),
    Column("name", String(255), nullable=False),
    Column("email", String(255), nullable=False),
    Column("password_hash", Text),
    Column("state", String(16), nullable=False),
    Column("admin", Boolean, nullable=False),
    Column("external", Boolean, nullable=False),
    Column("bot", Boolean, nullable=False),
    Column("profile", Json, nullable=False),
    Column("avatar", String(64)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_sign_in_at", UtcDateTime),
    Column("current_sign_in_at", UtcDateTime),
    Column("created_by", BigId),
    sqlite_autoincrement=True,  # a number is never given out twice
)
Index("users_username", func.lower(users.c.username), unique=True)
Index("users_email", func.lower(users.c.email), unique=True)

tokens = Table(
    "personal_access_tokens",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("user_id", BigId, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(255), nullable=False),
    Column("description", Text),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("scopes", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime),
    Column("expires_at", Date),
    Column("revoked", Boolean, nullable=False),
    sqlite_autoincrement=True,  # a number is never given out twice
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("user_id", BigId, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("csrf_hash", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,  # a number is never given out twice
)

login_failures = Table(
    "login_failures",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("since", UtcDateTime, nullable=False),
    Column("count", Integer, nullable=False),
)

audit_events = Table(
    "audit_events",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor_id", BigId),
    Column("actor", String(255), nullable=False),
    Column("method", String(32), nullable=False),
    Column("token_id", BigId),
    Column("ip", String(64)),
    Column("action", String(64), nullable=False),
    Column("target_type", String(32), nullable=False),
    Column("target_id", BigId),
    Column("target", Text, nullable=False),
    Column("details", Json, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    sqlite_autoincrement=True,  # a number is never given out twice
)
"""Append-only; every row holds the hash of the one before, so that a removed or altered row shows."""
