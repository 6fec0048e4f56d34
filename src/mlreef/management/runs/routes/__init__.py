"""HTTP of runs: runs themselves, their outputs and logs, and the part of the job interface that steps have."""

from fastapi import APIRouter

from mlreef.management.runs.routes import job_routes, output_routes, run_routes

router = APIRouter(prefix="/api/v1")
for part in (run_routes, output_routes, job_routes):
    router.include_router(part.router)
