"""One job from claim to reported end.

Three things run side by side: the work, the sending of its log, and an ear for being cancelled or stopped. Whatever
happens in the work ends as one result, and that result is delivered however long the forge is away.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from mlreef.kit import logs
from mlreef.kit.errors import PlatformError
from mlreef.runner import disk, payload, scripts
from mlreef.runner.collecting import Collector
from mlreef.runner.executors import base
from mlreef.runner.masking import Masker
from mlreef.runner.shipping import Pace, Result, Shipper
from mlreef.runner.surroundings import Surroundings, Tools
from mlreef.runner.trace import Trace
from mlreef.runner.workplace import Workplace

__all__ = ["JobRun", "Tools"]

log = logs.get(__name__)

_AFTER_SCRIPT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a script ended, and what the log says of it."""

    result: Result
    outcome: base.Outcome | None = None


class JobRun:
    """Carries one job through."""

    def __init__(self, tools: Tools, job: payload.Job, place: Workplace, stop: asyncio.Event) -> None:
        self._tools = tools
        self._job = job
        self._place = place
        self._stop = stop
        settings = tools.settings
        secrets = [variable.value for variable in job.variables if variable.masked]
        secrets += [job.token, *(login.password for login in job.credentials)]
        masker = Masker(secrets, job.mask_prefixes)
        self._trace = Trace(place.log, masker, limit=settings.trace_bytes)
        pace = Pace(settings.trace_seconds, settings.heartbeat_seconds, settings.report_seconds)
        self._shipper = Shipper(tools.api, job.held, self._trace, pace)

    async def run(self) -> None:
        """Do the work and deliver how it ended."""
        try:
            async with self._shipper.running():
                result = await self._watched()
            self._trace.finish()
            patience = self._tools.settings.stop_seconds if self._stop.is_set() else None
            delivering = asyncio.create_task(self._shipper.finish(result, patience=patience))
            await self._delivered(delivering, result)
            log.info("job ended", job=self._job.id, state=result.state, reason=result.reason)
        finally:
            self._trace.close()

    async def _delivered(self, delivering: asyncio.Task[bool], result: Result) -> None:
        """Wait for delivery; a stop shortens the patience with a forge that is away."""
        stopped = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({delivering, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not delivering.done():
                await asyncio.wait({delivering}, timeout=self._tools.settings.stop_seconds)
            if not delivering.done():
                log.error("stopped before the result was delivered", job=self._job.id, state=result.state)
        finally:
            stopped.cancel()
            delivering.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await delivering

    async def _watched(self) -> Result:
        """The work's result, unless the job is lost or the runner stops first; then the work is ended."""
        work = asyncio.create_task(self._work(), name=f"work of job {self._job.id}")
        ends = [asyncio.create_task(self._shipper.lost.wait()), asyncio.create_task(self._stop.wait())]
        try:
            await asyncio.wait({work, *ends}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work
            if self._shipper.lost.is_set():
                log.info("job was taken back", job=self._job.id, status=self._shipper.status)
                return Result("failed", reason="job_canceled")
            self._trace.error("ERROR: the runner is being stopped; the job was ended")
            return Result("failed", reason="runner_interrupted")
        finally:
            for task in ends:
                task.cancel()

    async def _work(self) -> Result:
        try:
            return await self._carry_out()
        except base.PrepareFailed as exc:
            self._trace.error(f"ERROR: {exc.message}")
            return Result("failed", reason=exc.reason)
        except PlatformError as exc:
            self._trace.error(f"ERROR: {exc.message}")
            return Result("failed", reason="runner_system_failure")
        except Exception as exc:
            log.exception("job failed inside the runner", job=self._job.id)
            self._trace.error(f"ERROR: the runner failed: {type(exc).__name__}")
            return Result("failed", reason="runner_system_failure")

    async def _carry_out(self) -> Result:
        job, trace = self._job, self._trace
        deadline = asyncio.get_running_loop().time() + job.timeout
        async with Surroundings(self._tools, job, self._place, trace) as surroundings:
            try:
                async with asyncio.timeout_at(deadline):
                    prepared = await surroundings.prepare()
            except TimeoutError:
                return self._timeout()
            ended = await self._script(prepared, surroundings, deadline)
            await self._after_script(prepared, surroundings, ended)
        collector = Collector(self._tools, job, self._place, trace)
        uploaded = await collector.collect(success=ended.result.state == "success")
        if ended.result.state == "success" and not uploaded:
            return Result("failed", reason="runner_system_failure")
        trace.say("Job succeeded" if ended.result.state == "success" else "ERROR: Job failed", style="\033[32;1m"
                  if ended.result.state == "success" else "\033[31;1m")  # fmt: skip
        return ended.result

    async def _script(self, prepared: base.Prepared, surroundings: Surroundings, deadline: float) -> _Ended:
        step = next((step for step in self._job.steps if step.name != "after_script"), None)
        if step is None:
            raise base.PrepareFailed("the job has no script", reason="runner_configuration_error")
        left = deadline - asyncio.get_running_loop().time()
        with self._trace.section("step_script", "Executing the job's script"):
            outcome = await self._run(prepared, surroundings, step, max(0.1, left))
        self._say_usage(outcome, surroundings.moved())
        if outcome.timed_out:
            return _Ended(self._timeout(), outcome)
        if outcome.exit_code == 0:
            return _Ended(Result("success", exit_code=0), outcome)
        if outcome.oom:
            limit = prepared.spec.limits.memory_bytes
            self._trace.error(f"ERROR: the job used more memory than its limit of {limit} bytes and was ended")
        self._trace.error(f"ERROR: exit code {outcome.exit_code}")
        return _Ended(Result("failed", exit_code=outcome.exit_code, reason="script_failure"), outcome)

    async def _after_script(self, prepared: base.Prepared, surroundings: Surroundings, ended: _Ended) -> None:
        step = next((step for step in self._job.steps if step.name == "after_script"), None)
        if step is None:
            return
        surroundings.env["CI_JOB_STATUS"] = ended.result.state
        with self._trace.section("after_script", "Running after_script"):
            outcome = await self._run(prepared, surroundings, step, _AFTER_SCRIPT_SECONDS)
        if outcome.exit_code:
            self._trace.warn(f"after_script failed with exit code {outcome.exit_code}; this changes nothing")

    async def _run(
        self, prepared: base.Prepared, surroundings: Surroundings, step: payload.Step, seconds: float
    ) -> base.Outcome:
        argv = scripts.command(surroundings.script(step))
        command = base.Command(argv, surroundings.env, f"{prepared.root}/work", seconds)
        handle = await self._tools.chosen.executor.run(prepared, command)
        watch = disk.Watch(prepared.spec.directory, prepared.spec.limits.disk_bytes)
        watching = asyncio.create_task(watch.over(handle))
        try:
            async for data in handle.output():
                self._trace.write(data)
            outcome = await handle.wait()
            if watch.excess:
                self._trace.error(f"ERROR: disk_limit: the job {watch.excess} and was ended")
            return outcome
        finally:
            watching.cancel()
            # Also on cancellation: nothing of the job survives it.
            await asyncio.shield(handle.cleanup())

    def _timeout(self) -> Result:
        self._trace.error(f"ERROR: the job took longer than its timeout of {self._job.timeout} s and was ended")
        return Result("failed", reason="job_execution_timeout")

    def _say_usage(self, outcome: base.Outcome, moved: tuple[int, int]) -> None:
        usage = outcome.usage
        parts = [f"{usage.wall_s:.1f} s"]
        if usage.cpu_s is not None:
            parts.append(f"{usage.cpu_s:.1f} s of processor time")
        if usage.memory_peak_bytes is not None:
            parts.append(f"at most {usage.memory_peak_bytes / 1e6:.0f} MB of memory")
        if usage.read_bytes is not None and usage.written_bytes is not None:
            parts.append(f"{usage.read_bytes / 1e6:.1f} MB read, {usage.written_bytes / 1e6:.1f} MB written")
        if any(moved):
            parts.append(f"{moved[0] / 1e6:.1f} MB received, {moved[1] / 1e6:.1f} MB sent")
        if usage.pids_refused:
            parts.append(f"{usage.pids_refused} new processes refused by its limit")
        self._trace.say("Used: " + ", ".join(parts))
