"""Tokens of the container registry, and the keys that sign them."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from joserfc import jws, jwt
from joserfc.jwk import KeySet

from mlreef.forge.access.principal import JobPrincipal
from mlreef.forge.oidc import service
from mlreef.forge.oidc.keys import SigningKey
from mlreef.kit.db import Tx
from support.whole_forge import PASSWORD, World

SERVICE = "container_registry"


class Headers(jws.JWSRegistry):
    """Room for the certificate."""

    max_header_length = 8192


class OneJob:
    def __init__(self, user_id: int, project_id: int) -> None:
        self._job = JobPrincipal(1, 1, project_id, user_id)

    async def find(self, _tx: Tx, token: str) -> JobPrincipal | None:
        return self._job if token == "glcbt-running" else None


async def ask(world: World, login: tuple[str, str] | None, *scopes: str, service: str = SERVICE) -> Any:
    async with world.client() as client:
        query = [("service", service), *(("scope", scope) for scope in scopes)]
        return await client.get("/jwt/auth", params=query, auth=login)


async def granted(world: World, login: tuple[str, str] | None, *scopes: str) -> dict[str, list[str]]:
    answer = await ask(world, login, *scopes)
    assert answer.status_code == 200, answer.text
    keys = KeySet.import_key_set(world.state.key.jwks)
    claims = jwt.decode(answer.json()["token"], keys.keys[0], registry=Headers(algorithms=["RS256"])).claims
    assert (claims["aud"], claims["iss"]) == (SERVICE, "mlreef-forge")
    return {entry["name"]: entry["actions"] for entry in claims["access"]}


async def lab(world: World, visibility: str = "private") -> int:
    for name in ("ada", "dev", "rep", "eve"):
        await world.person(name, scopes=("api", "read_registry", "write_registry"))
    made = await world.ok("ada", "POST", "/projects", json={"name": "data", "visibility": visibility})
    for name, level in (("dev", 30), ("rep", 20)):
        member = {"user_id": world.ids[name], "access_level": level}
        await world.ok("ada", "POST", f"/projects/{made['id']}/members", json=member)
    return int(made["id"])


@pytest.mark.parametrize(
    ("name", "actions"), [("ada", ["pull", "push", "*"]), ("dev", ["pull", "push"]), ("rep", ["pull"]), ("eve", None)]
)
async def test_actions_follow_the_access_level(world: World, name: str, actions: list[str] | None) -> None:
    await lab(world)
    found = await granted(world, (name, world.tokens[name]), "repository:ada/data/augment:pull,push,*")
    assert found.get("ada/data/augment") == actions


async def test_anybody_pulls_from_public_projects_and_nobody_pushes(world: World) -> None:
    await lab(world, "public")
    assert await granted(world, None, "repository:ada/data:pull,push") == {"ada/data": ["pull"]}
    assert await granted(world, ("eve", world.tokens["eve"]), "repository:ada/data:pull,push") == {"ada/data": ["pull"]}


async def test_private_images_are_not_pulled_without_a_login(world: World) -> None:
    await lab(world)
    assert await granted(world, None, "repository:ada/data:pull") == {}


async def test_scopes_come_repeated_and_separated_by_spaces(world: World) -> None:
    await lab(world)
    login = ("ada", world.tokens["ada"])
    found = await granted(
        world, login, "repository:ada/data/a:pull repository:ada/data/b:pull", "repository:ada/data:*"
    )
    assert set(found) == {"ada/data/a", "ada/data/b", "ada/data"}


@pytest.mark.parametrize(
    "scope",
    ["nonsense", "repository:ada/data", "repository:../x:pull", "repository:Ada/Data:pull", "repository:a:pull"],
)
async def test_scopes_that_name_nothing_grant_nothing(world: World, scope: str) -> None:
    await lab(world)
    assert await granted(world, ("ada", world.tokens["ada"]), scope) == {}


async def test_a_login_without_scope_is_a_check_of_the_credential(world: World) -> None:
    assert (await ask(world, ("root", PASSWORD))).status_code == 200
    assert (await ask(world, ("root", "wrong wrong wrong"))).json()["errors"][0]["code"] == "UNAUTHORIZED"
    assert (await ask(world, None)).status_code == 403
    assert (await ask(world, ("root", PASSWORD), service="another")).status_code == 404


async def test_a_token_without_registry_scopes_grants_nothing(world: World) -> None:
    await lab(world)
    token = await world.person("narrow", scopes=("read_user",))
    member = {"user_id": world.ids["narrow"], "access_level": 30}
    await world.ok("ada", "POST", "/projects/ada%2Fdata/members", json=member)
    assert await granted(world, ("narrow", token), "repository:ada/data:pull,push") == {}


async def test_a_job_pushes_to_its_own_project_and_pulls_what_its_user_may_read(world: World) -> None:
    own = await lab(world)
    await world.ok("ada", "POST", "/projects", json={"name": "tools", "visibility": "internal"})
    world.state.job_tokens = OneJob(world.ids["dev"], own)
    login = ("gitlab-ci-token", "glcbt-running")
    found = await granted(world, login, "repository:ada/data/x:pull,push", "repository:ada/tools:pull,push")
    assert found == {"ada/data/x": ["pull", "push"], "ada/tools": ["pull"]}
    assert (await ask(world, ("gitlab-ci-token", "glcbt-over"), "repository:ada/data:pull")).status_code == 401


async def test_a_blocked_user_gets_no_token(world: World) -> None:
    await lab(world)
    await world.ok("root", "POST", f"/users/{world.ids['dev']}/block")
    assert (await ask(world, ("dev", world.tokens["dev"]), "repository:ada/data:pull")).status_code == 401


async def test_the_key_id_is_the_libtrust_fingerprint_and_the_certificate_is_the_keys(world: World) -> None:
    answer = await ask(world, ("root", PASSWORD), "repository:a/b:pull")
    header = jws.extract_compact(answer.json()["token"].encode(), registry=Headers()).headers()
    certificate = x509.load_der_x509_certificate(base64.b64decode(header["x5c"][0]))
    der = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    text = base64.b32encode(hashlib.sha256(der).digest()[:30]).decode()
    assert header["kid"] == ":".join(text[n : n + 4] for n in range(0, 48, 4))


async def test_the_published_keys_hold_nothing_private(world: World) -> None:
    async with world.client() as client:
        keys = (await client.get("/oauth/discovery/keys")).json()["keys"]
        discovery = (await client.get("/.well-known/openid-configuration")).json()
    assert [set(key) for key in keys] == [{"kty", "n", "e", "kid", "use", "alg", "x5c"}]
    assert (discovery["issuer"], discovery["jwks_uri"]) == (
        "http://forge.test",
        "http://forge.test/oauth/discovery/keys",
    )


async def test_discovery_names_only_addresses_that_answer(world: World) -> None:
    async with world.client() as client:
        discovery = (await client.get("/.well-known/openid-configuration")).json()
        addresses = [one for one in discovery.values() if isinstance(one, str) and one != discovery["issuer"]]
        assert [(await client.get(one)).status_code for one in addresses] == [200]
    assert (discovery["response_types_supported"], discovery["grant_types_supported"]) == (["id_token"], [])
    required = {"issuer", "jwks_uri", "subject_types_supported", "id_token_signing_alg_values_supported"}
    assert required <= set(discovery)


def test_the_key_is_made_once_and_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    first, second = SigningKey.load(tmp_path / "s"), SigningKey.load(tmp_path / "s")
    assert first.key_id == second.key_id
    assert [file.stat().st_mode & 0o077 for file in (tmp_path / "s").iterdir()] == [0, 0]


def test_the_number_of_scopes_is_limited() -> None:
    assert len(service.parse(["repository:a/b:pull"] * 1000)) == 20
