"""Saved data pipelines."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, MetaData, String, Table, Text

from mlreef.kit.db import Json, UtcDateTime

metadata = MetaData()

data_pipelines = Table(
    "data_pipelines",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("project_id", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("definition", Json, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("username", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("data_pipelines_by_project", "project_id", "id"),
)
