"""Connecting a project: idempotent, repairing, and never against the owner's settings."""

from __future__ import annotations

from typing import Any

import pytest
from code_project import Client
from fake_forge import FakeForge

from mlreef.management.hooks import secrets


@pytest.fixture
def project(forge: FakeForge) -> Any:
    forge.add_user("ada")
    return forge.add_project("g/data", members={"ada": 40})


async def test_connecting_twice_is_as_connecting_once(forge: FakeForge, client: Client, project: Any) -> None:
    ada = client(forge.user_by_name("ada"))
    for _ in range(2):
        assert (await ada.post(f"/api/v1/projects/{project.id}/connect")).json() == {"connected": True}
    hook = project.hooks[0]
    assert (len(project.hooks), hook["token"]) == (1, secrets.of_project("hook-secret", project.id))
    assert (hook["push_events"], hook["job_events"], hook["pipeline_events"]) == (True, True, True)
    assert project.members["mlreef-bot"] == 30


async def test_connecting_again_repairs_what_was_changed(forge: FakeForge, client: Client, project: Any) -> None:
    ada, path = client(forge.user_by_name("ada")), f"/api/v1/projects/{project.id}/connect"
    await ada.post(path)
    project.hooks.clear()
    project.members["mlreef-bot"] = 10
    project.ci_config_path = ""
    await ada.post(path)
    assert (len(project.hooks), project.members["mlreef-bot"]) == (1, 30)
    assert project.ci_config_path.endswith("/api/v1/ci/config.yml")


async def test_a_ci_configuration_of_their_own_is_never_overwritten(
    forge: FakeForge, client: Client, project: Any
) -> None:
    project.ci_config_path = "build/ci.yml"
    answer = await client(forge.user_by_name("ada")).post(f"/api/v1/projects/{project.id}/connect")
    assert (answer.status_code, "build/ci.yml" in answer.json()["error"]["message"]) == (409, True)
    assert project.hooks == []
