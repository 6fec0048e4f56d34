"""Environments of an operator's own, and that the one chosen is the one used; through a running server."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from mlreef.cli import environment
from mlreef.kit.errors import PlatformError
from support.live import Live

pytestmark = pytest.mark.slow


def manifest(live: Live, image: str) -> dict[str, Any]:
    name, _, digest = image.partition("@")
    repository = name.partition("/")[2]
    scope = {"service": "container_registry", "scope": f"repository:{repository}:pull"}
    account = (live.username, live.token)
    with httpx.Client(base_url=live.url) as client:
        token = client.get("/jwt/auth", params=scope, auth=account).json()["token"]
        answer = client.get(f"/v2/{repository}/manifests/{digest}", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    return dict(json.loads(answer.content))


def published(live: Live, name: str, base: str) -> dict[str, Any]:
    script = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--input-path', required=True)\n"
    script += "p.add_argument('--output-path', required=True)\nargs = p.parse_args()\n"
    project = live.project(f"code-{name}", {"main.py": script})
    fields = {"ref": "main", "entry": "main.py", "name": name, "kind": "operation", "environment": base}
    done = live.reef.wait_publication(live.reef.publish(project.id, **fields)["id"], timeout=120)
    assert done["status"] == "succeeded", done
    found: dict[str, Any] = live.reef.processor(f"lab/code-{name}/{name}")["latest"]
    return found


def test_the_chosen_environment_is_the_one_used(live_server: Live) -> None:
    chosen = next(one for one in live_server.admin.environments() if one["name"] == "python-3.11")
    version = published(live_server, "based", "python-3.11")
    base, image = manifest(live_server, chosen["image"]), manifest(live_server, version["image"])
    assert version["base_image"] == chosen["image"]
    assert image["layers"][: len(base["layers"])] == base["layers"]


def test_an_image_by_its_tag_becomes_an_environment_under_its_digest(live_server: Live) -> None:
    host = live_server.url.partition("//")[2]
    image = f"{host}/mlreef/environments/python-3.11:latest"
    made = environment.copy(live_server.admin, live_server.admin_token, "copied", image, lambda _line: None)
    original = next(one for one in live_server.admin.environments() if one["name"] == "python-3.11")
    assert (made["digest"], made["source"]["from"].partition("@")[2]) == (original["digest"], original["digest"])
    assert published(live_server, "on-copy", "copied")["base_image"] == made["image"]


def test_an_image_that_is_not_there_is_refused(live_server: Live) -> None:
    host = live_server.url.partition("//")[2]
    with pytest.raises(PlatformError, match="is not in the registry"):
        environment.copy(live_server.admin, live_server.admin_token, "x", f"{host}/mlreef/environments/x:1", print)


def test_a_definition_adds_debian_and_python_packages(live_server: Live) -> None:
    definition = {"from": "python-3.11", "apt": ["jq"], "requirements": ["idna==3.10"], "title": "With jq"}
    made = environment.build(
        live_server.admin, live_server.admin_token, "with-jq", lambda _line: None, definition=definition
    )
    assert (made["packages"], made["source"]["kind"], made["flavour"]) == (["idna==3.10"], "definition", "cpu")
    parts = [
        json.loads(one["annotations"]["mlreef.components"]) for one in manifest(live_server, made["image"])["layers"]
    ]
    assert {"jq", "idna", "libc6"} < {part["name"] for layer in parts for part in layer}
