"""Logging in and out, registering, CSRF, guessing, and tokens made from a session."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from mlreef.forge.access import passwords, store, tables
from mlreef.kit.clock import FixedClock
from support import whole_forge
from support.whole_forge import PASSWORD, World

NEW = {"username": "ada", "name": "Ada", "email": "ada@example.org", "password": "a long enough secret"}


async def test_a_login_opens_a_session_and_a_logout_ends_it(world: World) -> None:
    browser = await world.log_in("root", PASSWORD)
    assert (await browser.get("/-/session")).json()["user"]["username"] == "root"
    cookie = browser.cookies["mlreef_session"]
    assert (await browser.delete("/-/session")).status_code == 204
    again = world.client(Cookie=f"mlreef_session={cookie}")
    assert (await again.get("/-/session")).status_code == 401


async def test_the_session_cookie_is_hidden_from_scripts(world: World) -> None:
    async with world.client() as client:
        answer = await client.post("/-/session", json={"login": "root", "password": PASSWORD})
    session, csrf = answer.headers.get_list("set-cookie")
    assert "HttpOnly" in session
    assert "SameSite=lax" in session
    assert "HttpOnly" not in csrf


async def test_over_tls_the_session_cookie_is_secure_and_bound_to_the_host(tmp_path: Path) -> None:
    async with whole_forge.running(tmp_path / "tls", external_url="https://forge.test") as world:
        async with world.client() as client:
            answer = await client.post("/-/session", json={"login": "root", "password": PASSWORD})
    assert answer.headers["set-cookie"].startswith("__Host-mlreef_session=")
    assert "Secure" in answer.headers["set-cookie"]


async def test_a_session_changes_nothing_without_its_csrf_token(world: World) -> None:
    browser = await world.log_in("root", PASSWORD)
    del browser.headers["X-CSRF-Token"]
    refused = await browser.post("/api/v4/groups", json={"name": "a", "path": "a"})
    assert refused.status_code == 403
    assert "CSRF" in refused.json()["message"]
    assert (await browser.get("/api/v4/user")).status_code == 200


async def test_a_session_refuses_another_sites_origin(world: World) -> None:
    browser = await world.log_in("root", PASSWORD)
    browser.headers["Origin"] = "http://evil.test"
    assert (await browser.post("/api/v4/groups", json={"name": "a", "path": "a"})).status_code == 403
    browser.headers["Origin"] = whole_forge.URL
    assert (await browser.post("/api/v4/groups", json={"name": "a", "path": "a"})).status_code == 201


async def test_unknown_users_and_wrong_passwords_get_the_same_answer(world: World) -> None:
    wrong = await world.call(None, "POST", "/-/session", json={"login": "root", "password": "wrong wrong wrong"})
    unknown = await world.call(None, "POST", "/-/session", json={"login": "nobody", "password": "wrong wrong wrong"})
    assert (wrong.status_code, wrong.json()) == (unknown.status_code, unknown.json())
    assert wrong.status_code == 401


async def test_guessing_is_stopped_for_a_while(tmp_path: Path) -> None:
    clock = FixedClock()
    async with whole_forge.running(tmp_path, clock=clock, login_attempts=3) as world:
        guess = {"login": "root", "password": "wrong wrong wrong"}
        statuses = [(await world.call(None, "POST", "/-/session", json=guess)).status_code for _ in range(4)]
        assert statuses == [401, 401, 401, 429]
        right = {"login": "root", "password": PASSWORD}
        assert (await world.call(None, "POST", "/-/session", json=right)).status_code == 429
        clock.advance(301)
        assert (await world.call(None, "POST", "/-/session", json=right)).status_code == 201


async def test_strangers_register_and_log_in(world: World) -> None:
    made = await world.call(None, "POST", "/-/users", json=NEW)
    assert made.status_code == 201
    assert made.json()["user"]["is_admin"] is False
    browser = await world.log_in("ada@example.org", NEW["password"])
    assert (await browser.get("/api/v4/user")).json()["username"] == "ada"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"password": "short"}, "password"),
        ({"password": "aaaaaaaaaaaaaaaa"}, "password"),
        ({"username": "-ada"}, "username"),
        ({"username": "api"}, "path"),
        ({"email": "no address"}, "email"),
        ({"email": ["a@example.org", "b@example.org"]}, None),
        ({"username": {"$ne": 1}}, None),
    ],
)
async def test_registration_refuses(world: World, change: dict[str, object], field: str | None) -> None:
    answer = await world.call(None, "POST", "/-/users", json={**NEW, **change})
    assert answer.status_code == 400
    assert field is None or field in answer.json()["message"]


async def test_nobody_registers_as_administrator(world: World) -> None:
    await world.call(None, "POST", "/-/users", json={**NEW, "admin": True, "is_admin": True})
    browser = await world.log_in("ada", NEW["password"])
    assert (await browser.get("/api/v4/user")).json()["is_admin"] is False


async def test_a_taken_name_is_refused_whatever_its_case(world: World) -> None:
    await world.call(None, "POST", "/-/users", json=NEW)
    again = await world.call(None, "POST", "/-/users", json={**NEW, "username": "ADA", "email": "b@example.org"})
    assert (again.status_code, again.json()) == (409, {"message": "Username has already been taken"})


async def test_registration_can_be_closed(tmp_path: Path) -> None:
    async with whole_forge.running(tmp_path, signup=False) as world:
        assert (await world.call(None, "POST", "/-/users", json=NEW)).status_code == 403


async def test_a_new_password_ends_all_sessions(world: World) -> None:
    await world.call(None, "POST", "/-/users", json=NEW)
    first, second = await world.log_in("ada", NEW["password"]), await world.log_in("ada", NEW["password"])
    changed = {"current_password": NEW["password"], "password": "another long secret"}
    assert (await first.put("/-/user/password", json=changed)).status_code == 200
    assert (await second.get("/-/session")).status_code == 401
    assert (await world.call(None, "POST", "/-/session", json={"login": "ada", "password": NEW["password"]})).is_error


async def test_a_token_cannot_make_tokens(world: World) -> None:
    wanted = {"name": "more", "scopes": ["api"]}
    assert (await world.call("root", "POST", "/-/personal_access_tokens", json=wanted)).status_code == 403


async def test_sessions_end_when_unused_and_in_any_case(tmp_path: Path) -> None:
    clock = FixedClock()
    async with whole_forge.running(tmp_path, clock=clock, session_idle_seconds=100, session_seconds=1000) as world:
        browser = await world.log_in("root", PASSWORD)
        clock.advance(99)
        assert (await browser.get("/-/session")).status_code == 200
        clock.advance(2)
        assert (await browser.get("/-/session")).status_code == 401


async def test_expired_sessions_are_purged(tmp_path: Path) -> None:
    clock = FixedClock()
    async with whole_forge.running(tmp_path, clock=clock) as world:
        await world.log_in("root", PASSWORD)
        async with world.state.db.write() as tx:
            clock.advance(90 * 86400)
            await store.purge(tx, now=clock.now(), idle=timedelta(days=7), window=timedelta(minutes=5))
            assert await tx.all(tables.sessions.select()) == []


def test_an_unknown_login_is_compared_with_as_much_work_as_a_known_one() -> None:
    assert not passwords._hasher.check_needs_rehash(passwords._FOOL)
    assert not passwords._matches(passwords._FOOL, PASSWORD)
