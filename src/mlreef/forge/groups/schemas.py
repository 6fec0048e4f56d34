"""Groups, namespaces and members as GitLab shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import RowMapping

from mlreef.forge.access import schemas as access_schemas
from mlreef.forge.settings import Settings
from mlreef.kit.clock import iso

DEFAULTS: dict[str, Any] = {
    "share_with_group_lock": False,
    "require_two_factor_authentication": False,
    "two_factor_grace_period": 48,
    "project_creation_level": "developer",
    "subgroup_creation_level": "maintainer",
    "auto_devops_enabled": None,
    "emails_disabled": False,
    "emails_enabled": True,
    "mentions_disabled": None,
    "lfs_enabled": True,
    "request_access_enabled": True,
    "default_branch_protection": 2,
    "math_rendering_limits_enabled": True,
    "lock_math_rendering_limits_enabled": False,
}


def group(settings: Settings, row: RowMapping, full_name: str) -> dict[str, Any]:
    """A group."""
    kept = {name: row["settings"].get(name, value) for name, value in DEFAULTS.items()}
    return {
        "id": row["id"],
        "web_url": f"{settings.external_url}/groups/{row['full_path']}",
        "name": row["name"],
        "path": row["path"],
        "description": row["description"],
        "visibility": row["visibility"],
        **kept,
        "avatar_url": access_schemas.avatar_url(settings, "group", row["id"], row["avatar"]),
        "full_name": full_name,
        "full_path": row["full_path"],
        "created_at": iso(row["created_at"]),
        "parent_id": row["parent_id"],
        "organization_id": 1,
        "shared_runners_setting": "enabled",
        "ldap_cn": None,
        "ldap_access": None,
        "wiki_access_level": "disabled",
        "marked_for_deletion_on": None,
        "archived": False,
    }


def group_detail(settings: Settings, row: RowMapping, full_name: str) -> dict[str, Any]:
    """A group by itself."""
    return {
        **group(settings, row, full_name),
        "shared_with_groups": [],
        "runners_token": None,
        "file_template_project_id": None,
        "prevent_sharing_groups_outside_hierarchy": False,
        "shared_projects": [],
    }


def namespace(settings: Settings, row: RowMapping) -> dict[str, Any]:
    """A namespace of a user or group."""
    own = row["kind"] == "user"
    kind = "user" if own else "group"
    return {
        "id": row["id"],
        "name": row["name"],
        "path": row["path"],
        "kind": row["kind"],
        "full_path": row["full_path"],
        "parent_id": row["parent_id"],
        "avatar_url": access_schemas.avatar_url(settings, kind, row["owner_id"] if own else row["id"], row["avatar"]),
        "web_url": f"{settings.external_url}/{'' if own else 'groups/'}{row['full_path']}",
        "plan": "free",
        "trial": False,
        "billable_members_count": 0,
        "members_count_with_descendants": 0,
    }


def member(
    settings: Settings, row: RowMapping, creators: Mapping[int, RowMapping], *, email: str | None = None
) -> dict[str, Any]:
    """A user in their role."""
    creator = creators.get(row["created_by"])
    shown = {
        "id": row["user_id"],
        "username": row["username"],
        "public_email": None,
        "name": row["name"],
        "state": row["state"],
        "locked": False,
        "avatar_url": access_schemas.avatar_url(settings, "user", row["user_id"], row["avatar"]),
        "web_url": f"{settings.external_url}/{row['username']}",
        "access_level": row["access_level"],
        "created_at": iso(row["created_at"]),
        "expires_at": row["expires_at"].isoformat() if row["expires_at"] else None,
        "group_saml_identity": None,
        "membership_state": "active",
    }
    if creator is not None:
        shown["created_by"] = access_schemas.basic(settings, creator)
    return shown if email is None else {**shown, "email": email}
