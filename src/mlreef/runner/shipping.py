"""Brings one job's log and result to the forge, through its restarts and outages.

The forge is the judge of offsets: 416 says where its copy ends, 412 that the whole log must be sent again. It is also
the judge of the job: once it says that the job is no longer ours, `lost` is set and the work must stop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from mlreef.kit import logs
from mlreef.kit.errors import PlatformError, unavailable
from mlreef.runner import payload, protocol
from mlreef.runner.trace import Trace

log = logs.get(__name__)

CHUNK = 512 << 10
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
_LONGEST_INTERVAL = 30.0


@dataclass(frozen=True, slots=True)
class Result:
    """How a job ended."""

    state: str
    exit_code: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between sends, between signs of life, and until undeliverable results are given up."""

    trace: float
    heartbeat: float
    patience: float


class Shipper:
    """Sends while `running` lasts; `finish` delivers the end."""

    def __init__(self, api: protocol.RunnerApi, job: payload.Held, trace: Trace, pace: Pace) -> None:
        self._api = api
        self._job = job
        self._trace = trace
        self._pace = pace
        self._interval = pace.trace
        self._offset = 0
        self.lost = asyncio.Event()
        self.status = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send log and signs of life in the background while the block lasts."""
        task = asyncio.create_task(self._ship(), name=f"log of job {self._job.id}")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def finish(self, result: Result, *, patience: float | None = None) -> bool:
        """Deliver the rest of the log and the result; False when the forge could not be reached in time."""
        deadline = _now() + (self._pace.patience if patience is None else patience)
        pause = _FIRST_PAUSE
        while not self.lost.is_set():
            try:
                if await self._deliver(result):
                    return True
                wait = self._pace.trace
                pause = _FIRST_PAUSE
            except PlatformError as exc:
                log.warning("result waits for the forge", job=self._job.id, error=str(exc))
                wait, pause = pause, min(_LONGEST_PAUSE, pause * 2)
            if _now() + wait > deadline:
                log.error("result could not be delivered", job=self._job.id, state=result.state)
                return False
            await asyncio.sleep(wait)
        return True

    async def _deliver(self, result: Result) -> bool:
        while self._offset < self._trace.size and not self.lost.is_set():
            if not await self._send_some():
                return False
        if self.lost.is_set():
            return True
        reply = await self._api.update(self._job, result.state, self._details(result))
        if reply.status == 200:
            return True
        if reply.status == 412:
            self._offset = 0
        elif reply.gone:
            self._lose(reply)
        elif reply.status != 202:
            raise unavailable(f"the forge answered {reply.status}")
        return False

    def _details(self, result: Result) -> dict[str, Any]:
        checksum = f"crc32:{self._trace.crc32:08x}"
        details: dict[str, Any] = {
            "checksum": checksum,
            "output": {"checksum": checksum, "bytesize": self._trace.size},
        }
        if result.exit_code is not None:
            details["exit_code"] = result.exit_code
        if result.reason is not None:
            details["failure_reason"] = self._known(result.reason)
        return details

    def _known(self, reason: str) -> str:
        """A reason the forge knows; the mapping is gitlab-runner's."""
        always = {"script_failure", "runner_system_failure", "job_execution_timeout"}
        if reason in always or reason in self._job.failure_reasons:
            return reason
        replaced = {
            "image_pull_failure": "runner_system_failure",
            "image_signature": "runner_system_failure",
            "runner_configuration_error": "script_failure",
            "runner_external_dependency_failure": "runner_system_failure",
            "runner_interrupted": "runner_system_failure",
            "runner_unsupported": "runner_system_failure",
        }
        return replaced.get(reason, "unknown_failure")

    async def _ship(self) -> None:
        """Log as it comes, a sign of life when there is none; waits longer while the forge is away."""
        last, pause = -self._pace.heartbeat, 0.0
        while not self.lost.is_set():
            if not pause and self._offset >= self._trace.size:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, last + self._pace.heartbeat - _now())):
                        await self._trace.changed.wait()
            try:
                await self._send_or_greet()
                last, pause = _now(), 0.0
            except PlatformError as exc:
                pause = min(_LONGEST_PAUSE, max(_FIRST_PAUSE, pause * 2))
                log.warning("log waits for the forge", job=self._job.id, error=str(exc))
            await asyncio.sleep(pause or self._interval)

    async def _send_or_greet(self) -> None:
        if self._offset >= self._trace.size:
            reply = await self._api.update(self._job, "running")
            if reply.gone:
                self._lose(reply)
            elif reply.status not in {200, 202, 409}:
                raise unavailable(f"the forge answered {reply.status}")
            return
        while self._offset < self._trace.size and not self.lost.is_set():
            if not await self._send_some():
                return

    async def _send_some(self) -> bool:
        """Send the next piece; False when the forge took nothing and the pause before the next try must be kept."""
        self._trace.changed.clear()
        data = self._trace.read(self._offset, CHUNK)
        reply = await self._api.send_log(self._job, self._offset, data)
        if reply.interval:
            self._interval = min(_LONGEST_INTERVAL, max(self._pace.trace, reply.interval))
        if reply.gone:
            self._lose(reply)
            return False
        if reply.status == 202:
            end = reply.log_end if reply.log_end is not None else self._offset + len(data)
            self._offset = min(end, self._trace.size)
            return True
        if reply.status == 416 and reply.log_end is not None:
            moved = min(reply.log_end, self._trace.size) != self._offset
            self._offset = min(reply.log_end, self._trace.size)
            return moved
        raise unavailable(f"the forge answered {reply.status}")

    def _lose(self, reply: protocol.Reply) -> None:
        self.status = reply.job_status or str(reply.status)
        self.lost.set()


def _now() -> float:
    return asyncio.get_running_loop().time()
