"""Connected projects."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, MetaData, Table, Text, text

from mlreef.kit.db import UtcDateTime

metadata = MetaData()

connections = Table(
    "connections",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("hook_id", BigInteger, nullable=False),
    Column("connected_by", Text, nullable=False),
    Column("connected_at", UtcDateTime, nullable=False),
    Column("publish_on_tag", Boolean),
    Column("hears_tags", Boolean, nullable=False, server_default=text("false")),
)
