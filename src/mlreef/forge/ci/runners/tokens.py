"""Identity tokens of jobs (`id_tokens`): signed claims by which another service knows the job.

https://docs.gitlab.com/ci/secrets/id_token_authentication/#token-payload - ids are strings there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlreef.forge.ci.config import rules
from mlreef.forge.ci.context import Ci

if TYPE_CHECKING:
    from mlreef.forge.ci.runners.payload import Taken

GRACE = 300
"""Seconds a token outlives the job's timeout, for what the runner does around the script."""


async def id_token_variables(ci: Ci, taken: Taken) -> list[dict[str, Any]]:
    """One masked variable per identity token that the job asks for."""
    wanted: Mapping[str, list[str]] = taken.job["options"].get("id_tokens") or {}
    values = {item["key"]: item["value"] for item in taken.pipeline["variables"]}
    known = {"CI_SERVER_URL": ci.settings.external_url, **taken.job["variables"], **values}
    result = []
    for name, audiences in wanted.items():
        audience = [rules.expand(item, known) for item in audiences]
        token = await ci.id_tokens.issue(claims(taken), audience=audience, seconds=taken.timeout + GRACE)
        flags = {"public": False, "file": False, "masked": True, "raw": True}
        result.append({"key": name, "value": token, **flags})
    return result


def claims(taken: Taken) -> dict[str, Any]:
    """What a job's identity token says; issuer, audience and times are the signer's."""
    origin, job, pipeline = taken.origin, taken.job, taken.pipeline
    project, user = origin.project, origin.user
    ref_type = "tag" if origin.tag else "branch"
    return {
        "sub": f"project_path:{project.full_path}:ref_type:{ref_type}:ref:{origin.ref}",
        "namespace_id": str(project.namespace_id),
        "namespace_path": project.namespace_path,
        "project_id": str(project.id),
        "project_path": project.full_path,
        "project_visibility": project.visibility,
        "user_id": str(user.id),
        "user_login": user.username,
        "user_email": user.email,
        "pipeline_id": str(pipeline["id"]),
        "pipeline_source": pipeline["source"],
        "job_id": str(job["id"]),
        "ref": origin.ref,
        "ref_type": ref_type,
        "ref_path": f"refs/{'tags' if origin.tag else 'heads'}/{origin.ref}",
        "ref_protected": "true" if origin.protected else "false",
        "runner_id": str(job["runner_id"]),
        "runner_environment": "self-hosted",
        "sha": origin.sha,
    }
