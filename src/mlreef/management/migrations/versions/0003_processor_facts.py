"""What a version is described, built and vouched for by; flavours of environments; nightly verification.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from mlreef.kit.db import Json, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _json(name: str, default: str = "{}") -> sa.Column[object]:
    return sa.Column(name, Json(), nullable=False, server_default=sa.text(f"'{default}'"))


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default="")


def upgrade() -> None:
    """Add them; what exists gets empty values."""
    for column in (_json("manifest"), _text("changelog")):
        op.add_column("publications", column)
    op.add_column("publications", sa.Column("trigger", sa.String(20), nullable=False, server_default="user"))
    for column in (_json("manifest"), _json("attestations")):
        op.add_column("processor_versions", column)
    for name in ("changelog", "lock", "status_message"):
        op.add_column("processor_versions", _text(name))
    op.add_column("processor_versions", sa.Column("network", sa.String(20), nullable=False, server_default="none"))
    op.add_column("processor_versions", sa.Column("replacement", sa.Text()))
    op.add_column("processor_versions", sa.Column("status_by", sa.Text()))
    op.add_column("processor_versions", sa.Column("status_at", UtcDateTime()))
    op.add_column("processors", _json("tags", "[]"))
    op.add_column("processors", sa.Column("licence", sa.Text()))
    op.add_column("processors", _text("framework"))
    op.add_column("processors", _text("readme"))
    op.add_column("processors", sa.Column("visibility", sa.String(20), nullable=False, server_default="private"))
    op.add_column("processors", sa.Column("star_count", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("processors", sa.Column("verified_at", UtcDateTime()))
    op.add_column("processors", sa.Column("verified_version_id", sa.String(40)))
    op.add_column("environments", sa.Column("flavour", sa.String(10), nullable=False, server_default="cpu"))
    op.add_column("environments", _json("packages", "[]"))
    op.add_column("environments", _json("source"))
    op.create_table(
        "processor_verifications",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("version_id", sa.String(40), nullable=False),
        sa.Column("run_id", sa.String(40)),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("processor_verifications_by_version", "processor_verifications", ["version_id", "id"])
