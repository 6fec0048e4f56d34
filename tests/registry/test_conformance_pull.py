"""Conformance workflow "pull" (distribution specification 1.1): end-1, end-2, end-3. Ours and the stock registry."""

from __future__ import annotations

import pytest

from registry.world import ACCEPT, CONFIG, EMPTY, INDEX, MANIFEST, Client, digest_of, error, index_of, manifest_of

DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
LAYER = b"0123456789" * 100


async def test_end_1_the_base_answers_200_to_a_token(client: Client) -> None:
    assert (await client.call("GET", "/v2/")).status_code == 200


async def test_end_1_without_a_token_it_tells_where_to_get_one(client: Client) -> None:
    answer = await client.http.get("/v2/")
    assert error(answer) == (401, "UNAUTHORIZED")
    assert answer.headers["www-authenticate"].startswith('Bearer realm="http://forge/jwt/auth",service=')


async def test_end_2_a_blob_comes_back_with_its_digest(client: Client) -> None:
    digest = await client.push_blob(LAYER)
    head, got = await client.call("HEAD", f"blobs/{digest}"), await client.call("GET", f"blobs/{digest}")
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "1000", b"")
    assert (got.status_code, got.content) == (200, LAYER)
    assert head.headers["docker-content-digest"] == got.headers["docker-content-digest"] == digest


async def test_end_2_an_unknown_blob_is_404(client: Client) -> None:
    await client.push_blob(LAYER)
    missing = digest_of(b"never pushed")
    assert (await client.call("HEAD", f"blobs/{missing}")).status_code == 404
    assert error(await client.call("GET", f"blobs/{missing}")) == (404, "BLOB_UNKNOWN")


@pytest.mark.parametrize(
    ("asked", "expected"), [("bytes=0-9", LAYER[:10]), ("bytes=990-", LAYER[990:]), ("bytes=-3", LAYER[-3:])]
)
async def test_end_2_ranges_of_a_blob(client: Client, asked: str, expected: bytes) -> None:
    digest = await client.push_blob(LAYER)
    answer = await client.call("GET", f"blobs/{digest}", headers={"range": asked})
    assert (answer.status_code, answer.content) == (206, expected)
    assert answer.headers["content-range"].endswith("/1000")


async def test_end_2_a_range_behind_the_end_is_416(client: Client) -> None:
    digest = await client.push_blob(LAYER)
    answer = await client.call("GET", f"blobs/{digest}", headers={"range": "bytes=1000-"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */1000")


async def test_end_3_a_manifest_comes_back_by_tag_and_by_digest(client: Client) -> None:
    body = await client.push_image("1.0.0")
    for reference in ("1.0.0", digest_of(body)):
        answer = await client.call("GET", f"manifests/{reference}", headers=ACCEPT)
        assert (answer.status_code, answer.content) == (200, body)
        assert answer.headers["docker-content-digest"] == digest_of(body)
        assert answer.headers["content-type"] == MANIFEST


async def test_end_3_head_tells_size_and_digest(client: Client) -> None:
    body = await client.push_image("1")
    answer = await client.call("HEAD", "manifests/1", headers=ACCEPT)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(body))
    assert answer.headers["docker-content-digest"] == digest_of(body)


async def test_end_3_an_unknown_manifest_is_404(client: Client) -> None:
    await client.push_image("1")
    for reference in ("nothing", digest_of(b"nothing")):
        assert error(await client.call("GET", f"manifests/{reference}", headers=ACCEPT)) == (404, "MANIFEST_UNKNOWN")
        assert (await client.call("HEAD", f"manifests/{reference}", headers=ACCEPT)).status_code == 404


async def test_end_3_an_unknown_repository_is_404(client: Client) -> None:
    nowhere = client.of("group/project/nowhere")
    assert (await nowhere.call("GET", "manifests/latest", headers=ACCEPT)).status_code == 404


async def test_end_3_an_index_comes_back(client: Client) -> None:
    one, two = await client.push_image("a", b"amd64"), await client.push_image("b", b"arm64")
    body = index_of(one, two)
    assert (await client.put_manifest("both", body, INDEX)).status_code == 201
    answer = await client.call("GET", "manifests/both", headers=ACCEPT)
    assert (answer.content, answer.headers["content-type"]) == (body, INDEX)


async def test_end_3_an_artifact_with_the_empty_config_comes_back(client: Client) -> None:
    body = await client.push_image("artifact", b"payload", config_type=EMPTY, artifactType="application/x-thing")
    assert (await client.call("GET", "manifests/artifact", headers=ACCEPT)).content == body


async def test_end_3_a_manifest_of_docker_keeps_its_type(client: Client) -> None:
    for data in (b"{}", b"layer"):
        await client.push_blob(data)
    body = manifest_of(b"layer", config_type=CONFIG).replace(MANIFEST.encode(), DOCKER.encode())
    assert (await client.put_manifest("docker", body, DOCKER)).status_code == 201
    answer = await client.call("GET", "manifests/docker", headers={"accept": DOCKER})
    assert (answer.content, answer.headers["content-type"]) == (body, DOCKER)


async def test_end_3_a_client_that_has_the_manifest_is_told_so(client: Client) -> None:
    body = await client.push_image("1")
    got = await client.call("GET", "manifests/1", headers=ACCEPT)
    again = await client.call("GET", "manifests/1", headers={**ACCEPT, "if-none-match": got.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert digest_of(body) in got.headers["etag"]
