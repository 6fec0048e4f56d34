"""The audit log: one row per change that succeeded, written in the change's own transaction, chained by hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, text

from mlreef.forge.access.principal import Principal
from mlreef.forge.access.tables import audit_events
from mlreef.kit.clock import iso
from mlreef.kit.db import Tx

_START = "0" * 64


async def record(
    tx: Tx,
    who: Principal,
    action: str,
    *,
    kind: str,
    id: int | None,  # noqa: A002 - the word everybody uses
    target: str,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Note that `who` did `action` (e.g. `project.create`) to the target; details never hold secrets."""
    if tx.dialect == "postgresql":  # SQLite has one writer anyway
        await tx.execute(text("SELECT pg_advisory_xact_lock(hashtext('mlreef audit'))"))
    last = await tx.scalar(select(audit_events.c.hash).order_by(audit_events.c.id.desc()).limit(1))
    row: dict[str, Any] = {
        "at": who.at,
        "actor_id": who.user_id,
        "actor": who.username or "anonymous",
        "method": who.method,
        "token_id": who.token_id,
        "ip": who.ip,
        "action": action,
        "target_type": kind,
        "target_id": id,
        "target": target,
        "details": dict(details or {}),
        "previous": last or _START,
    }
    await tx.insert(audit_events, {**row, "hash": link(row)})


def link(row: Mapping[str, Any]) -> str:
    """The hash of a row and of the one before it."""
    said = {name: value for name, value in row.items() if name not in {"id", "hash"}}
    said["at"] = iso(row["at"])
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
