"""The registry through its own HTTP interface, with tokens signed by a key pair of the test."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from mlreef.registry import Settings, create_app

KEY = RSAKey.generate_key(2048, private=True)
NAME = "group/project/augment"
LONG = JWSRegistry(algorithms=["RS256"])
LONG.max_header_length = 8192


def token(name: str = NAME, *actions: str, **claims: object) -> dict[str, str]:
    now = int(time.time())
    body = {
        "aud": "container_registry",
        "exp": now + 3600,
        "nbf": now - 5,
        "access": [{"type": "repository", "name": name, "actions": list(actions)}],
        **claims,
    }
    # As the forge does for the stock registry: its certificate is in the header, which makes it long.
    header = {"alg": "RS256", "x5c": ["A" * 1200]}
    return {"authorization": f"Bearer {jwt.encode(header, body, KEY, registry=LONG)}"}


PUSH = token(NAME, "pull", "push")
PULL = token(NAME, "pull")


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    def keys(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"keys": [KEY.as_dict(private=False)]})

    settings = Settings(
        database_url=f"sqlite:///{tmp_path}/registry.db",
        objects_url=f"file://{tmp_path}/objects",
        external_url="http://registry",
        token_realm="http://forge/jwt/auth",
        jwks_url="http://forge/oauth/discovery/keys",
    )
    app = create_app(settings, transport=httpx.MockTransport(keys))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://registry") as client,
    ):
        yield client


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


async def push_blob(client: httpx.AsyncClient, data: bytes, name: str = NAME) -> str:
    digest = digest_of(data)
    headers = token(name, "pull", "push")
    answer = await client.post(f"/v2/{name}/blobs/uploads/", params={"digest": digest}, content=data, headers=headers)
    assert answer.status_code == 201, answer.text
    return digest


async def push_image(client: httpx.AsyncClient, tag: str) -> tuple[str, bytes]:
    config, layer = await push_blob(client, b"{}"), await push_blob(client, b"layer")
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 2},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer, "size": 5}],
        }
    ).encode()
    answer = await put_manifest(client, tag, manifest)
    assert answer.status_code == 201, answer.text
    return answer.headers["docker-content-digest"], manifest


async def put_manifest(client: httpx.AsyncClient, reference: str, body: bytes) -> httpx.Response:
    headers = {**PUSH, "content-type": "application/vnd.oci.image.manifest.v1+json"}
    return await client.put(f"/v2/{NAME}/manifests/{reference}", content=body, headers=headers)


async def test_an_image_is_pulled_back_by_tag_and_by_digest(client: httpx.AsyncClient) -> None:
    digest, manifest = await push_image(client, "1.0.0")
    for reference in ("1.0.0", digest):
        answer = await client.get(f"/v2/{NAME}/manifests/{reference}", headers=PULL)
        assert (answer.content, answer.headers["docker-content-digest"]) == (manifest, digest)


async def test_a_login_without_token_is_told_where_to_get_one(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v2/")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == ('Bearer realm="http://forge/jwt/auth",service="container_registry"')
    assert answer.json()["errors"][0]["code"] == "UNAUTHORIZED"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        PULL,
        token("group/other", "pull", "push"),
        token(NAME, "pull", "push", exp=int(time.time()) - 100),
        token(NAME, "pull", "push", aud="somebody-else"),
        {"authorization": "Bearer " + jwt.encode({"alg": "RS256"}, {}, RSAKey.generate_key(2048, private=True))},
    ],
    ids=["anonymous", "pull only", "other repository", "expired", "other audience", "foreign key"],
)
async def test_pushing_without_the_right_is_refused(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await client.post(f"/v2/{NAME}/blobs/uploads/", headers=headers)
    assert answer.status_code == 401
    assert f'scope="repository:{NAME}:pull,push"' in answer.headers["www-authenticate"]


async def test_a_blob_of_another_repository_is_unknown(client: httpx.AsyncClient) -> None:
    digest = await push_blob(client, b"secret layer", "other/private")
    answer = await client.get(f"/v2/{NAME}/blobs/{digest}", headers=PULL)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "BLOB_UNKNOWN")


async def test_mounting_needs_the_right_to_pull_from_the_source(client: httpx.AsyncClient) -> None:
    digest = await push_blob(client, b"shared base", "environments/python")
    wanted = {"mount": digest, "from": "environments/python"}
    refused = await client.post(f"/v2/{NAME}/blobs/uploads/", params=wanted, headers=PUSH)
    both = token(
        NAME,
        "pull",
        "push",
        access=[
            {"type": "repository", "name": NAME, "actions": ["pull", "push"]},
            {"type": "repository", "name": "environments/python", "actions": ["pull"]},
        ],
    )
    mounted = await client.post(f"/v2/{NAME}/blobs/uploads/", params=wanted, headers=both)
    assert (refused.status_code, mounted.status_code) == (202, 201)


async def test_chunks_arrive_in_order_or_are_refused(client: httpx.AsyncClient) -> None:
    started = await client.post(f"/v2/{NAME}/blobs/uploads/", headers=PUSH)
    where = started.headers["location"]
    first = await client.patch(where, content=b"abc", headers={**PUSH, "content-range": "0-2"})
    gap = await client.patch(where, content=b"xyz", headers={**PUSH, "content-range": "7-9"})
    second = await client.patch(where, content=b"def", headers={**PUSH, "content-range": "3-5"})
    assert (first.status_code, gap.status_code, second.status_code) == (202, 416, 202)
    done = await client.put(where, params={"digest": digest_of(b"abcdef!")}, content=b"!", headers=PUSH)
    assert done.status_code == 201
    blob = await client.get(done.headers["location"], headers={**PULL, "range": "bytes=2-4"})
    assert (blob.status_code, blob.content) == (206, b"cde")


async def test_wrong_bytes_are_refused_and_invisible(client: httpx.AsyncClient) -> None:
    digest = digest_of(b"announced")
    answer = await client.post(
        f"/v2/{NAME}/blobs/uploads/", params={"digest": digest}, content=b"received", headers=PUSH
    )
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "DIGEST_INVALID")
    assert (await client.head(f"/v2/{NAME}/blobs/{digest}", headers=PULL)).status_code == 404


@pytest.mark.parametrize("body", [b"no json", b"[]", b"{}", b'{"schemaVersion":2,"layers":[{"digest":"sha256:1"}]}'])
async def test_a_manifest_that_is_none_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await put_manifest(client, "bad", body)
    assert answer.status_code == 400


async def test_a_manifest_naming_a_missing_blob_is_refused(client: httpx.AsyncClient) -> None:
    body = json.dumps({"schemaVersion": 2, "config": {"digest": digest_of(b"nowhere")}, "layers": []}).encode()
    answer = await put_manifest(client, "bad", body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "MANIFEST_BLOB_UNKNOWN")


async def test_tags_are_listed_in_order_and_paged(client: httpx.AsyncClient) -> None:
    for tag in ("c", "a", "b"):
        await push_image(client, tag)
    first = await client.get(f"/v2/{NAME}/tags/list", params={"n": 2}, headers=PULL)
    assert first.json()["tags"] == ["a", "b"]
    rest = await client.get(first.links["next"]["url"], headers=PULL)
    assert rest.json()["tags"] == ["c"]


async def test_a_referrer_is_found_by_its_subject(client: httpx.AsyncClient) -> None:
    digest, _ = await push_image(client, "1")
    config = digest_of(b"{}")
    signature = {
        "schemaVersion": 2,
        "artifactType": "application/x-signature",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2},
        "layers": [],
        "subject": {"mediaType": "x", "digest": digest, "size": 1},
    }
    pushed = await put_manifest(client, digest_of(json.dumps(signature).encode()), json.dumps(signature).encode())
    assert pushed.headers["oci-subject"] == digest
    found = await client.get(f"/v2/{NAME}/referrers/{digest}", headers=PULL)
    assert [m["artifactType"] for m in found.json()["manifests"]] == ["application/x-signature"]


async def test_a_deleted_manifest_takes_its_tags_along(client: httpx.AsyncClient) -> None:
    digest, _ = await push_image(client, "1")
    refused = await client.delete(f"/v2/{NAME}/manifests/{digest}", headers=PUSH)
    done = await client.delete(f"/v2/{NAME}/manifests/{digest}", headers=token(NAME, "delete"))
    assert (refused.status_code, done.status_code) == (401, 202)
    assert (await client.get(f"/v2/{NAME}/manifests/1", headers=PULL)).status_code == 404


@pytest.mark.parametrize("name", ["UPPER/case", "a//b", "../etc", "a" * 300])
async def test_a_name_that_cannot_be_one_is_refused(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.post(f"/v2/{name}/blobs/uploads/", headers=PUSH)
    assert answer.status_code in {400, 404}
