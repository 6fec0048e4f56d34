"""Personal access tokens: every transport, scopes, ends, revocation, rotation; and Sudo."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path

import pytest

from mlreef.forge.access import background
from mlreef.kit import ids
from mlreef.kit.clock import FixedClock
from support import whole_forge
from support.whole_forge import World


def basic(name: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


async def test_a_token_works_on_every_transport_alike(world: World) -> None:
    token = await world.person("ada")
    for headers in ({"PRIVATE-TOKEN": token}, {"Authorization": f"Bearer {token}"}):
        assert (await world.call(None, "GET", "/user", headers=headers)).json()["username"] == "ada"
    assert (await world.call(None, "GET", f"/user?private_token={token}")).json()["username"] == "ada"


async def test_the_api_takes_no_basic_credentials(world: World) -> None:
    token = await world.person("ada")
    assert (await world.call(None, "GET", "/user", headers=basic("ada", token))).status_code == 401


@pytest.mark.parametrize("token", ["glpat-unknown", "nonsense", "glcbt-unknown", "x" * 5000])
async def test_unknown_tokens_are_refused(world: World, token: str) -> None:
    for headers in ({"PRIVATE-TOKEN": token}, {"Authorization": f"Bearer {token}"}, {"JOB-TOKEN": token}):
        answer = await world.call(None, "GET", "/projects", headers=headers)
        assert (answer.status_code, answer.json()) == (401, {"message": "401 Unauthorized"})


async def test_a_revoked_token_never_works_again_and_says_why(world: World) -> None:
    token = await world.person("ada")
    assert (await world.call("ada", "DELETE", "/personal_access_tokens/self")).status_code == 204
    answer = await world.call(None, "GET", "/user", headers={"PRIVATE-TOKEN": token})
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_token"
    assert answer.headers["www-authenticate"].startswith("Bearer ")


async def test_a_token_ends_on_its_day(tmp_path: Path) -> None:
    clock = FixedClock()
    async with whole_forge.running(tmp_path, clock=clock) as world:
        await world.person("ada")
        browser = {"name": "short", "scopes": ["api"], "expires_at": "2026-01-03"}
        path = f"/users/{world.ids['ada']}/personal_access_tokens"
        made = await world.ok("root", "POST", path, json=browser)
        world.tokens["short"] = made["token"]
        clock.advance(86400)
        assert (await world.call("short", "GET", "/user")).status_code == 200
        clock.advance(86400)
        assert (await world.call("short", "GET", "/user")).json()["error"] == "invalid_token"


async def test_a_reading_token_does_not_write(world: World) -> None:
    await world.person("ada", scopes=("read_api",))
    assert (await world.call("ada", "GET", "/projects")).status_code == 200
    refused = await world.call("ada", "POST", "/projects", json={"name": "a"})
    assert refused.status_code == 403
    assert refused.json()["error"] == "insufficient_scope"


async def test_scopes_count_for_bearer_as_for_the_header(world: World) -> None:
    token = await world.person("ada", scopes=("read_user",))
    for headers in ({"PRIVATE-TOKEN": token}, {"Authorization": f"Bearer {token}"}):
        assert (await world.call(None, "GET", "/user", headers=headers)).status_code == 200
        assert (await world.call(None, "GET", "/groups", headers=headers)).status_code == 403


async def test_rotation_gives_a_new_token_and_ends_the_old_one(world: World) -> None:
    old = await world.person("ada")
    made = await world.ok("ada", "POST", "/personal_access_tokens/self/rotate")
    world.tokens["ada"] = made["token"]
    assert (await world.call("ada", "GET", "/user")).status_code == 200
    assert (await world.call(None, "GET", "/user", headers={"PRIVATE-TOKEN": old})).status_code == 401


async def test_other_peoples_tokens_do_not_exist(world: World) -> None:
    await world.person("ada")
    await world.person("eve")
    mine = (await world.ok("ada", "GET", "/personal_access_tokens"))[0]["id"]
    assert (await world.call("eve", "GET", f"/personal_access_tokens/{mine}")).status_code == 404
    assert (await world.call("eve", "DELETE", f"/personal_access_tokens/{mine}")).status_code == 404
    assert (await world.call("ada", "GET", f"/personal_access_tokens/{mine}")).status_code == 200


async def test_the_database_holds_no_token_and_no_password(world: World, tmp_path: Path) -> None:
    token = await world.person("ada", force_random_password=None, password="a long enough secret")
    content = b"".join(file.read_bytes() for file in tmp_path.glob("forge.db*"))
    assert token.encode() not in content
    assert b"a long enough secret" not in content
    assert ids.hash_token(token).encode() in content


async def test_use_of_a_token_is_noted_by_the_loop_and_not_by_the_request(world: World) -> None:
    await world.person("ada")
    assert (await world.ok("ada", "GET", "/personal_access_tokens/self"))["last_used_at"] is None
    await background.write_uses(world.state, timedelta(minutes=5))
    assert (await world.ok("ada", "GET", "/personal_access_tokens/self"))["last_used_at"] is not None


@pytest.mark.parametrize("scopes", [[], ["everything"], "api,nonsense"])
async def test_scopes_must_be_known(world: World, scopes: object) -> None:
    await world.person("ada")
    path = f"/users/{world.ids['ada']}/personal_access_tokens"
    assert (await world.call("root", "POST", path, json={"name": "a", "scopes": scopes})).status_code == 400


async def test_administrators_act_as_others_with_sudo(world: World) -> None:
    await world.person("ada")
    for wanted in ("ada", str(world.ids["ada"])):
        answer = await world.call("root", "GET", "/user", headers={"Sudo": wanted})
        assert answer.json()["username"] == "ada"
    assert (await world.call("root", "GET", "/user", headers={"Sudo": "nobody"})).status_code == 404
    assert (await world.call("ada", "GET", "/user", headers={"Sudo": "root"})).status_code == 403


async def test_a_blocked_user_is_out_at_once(world: World) -> None:
    await world.person("ada")
    assert await world.ok("root", "POST", f"/users/{world.ids['ada']}/block") is True
    refused = await world.call("ada", "GET", "/user")
    assert (refused.status_code, "blocked" in refused.json()["message"]) == (403, True)
    assert await world.ok("root", "POST", f"/users/{world.ids['ada']}/block") is None
    assert await world.ok("root", "POST", f"/users/{world.ids['ada']}/unblock") is True
    assert await world.ok("root", "POST", f"/users/{world.ids['ada']}/unblock") is False
    assert (await world.call("ada", "GET", "/user")).status_code == 200
