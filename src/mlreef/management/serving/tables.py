"""Rendered CI configurations, found by the hash of the capability token in their URL."""

from __future__ import annotations

from sqlalchemy import Column, MetaData, String, Table, Text

from mlreef.kit.db import UtcDateTime

metadata = MetaData()

ci_configs = Table(
    "ci_configs",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("kind", String(20), nullable=False),  # publication | run
    Column("subject_id", String(40), nullable=False, index=True),
    Column("body", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
