"""Stars, forks, moving projects, and who is in them."""

from __future__ import annotations

from support.whole_forge import World


async def people(world: World) -> int:
    for name in ("ada", "eve"):
        await world.person(name)
    made = await world.ok(
        "ada", "POST", "/projects", json={"name": "data", "visibility": "public", "initialize_with_readme": True}
    )
    return int(made["id"])


async def test_a_star_counts_once(world: World) -> None:
    number = await people(world)
    assert (await world.ok("eve", "POST", f"/projects/{number}/star"))["star_count"] == 1
    assert (await world.call("eve", "POST", f"/projects/{number}/star")).status_code == 304
    starrers = await world.ok("ada", "GET", f"/projects/{number}/starrers")
    assert [one["user"]["username"] for one in starrers] == ["eve"]
    assert (await world.ok("eve", "POST", f"/projects/{number}/unstar"))["star_count"] == 0
    assert (await world.call("eve", "POST", f"/projects/{number}/unstar")).status_code == 304


async def test_a_fork_remembers_its_source_and_has_its_files(world: World) -> None:
    number = await people(world)
    made = await world.ok("eve", "POST", f"/projects/{number}/fork", json={"path": "mine"})
    assert (made["path_with_namespace"], made["forked_from_project"]["id"]) == ("eve/mine", number)
    tree = await world.ok("eve", "GET", f"/projects/{made['id']}/repository/tree")
    assert [one["path"] for one in tree] == ["README.md"]
    source = await world.ok("ada", "GET", f"/projects/{number}")
    assert source["forks_count"] == 1
    assert [one["id"] for one in await world.ok("ada", "GET", f"/projects/{number}/forks")] == [made["id"]]


async def test_a_fork_is_never_more_visible_than_its_source(world: World) -> None:
    number = await people(world)
    await world.ok("ada", "PUT", f"/projects/{number}", json={"visibility": "internal"})
    made = await world.ok("eve", "POST", f"/projects/{number}/fork", json={"visibility": "public"})
    assert made["visibility"] == "internal"


async def test_nobody_forks_into_foreign_namespaces(world: World) -> None:
    number = await people(world)
    refused = await world.call("eve", "POST", f"/projects/{number}/fork", json={"namespace_path": "ada", "path": "x"})
    assert (refused.status_code, refused.json()) == (404, {"message": "404 Namespace Not Found"})


async def test_a_project_moves_to_a_group(world: World) -> None:
    number = await people(world)
    await world.ok("ada", "POST", "/groups", json={"name": "Lab", "path": "lab", "visibility": "public"})
    moved = await world.ok("ada", "PUT", f"/projects/{number}/transfer", json={"namespace": "lab"})
    assert moved["path_with_namespace"] == "lab/data"
    assert [one["full_path"] for one in await world.ok("ada", "GET", f"/projects/{number}/groups")] == ["lab"]


async def test_a_member_of_a_project_sees_only_that_project(world: World) -> None:
    await people(world)
    hidden = await world.ok("ada", "POST", "/projects", json={"name": "hidden"})
    other = await world.ok("ada", "POST", "/projects", json={"name": "other"})
    member = {"user_id": world.ids["eve"], "access_level": 20}
    await world.ok("ada", "POST", f"/projects/{hidden['id']}/members", json=member)
    shown = await world.ok("eve", "GET", f"/projects/{hidden['id']}")
    assert shown["permissions"] == {
        "project_access": {"access_level": 20, "notification_level": 3},
        "group_access": None,
    }
    assert (await world.call("eve", "GET", f"/projects/{other['id']}")).status_code == 404
    users = await world.ok("ada", "GET", f"/projects/{hidden['id']}/users")
    assert {one["username"] for one in users} == {"ada", "eve"}


async def test_the_owner_of_a_personal_project_stays(world: World) -> None:
    number = await people(world)
    assert (await world.call("root", "DELETE", f"/projects/{number}/members/{world.ids['ada']}")).status_code == 403
