"""Tables of processors. A version is written once; a claim on its number makes concurrent publications of it fail."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from mlreef.kit.db import BigId, Json, UtcDateTime

metadata = MetaData()

environments = Table(
    "environments",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("name", String(63), nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("framework", Text, nullable=False),
    Column("image", Text),
    Column("digest", String(71)),
    Column("flavour", String(10), nullable=False, server_default="cpu"),
    Column("packages", Json, nullable=False, server_default=text("'[]'")),
    Column("source", Json, nullable=False, server_default=text("'{}'")),
    Column("registered_by", Text),
    Column("updated_at", UtcDateTime, nullable=False),
)

processors = Table(
    "processors",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("project_id", BigInteger, nullable=False),
    Column("project_path", Text, nullable=False),
    Column("name", String(63), nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("environment", String(63), nullable=False),
    Column("input_types", Json, nullable=False),
    Column("output_types", Json, nullable=False),
    Column("model_type", Text),
    Column("ml_category", Text),
    Column("tags", Json, nullable=False, server_default=text("'[]'")),
    Column("licence", Text),
    Column("framework", Text, nullable=False, server_default=""),
    Column("readme", Text, nullable=False, server_default=""),
    Column("visibility", String(20), nullable=False, server_default="private"),
    Column("star_count", BigInteger, nullable=False, server_default="0"),
    Column("verified_at", UtcDateTime),
    Column("verified_version_id", String(40)),
    Column("latest_version_id", String(40)),
    Column("usage_count", BigInteger, nullable=False),
    Column("search_text", Text, nullable=False, default=""),  # the marketplace's words lie in `market_words` now
    Column("created_at", UtcDateTime, nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
    UniqueConstraint("project_id", "name", name="processors_name"),
    Index("processors_by_path", "project_path", "name"),
    Index("processors_by_published", "published_at"),
)

versions = Table(
    "processor_versions",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("processor_id", String(40), nullable=False),
    Column("version", Text, nullable=False),
    Column("major", Integer, nullable=False),
    Column("minor", Integer, nullable=False),
    Column("patch", Integer, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("commit", String(64), nullable=False),
    Column("entry", Text, nullable=False),
    Column("command", Json, nullable=False),
    Column("parameters", Json, nullable=False),
    Column("image", Text, nullable=False),
    Column("digest", String(71), nullable=False),
    Column("size", BigInteger),
    Column("environment", String(63), nullable=False),
    Column("base_image", Text, nullable=False),
    Column("packages", Json, nullable=False),
    Column("manifest", Json, nullable=False, server_default=text("'{}'")),
    Column("attestations", Json, nullable=False, server_default=text("'{}'")),
    Column("lock", Text, nullable=False, server_default=""),
    Column("network", String(20), nullable=False, server_default="none"),
    Column("changelog", Text, nullable=False, server_default=""),
    Column("status", String(20), nullable=False),
    Column("status_message", Text, nullable=False, server_default=""),
    Column("replacement", Text),
    Column("status_by", Text),
    Column("status_at", UtcDateTime),
    Column("publication_id", String(40), nullable=False, unique=True),
    Column("published_by_id", BigInteger, nullable=False),
    Column("published_by", Text, nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
    UniqueConstraint("processor_id", "version", name="processor_versions_version"),
    Index("processor_versions_by_processor", "processor_id"),
)

# The number of a version belongs to one publication from its start; a failed publication gives it back.
claims = Table(
    "version_claims",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(63), primary_key=True),
    Column("version", Text, primary_key=True),
    Column("publication_id", String(40), nullable=False),
)

publications = Table(
    "publications",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("project_id", BigInteger, nullable=False),
    Column("project_path", Text, nullable=False),
    Column("name", String(63), nullable=False),
    Column("version", Text, nullable=False),
    Column("status", String(20), nullable=False),
    Column("ref", Text, nullable=False),
    Column("commit", String(64), nullable=False),
    Column("entry", Text, nullable=False),
    Column("requirements", Text),
    Column("environment", String(63), nullable=False),
    Column("base_image", Text, nullable=False),
    Column("description", Json, nullable=False),
    Column("parameters", Json, nullable=False),
    Column("manifest", Json, nullable=False, server_default=text("'{}'")),
    Column("changelog", Text, nullable=False, server_default=""),
    Column("trigger", String(20), nullable=False, server_default="user"),
    Column("ci_pipeline_id", BigInteger),
    Column("ci_job_id", BigInteger),
    Column("reason", Text),
    Column("processor_id", String(40)),
    Column("version_id", String(40)),
    Column("user_id", BigInteger, nullable=False),
    Column("username", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Index("publications_by_project", "project_id", "id"),
    Index("publications_by_ci_pipeline", "project_id", "ci_pipeline_id", unique=True),
    Index("publications_by_status", "status"),
)

verifications = Table(
    "processor_verifications",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("version_id", String(40), nullable=False),
    Column("run_id", String(40)),
    Column("status", String(20), nullable=False),
    Column("reason", Text),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Index("processor_verifications_by_version", "version_id", "id"),
    Index("processor_verifications_by_status", "status"),
)

# A processor's place in the marketplace's index. Whatever changes it takes the next revision, one after another.
entries = Table(
    "market_entries",
    metadata,
    Column("number", BigId, primary_key=True),
    Column("processor_id", String(40), nullable=False, unique=True),
    Column("listed", Boolean, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Index("market_entries_by_revision", "revision"),
)

market_state = Table(
    "market_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
)
# `market_words` is a virtual table of FTS5 on SQLite, and has `tsvector` columns on PostgreSQL: see `market_store`.
