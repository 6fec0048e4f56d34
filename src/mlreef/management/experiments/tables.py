"""Tables of experiments and of the metric store.

A series is (source, family, key): the source is the step that measured, the family says whether it is a metric or a
resource. Its points lie in chunks of bounded size; its summary answers lists without touching them.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from mlreef.kit.db import BigId, UtcDateTime

metadata = MetaData()

experiments = Table(
    "experiments",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("project_id", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("run_id", String(40), nullable=False),
    Column("step_id", String(40), nullable=False, unique=True),
    Column("source", String(40), nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("project_id", "number", name="experiments_number"),
    Index("experiments_by_run", "run_id"),
)

experiment_numbers = Table(
    "experiment_numbers",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
)

parameters = Table(
    "experiment_parameters",
    metadata,
    Column("source", String(40), primary_key=True),
    Column("name", String(250), primary_key=True),
    Column("value", Text, nullable=False),
    Column("number", Float),
    Column("reported", Boolean, nullable=False),
)

series = Table(
    "metric_series",
    metadata,
    Column("source", String(40), primary_key=True),
    Column("family", String(10), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("least", Float),
    Column("greatest", Float),
    Column("first", Float),
    Column("last", Float),
    Column("last_step", Float),
    Column("total", Float),
)

# How far a source's numbered batches are stored: a batch sent again changes nothing.
sequences = Table(
    "metric_sequences",
    metadata,
    Column("source", String(40), primary_key=True),
    Column("family", String(10), primary_key=True),
    Column("last", BigInteger, nullable=False),
)

chunks = Table(
    "metric_chunks",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("source", String(40), nullable=False),
    Column("family", String(10), nullable=False),
    Column("key", String(250), nullable=False),
    Column("number", Integer, nullable=False),
    Column("count", Integer, nullable=False),
    Column("least", Float),
    Column("greatest", Float),
    Column("first", Float),
    Column("last", Float),
    Column("total", Float),
    Column("data", LargeBinary, nullable=False),
    Index("metric_chunks_by_series", "source", "family", "key", "number", unique=True),
)
