"""The first start, and the audit log."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path

from sqlalchemy import select

from mlreef import forge
from mlreef.forge import audit
from mlreef.forge.access.tables import audit_events
from support import whole_forge
from support.whole_forge import World


async def test_the_first_start_makes_secrets_and_a_second_one_nothing(tmp_path: Path) -> None:
    settings = whole_forge.settings(tmp_path)
    first, second = await forge.initialise(settings), await forge.initialise(settings)
    assert first.admin_username == "root"
    assert len(first.admin_password or "") >= 20
    assert (first.service_token or "").startswith("glpat-")
    assert (second.admin_password, second.service_token) == (None, None)


async def test_the_service_account_has_rights_nowhere(world: World) -> None:
    await world.person("ada")
    made = await world.ok("ada", "POST", "/projects", json={"name": "data"})
    token = {"PRIVATE-TOKEN": world.made.service_token or ""}
    assert (await world.call(None, "GET", "/user", headers=token)).json()["username"] == "mlreef-bot"
    assert (await world.call(None, "GET", f"/projects/{made['id']}", headers=token)).status_code == 404
    await world.ok(
        "ada", "POST", f"/projects/{made['id']}/members", json={"username": "mlreef-bot", "access_level": 30}
    )
    assert (await world.call(None, "GET", f"/projects/{made['id']}", headers=token)).status_code == 200


async def test_every_change_leaves_a_row_that_says_who_did_what(world: World) -> None:
    await world.person("ada")
    made = await world.ok("ada", "POST", "/projects", json={"name": "data"})
    await world.ok("ada", "POST", f"/projects/{made['id']}/star")
    await world.ok("ada", "DELETE", f"/projects/{made['id']}")
    async with world.state.db.read() as tx:
        rows = await tx.all(select(audit_events).where(audit_events.c.actor == "ada").order_by(audit_events.c.id))
    assert [row["action"] for row in rows] == ["project.create", "project.star", "project.delete"]
    assert {(row["method"], row["ip"], row["target"]) for row in rows} == {
        ("personal_access_token", "127.0.0.1", "ada/data")
    }


async def test_what_was_refused_leaves_no_row(world: World) -> None:
    await world.person("ada")
    async with world.state.db.read() as tx:
        before = len(await tx.all(select(audit_events.c.id)))
    await world.call("ada", "POST", "/users", json={"username": "x"})
    await world.call("ada", "POST", "/projects", json={"name": "??"})
    async with world.state.db.read() as tx:
        assert len(await tx.all(select(audit_events.c.id))) == before


async def test_the_log_is_a_chain(world: World) -> None:
    await world.person("ada")
    async with world.state.db.read() as tx:
        rows = await tx.all(select(audit_events).order_by(audit_events.c.id))
    assert len(rows) > 3
    assert all(row["previous"] == before["hash"] for before, row in itertools.pairwise(rows))
    assert all(audit.link(row) == row["hash"] for row in rows)


async def test_the_log_never_holds_secrets(world: World) -> None:
    token = await world.person("ada", force_random_password=None, password="a long enough secret")
    async with world.state.db.read() as tx:
        text = str([dict(row) for row in await tx.all(select(audit_events))])
    assert token not in text
    assert "a long enough secret" not in text


async def test_what_happens_to_references_and_files_is_in_the_log(world: World) -> None:
    await world.person("ada")
    made = await world.ok("ada", "POST", "/projects", json={"name": "data"})
    path = f"/projects/{made['id']}/repository"
    file = {"branch": "main", "content": "script", "commit_message": "m"}
    await world.ok("ada", "POST", f"{path}/files/a.txt", json=file)
    await world.ok("ada", "PUT", f"{path}/files/a.txt", json={**file, "content": "other"})
    await world.ok("ada", "POST", f"{path}/branches", json={"branch": "dev", "ref": "main"})
    await world.ok("ada", "DELETE", f"{path}/branches/dev")
    async with world.as_("ada") as client:
        locked = await client.post("/ada/data.git/info/lfs/locks", json={"path": "a.txt"})
        await client.post(f"/ada/data.git/info/lfs/locks/{locked.json()['lock']['id']}/unlock", json={})
        url = f"/ada/data.git/gitlab-lfs/objects/{hashlib.sha256(b'bytes').hexdigest()}/5"
        assert (await client.put(url, content=b"bytes")).status_code == 200
    async with world.state.db.read() as tx:
        rows = await tx.all(select(audit_events).where(audit_events.c.actor == "ada").order_by(audit_events.c.id))
    assert [(row["action"], row["target"]) for row in rows[1:]] == [
        ("ref.create", "refs/heads/main"),
        ("ref.update", "refs/heads/main"),
        ("ref.create", "refs/heads/dev"),
        ("ref.delete", "refs/heads/dev"),
        ("lfs.lock", "a.txt"),
        ("lfs.unlock", "a.txt"),
        ("lfs.upload", f"project {made['id']}"),
    ]
    assert rows[-1]["details"] == {"objects": 1, "bytes": 5}
