"""Upload sessions that are over are remembered until they would have ended.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the mark; sessions that are kept now are open."""
    op.add_column("uploads", sa.Column("closed", sa.Boolean, nullable=False, server_default=sa.false()))
