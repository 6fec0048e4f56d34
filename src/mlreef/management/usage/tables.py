"""The usage ledger: written once per job, never changed; the job's id makes a repeated report harmless."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, MetaData, String, Table, Text

from mlreef.kit.db import UtcDateTime

metadata = MetaData()

records = Table(
    "usage_records",
    metadata,
    Column("job_id", BigInteger, primary_key=True, autoincrement=False),
    Column("project_id", BigInteger, nullable=False),
    Column("project_path", Text, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("username", Text, nullable=False),
    Column("machine_class", Text, nullable=False),
    Column("job_name", Text, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("run_id", String(40)),
    Column("seconds", Float, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    # As measured inside the job; null where nobody could tell.
    Column("cpu_s", Float),
    Column("gpu_s", Float),
    Column("peak_memory_bytes", BigInteger),
    Column("read_bytes", BigInteger),
    Column("written_bytes", BigInteger),
    Index("usage_records_by_project", "project_id", "finished_at"),
)
