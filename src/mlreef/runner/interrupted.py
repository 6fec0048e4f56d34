"""Jobs that this runner held when it was killed: at its next start it says so, instead of leaving them to their leases.

While a job runs, its number and token lie in its workplace beside its log. The next life finds both there, sends what
the forge has not got of the log and ends the job as failed; then the workplaces are wiped.
"""

from __future__ import annotations

import asyncio
import json
import os

from mlreef.kit import logs
from mlreef.runner import workplace
from mlreef.runner.masking import Masker
from mlreef.runner.payload import Held
from mlreef.runner.protocol import RunnerApi
from mlreef.runner.settings import Settings
from mlreef.runner.shipping import Pace, Result, Shipper
from mlreef.runner.trace import Trace
from mlreef.runner.workplace import Workplace

log = logs.get(__name__)

_WORDS = "ERROR: the runner was restarted while this job ran; the job was ended"


def note(place: Workplace, held: Held) -> None:
    """Leave word of a job in its workplace, which is wiped when the job has ended."""
    data = {"id": held.id, "token": held.token, "failure_reasons": sorted(held.failure_reasons)}
    descriptor = os.open(place.held, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(data, file)


async def deliver(api: RunnerApi, settings: Settings) -> None:
    """End at the forge what an earlier life left behind, and wipe it."""
    places = workplace.left(settings.work_dir)
    await asyncio.gather(*(_end(api, settings, place) for place in places))
    for place in places:
        workplace.wipe(place.folder)


async def _end(api: RunnerApi, settings: Settings, place: Workplace) -> None:
    held = _read(place)
    if held is None:
        return
    log.warning("a job was interrupted by the end of its runner", job=held.id)
    trace = Trace(place.log, Masker([], []), limit=settings.trace_bytes)
    try:
        trace.error(_WORDS)
        trace.finish()
        pace = Pace(settings.trace_seconds, settings.heartbeat_seconds, settings.stop_seconds)
        await Shipper(api, held, trace, pace).finish(Result("failed", reason="runner_system_failure"))
    finally:
        trace.close()


def _read(place: Workplace) -> Held | None:
    try:
        data = json.loads(place.held.read_bytes())
        return Held(int(data["id"]), str(data["token"]), frozenset(map(str, data["failure_reasons"])))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as exc:
        # Killed while it was written: the job's lease ends it.
        log.warning("word of an interrupted job cannot be read", slot=place.slot, error=str(exc))
        return None
