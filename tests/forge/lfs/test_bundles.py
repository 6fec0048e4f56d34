"""Bundles: many small objects in one request, each proven by its bytes."""

from __future__ import annotations

import hashlib

import httpx
import pytest

from support import gitforge

REPO = "/owner/data.git"
FILES = [b"", b"one", b"two\n" * 50]


def named(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def bundled(*contents: bytes) -> bytes:
    return b"".join(b"%s %d\n%s" % (named(content).encode(), len(content), content) for content in contents)


async def asked(client: httpx.AsyncClient, transfers: list[str], operation: str = "upload") -> dict[str, object]:
    objects = [{"oid": named(content), "size": len(content)} for content in FILES]
    body = {"operation": operation, "transfers": transfers, "objects": objects}
    found: dict[str, object] = (await client.post(f"{REPO}/info/lfs/objects/batch", json=body)).json()
    return found


async def test_a_bundle_stores_all_of_its_objects(owner: httpx.AsyncClient) -> None:
    offer = await asked(owner, ["mlreef-bundle", "basic"])
    assert offer["transfer"] == "mlreef-bundle"
    href = offer["bundle"]["href"]  # type: ignore[index]
    assert (await owner.post(href, content=bundled(*FILES))).status_code == 200
    rows = (await asked(owner, ["basic"], "download"))["objects"]
    actions = [row["actions"]["download"] for row in rows]  # type: ignore[attr-defined]
    assert [(await owner.get(one["href"], headers=one["header"])).content for one in actions] == FILES


async def test_other_clients_are_offered_what_they_know(owner: httpx.AsyncClient) -> None:
    offer = await asked(owner, ["basic"])
    assert offer["transfer"] == "basic"
    assert "bundle" not in offer


@pytest.mark.parametrize(
    "body",
    [
        b"nonsense",
        b"a" * 64 + b" 3\nabc",
        bundled(b"abc")[:-1],
        bundled(b"abc") + b"x",
        bundled(b"abc").replace(b" 3\n", b" -3\n"),
        bundled(b"abc").replace(b" 3\n", b" 2\n"),
    ],
)
async def test_a_bundle_that_is_not_what_it_says_stores_nothing(body: bytes, owner: httpx.AsyncClient) -> None:
    answer = await owner.post(f"{REPO}/gitlab-lfs/bundle", content=bundled(b"before") + body)
    assert answer.status_code in {400, 422}, answer.text
    wanted = {"operation": "download", "objects": [{"oid": named(b"before"), "size": 6}]}
    row = (await owner.post(f"{REPO}/info/lfs/objects/batch", json=wanted)).json()["objects"][0]
    assert row["error"]["code"] == 404


async def test_whoever_may_not_push_may_not_send_bundles(owner: httpx.AsyncClient, forge: gitforge.Forge) -> None:
    nobody = forge.client(None)
    assert (await nobody.post(f"{REPO}/gitlab-lfs/bundle", content=bundled(b"x"))).status_code == 401


async def test_a_bundle_brings_objects_that_the_project_holds(owner: httpx.AsyncClient) -> None:
    await owner.post(f"{REPO}/gitlab-lfs/bundle", content=bundled(*FILES))
    href = (await asked(owner, ["mlreef-bundle", "basic"], "download"))["bundle"]["href"]  # type: ignore[index]
    answer = await owner.post(href, content="\n".join(map(named, FILES)))
    assert answer.content == bundled(*FILES)
    assert (await owner.post(href, content=named(b"another"))).status_code == 404
    assert (await owner.post(href, content="../../etc/passwd")).status_code in {400, 422}
