"""python-gitlab, unmodified, against a live forge: users, tokens, groups, members, projects, forks, stars."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gitlab
import httpx
import pytest
import uvicorn
import uvloop

from mlreef import forge
from mlreef.kit import logs
from support import ports, whole_forge
from support.whole_forge import PASSWORD

pytestmark = pytest.mark.slow
PNG = b"\x89PNG\r\n\x1a\n a picture"


@dataclass
class Live:
    """A forge on a port of its own."""

    url: str
    root: gitlab.Gitlab

    def person(self, name: str) -> gitlab.Gitlab:
        """A new user's client."""
        user = self.root.users.create(
            {"username": name, "name": name.title(), "email": f"{name}@example.org", "password": PASSWORD}
        )
        token = user.personal_access_tokens.create({"name": "test", "scopes": ["api"]}).token
        client = gitlab.Gitlab(self.url, private_token=token)
        client.auth()
        return client


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One server for all tests of this module."""
    folder, port = tmp_path_factory.mktemp("forge"), ports.free()
    url = f"http://127.0.0.1:{port}"
    with _Serving(folder, url, port) as token:
        client = gitlab.Gitlab(url, private_token=token)
        client.auth()
        yield Live(url, client)


class _Serving:
    """The application in a thread with an event loop of its own."""

    def __init__(self, folder: Path, url: str, port: int) -> None:
        logs.configure(json=False, level="WARNING")
        self._settings = whole_forge.settings(folder, external_url=url)
        self._url = url
        config = uvicorn.Config(
            forge.create_app(self._settings), host="127.0.0.1", port=port, log_level="error", lifespan="on"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: uvloop.run(self._server.serve()), daemon=True)

    def __enter__(self) -> str:
        asyncio.run(forge.initialise(self._settings, admin_password=PASSWORD))
        self._thread.start()
        ports.wait(lambda: self._server.started or not self._thread.is_alive(), "the start of the forge")
        with httpx.Client(base_url=self._url) as browser:
            assert browser.post("/-/session", json={"login": "root", "password": PASSWORD}).status_code == 201
            headers = {"X-CSRF-Token": browser.cookies["mlreef_csrf"]}
            wanted = {"name": "admin", "scopes": ["api", "sudo"]}
            made = browser.post("/-/personal_access_tokens", json=wanted, headers=headers)
            return str(made.json()["token"])

    def __exit__(self, *_failure: object) -> None:
        self._server.should_exit = True
        self._thread.join(30)


def test_a_client_knows_itself_and_the_version(live: Live) -> None:
    assert live.root.user is not None
    assert live.root.user.username == "root"
    version, revision = live.root.version()
    assert len(version.split(".")) == 3
    assert revision
    assert live.root.http_get("/metadata")["enterprise"] is False


def test_a_wrong_token_is_an_authentication_error(live: Live) -> None:
    with pytest.raises(gitlab.GitlabAuthenticationError):
        gitlab.Gitlab(live.url, private_token="glpat-wrong").auth()


def test_users_are_made_found_changed_blocked_and_deleted(live: Live) -> None:
    fields = {"username": "grace", "name": "Grace", "email": "grace@example.org", "password": PASSWORD}
    user = live.root.users.create({**fields, "avatar": io.BytesIO(PNG)})
    with_picture = live.root.session.get(user.avatar_url)
    assert with_picture.content == PNG
    assert [one.id for one in live.root.users.list(username="GRACE", iterator=True)] == [user.id]
    user.name = "Grace Hopper"
    user.save()
    assert live.root.users.get(user.id).name == "Grace Hopper"
    assert user.block() is True
    assert user.block() is None
    assert user.unblock() is True
    assert user.unblock() is False
    user.delete()
    with pytest.raises(gitlab.GitlabGetError):
        live.root.users.get(user.id)


def test_tokens_are_listed_rotated_and_revoked(live: Live) -> None:
    ada = live.person("token-ada")
    own = ada.personal_access_tokens.get("self")
    assert own.scopes == ["api"]
    own.rotate()
    rotated = gitlab.Gitlab(live.url, private_token=own.token)
    rotated.auth()
    with pytest.raises(gitlab.GitlabAuthenticationError):
        ada.auth()
    rotated.personal_access_tokens.get("self").delete()
    with pytest.raises(gitlab.GitlabAuthenticationError):
        rotated.auth()


def test_groups_subgroups_and_members(live: Live) -> None:
    ada, bob = live.person("group-ada"), live.person("group-bob")
    parent = ada.groups.create({"name": "Parent", "path": "parent", "visibility": "internal"})
    child = ada.groups.create({"name": "Child", "path": "child", "parent_id": parent.id})
    assert [one.id for one in parent.subgroups.list(iterator=True)] == [child.id]
    member = parent.members.create({"user_id": bob.user.id, "access_level": gitlab.const.AccessLevel.DEVELOPER})
    member.access_level = gitlab.const.AccessLevel.MAINTAINER
    member.save()
    assert child.members_all.get(bob.user.id).access_level == 40
    assert bob.groups.get("parent/child").full_name == "Parent / Child"
    parent.members.delete(bob.user.id)
    with pytest.raises(gitlab.GitlabGetError) as hidden:
        bob.groups.get(child.id)
    assert (hidden.value.response_code, hidden.value.error_message) == (404, "404 Group Not Found")
    parent.delete()


def test_projects_are_made_found_changed_and_deleted(live: Live) -> None:
    ada = live.person("project-ada")
    project = ada.projects.create({"name": "My Data", "initialize_with_readme": True, "topics": ["vision"]})
    assert project.path_with_namespace == "project-ada/my-data"
    found = ada.projects.get("project-ada/my-data")
    assert found.permissions["project_access"]["access_level"] == 50
    found.description = "New words"
    found.save()
    assert ada.projects.get(project.id).description == "New words"
    assert [one.id for one in ada.projects.list(owned=True, search="my", iterator=True)] == [project.id]
    assert ada.projects.list(topic="vision", get_all=False)[0].id == project.id
    head = live.root.http_head(f"/projects/{project.id}")
    assert head["content-type"] == "application/json"
    assert "x-total" in ada.http_head("/projects")
    project.delete()
    with pytest.raises(gitlab.GitlabGetError):
        ada.projects.get(project.id)


def test_pages_are_followed_to_the_end(live: Live, recwarn: pytest.WarningsRecorder) -> None:
    ada = live.person("page-ada")
    made = {ada.projects.create({"name": f"p{number}"}).id for number in range(5)}
    assert {one.id for one in ada.projects.list(owned=True, per_page=2, iterator=True)} == made
    listed = ada.projects.list(owned=True, pagination="keyset", order_by="id", per_page=2, get_all=True)
    assert {one.id for one in listed} == made
    assert [str(one.message) for one in recwarn if "GitLab" in str(one.message)] == []


def test_stars_forks_and_archives(live: Live) -> None:
    ada, bob = live.person("social-ada"), live.person("social-bob")
    source = ada.projects.create({"name": "open", "visibility": "public", "initialize_with_readme": True})
    seen = bob.projects.get(source.id)
    seen.star()
    assert bob.projects.get(source.id).star_count == 1
    assert [one["user"]["username"] for one in bob.http_list(f"/projects/{source.id}/starrers", iterator=True)] == [
        "social-bob"
    ]
    fork = seen.forks.create({"path": "mine", "namespace": "social-bob"})
    assert (fork.path_with_namespace, fork.import_status) == ("social-bob/mine", "finished")
    assert [one.id for one in source.forks.list(iterator=True)] == [fork.id]
    assert bob.projects.get(fork.id).forked_from_project["id"] == source.id
    source.archive()
    assert ada.projects.get(source.id).archived is True
    source.unarchive()


def test_a_project_moves_between_namespaces(live: Live) -> None:
    ada = live.person("move-ada")
    group = ada.groups.create({"name": "Target", "path": "target"})
    project = ada.projects.create({"name": "wanderer"})
    project.transfer(group.id)
    assert ada.projects.get(project.id).path_with_namespace == "target/wanderer"
    project.transfer("move-ada")
    assert ada.projects.get(project.id).path_with_namespace == "move-ada/wanderer"
    assert [one.full_path for one in ada.namespaces.list(iterator=True)] == ["move-ada", "target"]


def test_errors_come_in_the_clients_classes(live: Live) -> None:
    ada = live.person("error-ada")
    with pytest.raises(gitlab.GitlabCreateError) as bad:
        ada.projects.create({"name": "x", "visibility": "secret"})
    assert bad.value.error_message == "visibility does not have a valid value"
    with pytest.raises(gitlab.GitlabCreateError) as refused:
        ada.users.create({"username": "x", "name": "x", "email": "x@example.org", "password": PASSWORD})
    assert refused.value.response_code == 403
    with pytest.raises(gitlab.GitlabHttpError) as unknown:
        ada.http_get("/no/such/thing")
    assert unknown.value.error_message == "404 Not Found"


def test_sudo_acts_as_somebody_else(live: Live) -> None:
    ada = live.person("sudo-ada")
    made = live.root.projects.create({"name": "for-ada", "sudo": ada.user.id}, sudo=ada.user.id)
    assert made.path_with_namespace == "sudo-ada/for-ada"
    with pytest.raises(gitlab.GitlabHttpError) as refused:
        ada.http_get("/user", sudo="root")
    assert refused.value.response_code == 403
