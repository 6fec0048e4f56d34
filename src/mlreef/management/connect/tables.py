"""Connected projects."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, MetaData, Table, Text

from mlreef.kit.db import UtcDateTime

metadata = MetaData()

connections = Table(
    "connections",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("hook_id", BigInteger, nullable=False),
    Column("connected_by", Text, nullable=False),
    Column("connected_at", UtcDateTime, nullable=False),
)
