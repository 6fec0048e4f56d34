"""Tables of webhooks: the hooks themselves and the outbox of deliveries."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text, text

from mlreef.kit.db import BigId, Json, SealedText, UtcDateTime

metadata = MetaData()

EVENTS = (
    "push_events", "tag_push_events", "merge_requests_events", "job_events", "pipeline_events", "note_events",
    "issues_events", "confidential_issues_events", "confidential_note_events", "wiki_page_events",
    "deployment_events", "releases_events", "repository_update_events",
)  # fmt: skip

hooks = Table(
    "hooks",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("project_id", BigId, nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("name", Text),
    Column("description", Text),
    Column("token", SealedText),
    Column("uuid", String(64), nullable=False),
    Column("events", Json, nullable=False),
    Column("push_events_branch_filter", Text, nullable=False),
    Column("enable_ssl_verification", Boolean, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,  # a number is never given out twice
)

deliveries = Table(
    "hook_deliveries",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("hook_id", BigId, ForeignKey("hooks.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("event", String(64), nullable=False),
    Column("uuid", String(64), nullable=False),
    Column("key", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String(16), nullable=False),  # waiting, sent or failed
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    Column("response_status", Integer),
    Column("response_body", Text),
    Column("error", Text),
    Column("seconds", Float),
    # Partial on PostgreSQL too (migration 0003); saying so here would load its dialect into every server.
    Index(
        "hook_deliveries_due",
        "due_at",
        sqlite_where=text("state = 'waiting'"),
    ),
    sqlite_autoincrement=True,  # a number is never given out twice
)
