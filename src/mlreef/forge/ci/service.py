"""What other slices may ask of CI."""

from __future__ import annotations

from mlreef.forge.access.principal import JobPrincipal
from mlreef.forge.ci import statuses
from mlreef.forge.ci.jobs import store as jobs_store
from mlreef.forge.ci.pipelines import store as pipelines_store
from mlreef.forge.ci.statuses import Status
from mlreef.forge.ci.variables import store as variables_store
from mlreef.forge.hooks import store as hooks_store
from mlreef.kit import ids
from mlreef.kit.db import Tx

TOKEN_PREFIX = "glcbt-"  # noqa: S105 - a prefix, not a secret


async def find_job_token(tx: Tx, token: str) -> JobPrincipal | None:
    """The running job a token was made for; None as soon as the job has ended."""
    if not ids.valid_token(token, TOKEN_PREFIX):
        return None
    job = await jobs_store.find_by_token(tx, ids.hash_token(token))
    if job is None or Status(job["status"]) not in statuses.ALIVE:
        return None
    return JobPrincipal(job["id"], job["pipeline_id"], job["project_id"], job["user_id"])


async def forget_project(tx: Tx, project_id: int) -> None:
    """Delete everything CI and webhooks hold of a project that is deleted."""
    for pipeline_id in await pipelines_store.ids_of_project(tx, project_id):
        await pipelines_store.remove(tx, pipeline_id)
    await variables_store.remove_of(tx, "project", project_id)
    await hooks_store.remove_of_project(tx, project_id)
