"""Repositories, blobs, manifests, tags and uploads."""

import sqlalchemy as sa
from alembic import op

from mlreef.kit.db import BigId, Json, UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the first schema."""
    op.create_table(
        "repositories",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False, unique=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "blobs",
        sa.Column("repository_id", BigId, sa.ForeignKey("repositories.id"), primary_key=True),
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "manifests",
        sa.Column("repository_id", BigId, sa.ForeignKey("repositories.id"), primary_key=True),
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("media_type", sa.String(255), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("subject", sa.String(64)),
        sa.Column("artifact_type", sa.String(255)),
        sa.Column("annotations", Json, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_manifests_subject", "manifests", ["repository_id", "subject"])
    op.create_table(
        "tags",
        sa.Column("repository_id", BigId, sa.ForeignKey("repositories.id"), primary_key=True),
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("repository_id", BigId, sa.ForeignKey("repositories.id"), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False, index=True),
    )
    op.create_table(
        "upload_chunks",
        sa.Column("upload_id", sa.String(64), sa.ForeignKey("uploads.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
    )
