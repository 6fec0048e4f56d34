"""Connects a project: membership, webhook, CI configuration, in this order, each step harmless to repeat.

Everything is done with the right of the maintainer who asks; afterwards the service account is an ordinary member. The
CI configuration comes last, so that a connection that broke off half-way changes nothing for the project's CI.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlreef.clients.forge import ForgeClient
from mlreef.kit.errors import Kind, PlatformError, conflict, unavailable
from mlreef.management.access import policy
from mlreef.management.access.service import ProjectAccess
from mlreef.management.connect import store
from mlreef.management.hooks import secrets
from mlreef.management.settings import Settings
from mlreef.management.state import State

_OWN = {"", ".gitlab-ci.yml"}


async def ensure(state: State, access: ProjectAccess) -> None:
    """Make sure that a project is connected before something is started in it; a maintainer's call connects it."""
    async with state.db.read() as tx:
        found = await store.find(tx, access.project.id)
    # Who connected with an earlier release does not hear of tags yet.
    connected = found is not None and (bool(found["hears_tags"]) or access.level < policy.MAINTAINER)
    configured = access.project.ci_config_path == state.settings.ci_config_url
    # Only maintainers are shown the path; what others cannot see is taken on trust.
    if connected and (configured or access.level < policy.MAINTAINER):
        return
    if access.level < policy.MAINTAINER:
        raise conflict("this project is not connected yet: a maintainer has to press Connect, or start something first")
    await connect(state, access)


async def connect(state: State, access: ProjectAccess) -> None:
    """Connect a project, or repair its connection."""
    settings, project = state.settings, access.project
    path = project.ci_config_path or ""
    if path not in _OWN and path != settings.ci_config_url:
        raise conflict(
            f"the project takes its CI configuration from {path!r}: move it to .gitlab-ci.yml, clear the setting "
            "'CI/CD configuration file', and connect again"
        )
    await admit_service_account(state, access.forge, project.id)
    hook_id = await _hook(settings, access.forge, project.id)
    if path != settings.ci_config_url:
        await access.forge.update_project(project.id, ci_config_path=settings.ci_config_url)
    async with state.db.write() as tx:
        await store.put(tx, project.id, hook_id=hook_id, by=access.user.username, now=state.clock.now())
    state.access.forget()


async def admit_service_account(state: State, forge: ForgeClient, project_id: int) -> None:
    """Make the service account a member of a project, with the right of whoever `forge` speaks for."""
    if state.bot.credential.anonymous:
        raise unavailable("the service has no account at the forge: set MLREEF_MANAGEMENT_SERVICE_TOKEN")
    bot = await state.bot.get_user()
    member = await forge.find_member(project_id, bot.id)
    if member is not None and int(member["access_level"]) >= policy.DEVELOPER:
        return
    try:
        if member is None:
            await forge.add_member(project_id, bot.id, policy.DEVELOPER)
        else:
            await forge.update_member(project_id, bot.id, policy.DEVELOPER)
    except PlatformError as exc:
        if exc.kind is not Kind.CONFLICT:  # somebody else was as fast
            raise


async def _hook(settings: Settings, forge: ForgeClient, project_id: int) -> int:
    wanted: dict[str, Any] = {
        "url": settings.hook_url,
        "token": secrets.of_project(settings.hook_secret, project_id),
        "push_events": True,
        "tag_push_events": True,
        "job_events": True,
        "pipeline_events": True,
        "enable_ssl_verification": settings.external_url.startswith("https:"),
    }
    present = next((one for one in await forge.list_hooks(project_id) if one.get("url") == settings.hook_url), None)
    made: Mapping[str, Any]
    if present is None:
        made = await forge.create_hook(project_id, **wanted)
    else:
        made = await forge.update_hook(project_id, int(present["id"]), **wanted)
    return int(made["id"])
