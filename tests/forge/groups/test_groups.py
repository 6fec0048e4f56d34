"""Groups, subgroups and memberships over the API."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlreef.kit.clock import FixedClock
from support import whole_forge
from support.whole_forge import World


async def group(world: World, name: str | None = "ada", path: str = "lab", **fields: object) -> dict[str, object]:
    made = await world.ok(name, "POST", "/groups", json={"name": path.title(), "path": path, **fields})
    assert isinstance(made, dict)
    return made


async def test_the_creator_owns_the_group(world: World) -> None:
    await world.person("ada")
    made = await group(world)
    members = await world.ok("ada", "GET", f"/groups/{made['id']}/members")
    assert [(one["username"], one["access_level"]) for one in members] == [("ada", 50)]
    assert made["visibility"] == "private"


async def test_a_group_is_found_by_number_and_by_encoded_path(world: World) -> None:
    await world.person("ada")
    parent = await group(world)
    child = await group(world, path="sub", parent_id=parent["id"])
    assert child["full_path"] == "lab/sub"
    for wanted in (child["id"], "lab%2Fsub", "LAB%2fSub"):
        found = await world.ok("ada", "GET", f"/groups/{wanted}")
        assert (found["id"], found["full_name"]) == (child["id"], "Lab / Sub")


async def test_rights_are_inherited_downwards_and_not_upwards(world: World) -> None:
    for name in ("ada", "bob"):
        await world.person(name)
    parent = await group(world)
    child = await group(world, path="sub", parent_id=parent["id"])
    await world.ok("ada", "POST", f"/groups/{child['id']}/members", json={"username": "bob", "access_level": 30})
    assert (await world.call("bob", "GET", f"/groups/{child['id']}")).status_code == 200
    assert (await world.call("bob", "GET", f"/groups/{parent['id']}")).status_code == 404
    below = await world.ok("ada", "GET", f"/groups/{child['id']}/members/all")
    assert {one["username"]: one["access_level"] for one in below} == {"ada": 50, "bob": 30}


async def test_nobody_gives_more_than_they_have(world: World) -> None:
    for name in ("ada", "bob", "eve"):
        await world.person(name)
    made = await group(world)
    path = f"/groups/{made['id']}/members"
    await world.ok("ada", "POST", path, json={"user_id": world.ids["bob"], "access_level": 40})
    refused = await world.call("bob", "POST", path, json={"user_id": world.ids["eve"], "access_level": 50})
    assert refused.status_code == 403
    assert (await world.call("bob", "PUT", f"{path}/{world.ids['bob']}", json={"access_level": 50})).status_code == 403
    assert (await world.call("bob", "DELETE", f"{path}/{world.ids['ada']}")).status_code == 403


async def test_the_last_owner_stays(world: World) -> None:
    await world.person("ada")
    made = await group(world)
    path = f"/groups/{made['id']}/members/{world.ids['ada']}"
    assert (await world.call("ada", "DELETE", path)).status_code == 403
    assert (await world.call("ada", "PUT", path, json={"access_level": 30})).status_code == 403


async def test_everybody_may_leave(world: World) -> None:
    for name in ("ada", "bob"):
        await world.person(name)
    made = await group(world)
    path = f"/groups/{made['id']}/members"
    await world.ok("ada", "POST", path, json={"user_id": world.ids["bob"], "access_level": 10})
    assert (await world.call("bob", "DELETE", f"{path}/{world.ids['bob']}")).status_code == 204
    assert (await world.call("bob", "GET", f"/groups/{made['id']}")).status_code == 404


async def test_a_membership_ends_on_its_day(tmp_path: Path) -> None:
    clock = FixedClock()
    async with whole_forge.running(tmp_path, clock=clock) as world:
        for name in ("ada", "bob"):
            await world.person(name)
        made = await group(world)
        member = {"username": "bob", "access_level": 30, "expires_at": "2026-01-02"}
        await world.ok("ada", "POST", f"/groups/{made['id']}/members", json=member)
        assert (await world.call("bob", "GET", f"/groups/{made['id']}")).status_code == 200
        clock.advance(86400)
        assert (await world.call("bob", "GET", f"/groups/{made['id']}")).status_code == 404


async def test_a_member_is_added_once(world: World) -> None:
    for name in ("ada", "bob"):
        await world.person(name)
    made = await group(world)
    member = {"user_id": world.ids["bob"], "access_level": 30}
    await world.ok("ada", "POST", f"/groups/{made['id']}/members", data=member)
    again = await world.call("ada", "POST", f"/groups/{made['id']}/members", params=member)
    assert (again.status_code, again.json()) == (409, {"message": "Member already exists"})


async def test_a_subgroup_is_at_most_as_visible_as_its_parent(world: World) -> None:
    await world.person("ada")
    parent = await group(world, visibility="internal")
    wanted = {"name": "Sub", "path": "sub", "parent_id": parent["id"], "visibility": "public"}
    assert (await world.call("ada", "POST", "/groups", json=wanted)).status_code == 400
    await group(world, path="sub", parent_id=parent["id"], visibility="internal")
    changed = await world.call("ada", "PUT", f"/groups/{parent['id']}", json={"visibility": "private"})
    assert (changed.status_code, "visibility_level" in changed.json()["message"]) == (400, True)


async def test_a_renamed_group_takes_everything_below_along(world: World) -> None:
    await world.person("ada")
    parent = await group(world)
    child = await group(world, path="sub", parent_id=parent["id"])
    made = await world.ok("ada", "POST", "/projects", json={"name": "data", "namespace_id": child["id"]})
    await world.ok("ada", "PUT", f"/groups/{parent['id']}", json={"path": "works"})
    assert (await world.ok("ada", "GET", "/projects/works%2Fsub%2Fdata"))["id"] == made["id"]
    assert (await world.call("ada", "GET", "/projects/lab%2Fsub%2Fdata")).status_code == 404


async def test_a_deleted_group_is_gone_with_its_projects(world: World) -> None:
    await world.person("ada")
    made = await group(world)
    project = await world.ok("ada", "POST", "/projects", json={"name": "data", "namespace_id": made["id"]})
    assert (await world.call("ada", "DELETE", f"/groups/{made['id']}")).status_code == 202
    assert (await world.call("ada", "GET", f"/groups/{made['id']}")).json() == {"message": "404 Group Not Found"}
    assert (await world.call("ada", "GET", f"/projects/{project['id']}")).status_code == 404
    await group(world)


@pytest.mark.parametrize("path", ["api", "-x", "a b", "a/b", "..", "x.git", "", "é"])
async def test_paths_that_no_url_can_hold_are_refused(world: World, path: str) -> None:
    assert (await world.call("root", "POST", "/groups", json={"name": "Lab", "path": path})).status_code == 400


async def test_users_and_groups_share_one_name_space(world: World) -> None:
    await world.person("ada")
    taken = await world.call("root", "POST", "/groups", json={"name": "Ada", "path": "ADA"})
    assert taken.json() == {"message": {"path": ["has already been taken"]}}


async def test_namespaces_are_those_one_may_use(world: World) -> None:
    for name in ("ada", "bob"):
        await world.person(name)
    await group(world)
    assert [one["full_path"] for one in await world.ok("ada", "GET", "/namespaces")] == ["ada", "lab"]
    assert [one["full_path"] for one in await world.ok("bob", "GET", "/namespaces")] == ["bob"]
    assert (await world.ok("ada", "GET", "/namespaces/lab"))["kind"] == "group"
    assert (await world.call("bob", "GET", "/namespaces/ada")).status_code == 404


@pytest.mark.parametrize(
    "name",
    [
        *("login", "register", "projects", "marketplace", "account", "assets", "explore", "metrics"),
        *("v2", "jwt", "oauth", "api", "uploads", "Account"),
    ],
)
async def test_first_segments_of_the_origin_are_nobodys_name(world: World, name: str) -> None:
    await world.person("ada")
    refused = await world.call("ada", "POST", "/groups", json={"name": "x", "path": name})
    assert (refused.status_code, "reserved" in refused.text) == (400, True)
    given = {"username": name, "name": "x", "email": "x@example.org", "force_random_password": True}
    assert (await world.call("root", "POST", "/users", json=given)).status_code == 400
    parent = await group(world)
    assert (await group(world, path=name.lower(), parent_id=parent["id"]))["path"] == name.lower()
