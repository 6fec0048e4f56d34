"""Tables of the registry. Blob bytes lie in the object store; a row in `blobs` says who may reach them.

`objects` knows every byte sequence kept, `manifest_parts` what each manifest is made of: with them the garbage
collection decides without reading a single blob.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table

from mlreef.kit.db import BigId, Json, UtcDateTime

metadata = MetaData()

namespaces = Table(
    "namespaces",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("name", String(255), nullable=False, unique=True),
    Column("used", BigInteger, nullable=False),
    Column("quota", BigInteger),
)

repositories = Table(
    "repositories",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("name", String(255), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("namespace_id", BigInteger, index=True),
)

objects = Table(
    "objects",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("touched_at", UtcDateTime, nullable=False, index=True),
)

blobs = Table(
    "blobs",
    metadata,
    Column("repository_id", BigId, ForeignKey("repositories.id"), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("touched_at", UtcDateTime),
    Index("ix_blobs_digest", "digest"),
)

manifests = Table(
    "manifests",
    metadata,
    Column("repository_id", BigId, ForeignKey("repositories.id"), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("media_type", String(255), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("subject", String(64)),
    Column("artifact_type", String(255)),
    Column("annotations", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("touched_at", UtcDateTime),
    Column("pins", Boolean, nullable=False),
    Index("ix_manifests_subject", "repository_id", "subject"),
)

manifest_parts = Table(
    "manifest_parts",
    metadata,
    Column("repository_id", BigId, ForeignKey("repositories.id"), primary_key=True),
    Column("manifest", String(64), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("kind", String(10), primary_key=True),
    Index("ix_manifest_parts_digest", "repository_id", "digest"),
)

tags = Table(
    "tags",
    metadata,
    Column("repository_id", BigId, ForeignKey("repositories.id"), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_tags_digest", "repository_id", "digest"),
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("repository_id", BigId, ForeignKey("repositories.id"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False, index=True),
    Column("closed", Boolean, nullable=False),
)

upload_chunks = Table(
    "upload_chunks",
    metadata,
    Column("upload_id", String(64), ForeignKey("uploads.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Index("ix_upload_chunks_digest", "digest"),
)
