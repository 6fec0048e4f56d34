"""Projects over the API: making, finding, listing, changing, deleting."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from mlreef.forge.lfs import store as lfs_store
from mlreef.forge.projects import creation
from support.whole_forge import World


async def project(world: World, name: str = "ada", **fields: Any) -> dict[str, Any]:
    made = await world.ok(name, "POST", "/projects", json={"name": "data", **fields})
    assert isinstance(made, dict)
    return made


async def test_a_new_project_is_private_empty_and_its_creators(world: World) -> None:
    await world.person("ada")
    made = await project(world, name="ada")
    assert (made["path_with_namespace"], made["visibility"], made["empty_repo"]) == ("ada/data", "private", True)
    assert made["permissions"]["project_access"]["access_level"] == 50
    assert made["owner"]["username"] == "ada"
    assert world.state.repos.storage.path(made["id"]).is_dir()


async def test_a_project_can_begin_with_a_readme(world: World) -> None:
    await world.person("ada")
    made = await project(world, initialize_with_readme=True, default_branch="trunk")
    assert (made["empty_repo"], made["default_branch"]) == (False, "trunk")
    tree = await world.ok("ada", "GET", f"/projects/{made['id']}/repository/tree")
    assert [one["path"] for one in tree] == ["README.md"]


async def test_a_project_is_found_by_number_and_by_encoded_path(world: World) -> None:
    await world.person("ada")
    made = await project(world, path="some.data")
    for wanted in (made["id"], "ada%2Fsome.data", "ADA%2fSome.Data"):
        assert (await world.ok("ada", "GET", f"/projects/{wanted}"))["id"] == made["id"]
    for wanted in ("some.data", "ada%252Fsome.data", "99999999999999999999", "ada%2Fother"):
        answer = await world.call("ada", "GET", f"/projects/{wanted}")
        assert (answer.status_code, answer.json()) == (404, {"message": "404 Project Not Found"})


@pytest.mark.parametrize(("visibility", "seen_by"), [("private", 1), ("internal", 2), ("public", 3)])
async def test_lists_show_what_the_caller_may_see(world: World, visibility: str, seen_by: int) -> None:
    for name in ("ada", "eve"):
        await world.person(name)
    await project(world, visibility=visibility)
    found = [len(await world.ok(name, "GET", "/projects")) for name in ("ada", "eve", None)]
    assert sum(found) == seen_by


async def test_external_users_do_not_see_internal_projects(world: World) -> None:
    await world.person("ada")
    await world.person("guest", external=True)
    made = await project(world, visibility="internal")
    assert await world.ok("guest", "GET", "/projects") == []
    assert (await world.call("guest", "GET", f"/projects/{made['id']}")).status_code == 404


async def test_lists_are_narrowed(world: World) -> None:
    for name in ("ada", "eve"):
        await world.person(name)
    first = await project(world, name="ada", topics=["Vision", "data"], visibility="public", description="cats_100%")
    await project(world, "eve", path="other", visibility="public")
    await world.ok("eve", "POST", f"/projects/{first['id']}/star")

    async def ids(name: str, query: str) -> list[int]:
        return [one["id"] for one in await world.ok(name, "GET", f"/projects?{query}")]

    assert await ids("ada", "owned=true") == await ids("ada", "membership=true") == [first["id"]]
    assert await ids("eve", "starred=true") == await ids("eve", "topic=vision") == [first["id"]]
    assert await ids("eve", "search=cats_100%25") == [first["id"]]
    assert await ids("eve", "search=%25zzz") == []
    assert await ids("eve", "min_access_level=40&search=data") != [first["id"]]
    assert await ids("eve", "order_by=star_count&sort=desc&per_page=1") == [first["id"]]


async def test_pages_are_linked_under_the_clients_url(world: World) -> None:
    await world.person("ada")
    for number in range(3):
        await project(world, path=f"p{number}")
    async with world.as_("ada") as client:
        first = await client.get("/api/v4/projects?per_page=2&search=data")
        assert (first.headers["x-total"], first.headers["x-next-page"], first.headers["x-prev-page"]) == ("3", "2", "")
        following = first.links["next"]["url"]
        assert following.startswith("http://forge.test/api/v4/projects?search=data")
        assert len((await client.get(following)).json()) == 1
        head = await client.head("/api/v4/projects")
        assert (head.headers["x-total"], head.content) == ("3", b"")


async def test_keyset_pages_end_without_a_link(world: World) -> None:
    await world.person("ada")
    made = [(await project(world, path=f"p{number}"))["id"] for number in range(3)]
    seen, url = [], "/api/v4/projects?pagination=keyset&order_by=id&sort=asc&per_page=2"
    async with world.as_("ada") as client:
        while url:
            answer = await client.get(url)
            seen += [one["id"] for one in answer.json()]
            url = answer.links.get("next", {}).get("url", "")
        assert seen == made
        assert (await client.get("/api/v4/projects?pagination=keyset&order_by=name")).status_code == 405


async def test_a_taken_path_is_refused_in_gitlabs_words(world: World) -> None:
    await world.person("ada")
    await project(world)
    again = await world.call("ada", "POST", "/projects", json={"name": "Data", "path": "DATA"})
    assert again.status_code == 400
    assert again.json() == {"message": {"name": ["has already been taken"], "path": ["has already been taken"]}}


async def test_parameters_come_from_query_form_and_json_alike(world: World) -> None:
    await world.person("ada")
    for number, how in enumerate(("params", "data", "json")):
        made = await world.ok("ada", "POST", "/projects", **{how: {"name": f"p{number}", "visibility": "internal"}})
        assert made["visibility"] == "internal"
    with_files = await world.ok("ada", "POST", "/projects", data={"name": "p9"}, files={"avatar": ("a.png", PNG)})
    async with world.client() as anonymous:
        picture = await anonymous.get(with_files["avatar_url"])
    assert (picture.content, picture.headers["content-type"]) == (PNG, "image/png")


PNG = b"\x89PNG\r\n\x1a\n and some more"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "name, path are missing, at least one parameter must be provided"),
        ({"name": ["a"]}, "name is invalid"),
        ({"name": "a", "visibility": "secret"}, "visibility does not have a valid value"),
    ],
)
async def test_bad_parameters_are_named(world: World, fields: dict[str, Any], error: str) -> None:
    answer = await world.call("root", "POST", "/projects", json=fields)
    assert (answer.status_code, answer.json()) == (400, {"error": error})


async def test_a_picture_must_be_one(world: World) -> None:
    await world.person("ada")
    bad = {"avatar": ("a.png", b"<svg onload=alert(1)>")}
    refused = await world.call("ada", "POST", "/projects", data={"name": "p"}, files=bad)
    assert (refused.status_code, "avatar" in refused.json()["message"]) == (400, True)


async def test_settings_are_kept(world: World) -> None:
    await world.person("ada")
    made = await project(world)
    wanted = {"description": "New", "ci_config_path": "http://m/ci.yml", "topics": ["a"], "merge_method": "ff"}
    await world.ok("ada", "PUT", f"/projects/{made['id']}", json=wanted)
    found = await world.ok("ada", "GET", f"/projects/{made['id']}")
    assert {name: found[name] for name in wanted} == wanted


async def test_maintainers_change_settings_but_not_who_may_see_it(world: World) -> None:
    for name in ("ada", "bob"):
        await world.person(name)
    made = await project(world)
    path = f"/projects/{made['id']}"
    await world.ok("ada", "POST", f"{path}/members", json={"username": "bob", "access_level": 40})
    assert (await world.call("bob", "PUT", path, json={"description": "x"})).status_code == 200
    assert (await world.call("bob", "PUT", path, json={"visibility": "public"})).status_code == 403


async def test_the_default_branch_must_exist(world: World) -> None:
    await world.person("ada")
    made = await project(world, initialize_with_readme=True)
    path = f"/projects/{made['id']}"
    assert (await world.call("ada", "PUT", path, json={"default_branch": "nowhere"})).status_code == 400
    await world.ok("ada", "POST", f"{path}/repository/branches", json={"branch": "dev/1", "ref": "main"})
    assert (await world.ok("ada", "PUT", path, json={"default_branch": "dev/1"}))["default_branch"] == "dev/1"


async def test_an_archived_project_is_read_only(world: World) -> None:
    await world.person("ada")
    made = await project(world, initialize_with_readme=True)
    path = f"/projects/{made['id']}"
    assert (await world.ok("ada", "POST", f"{path}/archive"))["archived"] is True
    refused = await world.call("ada", "POST", f"{path}/repository/branches", json={"branch": "b", "ref": "main"})
    assert (refused.status_code, "archived" in refused.json()["message"]) == (403, True)
    await world.ok("ada", "POST", f"{path}/unarchive")
    await world.ok("ada", "POST", f"{path}/repository/branches", json={"branch": "b", "ref": "main"})


async def test_a_deleted_project_is_gone_and_its_path_free(world: World) -> None:
    await world.person("ada")
    made = await project(world)
    assert (await world.call("ada", "DELETE", f"/projects/{made['id']}")).json() == {"message": "202 Accepted"}
    assert (await world.call("ada", "GET", f"/projects/{made['id']}")).status_code == 404
    await creation.sweep(world.state)
    assert world.state.repos.storage.project_ids() == []
    assert (await project(world))["id"] != made["id"]


async def test_the_sweeper_removes_what_a_crash_left_behind(world: World) -> None:
    await world.person("ada")
    made = await project(world)
    await world.state.repos.storage.create(4711)
    assert await creation.sweep(world.state) == 1
    assert world.state.repos.storage.project_ids() == [made["id"]]


async def test_when_the_repository_cannot_be_made_nothing_remains(world: World) -> None:
    await world.person("ada")
    await world.state.repos.storage.create(1)  # the number the project is going to get
    assert (await world.call("ada", "POST", "/projects", json={"name": "data"})).status_code == 409
    assert await world.ok("ada", "GET", "/projects") == []


async def test_a_user_is_deleted_with_their_projects(world: World) -> None:
    for name in ("ada", "eve"):
        await world.person(name)
    made = await project(world, visibility="public")
    await world.ok("eve", "POST", f"/projects/{made['id']}/star")
    assert (await world.call("root", "DELETE", f"/users/{world.ids['ada']}")).status_code == 204
    assert (await world.call("root", "GET", f"/projects/{made['id']}")).status_code == 404
    await world.person("ada", email="ada2@example.org")


async def test_a_deleted_project_leaves_no_objects_locks_protections_hooks_or_variables(world: World) -> None:
    await world.person("ada")
    made = await world.ok("ada", "POST", "/projects", json={"name": "data"})
    path, now = f"/projects/{made['id']}", world.state.clock.now()
    await world.ok("ada", "POST", f"{path}/protected_branches", json={"name": "stable"})
    await world.ok("ada", "POST", f"{path}/hooks", json={"url": "http://example.org/"})
    await world.ok("ada", "POST", f"{path}/variables", json={"key": "K", "value": "v"})
    lock = {"project_id": made["id"], "path": "a", "user_id": 1, "owner": "ada", "locked_at": now}
    async with world.state.db.write() as tx:
        await lfs_store.link(tx, [(made["id"], "a" * 64, 1)], now)
        await lfs_store.add_lock(tx, lock)
    kept = ("lfs_links", "lfs_locks", "protected_branches", "hooks")
    counts = [text(f"SELECT count(*) FROM {name} WHERE project_id = {made['id']}") for name in kept]
    counts.append(text("SELECT count(*) FROM ci_variables"))
    async with world.state.db.read() as tx:
        assert [await tx.scalar(one) for one in counts] == [1] * 5
    await world.ok("ada", "DELETE", path)
    async with world.state.db.read() as tx:
        assert [await tx.scalar(one) for one in counts] == [0] * 5
