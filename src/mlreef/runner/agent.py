"""The runner's life: check the token, find an executor, sweep the past, then ask for jobs while a slot is free.

A forge that is away is waited for, before the first job as later. Stopping ends running jobs and says so to the forge.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Coroutine
from typing import Any

import httpx

from mlreef.kit import logs
from mlreef.kit.errors import Kind, PlatformError
from mlreef.runner import interrupted, payload, workplace
from mlreef.runner.executors import choice
from mlreef.runner.framework import Framework
from mlreef.runner.images.signatures import Signatures
from mlreef.runner.images.store import Images
from mlreef.runner.job import JobRun, Tools
from mlreef.runner.protocol import RunnerApi
from mlreef.runner.settings import Settings

log = logs.get(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0
_REFUSED_PAUSE = 30.0
_MOST_NEWS = 3


async def run(settings: Settings, *, stop: asyncio.Event, transport: httpx.AsyncBaseTransport | None = None) -> None:
    """Run jobs until `stop` is set; raises only when this runner cannot work at all."""
    images = Images(
        settings.cache_dir / "images",
        known_origins=[settings.url, *settings.allowed_origins],
        insecure=settings.insecure_registries,
        capacity=settings.image_cache_bytes,
        transport=transport,
    )
    framework = Framework(settings.cache_dir / "framework", transport)
    signatures = Signatures(settings, transport)
    with workplace.locked(settings.work_dir):
        try:
            chosen = await choice.choose(settings, images)
        except PlatformError as exc:
            log.error("this runner cannot work", error=exc.message)
            raise
        api = RunnerApi(
            settings.url, settings.token, name=settings.name, executor=chosen.executor.name, transport=transport
        )
        tools = Tools(settings, api, chosen, images, framework, signatures)
        try:
            await chosen.executor.sweep()
            if await _verified(api, stop):
                await interrupted.deliver(api, settings)
                await Agent(tools, stop).work()
        except PlatformError as exc:
            log.error("this runner cannot work", error=exc.message)
            raise
        finally:
            await chosen.executor.close()
            await framework.close()
            await signatures.close()
            await images.close()
            await api.close()


async def _verified(api: RunnerApi, stop: asyncio.Event) -> bool:
    """Wait until the forge accepts the token; False when stopped first."""
    pause = _FIRST_PAUSE
    while not stop.is_set():
        try:
            runner_id = await api.verify()
        except PlatformError as exc:
            if exc.kind is Kind.FORBIDDEN:
                raise
            log.warning("forge is awaited", error=exc.message)
            await _pause(pause, stop)
            pause = min(_LONGEST_PAUSE, pause * 2)
        else:
            log.info("runner verified", runner=runner_id)
            return True
    return False


class Agent:
    """Hands claimed jobs to free slots."""

    def __init__(self, tools: Tools, stop: asyncio.Event) -> None:
        self._tools = tools
        self._stop = stop
        self._free = list(range(tools.settings.capacity))
        self._jobs: set[asyncio.Task[None]] = set()
        self._freed = asyncio.Event()

    async def work(self) -> None:
        """Claim and run until stopped, then wait for the jobs to end."""
        pause, news = 0.0, 0
        while not self._stop.is_set():
            if not self._free:
                self._freed.clear()
                await self._first(self._freed.wait())
                continue
            try:
                asked, known = asyncio.get_running_loop().time(), self._tools.api.queue_version
                job = await self._first(self._tools.api.request_job())
            except PlatformError as exc:
                refused = exc.kind is Kind.FORBIDDEN
                pause = _REFUSED_PAUSE if refused else min(_LONGEST_PAUSE, max(_FIRST_PAUSE, pause * 2))
                log.warning("no jobs to be had", error=exc.message, again_in=pause)
                await _pause(pause * random.uniform(0.75, 1.25), self._stop)  # noqa: S311 - spreads load only
                continue
            pause = 0.0
            news = news + 1 if self._tools.api.queue_version != known else 0
            if job is not None:
                self._begin(job)
            elif 0 < news <= _MOST_NEWS:
                continue  # the queue has changed since; the next question, with its present version, can be held
            elif asyncio.get_running_loop().time() - asked < self._tools.settings.idle_seconds:
                # The forge does not hold the question: ask again, but not at once.
                await _pause(self._tools.settings.idle_seconds, self._stop)
        if self._jobs:
            await asyncio.gather(*self._jobs, return_exceptions=True)

    async def _first(self, work: Coroutine[Any, Any, Any]) -> payload.Job | None:
        """The result of `work`, or None when the runner is stopped meanwhile."""
        task, stopped = asyncio.ensure_future(work), asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                result = task.result()
                return result if isinstance(result, payload.Job) else None
            return None
        finally:
            stopped.cancel()
            if not task.done():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, PlatformError):
                    await task

    def _begin(self, job: payload.Job) -> None:
        slot = self._free.pop(0)
        log.info("job begins", job=job.id, name=job.name, slot=slot)
        task = asyncio.create_task(self._carry(job, slot), name=f"job {job.id}")
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)

    async def _carry(self, job: payload.Job, slot: int) -> None:
        try:
            with workplace.made(self._tools.settings.work_dir, slot) as place:
                interrupted.note(place, job.held)
                await JobRun(self._tools, job, place, self._stop).run()
        except Exception:
            log.exception("job failed inside the runner", job=job.id)
        finally:
            self._free.append(slot)
            self._freed.set()


async def _pause(seconds: float, stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
