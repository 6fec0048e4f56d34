"""Rules of personal access tokens: scopes, ends, rotation; the secret is shown once and kept as a hash."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, timedelta

from sqlalchemy.engine import RowMapping

from mlreef.forge import audit
from mlreef.forge.access import identify, store, tables
from mlreef.forge.access.principal import Principal
from mlreef.kit import ids
from mlreef.kit.db import Tx
from mlreef.kit.errors import forbidden, invalid, not_found

SCOPES = (
    "api",
    "read_api",
    "read_user",
    "create_runner",
    "manage_runner",
    "read_repository",
    "write_repository",
    "read_registry",
    "write_registry",
    "self_rotate",
    "sudo",
)


async def create(
    tx: Tx,
    who: Principal,
    user: RowMapping,
    *,
    name: str,
    scopes: Sequence[str],
    expires_at: date | None,
    longest_days: int | None,
    description: str | None = None,
) -> tuple[RowMapping, str]:
    """A token for a user, and its secret; without an end it gets the longest allowed life (None: endless)."""
    wanted = check_scopes(scopes)
    if "sudo" in wanted and not user["admin"]:
        raise forbidden("403 Forbidden - the scope sudo is for administrators")
    today = who.at.astimezone(UTC).date()
    last = today + timedelta(days=longest_days) if longest_days is not None else None
    if expires_at is not None and expires_at <= today:
        raise invalid("expires_at must be in the future")
    if expires_at is not None and last is not None and expires_at > last:
        raise invalid(f"expires_at must be on or before {last.isoformat()}")
    secret = ids.new_token(identify.TOKEN_PREFIX)
    token_id = await tx.insert(
        tables.tokens,
        {
            "user_id": user["id"],
            "name": name,
            "description": description,
            "token_hash": ids.hash_token(secret),
            "scopes": wanted,
            "created_at": who.at,
            "expires_at": expires_at or last,
            "revoked": False,
        },
    )
    details = {"user": user["username"], "scopes": wanted}
    await audit.record(tx, who, "token.create", kind="token", id=token_id, target=name, details=details)
    return await get(tx, token_id), secret


async def get(tx: Tx, token_id: int) -> RowMapping:
    """A token that exists."""
    found = await store.find_token_by_id(tx, token_id)
    if found is None:
        raise not_found("404")
    return found


async def get_own(tx: Tx, who: Principal, wanted: str) -> RowMapping:
    """A token by number or `self`, of the caller; administrators reach everybody's. Others' are hidden."""
    if wanted == "self":
        if who.token_id is None:
            raise invalid("400 Bad request - self needs a personal access token")
        return await get(tx, who.token_id)
    row = await store.find_token_by_id(tx, int(wanted)) if wanted.isdecimal() and len(wanted) < 19 else None
    if row is None or (row["user_id"] != who.user_id and not who.admin):
        raise not_found("404")
    return row


async def revoke(tx: Tx, who: Principal, row: RowMapping) -> None:
    """End a token for ever."""
    await store.revoke_token(tx, row["id"])
    await audit.record(tx, who, "token.revoke", kind="token", id=row["id"], target=row["name"])


def check_scopes(scopes: Sequence[str]) -> list[str]:
    """The scopes without repetition; unknown ones are refused."""
    wanted = list(dict.fromkeys(scopes))
    unknown = [scope for scope in wanted if scope not in SCOPES]
    if not wanted:
        raise invalid("scopes is missing")
    if unknown:
        raise invalid("scopes does not have a valid value")
    return wanted
