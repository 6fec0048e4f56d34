"""All routers of CI, in the order they must be tried: fixed paths before paths with a number in their place."""

from __future__ import annotations

from fastapi import APIRouter

from mlreef.forge.ci.jobs import artifact_routes
from mlreef.forge.ci.jobs import routes as job_routes
from mlreef.forge.ci.pipelines import routes as pipeline_routes
from mlreef.forge.ci.runners import protocol_routes
from mlreef.forge.ci.runners import routes as runner_routes

ROUTERS: tuple[APIRouter, ...] = (
    protocol_routes.router,
    runner_routes.router,
    pipeline_routes.router,
    job_routes.router,
    artifact_routes.router,
)
