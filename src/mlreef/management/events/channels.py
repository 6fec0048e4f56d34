"""One channel per watched run, shared by all who watch it.

A channel looks at the run when something changed (at most ten times a second, and every two seconds by itself, because
another worker may have made the change), reads the log's new end from the forge while a step runs, and keeps the frames
in one list that every watcher reads at its own pace. It exists only while somebody watches.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from mlreef.kit import logs
from mlreef.kit.db import Database
from mlreef.kit.errors import Kind, PlatformError
from mlreef.management.events.frames import HEARTBEAT, frame
from mlreef.management.events.notices import Notices
from mlreef.management.events.reading import Reading
from mlreef.management.runs.records import Step
from mlreef.management.runs.transitions import ENDED_STEPS

log = logs.get(__name__)

COALESCE = 0.1
LOOK_EVERY = 2.0
LOG_EVERY = 1.0
HEARTBEAT_EVERY = 15.0
RECHECK_EVERY = 1.0
KEPT_FRAMES = 4000
KEPT_LOG = 256 << 10


Allowed = Callable[[], Awaitable[bool]]


class Traces(Protocol):
    """The forge's job logs, read with a watcher's own credential."""

    async def read(self, project_id: int, job_id: int, offset: int) -> bytes:
        """The log from an offset on; empty when there is nothing new."""
        ...


class Channel:
    """The frames of one run and who reads them."""

    def __init__(self, db: Database, notices: Notices, run_id: str) -> None:
        self._reading = Reading(db, run_id)
        self._notices = notices
        self._run_id = run_id
        self._frames: list[bytes] = []
        self._dropped = 0
        self._grown = asyncio.Event()
        self._logs: dict[str, tuple[int, bytes]] = {}  # by step: offset of the end, and the last bytes before it
        self._flushed: set[str] = set()
        self._next_log = 0.0
        self.looked = asyncio.Event()
        self.watchers: list[Traces] = []
        self.over = False

    async def pump(self) -> None:
        """Look again and again until the run is over or nobody watches."""
        try:
            await self._pump()
        except Exception:
            log.exception("watching a run failed", run=self._run_id)
        finally:
            self.over = True
            self.looked.set()
            self._grown.set()

    async def _pump(self) -> None:
        with self._notices.listen(self._run_id) as changed:
            while True:
                changed.clear()
                try:
                    frames = await self._reading.look()
                    frames += await self._read_logs()
                except PlatformError as exc:
                    log.warning("watched run could not be read", run=self._run_id, error=exc.message)
                    frames = []
                self.looked.set()
                self._extend(frames)
                if self._reading.ended and self._all_flushed():
                    self._extend([frame("end", {})])
                    return
                await self._pause(changed)

    async def _pause(self, changed: asyncio.Event) -> None:
        await asyncio.sleep(COALESCE)
        wait = LOG_EVERY if self._running() else LOOK_EVERY
        try:
            async with asyncio.timeout(wait):
                await changed.wait()
        except TimeoutError:
            return

    def _extend(self, frames: list[bytes]) -> None:
        if not frames:
            return
        self._frames += frames
        surplus = len(self._frames) - KEPT_FRAMES
        if surplus > 0:
            del self._frames[:surplus]
            self._dropped += surplus
        self._grown.set()
        self._grown = asyncio.Event()

    def _running(self) -> list[Step]:
        view = self._reading.view
        return [step for step in view.steps if step.ci_job_id is not None and step.started_at] if view else []

    def _all_flushed(self) -> bool:
        return not self.watchers or all(step.name in self._flushed for step in self._running())

    async def _read_logs(self) -> list[bytes]:
        if time.monotonic() < self._next_log and not self._reading.ended:
            return []
        self._next_log = time.monotonic() + LOG_EVERY
        frames: list[bytes] = []
        for step in self._running():
            if step.name not in self._flushed and self.watchers:
                frames += await self._read_log(step, self.watchers[-1])
                if step.status in ENDED_STEPS:
                    self._flushed.add(step.name)
        return frames

    async def _read_log(self, step: Step, traces: Traces) -> list[bytes]:
        offset, tail = self._logs.get(step.name, (0, b""))
        try:
            new = await traces.read(step.project_id, step.ci_job_id or 0, offset)
        except PlatformError as exc:
            if exc.kind != Kind.UNAVAILABLE and traces in self.watchers:
                self.watchers.remove(traces)  # its credential no longer opens the log; another watcher's may
            return []
        if not new:
            return []
        self._logs[step.name] = (offset + len(new), (tail + new)[-KEPT_LOG:])
        return [log_frame(step.name, offset, new)]

    def first(self) -> list[bytes]:
        """What a new watcher gets beside the run: the ends of the logs so far."""
        return [log_frame(name, offset - len(tail), tail) for name, (offset, tail) in self._logs.items()]

    @property
    def position(self) -> int:
        """Where the next frame will be."""
        return self._dropped + len(self._frames)

    async def read(self, position: int) -> AsyncIterator[bytes | None]:
        """Frames from a position on; None now and then, so that the reader can look at other things."""
        while True:
            grown = self._grown
            # Who is too slow misses frames; the next full run event mends what it shows.
            position = max(position, self._dropped)
            frames = self._frames[position - self._dropped :]
            position += len(frames)
            if frames:
                yield b"".join(frames)
            elif self.over:
                return
            else:
                try:
                    async with asyncio.timeout(RECHECK_EVERY):
                        await grown.wait()
                except TimeoutError:
                    yield None


def log_frame(step: str, offset: int, content: bytes) -> bytes:
    """A part of a log; `offset` counts bytes, so that a reader can join parts without gaps."""
    text = content.decode(errors="replace")
    return frame("log", {"step": step, "offset": offset, "bytes": len(content), "text": text})


class Channels:
    """All channels of a process."""

    def __init__(self, db: Database, notices: Notices) -> None:
        self._db = db
        self._notices = notices
        self._open: dict[str, tuple[Channel, asyncio.Task[None], int]] = {}

    @asynccontextmanager
    async def watch(self, run_id: str, traces: Traces) -> AsyncIterator[tuple[Channel, int]]:
        """Join the run's channel, opening it for the first and closing it after the last watcher.

        Gives the position to read from. What changes from then on is told: the channel knows how things stood before.
        """
        channel, task, count = self._open.get(run_id) or self._start(run_id)
        self._open[run_id] = (channel, task, count + 1)
        channel.watchers.append(traces)
        position = channel.position
        try:
            await channel.looked.wait()
            yield channel, position
        finally:
            if traces in channel.watchers:
                channel.watchers.remove(traces)
            channel, task, count = self._open[run_id]
            self._open[run_id] = (channel, task, count - 1)
            if count == 1:
                del self._open[run_id]
                task.cancel()

    def _start(self, run_id: str) -> tuple[Channel, asyncio.Task[None], int]:
        channel = Channel(self._db, self._notices, run_id)
        return channel, asyncio.create_task(channel.pump(), name=f"events of {run_id}"), 0


async def follow(channel: Channel, position: int, snapshot: bytes, allowed: Allowed) -> AsyncIterator[bytes]:
    """The stream of one watcher: the run, the logs so far, then what changes; ends when its rights end.

    `position` was taken before the snapshot was read, so nothing falls between them.
    """
    yield snapshot
    for early in channel.first():
        yield early
    quiet_since = time.monotonic()
    checked = time.monotonic()
    async for part in channel.read(position):
        now = time.monotonic()
        if now - checked >= RECHECK_EVERY:
            checked = now
            try:
                if not await allowed():
                    return
            except PlatformError as exc:
                if exc.kind is not Kind.UNAVAILABLE:
                    return
        if part is not None:
            quiet_since = now
            yield part
        elif now - quiet_since >= HEARTBEAT_EVERY:
            quiet_since = now
            yield HEARTBEAT
