"""The live stream of a run: first the run as it is, then what changes."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from mlreef.management.access import guards
from mlreef.management.access.policy import Action
from mlreef.management.events import channels
from mlreef.management.events.frames import frame
from mlreef.management.runs import assembly, schemas, store
from mlreef.management.runs.forge_side import ForgeTraces
from mlreef.management.runs.routes.finding import run_for
from mlreef.management.state import State

router = APIRouter(prefix="/api/v1", tags=["runs"])

# Proxies must neither keep nor gather what is meant to arrive at once.
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


@router.get("/runs/{run_id}/events", openapi_extra={"policy": "read_code"}, response_class=StreamingResponse)
async def events(state: guards.Resources, caller: guards.Visitor, run_id: str) -> StreamingResponse:
    """Server-sent events `run`, `step`, `metric`, `resource`, `log`, and `end` when the run is over."""
    view, access = await run_for(state, caller, run_id, Action.READ_CODE)
    traces = ForgeTraces(access.forge)

    async def allowed() -> bool:
        # The credential itself is asked about again too: a revoked token ends the stream.
        fresh = await state.access.caller(caller.forge.credential)
        return await state.access.allows(fresh, view.run.project_id, Action.READ_CODE)

    stream = _stream(state, run_id, traces, allowed)
    return StreamingResponse(stream, media_type="text/event-stream", headers=HEADERS)


async def _stream(state: State, run_id: str, traces: ForgeTraces, allowed: channels.Allowed) -> AsyncIterator[bytes]:
    async with assembly.work(state).channels.watch(run_id, traces) as (channel, position):
        async with state.db.read() as tx:
            snapshot = frame("run", schemas.run_json(await store.get_view(tx, run_id)))
        async for part in channels.follow(channel, position, snapshot, allowed):
            yield part
