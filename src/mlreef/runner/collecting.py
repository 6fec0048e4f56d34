"""After the script: uploads what the job's `artifacts` name. Before it: downloads those of the jobs it depends on."""

from __future__ import annotations

import asyncio

from mlreef.kit.errors import PlatformError
from mlreef.runner import artifacts, payload
from mlreef.runner.executors import base
from mlreef.runner.surroundings import Tools
from mlreef.runner.trace import Trace
from mlreef.runner.workplace import Workplace

_ATTEMPTS = 5


class Collector:
    """Moves artifacts of one job to the forge."""

    def __init__(self, tools: Tools, job: payload.Job, place: Workplace, trace: Trace) -> None:
        self._tools = tools
        self._job = job
        self._place = place
        self._trace = trace

    async def collect(self, *, success: bool) -> bool:
        """Upload every entry that applies; False when one could not be uploaded."""
        entries = [entry for entry in self._job.artifacts if _applies(entry, success=success)]
        if not entries:
            return True
        with self._trace.section("upload_artifacts", "Uploading artifacts"):
            results = [await self._entry(entry) for entry in entries]
        return all(results)

    async def _entry(self, entry: payload.Artifact) -> bool:
        work = self._place.job / "work"
        names = await asyncio.to_thread(artifacts.matching, work, entry)
        if not names:
            self._trace.warn(f"WARNING: no files match {', '.join(entry.paths)}; nothing to upload")
            return True
        filename = f"{entry.name or 'artifacts'}.{entry.format if entry.format != 'raw' else 'txt'}"
        file = self._place.private / "upload"
        await asyncio.to_thread(artifacts.pack, work, names, file, form=entry.format)
        self._trace.say(f"{entry.kind} {filename}: {len(names)} files, {file.stat().st_size} bytes")
        try:
            return await self._upload(entry, filename)
        finally:
            file.unlink(missing_ok=True)

    async def _upload(self, entry: payload.Artifact, filename: str) -> bool:
        pause = 0.5
        for _ in range(_ATTEMPTS):
            try:
                status = await self._tools.api.upload(self._job, entry, filename, self._place.private / "upload")
            except PlatformError as exc:
                self._trace.warn(f"WARNING: {exc.message}; trying again")
            else:
                if status in {200, 201}:
                    return True
                if status < 500 and status not in {408, 429}:
                    why = {413: "they are too large", 403: "the job may not"}.get(status, f"status {status}")
                    self._trace.error(f"ERROR: uploading artifacts was refused: {why}")
                    return False
                self._trace.warn(f"WARNING: the forge answered {status}; trying again")
            await asyncio.sleep(pause)
            pause = min(10.0, pause * 2)
        self._trace.error("ERROR: artifacts could not be uploaded")
        return False


async def download(tools: Tools, job: payload.Job, place: Workplace, trace: Trace) -> None:
    """Unpack the artifacts of the jobs this one depends on into its work directory."""
    for dependency in job.dependencies:
        file = place.private / "download"
        status, pause = 0, 0.5
        for _ in range(_ATTEMPTS):
            try:
                status = await tools.api.download(dependency, file, limit=tools.settings.file_bytes)
            except PlatformError as exc:
                trace.warn(f"WARNING: {exc.message}; trying again")
            if status and status < 500 and status not in {408, 429}:
                break
            await asyncio.sleep(pause)
            pause = min(10.0, pause * 2)
        if status != 200:
            raise base.PrepareFailed(f"artifacts of {dependency.name} cannot be had (status {status or 'none'})")
        limit = tools.settings.file_bytes
        count = await asyncio.to_thread(artifacts.unpack, file, place.job / "work", limit=limit)
        trace.say(f"Artifacts of {dependency.name}: {count} files")
        file.unlink(missing_ok=True)


def _applies(entry: payload.Artifact, *, success: bool) -> bool:
    return entry.when in {"always", "on_success" if success else "on_failure"}
