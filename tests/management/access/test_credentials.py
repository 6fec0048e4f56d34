"""Credentials: tokens, browser sessions with CSRF protection, and the identity of CI jobs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from code_project import Client
from fake_forge import FakeForge
from joserfc import jwt
from joserfc.jwk import RSAKey

from mlreef.management.state import State


@pytest.fixture
def project(forge: FakeForge) -> Any:
    return forge.add_project("g/data", members={"ada": 40})


async def test_tokens_are_taken_as_gitlab_takes_them(forge: FakeForge, client: Client, project: Any) -> None:
    token = forge.add_user("ada").token
    path = f"/api/v1/projects/{project.id}/runs"
    for headers in ({"private-token": token}, {"authorization": f"Bearer {token}"}):
        assert (await client(**headers).get(path)).status_code == 200
    assert (await client(**{"private-token": "glpat-wrong"}).get(path)).status_code == 401
    assert (await client().get(path)).status_code == 404


async def test_a_session_reads_with_its_cookie_and_changes_only_with_the_csrf_token(
    forge: FakeForge, client: Client, project: Any
) -> None:
    forge.add_user("ada")
    cookie, csrf = forge.sign_in("ada")
    both = f"mlreef_session={cookie}; mlreef_csrf={csrf}"
    path = f"/api/v1/projects/{project.id}/connect"
    assert (await client(cookie=both).get(path)).status_code == 200
    assert (await client(cookie=both).post(path)).status_code == 403
    assert (await client(cookie=both, **{"x-csrf-token": "other"}).post(path)).status_code == 403
    assert (await client(cookie=f"mlreef_session={cookie}", **{"x-csrf-token": csrf}).post(path)).status_code == 403
    foreign = {"x-csrf-token": csrf, "origin": "http://evil.test"}
    assert (await client(cookie=both, **foreign).post(path)).status_code == 403
    own = {"x-csrf-token": csrf, "origin": "http://mlreef.test"}
    assert (await client(cookie=both, **own).post(path)).status_code == 200


async def test_a_session_chosen_by_an_attacker_is_refused_by_the_forge(
    forge: FakeForge, client: Client, project: Any
) -> None:
    forge.add_user("ada")
    cookie, _ = forge.sign_in("ada")
    tossed = client(cookie=f"mlreef_session={cookie}; mlreef_csrf=mine", **{"x-csrf-token": "mine"})
    assert (await tossed.post(f"/api/v1/projects/{project.id}/connect")).status_code == 403
    assert project.hooks == []


async def test_an_answer_is_believed_for_a_moment_only(state: State, forge: FakeForge, clock: Any) -> None:
    from mlreef.clients import credentials
    from mlreef.management.access.service import Access

    ada = forge.add_user("ada")
    access = Access(state.settings.model_copy(update={"access_seconds": 1.0}), state.forge, clock)
    await access.caller(credentials.pat(ada.token))
    ada.token = "revoked"
    assert (await access.caller(credentials.pat("glpat-ada"))).user is not None
    clock.advance(1.0)
    with pytest.raises(Exception, match="401"):
        await access.caller(credentials.pat("glpat-ada"))


# -- jobs


@pytest.fixture
def pipeline(forge: FakeForge, project: Any) -> int:
    forge.add_user("ada")
    return forge.add_pipeline(project, "ada")


async def test_a_job_is_who_the_forge_says(state: State, forge: FakeForge, pipeline: int, project: Any) -> None:
    found = await state.verifier.identify(f"Bearer {forge.id_token(pipeline, 7)}")
    assert (found.project_id, found.pipeline_id, found.job_id, found.username) == (project.id, pipeline, 7, "ada")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "http://elsewhere.test"},
        {"iss": "http://evil.test"},
        {"exp": time.time() - 100},
        {"nbf": time.time() + 1000},
        {"exp": None},
        {"pipeline_id": None},
        {"project_id": "x"},
    ],
)
async def test_a_token_for_something_else_is_refused(
    client: Client, forge: FakeForge, pipeline: int, changes: dict[str, Any]
) -> None:
    answer = await client(job=forge.id_token(pipeline, 7, **changes)).get("/api/v1/jobs/current")
    assert answer.status_code == 401


def _compact(algorithm: str, claims: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """A token as an attacker makes it, without a library that would refuse to."""

    def part(content: bytes) -> bytes:
        return base64.urlsafe_b64encode(content).rstrip(b"=")

    header = json.dumps({"alg": algorithm, "kid": "fake-forge"}).encode()
    signed = part(header) + b"." + part(json.dumps(claims).encode())
    return (signed + b"." + part(sign(signed))).decode()


async def test_tokens_signed_by_anybody_else_are_refused(client: Client, forge: FakeForge, pipeline: int) -> None:
    claims = jwt.decode(forge.id_token(pipeline, 7), forge.key).claims
    strange = RSAKey.generate_key(2048, {"kid": "fake-forge"})
    public = forge.key.as_pem(private=False)
    forged = [
        jwt.encode({"alg": "RS256", "kid": "fake-forge"}, claims, strange),
        _compact("HS256", claims, lambda signed: hmac.new(public, signed, hashlib.sha256).digest()),
        _compact("none", claims, lambda _signed: b""),
        "a.b.c",
        "x",
    ]
    for token in forged:
        assert (await client(job=token).get("/api/v1/jobs/current")).status_code == 401


async def test_a_job_of_nothing_here_has_no_work(client: Client, forge: FakeForge, pipeline: int) -> None:
    answer = await client(job=forge.id_token(pipeline, 7)).get("/api/v1/jobs/current")
    assert (answer.status_code, answer.json()["error"]["kind"]) == (404, "not_found")


async def test_a_forge_that_is_down_is_not_a_refusal(client: Client, forge: FakeForge, project: Any) -> None:
    ada = forge.add_user("ada")
    forge.failing["GET /api/v4/user"] = 502
    answer = await client(ada).get(f"/api/v1/projects/{project.id}/runs")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
