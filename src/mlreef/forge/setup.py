"""Preparing a forge before its first start: schema, administrator, service account. Doing it again changes nothing."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlalchemy.engine import RowMapping

from mlreef.forge.access import passwords, people, store, tokens
from mlreef.forge.access.principal import Principal
from mlreef.forge.oidc.keys import SigningKey
from mlreef.forge.settings import Settings
from mlreef.kit.clock import Clock, SystemClock
from mlreef.kit.db import Database, Tx
from mlreef.kit.paging import Page

ADMIN, BOT = "root", "mlreef-bot"
_TOKEN_NAME = "mlreef"  # noqa: S105 - a name, not a secret


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What the operator needs; secrets are there only when this call made them."""

    admin_username: str
    admin_password: str | None
    """The administrator's password if this call set it; None when the account was there."""
    service_token: str | None
    """The service account's token, which has no end; None when the account had one."""


async def initialise(settings: Settings, admin_password: str | None = None, *, clock: Clock | None = None) -> Bootstrap:
    """Migrate, make the administrator `root` and the service account `mlreef-bot`, and hand out their tokens."""
    SigningKey.load(settings.secrets_dir)
    db = Database.open(settings.database_url, migrations="mlreef.forge.migrations")
    now = (clock or SystemClock()).now()
    who = Principal(at=now, username="setup", method="setup", admin=True)
    try:
        await db.migrate()
        password = admin_password or secrets.token_urlsafe(18)
        async with db.read() as tx:
            known = await store.find_by_username(tx, ADMIN) is not None
        # Slow on purpose, so only where it is needed: this runs at every start.
        hashed = None if known else await passwords.hashed(password, ADMIN)
        async with db.write() as tx:
            _admin, made = await _account(tx, who, ADMIN, "Administrator", password_hash=hashed)
            bot, _ = await _account(tx, who, BOT, "MLReef service account", password_hash=None)
            service_token = await _token(tx, who, bot)
    finally:
        await db.close()
    return Bootstrap(ADMIN, password if made else None, service_token)


async def _account(
    tx: Tx, who: Principal, username: str, name: str, *, password_hash: str | None
) -> tuple[RowMapping, bool]:
    found = await store.find_by_username(tx, username)
    if found is not None:
        return found, False
    new = people.NewUser(
        username=username,
        name=name,
        email=f"{username}@localhost",
        password_hash=password_hash,
        admin=username == ADMIN,
        bot=username == BOT,
    )
    return await people.create(tx, who, new), True


async def _token(tx: Tx, who: Principal, bot: RowMapping) -> str | None:
    filters = {"user_id": bot["id"], "state": "active", "today": who.at.date()}
    held, _total = await store.list_tokens(tx, filters, Page(1, 1000))
    if any(row["name"] == _TOKEN_NAME for row in held):
        return None
    _row, secret = await tokens.create(
        tx, who, bot, name=_TOKEN_NAME, scopes=["api"], expires_at=None, longest_days=None
    )
    return secret
