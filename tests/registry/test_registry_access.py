"""Tokens: what each grants, and everything that makes one worthless."""

from __future__ import annotations

import base64
import json
import time

import pytest

from registry.world import (
    ACCEPT,
    CATALOG,
    NAME,
    SIGNER,
    Client,
    Signer,
    World,
    access,
    bearer,
    digest_of,
    error,
    manifest_of,
)

STRANGER = Signer()


def tampered() -> dict[str, str]:
    """A token for pulling, changed into one for everything."""
    head, body, signature = SIGNER.token(access(NAME, "pull")).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["access"][0]["actions"] = ["*"]
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return {"authorization": f"Bearer {head}.{forged}.{signature}"}


def unsigned() -> dict[str, str]:
    parts = [{"alg": "none"}, {"aud": "container_registry", "exp": int(time.time()) + 99, "access": [access()]}]
    encoded = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts]
    return {"authorization": f"Bearer {'.'.join(encoded)}."}


WORTHLESS = {
    "anonymous": {},
    "expired": bearer(access(), exp=int(time.time()) - 100),
    "not valid yet": bearer(access(), nbf=int(time.time()) + 100_000),
    "other audience": bearer(access(), aud="somebody-else"),
    "foreign key": {"authorization": f"Bearer {STRANGER.token(access())}"},
    "tampered": tampered(),
    "unsigned": unsigned(),
    "no token": {"authorization": "Bearer "},
    "basic": {"authorization": "Basic YTpi"},
    "garbage": {"authorization": "Bearer a.b.c"},
}
TOO_WEAK = {
    "pull only": bearer(access(NAME, "pull")),
    "push without pull": bearer(access(NAME, "push")),
    "another repository": bearer(access("group/other")),
    "a prefix of the name": bearer(access("group/project")),
    "no access at all": bearer(),
    "catalogue only": bearer(CATALOG),
}


@pytest.mark.parametrize("headers", [*WORTHLESS.values(), *TOO_WEAK.values()], ids=[*WORTHLESS, *TOO_WEAK])
async def test_pushing_without_the_right_is_refused(reg: World, headers: dict[str, str]) -> None:
    answer = await reg.client.http.post(f"/v2/{NAME}/blobs/uploads/", headers=headers)
    assert error(answer) == (401, "UNAUTHORIZED")
    assert f'scope="repository:{NAME}:pull,push"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("headers", WORTHLESS.values(), ids=WORTHLESS.keys())
async def test_a_worthless_token_opens_nothing(reg: World, headers: dict[str, str]) -> None:
    await reg.client.push_image("1")
    for path in ("/v2/", f"/v2/{NAME}/manifests/1", f"/v2/{NAME}/tags/list", "/v2/_catalog"):
        assert (await reg.client.http.get(path, headers=headers)).status_code == 401


@pytest.mark.parametrize("headers", TOO_WEAK.values(), ids=TOO_WEAK.keys())
async def test_a_weak_token_is_told_what_it_lacks(reg: World, headers: dict[str, str]) -> None:
    answer = await reg.client.http.post(f"/v2/{NAME}/blobs/uploads/", headers=headers)
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


async def test_one_token_may_hold_several_scopes(reg: World) -> None:
    both = reg.client.of(NAME, access(NAME, "pull"), access("group/other", "pull", "push"), CATALOG)
    await reg.client.push_image("1")
    await Client(reg.client.http, "group/other", both.headers).push_image("1")
    assert (await both.call("GET", "manifests/1", headers=ACCEPT)).status_code == 200
    assert (await both.call("GET", "/v2/_catalog")).json()["repositories"] == ["group/other", NAME]


async def test_a_scope_split_over_two_entries_counts_together(reg: World) -> None:
    split = reg.client.of(NAME, access(NAME, "pull"), access(NAME, "push"))
    await split.push_blob(b"x")


async def test_a_remembered_token_dies_in_time(reg: World) -> None:
    """Within the leeway for clocks at first, behind it a moment later."""
    short = reg.client.of(NAME, access(NAME), exp=int(time.time()) - 7)
    assert (await short.call("GET", "/v2/")).status_code == 200
    deadline = time.monotonic() + 10
    while (await short.call("GET", "/v2/")).status_code == 200:
        assert time.monotonic() < deadline
    assert error(await short.call("GET", "/v2/")) == (401, "UNAUTHORIZED")


async def test_the_catalogue_is_for_administrators(reg: World) -> None:
    answer = await reg.client.call("GET", "/v2/_catalog")
    assert error(answer) == (401, "UNAUTHORIZED")
    assert 'scope="registry:catalog:*"' in answer.headers["www-authenticate"]


async def test_the_catalogue_is_paged(reg: World) -> None:
    for name in ("b/two", "a/one", "c/three"):
        await reg.client.of(name).push_image("1")
    administrator = reg.client.of(NAME, CATALOG)
    first = await administrator.call("GET", "/v2/_catalog", params={"n": "2"})
    rest = await administrator.call("GET", first.links["next"]["url"])
    assert [*first.json()["repositories"], *rest.json()["repositories"]] == ["a/one", "b/two", "c/three"]


@pytest.mark.parametrize("name", ["UPPER/case", "a//b", "..%2fetc", "a" * 300, "_mlreef/x", "-a/b"])
async def test_a_name_that_cannot_be_one_is_refused(reg: World, name: str) -> None:
    answer = await reg.client.http.post(f"/v2/{name}/blobs/uploads/", headers=reg.client.headers)
    assert answer.status_code in {400, 404}


@pytest.mark.parametrize("field", ["subject", "config", "layers"])
async def test_a_digest_of_another_algorithm_in_a_manifest_is_refused(reg: World, field: str) -> None:
    await reg.client.push_image("1")
    other = {"mediaType": "x", "digest": "sha512:" + "a" * 128, "size": 1}
    body = json.loads(manifest_of(b"layer")) | {field: [other] if field == "layers" else other}
    answer = await reg.client.put_manifest("2", json.dumps(body).encode())
    assert error(answer) == (400, "DIGEST_INVALID")


async def test_the_same_manifest_again_is_no_error(reg: World) -> None:
    body = await reg.client.push_image("1")
    assert (await reg.client.put_manifest("1", body)).headers["docker-content-digest"] == digest_of(body)
