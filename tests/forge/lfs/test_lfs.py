"""LFS over HTTP: batch, transfers, tickets, locks; what hostile clients try."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import tarfile
import zipfile
from typing import Any

import httpx
import pytest

from mlreef.forge.groups.tables import members
from mlreef.forge.lfs import pointers, tickets
from support import gitforge

REPO = "/owner/data.git"
CONTENT = b"some bytes of a dataset\n" * 100
OID = hashlib.sha256(CONTENT).hexdigest()


async def batch(
    client: httpx.AsyncClient, operation: str, *, oid: str = OID, size: int = len(CONTENT), repo: str = REPO
) -> httpx.Response:
    body = {"operation": operation, "transfers": ["basic"], "objects": [{"oid": oid, "size": size}]}
    return await client.post(f"{repo}/info/lfs/objects/batch", json=body)


async def action(client: httpx.AsyncClient, operation: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await batch(client, operation, **more)).json()["objects"][0]["actions"][operation]
    return found


async def put(client: httpx.AsyncClient, content: bytes = CONTENT, **more: Any) -> httpx.Response:
    given = await action(client, "upload", **more)
    headers = {"Authorization": given["header"]["Authorization"]}
    return await client.put(given["href"], content=content, headers=headers)


@pytest.fixture
async def nobody(forge: gitforge.Forge) -> httpx.AsyncClient:
    """A client without a credential, as transfers are made."""
    return forge.client(None)


async def test_an_object_goes_up_and_comes_down_with_tickets_alone(
    owner: httpx.AsyncClient, nobody: httpx.AsyncClient
) -> None:
    given = await action(owner, "upload")
    assert (await nobody.put(given["href"], content=CONTENT, headers=given["header"])).status_code == 200
    assert "actions" not in (await batch(owner, "upload")).json()["objects"][0]
    given = await action(owner, "download")
    assert (await nobody.get(given["href"], headers=given["header"])).content == CONTENT
    part = await nobody.get(given["href"], headers={**given["header"], "Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, CONTENT[5:10])


@pytest.mark.parametrize("content", [b"", CONTENT[:-1], CONTENT + b"x", CONTENT[::-1]])
async def test_wrong_bytes_are_refused_and_nothing_is_visible(owner: httpx.AsyncClient, content: bytes) -> None:
    assert (await put(owner, content)).status_code in {400, 413}
    missing = (await batch(owner, "download")).json()["objects"][0]
    assert missing["error"]["code"] == 404


async def test_a_ticket_is_good_for_one_object_only(owner: httpx.AsyncClient, nobody: httpx.AsyncClient) -> None:
    given = await action(owner, "upload")
    other = hashlib.sha256(b"other").hexdigest()
    for href in (
        given["href"].replace(OID, other),
        given["href"].replace(f"/{len(CONTENT)}", "/5"),
        given["href"].replace("owner/data", "owner/open"),
    ):
        answer = await nobody.put(href, content=b"other", headers=given["header"])
        assert answer.status_code in {401, 404}, href


def test_a_ticket_ends_and_cannot_be_edited() -> None:
    ticket = tickets.Ticket("upload", 1, 2, OID, 5, expires=100)
    header = tickets.issue(b"key", ticket)
    assert tickets.find_ticket(b"key", header, operation="upload", oid=OID, size=5, now=100) == ticket
    assert tickets.find_ticket(b"key", header, operation="upload", oid=OID, size=5, now=101) is None
    assert tickets.find_ticket(b"key", header, operation="download", oid=OID, size=5, now=1) is None
    assert tickets.find_ticket(b"no", header, operation="upload", oid=OID, size=5, now=1) is None
    plain = base64.b64decode(header.removeprefix("Basic ")).decode().replace(".2.100.", ".1.100.")
    edited = "Basic " + base64.b64encode(plain.encode()).decode()
    assert tickets.find_ticket(b"key", edited, operation="upload", oid=OID, size=5, now=1) is None


async def test_holding_a_hash_grants_nothing(forge: gitforge.Forge, owner: httpx.AsyncClient) -> None:
    await put(owner)
    other = "/owner/open.git"
    assert (await batch(owner, "download", repo=other)).json()["objects"][0]["error"]["code"] == 404
    assert "upload" in (await batch(owner, "upload", repo=other)).json()["objects"][0]["actions"]
    assert (await owner.get(f"{other}/gitlab-lfs/objects/{OID}")).status_code == 404
    basic = ("owner", gitforge.token("owner"))
    async with forge.client(None) as client:
        assert (await client.get(f"{other}/gitlab-lfs/objects/{OID}", auth=basic)).status_code == 404
        assert (await client.get(f"{REPO}/gitlab-lfs/objects/{OID}", auth=basic)).status_code == 200


async def test_who_lost_access_cannot_use_a_ticket(forge: gitforge.Forge, nobody: httpx.AsyncClient) -> None:
    async with forge.client("dev") as dev:
        given = await action(dev, "upload")
    async with forge.state.db.write() as tx:
        await tx.execute(members.delete().where(members.c.user_id == 2))
    assert (await nobody.put(given["href"], content=CONTENT, headers=given["header"])).status_code == 404


async def test_levels_decide_about_transfers(forge: gitforge.Forge, owner: httpx.AsyncClient) -> None:
    await put(owner)
    expected = {"dev": (200, 200), "guest": (403, 403), "stranger": (404, 404), None: (401, 401)}
    for name, statuses in expected.items():
        async with forge.client(name) as client:
            found = tuple([(await batch(client, operation)).status_code for operation in ("download", "upload")])
        assert found == statuses, name


async def test_a_job_moves_objects_of_its_own_project_while_it_runs(
    forge: gitforge.Forge, nobody: httpx.AsyncClient
) -> None:
    login = httpx.BasicAuth("gitlab-ci-token", gitforge.JOB_TOKEN)
    body = {"operation": "upload", "objects": [{"oid": OID, "size": len(CONTENT)}]}
    answer = await nobody.post(f"{REPO}/info/lfs/objects/batch", json=body, auth=login)
    given = answer.json()["objects"][0]["actions"]["upload"]
    assert (await nobody.put(given["href"], content=CONTENT, headers=given["header"])).status_code == 200
    assert (await nobody.post("/owner/open.git/info/lfs/objects/batch", json=body, auth=login)).status_code in {
        403,
        404,
    }
    forge.jobs.running = False
    assert (await nobody.get(f"{REPO}/gitlab-lfs/objects/{OID}", auth=login)).status_code == 401


async def test_twenty_uploads_of_one_object_all_succeed(owner: httpx.AsyncClient) -> None:
    given = await action(owner, "upload")
    headers = {"Authorization": given["header"]["Authorization"]}
    done = await asyncio.gather(*(owner.put(given["href"], content=CONTENT, headers=headers) for _ in range(20)))
    assert {one.status_code for one in done} == {200}


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "{}",
        '{"operation":"delete","objects":[]}',
        '{"operation":"upload","objects":[{"oid":5}]}',
        "\xff",
        "{" * 9999,
    ],
)
async def test_a_batch_that_makes_no_sense_is_refused(owner: httpx.AsyncClient, body: str) -> None:
    answer = await owner.post(f"{REPO}/info/lfs/objects/batch", content=body.encode("latin-1"))
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/vnd.git-lfs+json")


@pytest.mark.parametrize(("oid", "size"), [("../../etc/passwd", 1), ("A" * 64, 1), (OID, -1), (OID, 1 << 62)])
async def test_a_bad_object_in_a_batch_is_named(owner: httpx.AsyncClient, oid: str, size: int) -> None:
    answer = (await batch(owner, "upload", oid=oid, size=size)).json()["objects"][0]
    assert answer["error"]["code"] == 422


async def test_locks_belong_to_people_and_maintainers_break_them(
    forge: gitforge.Forge, owner: httpx.AsyncClient
) -> None:
    url = f"{REPO}/info/lfs/locks"
    async with forge.client("dev") as dev:
        made = await dev.post(url, json={"path": "a.bin"})
        lock = made.json()["lock"]
        assert (made.status_code, lock["owner"]["name"]) == (201, "dev")
        taken = await owner.post(url, json={"path": "a.bin"})
        assert (taken.status_code, taken.json()["lock"]["id"]) == (409, lock["id"])
        assert (await dev.post(f"{url}/verify", json={})).json()["ours"][0]["path"] == "a.bin"
        assert (await owner.post(f"{url}/verify", json={})).json()["theirs"][0]["path"] == "a.bin"
        assert (await owner.post(f"{url}/{lock['id']}/unlock", json={})).status_code == 403
        elsewhere = f"/owner/open.git/info/lfs/locks/{lock['id']}/unlock"
        assert (await owner.post(elsewhere, json={"force": True})).status_code == 404
        assert (await owner.post(f"{url}/{lock['id']}/unlock", json={"force": True})).status_code == 200
    assert (await owner.get(url)).json()["locks"] == []


async def test_raw_files_and_archives_hold_what_pointers_stand_for(owner: httpx.AsyncClient) -> None:
    await put(owner)
    text = pointers.Pointer(OID, len(CONTENT)).text()
    api = "/api/v4/projects/1/repository"
    await owner.post(f"{api}/files/a.bin", json={"branch": "main", "content": text, "commit_message": "m"})
    assert (await owner.get(f"{api}/files/a.bin/raw")).text == text
    assert (await owner.get(f"{api}/files/a.bin/raw?lfs=true")).content == CONTENT
    with tarfile.open(fileobj=io.BytesIO((await owner.get(f"{api}/archive.tar.gz")).content)) as tar:
        member = next(one for one in tar.getmembers() if one.isfile())
        assert tar.extractfile(member).read() == CONTENT  # type: ignore[union-attr]
    packed = zipfile.ZipFile(io.BytesIO((await owner.get(f"{api}/archive.zip")).content))
    assert [packed.read(name) for name in packed.namelist() if name.endswith("a.bin")] == [CONTENT]
    plain = await owner.get(f"{api}/archive.zip?include_lfs_blobs=false")
    packed = zipfile.ZipFile(io.BytesIO(plain.content))
    assert [packed.read(name).decode() for name in packed.namelist() if name.endswith("a.bin")] == [text]


def test_only_pointers_are_pointers() -> None:
    text = pointers.Pointer(OID, 5).text().encode()
    assert pointers.parse(text) == pointers.Pointer(OID, 5)
    assert pointers.parse(text + b"x" * 1024) is None
    assert pointers.parse(text.replace(b"sha256", b"md5")) is None
    assert pointers.parse(b"hello") is None
