"""Browser sessions: made at login, ended at logout; cookie and CSRF token are kept as hashes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.engine import RowMapping

from mlreef.forge import audit
from mlreef.forge.access import passwords, people, store, tables
from mlreef.forge.access.principal import Principal
from mlreef.forge.state import State
from mlreef.kit import ids
from mlreef.kit.db import Tx
from mlreef.kit.errors import forbidden


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session: what goes into the two cookies, and whose it is."""

    user: RowMapping
    cookie: str
    csrf: str


async def find_login(state: State, who: Principal, login: str, password: str) -> RowMapping | None:
    """The user whose login this is; None counts as one failure. Unknown users cost the same time."""
    keys = passwords.failure_keys(login, who.ip)
    async with state.db.read() as tx:
        await passwords.check_rate(state, tx, keys, who.at)
        user = await passwords.find_user(tx, login, password)
    if user is None:
        window = timedelta(seconds=state.settings.login_window_seconds)
        async with state.db.write() as tx:
            for key in keys:
                await store.add_failure(tx, key, who.at, window)
    return user


async def open_session(state: State, tx: Tx, who: Principal, user: RowMapping) -> Opened:
    """A session for a user who just proved who they are; always a new cookie."""
    if user["state"] != "active":
        raise forbidden("403 Forbidden - Your account has been blocked.")
    cookie, csrf = ids.new_token("glsess-"), ids.new_token("glcsrf-")
    session = {
        "user_id": user["id"],
        "token_hash": ids.hash_token(cookie),
        "csrf_hash": ids.hash_token(csrf),
        "created_at": who.at,
        "seen_at": who.at,
        "expires_at": who.at + timedelta(seconds=state.settings.session_seconds),
    }
    await tx.insert(tables.sessions, session)
    await store.clear_failures(tx, passwords.failure_keys(user["username"], None)[0])
    signed_in = {"last_sign_in_at": user["current_sign_in_at"] or who.at, "current_sign_in_at": who.at}
    await store.change_user(tx, user["id"], signed_in)
    await audit.record(tx, who, "session.open", kind="user", id=user["id"], target=user["username"])
    return Opened(await people.get(tx, user["id"]), cookie, csrf)


async def close_session(tx: Tx, who: Principal) -> None:
    """Log out."""
    if who.session_id is None:
        return
    await store.remove_sessions(tx, session_id=who.session_id)
    await audit.record(tx, who, "session.close", kind="user", id=who.user_id, target=who.username)
