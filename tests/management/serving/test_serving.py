"""What the forge, jobs and clients fetch."""

from __future__ import annotations

import hashlib
import os

import pytest
import yaml
from code_project import Client

from mlreef.management.serving import framework


async def test_the_static_configuration_includes_runs_or_the_projects_own(client: Client) -> None:
    answer = await client().get("/api/v1/ci/config.yml")
    assert yaml.safe_load(answer.text) == {
        "include": [
            {
                "remote": "http://mlreef.test/api/v1/ci/runs/$MLREEF_CONFIG.yml",
                "rules": [{"if": "$MLREEF_CONFIG"}],
            },
            {
                "local": ".gitlab-ci.yml",
                "rules": [{"if": "$MLREEF_CONFIG == null", "exists": [".gitlab-ci.yml"]}],
            },
        ]
    }


@pytest.mark.parametrize("token", ["x", "mlrcfg-" + "a" * 49, "..%2F..", "%00"])
async def test_a_configuration_is_found_only_by_its_token(client: Client, token: str) -> None:
    assert (await client().get(f"/api/v1/ci/runs/{token}.yml")).status_code == 404


async def test_the_framework_is_served_with_its_digest(client: Client) -> None:
    answer = await client().get("/api/v1/epf.pyz")
    told = (await client().get("/api/v1/server")).json()
    digest = hashlib.sha256(answer.content).hexdigest()
    assert (told["epf_sha256"], answer.headers["etag"]) == (digest, f'"{digest}"')
    assert (told["registry_url"], told["registry_host"]) == ("http://registry.test:5000", "registry.test:5000")
    again = await client(**{"if-none-match": answer.headers["etag"]}).get("/api/v1/epf.pyz")
    assert again.status_code == 304


def test_a_checkout_builds_its_framework() -> None:
    built = framework.load(None)
    assert built.content.startswith(b"#!/usr/bin/env python3\n")
    assert built.sha256 == hashlib.sha256(built.content).hexdigest()


async def test_errors_name_the_field_as_clients_write_it(client: Client) -> None:
    answer = await client().get("/api/v1/processors?page=0")
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == "page"
    assert (await client().get("/api/v1/nothing")).json()["error"]["kind"] == "not_found"
    assert (await client().delete("/api/v1/server")).status_code == 405


async def test_the_interface_is_described(client: Client) -> None:
    paths = (await client().get("/api/v1/openapi.json")).json()["paths"]
    assert "/api/v1/projects/{pid}/publications" in paths


def test_a_checkout_builds_the_framework_only_when_its_sources_are_newer(tmp_path, monkeypatch):
    packaged, builder = tmp_path / "epf.pyz", tmp_path / "epf/build.py"
    (tmp_path / "epf/src/mlreef_epf").mkdir(parents=True)
    (tmp_path / "epf/environments").mkdir()
    source = tmp_path / "epf/src/mlreef_epf/step.py"
    source.write_text("")
    builder.write_text("def content():\n    return b'built'\n")
    monkeypatch.setattr(framework, "_PACKAGED", packaged)
    monkeypatch.setattr(framework, "_BUILDER", builder)
    assert framework.load(None).content == b"built"
    packaged.write_bytes(b"packaged")
    for path in (builder, source, *source.parents[:2], tmp_path / "epf/environments"):
        os.utime(path, (1, 1))
    assert framework.load(None).content == b"packaged"
    for changed in (source, source.parent, builder):
        os.utime(changed, (2**32, 2**32))
        assert framework.load(None).content == b"built"
        os.utime(changed, (1, 1))
