"""What manifests are made of, which bytes are kept, and how much each namespace holds.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from mlreef.kit.db import BigId, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SIGNATURE = "application/vnd.dev.cosign.artifact.sig.v1+json"


def upgrade() -> None:
    """Add them, and fill them from what is kept already."""
    op.create_table(
        "namespaces",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False, unique=True),
        sa.Column("used", sa.BigInteger, nullable=False),
        sa.Column("quota", sa.BigInteger),
    )
    op.create_table(
        "objects",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("touched_at", UtcDateTime, nullable=False, index=True),
    )
    op.create_table(
        "manifest_parts",
        sa.Column("repository_id", BigId, sa.ForeignKey("repositories.id"), primary_key=True),
        sa.Column("manifest", sa.String(64), primary_key=True),
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(10), primary_key=True),
    )
    op.create_index("ix_manifest_parts_digest", "manifest_parts", ["repository_id", "digest"])
    op.add_column("repositories", sa.Column("namespace_id", sa.BigInteger))
    op.create_index("ix_repositories_namespace_id", "repositories", ["namespace_id"])
    op.add_column("blobs", sa.Column("touched_at", UtcDateTime))
    op.create_index("ix_blobs_digest", "blobs", ["digest"])
    op.add_column("manifests", sa.Column("touched_at", UtcDateTime))
    op.add_column("manifests", sa.Column("pins", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index("ix_tags_digest", "tags", ["repository_id", "digest"])
    op.create_index("ix_upload_chunks_digest", "upload_chunks", ["digest"])
    connection = op.get_bind()
    _fill(connection)
    _fill_parts(connection)


def _fill(connection: sa.Connection) -> None:
    for statement in (
        "UPDATE blobs SET touched_at = created_at",
        "UPDATE manifests SET touched_at = created_at",
        "INSERT INTO objects (digest, size, touched_at) SELECT digest, MAX(size), MAX(created_at) FROM blobs "
        "GROUP BY digest",
        "INSERT INTO objects (digest, size, touched_at) SELECT c.digest, MAX(c.size), MAX(u.created_at) "
        "FROM upload_chunks c JOIN uploads u ON u.id = c.upload_id "
        "WHERE c.digest NOT IN (SELECT digest FROM objects) GROUP BY c.digest",
    ):
        connection.execute(sa.text(statement))
    made = sa.text("UPDATE manifests SET pins = true WHERE subject IS NOT NULL AND artifact_type = :kind")
    connection.execute(made, {"kind": _SIGNATURE})
    known: dict[str, int] = {}
    for row in connection.execute(sa.text("SELECT id, name FROM repositories ORDER BY id")).all():
        name = row.name.partition("/")[0]
        if name not in known:
            known[name] = len(known) + 1
            connection.execute(sa.text("INSERT INTO namespaces (name, used) VALUES (:name, 0)"), {"name": name})
        found = connection.execute(sa.text("SELECT id FROM namespaces WHERE name = :name"), {"name": name}).scalar()
        connection.execute(
            sa.text("UPDATE repositories SET namespace_id = :found WHERE id = :id"), {"found": found, "id": row.id}
        )
    connection.execute(
        sa.text(
            "UPDATE namespaces SET used = COALESCE((SELECT SUM(size) FROM (SELECT DISTINCT b.digest, b.size "
            "FROM blobs b JOIN repositories r ON r.id = b.repository_id WHERE r.namespace_id = namespaces.id) held), 0)"
        )
    )


def _fill_parts(connection: sa.Connection) -> None:
    put = sa.text(
        "INSERT INTO manifest_parts (repository_id, manifest, digest, kind) "
        "VALUES (:repository, :manifest, :digest, :kind)"
    )
    keys = connection.execute(sa.text("SELECT repository_id, digest FROM manifests")).all()
    get = sa.text("SELECT body FROM manifests WHERE repository_id = :repository AND digest = :digest")
    for key in keys:
        where = {"repository": key.repository_id, "digest": key.digest}
        document = json.loads(bytes(connection.execute(get, where).scalar_one()))
        parts = {("manifest", one["digest"]) for one in document.get("manifests") or []}
        blobs = [*(document.get("layers") or []), *([document["config"]] if document.get("config") else [])]
        parts |= {("blob", one["digest"]) for one in blobs}
        for kind, digest in sorted(parts):
            hexadecimal = digest.removeprefix("sha256:")
            connection.execute(
                put, {"repository": key.repository_id, "manifest": key.digest, "digest": hexadecimal, "kind": kind}
            )
