"""Users and tokens as GitLab shows them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy.engine import RowMapping

from mlreef.forge.settings import Settings
from mlreef.kit.clock import iso

_PROFILE = ("bio", "location", "public_email", "website_url", "organization", "job_title", "pronouns")


def avatar_url(settings: Settings, kind: str, owner_id: int, avatar: str | None) -> str | None:
    """Where the picture of a user, group or project is; it changes with the picture."""
    if avatar is None:
        return None
    return f"{settings.external_url}/uploads/-/system/{kind}/avatar/{owner_id}/{avatar[:16]}"


def basic(settings: Settings, user: Mapping[str, Any] | RowMapping) -> dict[str, Any]:
    """A user as part of something else."""
    return {
        "id": user["id"],
        "username": user["username"],
        "public_email": user["profile"].get("public_email") or None if "profile" in user else None,
        "name": user["name"],
        "state": user["state"],
        "locked": False,
        "avatar_url": avatar_url(settings, "user", user["id"], user["avatar"]),
        "web_url": f"{settings.external_url}/{user['username']}",
    }


def public(settings: Settings, user: RowMapping) -> dict[str, Any]:
    """A user as any other user sees them."""
    profile = {name: user["profile"].get(name, "") for name in _PROFILE}
    return {
        **basic(settings, user),
        "created_at": iso(user["created_at"]),
        **profile,
        "public_email": profile["public_email"] or None,
        "skype": "",
        "linkedin": "",
        "twitter": "",
        "discord": "",
        "github": "",
        "bot": user["bot"],
        "work_information": None,
        "followers": 0,
        "following": 0,
        "is_followed": False,
        "local_time": None,
    }


def full(settings: Settings, user: RowMapping, *, namespace_id: int | None, admin_view: bool = False) -> dict[str, Any]:
    """A user as they see themselves; administrators see a little more."""
    found = {
        **public(settings, user),
        "last_sign_in_at": iso(user["last_sign_in_at"]),
        "confirmed_at": iso(user["created_at"]),
        "last_activity_on": _day(user["current_sign_in_at"]),
        "email": user["email"],
        "theme_id": 3,
        "color_scheme_id": 1,
        "projects_limit": 100000,
        "current_sign_in_at": iso(user["current_sign_in_at"]),
        "identities": [],
        "can_create_group": True,
        "can_create_project": True,
        "two_factor_enabled": False,
        "external": user["external"],
        "private_profile": False,
        "commit_email": user["email"],
        "preferred_language": "en",
        "namespace_id": namespace_id,
        "is_admin": user["admin"],
    }
    if admin_view:
        found |= {"note": user["profile"].get("note", ""), "created_by": None, "highest_role": 0}
    return found


def token(row: RowMapping, *, today: date, secret: str | None = None) -> dict[str, Any]:
    """A personal access token; its secret only when it was just made."""
    alive = not row["revoked"] and (row["expires_at"] is None or row["expires_at"] > today)
    found = {
        "id": row["id"],
        "name": row["name"],
        "revoked": row["revoked"],
        "created_at": iso(row["created_at"]),
        "description": row["description"],
        "scopes": row["scopes"],
        "user_id": row["user_id"],
        "last_used_at": iso(row["last_used_at"]),
        "active": alive,
        "expires_at": row["expires_at"].isoformat() if row["expires_at"] else None,
    }
    return found if secret is None else {**found, "token": secret}


def _day(moment: datetime | None) -> str | None:
    return moment.date().isoformat() if moment else None
