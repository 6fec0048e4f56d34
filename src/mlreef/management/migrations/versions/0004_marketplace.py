"""The marketplace's index of words and its revision; settings of publication by tag.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from mlreef.kit.db import BigId

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them; processors that exist are put into the index by the service's first look."""
    op.create_table(
        "market_entries",
        sa.Column("number", BigId, autoincrement=True, nullable=False),
        sa.Column("processor_id", sa.String(40), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("processor_id", name="market_entries_processor"),
    )
    op.create_index("market_entries_by_revision", "market_entries", ["revision"])
    op.create_table(
        "market_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute("INSERT INTO market_state (id, revision) VALUES (1, 0)")
    op.create_index("run_steps_by_version", "run_steps", ["version_id"])
    op.create_index("processor_versions_by_processor", "processor_versions", ["processor_id"])
    op.create_index("processor_verifications_by_status", "processor_verifications", ["status"])
    op.add_column("connections", sa.Column("publish_on_tag", sa.Boolean()))
    op.add_column("connections", sa.Column("hears_tags", sa.Boolean(), nullable=False, server_default=sa.false()))
    if op.get_bind().dialect.name == "postgresql":
        _postgresql()
    else:
        op.execute(
            "CREATE VIRTUAL TABLE market_words USING fts5"
            "(names, told, everything, tokenize = \"unicode61 remove_diacritics 0\", prefix = '1 2 3')"
        )


def _postgresql() -> None:
    op.execute(
        "CREATE TABLE market_words (number bigint PRIMARY KEY, names tsvector NOT NULL, told tsvector NOT NULL, "
        "everything tsvector NOT NULL)"
    )
    # Rows stay narrow, so that reading the numbers of many of them is cheap: the words lie in the indexes.
    op.execute("ALTER TABLE market_words SET (toast_tuple_target = 128)")
    for column in ("names", "told", "everything"):
        op.execute(f"CREATE INDEX market_words_{column} ON market_words USING gin ({column}) WITH (fastupdate = off)")
