"""Conformance workflow "push" (distribution specification 1.1): end-4 to end-7, end-11, end-13."""

from __future__ import annotations

import json
from typing import Any

import pytest

from registry.world import (
    EMPTY,
    INDEX,
    MANIFEST,
    NAME,
    Client,
    access,
    digest_of,
    error,
    index_of,
    manifest_of,
    with_query,
)

OCTETS = {"content-type": "application/octet-stream"}


def chunk(first: int, data: bytes) -> dict[str, Any]:
    headers = {**OCTETS, "content-range": f"{first}-{first + len(data) - 1}", "content-length": str(len(data))}
    return {"content": data, "headers": headers}


async def test_end_4a_an_upload_starts_with_a_place_to_send_to(client: Client) -> None:
    answer = await client.call("POST", "blobs/uploads/")
    assert (answer.status_code, answer.headers["range"]) == (202, "0-0")
    assert f"/v2/{NAME}/blobs/uploads/" in answer.headers["location"]


async def test_end_4a_end_6_post_then_put(client: Client) -> None:
    where = await client.upload()
    answer = await client.call("PUT", with_query(where, digest=digest_of(b"blob")), content=b"blob", headers=OCTETS)
    assert answer.status_code == 201
    assert (await client.call("GET", answer.headers["location"])).content == b"blob"


async def test_end_4b_a_whole_blob_in_one_post(client: Client, is_stock: bool) -> None:
    digest = digest_of(b"one request")
    answer = await client.call("POST", f"blobs/uploads/?digest={digest}", content=b"one request", headers=OCTETS)
    # The specification lets a registry that cannot do it answer 202, and the client goes on with PUT.
    assert answer.status_code == (202 if is_stock else 201)
    assert await client.has_blob(b"one request") is not is_stock


async def test_end_4_the_empty_blob_is_one(client: Client) -> None:
    await client.push_blob(b"")
    assert await client.has_blob(b"")


async def test_end_5_chunks_follow_each_other(client: Client) -> None:
    where = await client.upload()
    first = await client.call("PATCH", where, **chunk(0, b"abc"))
    assert (first.status_code, first.headers["range"]) == (202, "0-2")
    second = await client.call("PATCH", first.headers["location"], **chunk(3, b"defg"))
    assert (second.status_code, second.headers["range"]) == (202, "0-6")
    done = await client.call("PUT", with_query(second.headers["location"], digest=digest_of(b"abcdefg")))
    assert done.status_code == 201
    assert await client.has_blob(b"abcdefg")


async def test_end_5_the_last_chunk_may_come_with_the_put(client: Client) -> None:
    first = await client.call("PATCH", await client.upload(), **chunk(0, b"abc"))
    where = with_query(first.headers["location"], digest=digest_of(b"abcdef"))
    assert (await client.call("PUT", where, **chunk(3, b"def"))).status_code == 201
    assert await client.has_blob(b"abcdef")


@pytest.mark.parametrize("start", [1, 2, 7])
async def test_end_5_a_chunk_out_of_order_is_416(client: Client, start: int) -> None:
    first = await client.call("PATCH", await client.upload(), **chunk(0, b"abc"))
    answer = await client.call("PATCH", first.headers["location"], **chunk(start, b"xyz"))
    assert answer.status_code == 416
    assert answer.headers["range"] == "0-2"
    status = await client.call("GET", answer.headers["location"])
    assert (status.status_code, status.headers["range"]) == (204, "0-2")


async def test_end_5_bytes_without_a_range_are_streamed(client: Client) -> None:
    async def pieces() -> Any:
        for _ in range(3):
            yield b"piece"

    first = await client.call("PATCH", await client.upload(), content=pieces(), headers=OCTETS)
    assert (first.status_code, first.headers["range"]) == (202, "0-14")
    done = await client.call("PUT", with_query(first.headers["location"], digest=digest_of(b"piece" * 3)))
    assert done.status_code == 201


async def test_end_6_wrong_bytes_are_refused_and_invisible(client: Client) -> None:
    where = with_query(await client.upload(), digest=digest_of(b"announced"))
    assert error(await client.call("PUT", where, content=b"received", headers=OCTETS)) == (400, "DIGEST_INVALID")
    assert not await client.has_blob(b"announced")
    assert not await client.has_blob(b"received")


async def test_end_6_a_digest_that_is_none_is_refused(client: Client) -> None:
    where = with_query(await client.upload(), digest="sha256:tooshort")
    assert error(await client.call("PUT", where, content=b"x", headers=OCTETS)) == (400, "DIGEST_INVALID")


async def test_end_6_an_unknown_upload_is_404(client: Client) -> None:
    where = await client.upload()
    assert (await client.call("DELETE", where)).status_code == 204
    answer = await client.call("PUT", with_query(where, digest=digest_of(b"x")), content=b"x", headers=OCTETS)
    assert error(answer) == (404, "BLOB_UPLOAD_UNKNOWN")


async def test_end_7_a_manifest_is_accepted_by_tag_and_by_digest(client: Client) -> None:
    await client.push_image("1")
    body = manifest_of(b"layer", annotations={"a": "b"})
    for reference in ("2", digest_of(body)):
        answer = await client.put_manifest(reference, body)
        assert answer.status_code == 201
        assert answer.headers["location"].endswith(f"/manifests/{digest_of(body)}")


async def test_end_7_a_manifest_without_layers_is_accepted(client: Client) -> None:
    await client.push_blob(b"{}")
    assert (await client.put_manifest("bare", manifest_of())).status_code == 201


async def test_end_7_a_missing_blob_is_named(client: Client, is_stock: bool) -> None:
    await client.push_blob(b"{}")
    found = error(await client.put_manifest("1", manifest_of(b"never pushed")))
    assert found == ((400 if is_stock else 404), "MANIFEST_BLOB_UNKNOWN")


async def test_end_7_an_index_of_missing_manifests_is_refused(client: Client) -> None:
    await client.push_image("1")
    answer = await client.put_manifest("all", index_of(manifest_of(b"never pushed")), INDEX)
    assert error(answer)[1] in {"MANIFEST_BLOB_UNKNOWN", "MANIFEST_UNKNOWN"}


@pytest.mark.parametrize("body", [b"no json", b"[]", b"{}", b'{"schemaVersion":1}', b'{"schemaVersion":2,"layers":7}'])
async def test_end_7_what_is_no_manifest_is_refused(client: Client, body: bytes) -> None:
    assert error(await client.put_manifest("bad", body)) == (400, "MANIFEST_INVALID")


async def test_end_7_another_digest_than_the_body_has_is_refused(client: Client) -> None:
    await client.push_image("1")
    answer = await client.put_manifest(digest_of(b"something else"), manifest_of(b"layer"))
    assert error(answer) == (400, "DIGEST_INVALID")


async def test_end_7_an_oversized_manifest_is_refused(client: Client) -> None:
    await client.push_image("1")
    body = manifest_of(b"layer", annotations={"a": "x" * (4 << 20)})
    assert (await client.put_manifest("big", body)).status_code in {400, 413}


async def test_end_11_a_blob_is_mounted_from_another_repository(client: Client) -> None:
    digest = await client.of("group/other").push_blob(b"shared base")
    both = client.of(NAME, access(NAME, "pull", "push"), access("group/other", "pull"))
    answer = await both.call("POST", f"blobs/uploads/?mount={digest}&from=group/other")
    assert answer.status_code == 201
    assert answer.headers["location"].endswith(f"/v2/{NAME}/blobs/{digest}")
    assert await client.has_blob(b"shared base")


async def test_end_11_a_mount_without_the_right_to_pull_becomes_an_upload(client: Client, is_stock: bool) -> None:
    digest = await client.of("secret/project").push_blob(b"secret")
    answer = await client.call("POST", f"blobs/uploads/?mount={digest}&from=secret/project")
    # The stock registry asks for a token with the missing scope instead.
    assert answer.status_code == (401 if is_stock else 202)
    assert not await client.has_blob(b"secret")


async def test_end_11_a_mount_of_nothing_becomes_an_upload(client: Client) -> None:
    both = client.of(NAME, access(NAME), access("group/other"))
    answer = await both.call("POST", f"blobs/uploads/?mount={digest_of(b'nothing')}&from=group/other")
    assert answer.status_code == 202
    where = with_query(answer.headers["location"], digest=digest_of(b"sent"))
    assert (await client.call("PUT", where, content=b"sent", headers=OCTETS)).status_code == 201


async def test_end_11_a_mount_needs_no_source_when_the_token_names_one(client: Client, is_stock: bool) -> None:
    digest = await client.of("group/other").push_blob(b"found by itself")
    both = client.of(NAME, access(NAME), access("group/other", "pull"))
    answer = await both.call("POST", f"blobs/uploads/?mount={digest}")
    assert answer.status_code == (202 if is_stock else 201)


async def test_end_11_nobody_mounts_anything(client: Client) -> None:
    digest = await client.push_blob(b"base")
    answer = await client.http.post(f"/v2/group/new/blobs/uploads/?mount={digest}&from={NAME}")
    assert error(answer) == (401, "UNAUTHORIZED")


async def test_end_13_the_status_of_an_upload(client: Client) -> None:
    first = await client.call("PATCH", await client.upload(), **chunk(0, b"abc"))
    status = await client.call("GET", first.headers["location"])
    assert (status.status_code, status.headers["range"]) == (204, "0-2")


async def test_end_13_an_upload_of_another_repository_is_unknown(client: Client) -> None:
    where = await client.upload()
    other = client.of("group/other")
    assert error(await other.call("GET", where.replace(NAME, "group/other"))) == (404, "BLOB_UPLOAD_UNKNOWN")


async def test_digests_other_than_sha256_are_refused_by_name(client: Client, is_stock: bool) -> None:
    where = with_query(await client.upload(), digest="sha512:" + "a" * 128)
    answer = await client.call("PUT", where, content=b"x", headers=OCTETS)
    assert error(answer) == (400, "DIGEST_INVALID")
    assert is_stock or "sha512" in answer.json()["errors"][0]["message"]


async def test_unknown_kinds_of_configs_and_layers_are_welcome(client: Client) -> None:
    for data in (b"{}", b"weights"):
        await client.push_blob(data)
    document = json.loads(manifest_of(b"weights", config_type=EMPTY, artifactType="application/x-model"))
    document["layers"][0]["mediaType"] = "application/x-of-somebody"
    assert (await client.put_manifest("model", json.dumps(document).encode())).status_code == 201


async def test_an_unknown_kind_of_manifest_is_refused(client: Client) -> None:
    await client.push_image("1")
    body = manifest_of(b"layer").replace(MANIFEST.encode(), b"application/x-my-manifest")
    assert (await client.put_manifest("mine", body, "application/x-my-manifest")).status_code == 400
