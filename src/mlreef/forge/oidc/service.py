"""Tokens of the container registry: who may do what with which image, decided by the same policy as everything else.

Source: distribution "Token Authentication Specification", and GitLab's Auth::ContainerRegistryAuthenticationService:
rights that are missing are filtered out, never refused.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlreef.forge.access import policy
from mlreef.forge.access.principal import Principal
from mlreef.forge.oidc.keys import SigningKey
from mlreef.forge.projects import service as projects
from mlreef.forge.settings import Settings
from mlreef.kit.db import Tx

_IMAGE = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)+")
_LONGEST, _MOST = 1024, 20
_METHODS = {"job": "build", "password": "gitlab_or_ldap", "session": "gitlab_or_ldap", "anonymous": "none"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One scope that a client asks for."""

    type: str
    name: str
    actions: tuple[str, ...]


def parse(scopes: Sequence[str]) -> list[Wanted]:
    """`repository:group/project/image:pull,push`, several times or separated by spaces; nonsense is left out."""
    found = []
    for text in " ".join(scopes).split()[:_MOST]:
        kind, separator, rest = text.partition(":")
        name, colon, actions = rest.rpartition(":")
        if separator and colon and name and len(text) <= _LONGEST:
            found.append(Wanted(kind, name, tuple(part for part in actions.split(",") if part)))
    return found


async def access(tx: Tx, who: Principal, scopes: Sequence[Wanted]) -> list[dict[str, Any]]:
    """What of it the caller may have; entries without any action are dropped."""
    granted: list[dict[str, Any]] = []
    for scope in scopes:
        if scope.type == "registry":
            if scope.name == "catalog" and who.has_scope("api", "read_registry") and policy.allowed(who, "admin"):
                granted.append({"type": "registry", "name": "catalog", "actions": ["*"]})
            continue
        project = await _project(tx, who, scope.name) if scope.type == "repository" else None
        actions = [one for one in scope.actions if project is not None and _may(who, project, one)]
        if project is not None and actions:
            meta: dict[str, Any] = {"project_path": project.full_path.lower(), "project_id": project.id}
            meta["root_namespace_id"] = project.root_namespace_id
            granted.append({"type": "repository", "name": scope.name, "actions": actions, "meta": meta})
    return granted


def token(key: SigningKey, settings: Settings, who: Principal, granted: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The answer of the token endpoint."""
    now = int(who.at.timestamp())
    claims: dict[str, Any] = {
        "iss": settings.token_issuer,
        "aud": settings.token_service,
        "sub": who.username,
        "jti": secrets.token_hex(16),
        "iat": now,
        "nbf": now - 5,
        "exp": now + settings.registry_token_seconds,
        "access": list(granted),
        "auth_type": _METHODS.get(who.method, who.method),
    }
    if who.user_id is not None:
        info = {"token_type": claims["auth_type"], "username": who.username, "user_id": who.user_id}
        claims["user"] = key.sign({"user_info": info, "iat": now, "exp": claims["exp"]})
    signed = key.sign(claims, chain=True)
    issued = who.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "token": signed,
        "access_token": signed,
        "expires_in": settings.registry_token_seconds,
        "issued_at": issued,
    }


async def _project(tx: Tx, who: Principal, image: str) -> projects.Project | None:
    """The project that an image belongs to: its path is the project's, with at most two parts behind."""
    if not _IMAGE.fullmatch(image):
        return None
    parts = image.split("/")
    for length in range(len(parts), max(1, len(parts) - 3), -1):
        found = await projects.find_project(tx, _user_of(who), "/".join(parts[:length]))
        if found is not None:
            return found
    return None


def _may(who: Principal, project: projects.Project, action: str) -> bool:
    if action == "pull":
        return _scoped(who, "read_registry", "write_registry", "api") and _may_pull(who, project)
    if action == "push":
        return _scoped(who, "write_registry", "api") and _may_write(who, project, "developer")
    if action in {"delete", "*"}:
        return _scoped(who, "write_registry", "api") and _may_write(who, project, "maintainer")
    return False


def _scoped(who: Principal, *scopes: str) -> bool:
    return who.job is not None or who.anonymous or who.has_scope(*scopes)


def _may_pull(who: Principal, project: projects.Project) -> bool:
    """Jobs pull images of every project that their user may read, for processors come from other projects."""
    return policy.allowed(_user_of(who), "reporter", project.resource)


def _may_write(who: Principal, project: projects.Project, action: str) -> bool:
    if who.job is not None and who.job.project_id != project.id:
        return False
    return policy.allowed(_user_of(who), action, project.resource)


def _user_of(who: Principal) -> Principal:
    """The user behind a job, without administrator rights; anybody else as they are."""
    return replace(who, job=None, method="build") if who.job is not None else who
