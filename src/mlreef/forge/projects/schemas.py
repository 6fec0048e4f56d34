"""Projects as GitLab shows them: simple, with the caller's permissions, and in full."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.engine import RowMapping

from mlreef.forge.access import schemas as access_schemas
from mlreef.forge.settings import Settings
from mlreef.kit.clock import iso

ACCESS_LEVELS = {
    "issues_access_level": "disabled",
    "repository_access_level": "enabled",
    "merge_requests_access_level": "disabled",
    "forking_access_level": "enabled",
    "wiki_access_level": "disabled",
    "builds_access_level": "enabled",
    "snippets_access_level": "disabled",
    "pages_access_level": "disabled",
    "analytics_access_level": "disabled",
    "container_registry_access_level": "enabled",
    "security_and_compliance_access_level": "disabled",
    "releases_access_level": "disabled",
    "environments_access_level": "disabled",
    "feature_flags_access_level": "disabled",
    "infrastructure_access_level": "disabled",
    "monitor_access_level": "disabled",
    "model_experiments_access_level": "disabled",
    "model_registry_access_level": "disabled",
}

KEPT: dict[str, Any] = {
    "packages_enabled": False,
    "issues_enabled": False,
    "merge_requests_enabled": False,
    "wiki_enabled": False,
    "jobs_enabled": True,
    "snippets_enabled": False,
    "container_registry_enabled": True,
    "service_desk_enabled": False,
    "can_create_merge_request_in": False,
    "request_access_enabled": True,
    "lfs_enabled": True,
    "shared_runners_enabled": True,
    "group_runners_enabled": True,
    "public_jobs": True,
    "build_timeout": 3600,
    "build_git_strategy": "fetch",
    "auto_cancel_pending_pipelines": "enabled",
    "auto_devops_enabled": False,
    "auto_devops_deploy_strategy": "continuous",
    "ci_default_git_depth": 20,
    "ci_forward_deployment_enabled": True,
    "ci_forward_deployment_rollback_allowed": True,
    "ci_separated_caches": True,
    "ci_allow_fork_pipelines_to_run_in_parent_project": False,
    "ci_job_token_scope_enabled": False,
    "ci_pipeline_variables_minimum_override_role": "developer",
    "ci_restrict_pipeline_cancellation_role": "developer",
    "keep_latest_artifact": True,
    "only_allow_merge_if_pipeline_succeeds": False,
    "allow_merge_on_skipped_pipeline": None,
    "only_allow_merge_if_all_discussions_are_resolved": False,
    "remove_source_branch_after_merge": True,
    "printing_merge_request_link_enabled": True,
    "printing_merge_requests_link_enabled": True,
    "merge_method": "merge",
    "squash_option": "default_off",
    "merge_commit_template": None,
    "squash_commit_template": None,
    "issue_branch_template": None,
    "suggestion_commit_message": None,
    "resolve_outdated_diff_discussions": False,
    "autoclose_referenced_issues": True,
    "emails_disabled": False,
    "emails_enabled": True,
    "enforce_auth_checks_on_uploads": True,
    "warn_about_potentially_unwanted_characters": True,
    "external_authorization_classification_label": "",
}
"""Settings that clients may set and get back; those of features that are not here have no other effect."""

_FIXED: dict[str, Any] = {
    "mirror": False,
    "mirror_user_id": None,
    "mirror_trigger_builds": False,
    "only_mirror_protected_branches": False,
    "mirror_overwrites_diverged_branches": False,
    "runners_token": None,
    "service_desk_address": None,
    "import_url": None,
    "import_type": None,
    "import_error": None,
    "shared_with_groups": [],
    "compliance_frameworks": [],
    "license": None,
    "license_url": None,
    "open_issues_count": 0,
    "repository_storage": "default",
    "container_expiration_policy": None,
    "marked_for_deletion_on": None,
    "marked_for_deletion_at": None,
}


@dataclass(frozen=True, slots=True)
class Context:
    """What a project's entity needs beside its own row."""

    topics: list[str]
    full_name: str
    levels: tuple[int, int]
    """The caller's direct and inherited access level."""
    empty: bool
    owner: RowMapping | None = None
    parent: Mapping[str, Any] | None = None
    """The simple entity of the project this one was forked from, if the caller may see it."""


def simple(settings: Settings, row: RowMapping, context: Context) -> dict[str, Any]:
    """A project in lists with `simple=true`."""
    namespace_name = context.full_name
    url = f"{settings.external_url}/{row['full_path']}"
    return {
        "id": row["id"],
        "description": row["description"] or None,
        "name": row["name"],
        "name_with_namespace": f"{namespace_name} / {row['name']}",
        "path": row["path"],
        "path_with_namespace": row["full_path"],
        "created_at": iso(row["created_at"]),
        "default_branch": row["default_branch"],
        "tag_list": context.topics,
        "topics": context.topics,
        "ssh_url_to_repo": f"git@{urlsplit(settings.external_url).hostname}:{row['full_path']}.git",
        "http_url_to_repo": f"{url}.git",
        "web_url": url,
        "readme_url": None if context.empty else f"{url}/-/blob/{row['default_branch']}/README.md",
        "forks_count": row["forks_count"],
        "avatar_url": access_schemas.avatar_url(settings, "project", row["id"], row["avatar"]),
        "star_count": row["star_count"],
        "last_activity_at": iso(row["last_activity_at"]),
        "visibility": row["visibility"],
        "namespace": _namespace(settings, row),
    }


def full(settings: Settings, row: RowMapping, context: Context) -> dict[str, Any]:
    """A project with everything that clients read."""
    kept = row["settings"]
    direct, inherited = context.levels
    shown = {
        **simple(settings, row, context),
        "container_registry_image_prefix": f"{settings.image_host}/{row['full_path'].lower()}",
        "_links": _links(settings, row["id"]),
        "archived": row["archived"],
        "owner": access_schemas.basic(settings, context.owner) if context.owner is not None else None,
        "creator_id": row["creator_id"],
        "import_status": "finished" if row["forked_from_id"] else "none",
        "updated_at": iso(row["updated_at"]),
        "description_html": "",
        "empty_repo": context.empty,
        "ci_config_path": row["ci_config_path"],
        **_FIXED,
        **{name: kept.get(name, value) for name, value in (KEPT | ACCESS_LEVELS).items()},
        "permissions": {"project_access": _access(direct), "group_access": _access(inherited)},
    }
    if context.owner is None:
        del shown["owner"]
    if context.parent is not None:
        shown["forked_from_project"] = context.parent
    return shown


def _access(level: int) -> dict[str, int] | None:
    return {"access_level": level, "notification_level": 3} if level else None


def _namespace(settings: Settings, row: RowMapping) -> dict[str, Any]:
    own = row["namespace_kind"] == "user"
    owner = row["owner_id"] if own else row["namespace_id"]
    kind = "user" if own else "group"
    return {
        "id": row["namespace_id"],
        "name": row["namespace_name"],
        "path": row["namespace_path"],
        "kind": row["namespace_kind"],
        "full_path": row["namespace_full_path"],
        "parent_id": row["namespace_parent_id"],
        "avatar_url": access_schemas.avatar_url(settings, kind, owner, row["namespace_avatar"]),
        "web_url": f"{settings.external_url}/{'' if own else 'groups/'}{row['namespace_full_path']}",
    }


def _links(settings: Settings, project_id: int) -> dict[str, str]:
    base = f"{settings.external_url}/api/v4/projects/{project_id}"
    return {
        "self": base,
        "repo_branches": f"{base}/repository/branches",
        "labels": f"{base}/labels",
        "events": f"{base}/events",
        "members": f"{base}/members",
    }
