"""Files and commits through the REST API, as GitLab's clients use them."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from support import gitforge
from support.gitforge import run

API = "/api/v4/projects/owner%2Fdata/repository"


async def commit(client: httpx.AsyncClient, *actions: dict[str, Any], **more: Any) -> httpx.Response:
    body = {"branch": "main", "commit_message": "change", "actions": list(actions), **more}
    return await client.post(f"{API}/commits", json=body)


def create(path: str, content: str = "text\n", **more: Any) -> dict[str, Any]:
    return {"action": "create", "file_path": path, "content": content, **more}


async def test_a_file_written_to_an_empty_repository_can_be_read_in_every_way(owner: httpx.AsyncClient) -> None:
    path = quote("dir/ä file.txt", safe="")
    made = await owner.post(f"{API}/files/{path}", json={"branch": "main", "content": "hi\n", "commit_message": "m"})
    assert (made.status_code, made.json()) == (201, {"file_path": "dir/ä file.txt", "branch": "main"})
    shown = (await owner.get(f"{API}/files/{path}", params={"ref": "main"})).json()
    assert base64.b64decode(shown["content"]) == b"hi\n"
    raw = await owner.get(f"{API}/files/{path}/raw")
    assert raw.content == b"hi\n"
    assert raw.headers["content-security-policy"].startswith("sandbox")
    assert raw.headers["x-content-type-options"] == "nosniff"
    head = await owner.head(f"{API}/files/{path}", params={"ref": "main"})
    assert head.headers["x-gitlab-blob-id"] == shown["blob_id"]
    assert head.headers["x-gitlab-size"] == "3"


async def test_all_actions_of_one_commit_apply_in_order(owner: httpx.AsyncClient, forge: gitforge.Forge) -> None:
    await commit(owner, create("a.txt"), create("b/c.txt"))
    done = await commit(
        owner,
        {"action": "move", "file_path": "d/e.txt", "previous_path": "a.txt"},
        {
            "action": "update",
            "file_path": "b/c.txt",
            "content": base64.b64encode(b"\x00\xff").decode(),
            "encoding": "base64",
        },
        {"action": "chmod", "file_path": "d/e.txt", "execute_filemode": True},
        create("x.sh"),
        {"action": "delete", "file_path": "x.sh"},
    )
    assert done.status_code == 201, done.text
    assert done.json()["stats"]["total"] >= 0
    tree = (await owner.get(f"{API}/tree", params={"recursive": True})).json()
    assert {(one["path"], one["mode"]) for one in tree if one["type"] == "blob"} == {
        ("b/c.txt", "100644"),
        ("d/e.txt", "100755"),
    }
    assert run("git", "-C", forge.repo, "fsck", "--full", "--strict") == ""


@pytest.mark.parametrize(
    "path", ["../up", "/absolute", "a/../../b", ".git/config", "a/.GIT/hooks", "git~1/x", "a//b", "a/", "x\x01y", "."]
)
async def test_a_path_that_could_leave_the_tree_is_refused(owner: httpx.AsyncClient, path: str) -> None:
    answer = await commit(owner, create(path))
    assert answer.status_code == 400


async def test_nothing_is_written_through_a_link(owner: httpx.AsyncClient, forge: gitforge.Forge) -> None:
    await commit(owner, create("real.txt"))
    blob = run("bash", "-c", f"printf ../../canary | git -C {forge.repo} hash-object -w --stdin").strip()
    tree = run("bash", "-c", f"printf '120000 blob {blob}\\tlink\\n' | git -C {forge.repo} mktree").strip()
    sha = run(
        "git", "-C", forge.repo, "-c", "user.name=a", "-c", "user.email=b", "commit-tree", tree, "-m", "x"
    ).strip()
    run("git", "-C", forge.repo, "update-ref", "refs/heads/main", sha)
    for action in (create("link/x"), {"action": "update", "file_path": "link", "content": "x"}):
        answer = await commit(owner, action)
        assert answer.status_code == 400, answer.text


async def test_wrong_actions_are_refused_and_change_nothing(owner: httpx.AsyncClient) -> None:
    await commit(owner, create("a.txt"))
    before = (await owner.get(f"{API}/commits")).json()[0]["id"]
    for action, said in (
        (create("a.txt"), "already exists"),
        ({"action": "update", "file_path": "no.txt", "content": ""}, "doesn't exist"),
        ({"action": "delete", "file_path": "a.txt/b"}, "not a directory"),
        ({"action": "dance", "file_path": "a.txt"}, "valid value"),
        ({"action": "update", "file_path": "a.txt", "content": "", "last_commit_id": "0" * 40}, "has changed"),
        (create("b", "%%%", encoding="base64"), "base64"),
    ):
        answer = await commit(owner, create("new.txt"), action)
        assert answer.status_code == 400
        assert said in answer.text
    assert (await owner.get(f"{API}/commits")).json()[0]["id"] == before


async def test_a_new_branch_starts_where_it_is_told(owner: httpx.AsyncClient) -> None:
    first = (await commit(owner, create("a.txt"))).json()["id"]
    await commit(owner, create("b.txt"))
    made = await commit(owner, create("c.txt"), branch="dataset/x", start_sha=first)
    assert made.status_code == 201
    assert made.json()["parent_ids"] == [first]
    again = await commit(owner, create("d.txt"), branch="dataset/x", start_branch="main")
    assert again.status_code == 400
    assert "already exists" in again.text
    lost = await commit(owner, create("d.txt"), branch="other")
    assert "when you are on a branch" in lost.text


async def test_five_thousand_files_are_one_fast_commit(owner: httpx.AsyncClient) -> None:
    made = await commit(owner, *(create(f"d{i % 100}/f{i}.txt", f"{i}\n") for i in range(5000)))
    assert made.status_code == 201
    seen: list[str] = []
    url: str | None = f"{API}/tree?recursive=true&pagination=keyset&per_page=100"
    while url:
        page = await owner.get(url)
        seen += [one["path"] for one in page.json() if one["type"] == "blob"]
        url = page.links.get("next", {}).get("url")
    assert len(seen) == len(set(seen)) == 5000


async def test_commits_show_their_diff_and_trailers(owner: httpx.AsyncClient) -> None:
    await commit(owner, create("a.txt", "one\n"))
    update = {"action": "update", "file_path": "a.txt", "content": "two\n"}
    made = (await commit(owner, update, commit_message="Title\n\nMLReef-Run: run_1\n")).json()
    assert made["trailers"] == {"MLReef-Run": "run_1"}
    diff = (await owner.get(f"{API}/commits/{made['short_id']}/diff")).json()
    assert diff[0]["diff"] == "@@ -1 +1 @@\n-one\n+two\n"
    log = await owner.get(f"{API}/commits", params={"path": "a.txt", "per_page": 1, "with_stats": True})
    assert (len(log.json()), log.headers["x-next-page"]) == (1, "2")
    assert log.json()[0]["stats"] == {"additions": 1, "deletions": 1, "total": 2}


async def test_archives_are_the_same_bytes_each_time(owner: httpx.AsyncClient) -> None:
    await commit(owner, create("a.txt"), create("d/" + "long" * 30 + ".txt"))
    one = await owner.get(f"{API}/archive")
    two = await owner.get(f"{API}/archive.tar.gz", params={"sha": "main"})
    assert one.status_code == 200
    assert one.content == two.content
    assert (await owner.get(f"{API}/archive.zip")).content[:2] == b"PK"
    assert (await owner.get(f"{API}/archive.exe")).status_code == 400


async def test_people_see_and_change_what_their_level_allows(forge: gitforge.Forge, owner: httpx.AsyncClient) -> None:
    await commit(owner, create("a.txt"))
    for name, reads, writes in (("dev", 200, 201), ("guest", 403, 403), ("stranger", 404, 404), (None, 404, 401)):
        async with forge.client(name) as client:
            assert (await client.get(f"{API}/tree")).status_code == reads, name
            assert (await commit(client, create(f"{name}.txt"))).status_code == writes, name


async def test_a_job_reads_its_own_project_and_nothing_else(forge: gitforge.Forge, owner: httpx.AsyncClient) -> None:
    await commit(owner, create("a.txt"))
    async with forge.client(None) as job:
        job.headers["JOB-TOKEN"] = gitforge.JOB_TOKEN
        assert (await job.get(f"{API}/files/a.txt/raw")).text == "text\n"
        assert (await job.get("/api/v4/projects/2/repository/tree")).status_code == 404
        assert (await commit(job, create("b.txt"))).status_code == 403
        forge.jobs.running = False
        assert (await job.get(f"{API}/files/a.txt/raw")).status_code == 401


async def test_missing_things_are_not_found(owner: httpx.AsyncClient) -> None:
    assert (await owner.get(f"{API}/tree")).status_code == 404
    await commit(owner, create("a.txt"))
    for path in (
        "tree?ref=no",
        "tree?path=no",
        "files/no.txt?ref=main",
        "blobs/" + "0" * 40,
        "commits/no",
        "files/..%2Fa",
    ):
        assert (await owner.get(f"{API}/{path}")).status_code == 404, path
