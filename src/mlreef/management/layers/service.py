"""Finding a layer of packages that exists: the same lock gives the same layer, whichever project it was built for.

A job is told of layers only in projects that the user it works for may read; the registry checks that once more when
the layer is mounted. What other projects built counts only when a runner of the whole instance built it: whoever has a
runner of their own could have put anything into the layer.
"""

from __future__ import annotations

from typing import Any

from mlreef.kit.errors import PlatformError, not_found
from mlreef.management.access.identity import JobIdentity
from mlreef.management.attestations import service as attestations
from mlreef.management.layers import store
from mlreef.management.processors import publication_store as publications
from mlreef.management.state import State

_LOCK = "mlreef.lock"
_ENOUGH = 3


async def find(state: State, job: JobIdentity, key: str) -> list[dict[str, Any]]:
    """Descriptors of layers with the packages of a lock, each with its `repository`."""
    async with state.db.read() as tx:
        if await publications.find_by_pipeline(tx, job.project_id, job.pipeline_id) is None:
            raise not_found("Work for this job")
        versions = await store.list_with_lock(tx, key)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    usable: dict[tuple[int, int], bool] = {}
    registry = attestations.desk(state).registry
    for version in versions:
        built = (int(version["project_id"]), int(version["ci_job_id"] or 0))
        if built not in usable:
            usable[built] = await _may_use(state, job, *built)
        if not usable[built]:
            continue
        repository = str(version["image"]).partition("@")[0].partition("/")[2]
        try:
            manifest = await registry.find_manifest(repository, str(version["digest"]))
        except PlatformError:
            continue  # it only saves work
        for layer in manifest.document.get("layers", ()) if manifest is not None else ():
            if (layer.get("annotations") or {}).get(_LOCK) == key:
                found[(repository, layer["digest"])] = {**layer, "repository": repository}
        if len(found) >= _ENOUGH:
            break
    return list(found.values())


async def _may_use(state: State, job: JobIdentity, project_id: int, built_by: int) -> bool:
    if project_id == job.project_id:
        return True
    try:
        runner = (await state.bot.get_job(project_id, built_by)).raw.get("runner") or {}
        if not (runner.get("is_shared") or runner.get("runner_type") == "instance_type"):
            return False
        project = await state.bot.get_project(project_id)
        if project.visibility in {"public", "internal"}:
            return True
        return await state.bot.find_member(project_id, job.user_id) is not None
    except PlatformError:
        return False
