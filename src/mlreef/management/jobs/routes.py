"""`/api/v1/jobs/current`: a CI job, known by its `id_token`, asks for its work and tells how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request

from mlreef.kit.errors import not_found
from mlreef.management import bodies
from mlreef.management.access import guards

router = APIRouter(tags=["jobs"])

_PAUSE = 0.1


@router.get("/api/v1/jobs/current", openapi_extra={"policy": "job"})
async def current(job: guards.Job, state: guards.Resources) -> Mapping[str, Any]:
    """The job's work in full."""
    for _ in range(1 + round(state.settings.job_wait_seconds / _PAUSE)):
        for subject in state.subjects:
            found = await subject.current(job)
            if found is not None:
                return found
        # A fast runner may be here before the answer that named the CI pipeline was recorded.
        await asyncio.sleep(_PAUSE)
    raise not_found("Work for this job")


@router.put("/api/v1/jobs/current/result", openapi_extra={"policy": "job"})
async def result(request: Request, job: guards.Job, state: guards.Resources) -> Mapping[str, Any]:
    """How the job's work ended; repeated and late reports change nothing."""
    body = await bodies.read_json(request, state.settings.max_request_bytes)
    for subject in state.subjects:
        found = await subject.result(job, body)
        if found is not None:
            return found
    raise not_found("Work for this job")
