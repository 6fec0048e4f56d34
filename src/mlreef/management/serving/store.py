"""Queries of rendered CI configurations."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from mlreef.kit import ids
from mlreef.kit.db import Tx
from mlreef.management.serving.tables import ci_configs

TOKEN_PREFIX = "mlrcfg-"  # noqa: S105 - what the tokens begin with


async def add_config(tx: Tx, *, kind: str, subject_id: str, body: str, now: datetime) -> str:
    """Keep a configuration and return the token that finds it, which is the value of `MLREEF_CONFIG`."""
    token = ids.new_token(TOKEN_PREFIX)
    values = {
        "token_hash": ids.hash_token(token),
        "kind": kind,
        "subject_id": subject_id,
        "body": body,
        "created_at": now,
    }
    await tx.insert(ci_configs, values)
    return token


async def find_config(tx: Tx, token: str) -> str | None:
    """The configuration under a token."""
    if not ids.valid_token(token, TOKEN_PREFIX):
        return None
    found: str | None = await tx.scalar(
        select(ci_configs.c.body).where(ci_configs.c.token_hash == ids.hash_token(token))
    )
    return found
