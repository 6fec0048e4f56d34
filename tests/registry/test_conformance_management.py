"""Conformance workflow "content management" (distribution specification 1.1): end-9, end-10."""

from __future__ import annotations

import pytest

from registry.world import ACCEPT, NAME, Client, access, digest_of, error


async def test_end_9_a_deleted_tag_leaves_the_manifest(client: Client, is_stock: bool) -> None:
    if is_stock:
        pytest.skip("the stock registry 2.8 deletes by digest only")
    body = await client.push_image("1")
    assert (await client.call("DELETE", "manifests/1")).status_code == 202
    assert (await client.call("GET", "manifests/1", headers=ACCEPT)).status_code == 404
    assert await client.exists(body)


async def test_end_9_a_deleted_manifest_takes_its_tags_along(client: Client) -> None:
    body = await client.push_image("1")
    await client.put_manifest("also", body)
    assert (await client.call("DELETE", f"manifests/{digest_of(body)}")).status_code == 202
    assert not await client.exists(body)
    for tag in ("1", "also"):
        assert (await client.call("GET", f"manifests/{tag}", headers=ACCEPT)).status_code == 404


async def test_end_9_what_is_not_there_cannot_be_deleted(client: Client) -> None:
    await client.push_image("1")
    assert error(await client.call("DELETE", f"manifests/{digest_of(b'?')}")) == (404, "MANIFEST_UNKNOWN")


async def test_end_10_a_blob_is_deleted(client: Client) -> None:
    digest = await client.push_blob(b"superfluous")
    assert (await client.call("DELETE", f"blobs/{digest}")).status_code == 202
    assert not await client.has_blob(b"superfluous")
    assert error(await client.call("DELETE", f"blobs/{digest}")) == (404, "BLOB_UNKNOWN")


async def test_end_10_after_its_manifest_a_blob_can_be_deleted(client: Client) -> None:
    body = await client.push_image("1", b"layer of one image")
    await client.call("DELETE", f"manifests/{digest_of(body)}")
    assert (await client.call("DELETE", f"blobs/{digest_of(b'layer of one image')}")).status_code == 202


async def test_end_10_a_blob_in_use_is_not_deleted(client: Client, is_stock: bool) -> None:
    if is_stock:
        pytest.skip("the stock registry breaks the image")
    await client.push_image("1", b"layer in use")
    answer = await client.call("DELETE", f"blobs/{digest_of(b'layer in use')}")
    assert error(answer) == (405, "DENIED")
    assert await client.has_blob(b"layer in use")


async def test_deleting_one_repositorys_blob_leaves_the_others(client: Client) -> None:
    digest = await client.push_blob(b"twice")
    other = client.of("group/other")
    await other.push_blob(b"twice")
    assert (await client.call("DELETE", f"blobs/{digest}")).status_code == 202
    assert await other.has_blob(b"twice")


@pytest.mark.parametrize("kind", ["manifests", "blobs"])
async def test_deleting_needs_the_right_to_delete(client: Client, kind: str) -> None:
    body = await client.push_image("1")
    digest = digest_of(body if kind == "manifests" else b"layer")
    pusher = client.of(NAME, access(NAME, "pull", "push"))
    answer = await pusher.call("DELETE", f"{kind}/{digest}")
    assert error(answer) == (401, "UNAUTHORIZED")
    assert ":delete" in answer.headers["www-authenticate"] or "delete" in answer.headers["www-authenticate"]
