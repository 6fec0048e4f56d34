"""The variables every job gets from the server (https://docs.gitlab.com/ci/variables/predefined_variables/).

Those of the pipeline also feed `rules:if` and include URLs; those of the job exist once a runner took it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mlreef.forge.ci.context import CiSettings
from mlreef.forge.ci.ports import Project, User


@dataclass(frozen=True, slots=True)
class Origin:
    """What a pipeline is made from: who, where, which commit."""

    project: Project
    user: User
    ref: str
    tag: bool
    protected: bool
    sha: str
    before_sha: str
    source: str
    commit: Mapping[str, Any]
    variables: tuple[Mapping[str, Any], ...] = ()


def for_pipeline(settings: CiSettings, origin: Origin) -> dict[str, str]:
    """Variables known before the pipeline has a number."""
    project, commit = origin.project, origin.commit
    message = str(commit["message"])
    title, _, description = message.partition("\n")
    values = {
        **_server(settings),
        "CI_PIPELINE_SOURCE": origin.source,
        "CI_COMMIT_SHA": origin.sha,
        "CI_COMMIT_SHORT_SHA": origin.sha[:8],
        "CI_COMMIT_BEFORE_SHA": origin.before_sha,
        "CI_COMMIT_REF_NAME": origin.ref,
        "CI_COMMIT_REF_SLUG": slug(origin.ref),
        "CI_COMMIT_REF_PROTECTED": "true" if origin.protected else "false",
        "CI_COMMIT_TAG" if origin.tag else "CI_COMMIT_BRANCH": origin.ref,
        "CI_COMMIT_MESSAGE": message,
        "CI_COMMIT_TITLE": title,
        "CI_COMMIT_DESCRIPTION": description.strip("\n"),
        "CI_COMMIT_AUTHOR": f"{commit['author_name']} <{commit['author_email']}>",
        "CI_COMMIT_TIMESTAMP": str(commit["timestamp"]),
        "CI_DEFAULT_BRANCH": project.default_branch,
        "CI_CONFIG_PATH": project.ci_config_path or ".gitlab-ci.yml",
        "GITLAB_USER_ID": str(origin.user.id),
        "GITLAB_USER_LOGIN": origin.user.username,
        "GITLAB_USER_NAME": origin.user.name,
        "GITLAB_USER_EMAIL": origin.user.email,
        **_project(project),
    }
    if settings.registry_host:
        values["CI_REGISTRY"] = settings.registry_host
        values["CI_REGISTRY_IMAGE"] = f"{settings.registry_host}/{project.full_path.lower()}"
    return values


def slug(name: str) -> str:
    """A name fit for host names: lower case, 63 characters, dashes only inside."""
    return re.sub(r"[^a-z0-9]", "-", name.lower())[:63].strip("-")


def _server(settings: CiSettings) -> dict[str, str]:
    parts = urlsplit(settings.external_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    major, minor, patch = [*settings.version.split("."), "0", "0"][:3]
    return {
        "CI": "true",
        "GITLAB_CI": "true",
        "CI_SERVER_URL": settings.external_url,
        "CI_SERVER_HOST": parts.hostname or "",
        "CI_SERVER_FQDN": parts.netloc,
        "CI_SERVER_PORT": str(port),
        "CI_SERVER_PROTOCOL": parts.scheme,
        "CI_SERVER_NAME": "GitLab",
        "CI_SERVER_VERSION": settings.version,
        "CI_SERVER_VERSION_MAJOR": major,
        "CI_SERVER_VERSION_MINOR": minor,
        "CI_SERVER_VERSION_PATCH": patch,
        "CI_SERVER_REVISION": "mlreef",
        "CI_API_V4_URL": f"{settings.external_url}/api/v4",
        "CI_API_GRAPHQL_URL": f"{settings.external_url}/api/graphql",
    }


def _project(project: Project) -> dict[str, str]:
    return {
        "CI_PROJECT_ID": str(project.id),
        "CI_PROJECT_NAME": project.path,
        "CI_PROJECT_TITLE": project.name,
        "CI_PROJECT_DESCRIPTION": project.description,
        "CI_PROJECT_PATH": project.full_path,
        "CI_PROJECT_PATH_SLUG": slug(project.full_path),
        "CI_PROJECT_NAMESPACE": project.namespace_path,
        "CI_PROJECT_NAMESPACE_ID": str(project.namespace_id),
        "CI_PROJECT_ROOT_NAMESPACE": project.namespace_path.split("/", maxsplit=1)[0],
        "CI_PROJECT_URL": project.web_url,
        "CI_PROJECT_VISIBILITY": project.visibility,
    }
