"""Deliveries that every handler is done with."""

from __future__ import annotations

from sqlalchemy import Column, MetaData, String, Table

from mlreef.kit.db import UtcDateTime

metadata = MetaData()

deliveries = Table(
    "hook_deliveries",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("received_at", UtcDateTime, nullable=False, index=True),
)
