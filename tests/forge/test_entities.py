"""Entities hold every field that GitLab's own schemas and its clients' types require."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from support.whole_forge import World

# Required fields and types of spec/fixtures/api/schemas/public_api/v4 in GitLab, with `date` and `uri` as texts.
TEXT, MAYBE, NUMBER, FLAG = {"type": "string"}, {"type": ["string", "null"]}, {"type": "integer"}, {"type": "boolean"}


def schema(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def words(text: str) -> list[str]:
    return text.split()


PROJECT = schema(
    id=NUMBER,
    name=TEXT,
    name_with_namespace=TEXT,
    description=MAYBE,
    path=TEXT,
    path_with_namespace=TEXT,
    created_at=TEXT,
    default_branch=MAYBE,
    tag_list={"type": "array", "items": TEXT},
    ssh_url_to_repo=TEXT,
    http_url_to_repo=TEXT,
    web_url=TEXT,
    avatar_url=MAYBE,
    star_count=NUMBER,
    last_activity_at=TEXT,
)
MEMBER = schema(
    id=NUMBER,
    name=TEXT,
    username=TEXT,
    state=TEXT,
    web_url=MAYBE,
    access_level=NUMBER,
    expires_at=MAYBE,
    avatar_url=MAYBE,
)
METADATA = {
    **schema(
        version=TEXT,
        revision=TEXT,
        kas=schema(enabled=FLAG, externalUrl=MAYBE, version=MAYBE),
        enterprise=FLAG,
    ),
    "additionalProperties": False,
}
LOGIN = words(
    """
    id username email name state avatar_url web_url created_at is_admin bio location skype linkedin
    twitter website_url organization last_sign_in_at confirmed_at theme_id color_scheme_id
    projects_limit current_sign_in_at identities can_create_group can_create_project two_factor_enabled
    external
    """
)
FULL_PROJECT = words(
    """
    _links allow_merge_on_skipped_pipeline archived auto_devops_enabled avatar_url ci_default_git_depth
    container_registry_access_level container_registry_image_prefix created_at creator_id default_branch
    description empty_repo forks_count http_url_to_repo id import_status issues_enabled jobs_enabled
    last_activity_at merge_method merge_requests_enabled name name_with_namespace namespace
    open_issues_count owner packages_enabled path path_with_namespace permissions public_jobs readme_url
    runners_token shared_runners_enabled shared_with_groups snippets_enabled ssh_url_to_repo star_count
    topics updated_at visibility web_url wiki_enabled
    """
)
GROUP = words(
    """
    avatar_url created_at default_branch_protection description full_name full_path id lfs_enabled name
    parent_id path project_creation_level request_access_enabled require_two_factor_authentication
    share_with_group_lock subgroup_creation_level two_factor_grace_period visibility web_url
    """
)
TOKEN = ["id", "name", "revoked", "created_at", "user_id", "last_used_at", "active", "scopes", "expires_at"]


async def seen(world: World, path: str) -> Any:
    await world.person("ada")
    await world.ok("ada", "POST", "/projects", json={"name": "data"})
    await world.ok("ada", "POST", "/groups", json={"name": "Lab", "path": "lab"})
    return await world.ok("ada", "GET", path)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/projects", {"type": "array", "items": PROJECT, "minItems": 1}),
        ("/projects?simple=true", {"type": "array", "items": PROJECT, "minItems": 1}),
        ("/projects/ada%2Fdata/members", {"type": "array", "items": MEMBER, "minItems": 1}),
        ("/metadata", METADATA),
    ],
)
async def test_entities_fit_gitlabs_schemas(world: World, path: str, wanted: dict[str, Any]) -> None:
    jsonschema.validate(await seen(world, path), wanted)


@pytest.mark.parametrize(
    ("path", "required"),
    [
        ("/user", LOGIN),
        ("/projects/ada%2Fdata", FULL_PROJECT),
        ("/groups/lab", [*GROUP, "projects", "shared_with_groups", "runners_token"]),
        ("/personal_access_tokens/self", TOKEN),
        ("/version", ["version", "revision"]),
    ],
)
async def test_entities_have_the_fields_that_clients_read(world: World, path: str, required: list[str]) -> None:
    assert set(required) - (await seen(world, path)).keys() == set()


async def test_every_url_begins_with_the_base_that_clients_use(world: World) -> None:
    shown = await seen(world, "/projects/ada%2Fdata")
    urls = [shown["web_url"], shown["http_url_to_repo"], shown["namespace"]["web_url"], *shown["_links"].values()]
    assert all(url.startswith("http://forge.test/") for url in urls)


async def test_a_project_answers_head_with_exactly_this_type(world: World) -> None:
    await seen(world, "/projects")
    answer = await world.call("ada", "HEAD", "/projects/ada%2Fdata")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")


async def test_unknown_addresses_answer_in_gitlabs_words(world: World) -> None:
    answer = await world.call("root", "GET", "/no/such/route")
    assert (answer.status_code, answer.json()) == (404, {"error": "404 Not Found"})
