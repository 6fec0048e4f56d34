"""What a job used beside its seconds; unknown for jobs of before.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them."""
    for name in ("cpu_s", "gpu_s"):
        op.add_column("usage_records", sa.Column(name, sa.Float(), nullable=True))
    for name in ("peak_memory_bytes", "read_bytes", "written_bytes"):
        op.add_column("usage_records", sa.Column(name, sa.BigInteger(), nullable=True))
