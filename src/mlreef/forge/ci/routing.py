"""All routers of CI and webhooks in the order they are tried: fixed paths before those with a number in their place."""

from __future__ import annotations

from fastapi import APIRouter

from mlreef.forge.ci.jobs import artifact_routes
from mlreef.forge.ci.jobs import routes as job_routes
from mlreef.forge.ci.pipelines import routes as pipeline_routes
from mlreef.forge.ci.runners import protocol_routes
from mlreef.forge.ci.runners import routes as runner_routes
from mlreef.forge.ci.variables import routes as variable_routes
from mlreef.forge.hooks import routes as hook_routes

ROUTERS: tuple[APIRouter, ...] = (
    protocol_routes.router,
    runner_routes.router,
    pipeline_routes.router,
    job_routes.router,
    artifact_routes.router,
    variable_routes.router,
    hook_routes.router,
)
