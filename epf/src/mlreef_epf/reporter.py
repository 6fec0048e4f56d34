"""Sends metrics, parameters and resource samples while the processor runs, without ever holding it up.

One thread follows files and measures, another sends. A batch keeps its sequence number and content until the service
has taken it, so a repeated request is recognisable; batches of one stream go out strictly in order.
"""

from __future__ import annotations

import collections
import os
import threading
import time
from typing import Any, Deque, Dict, List, Optional, Sequence

from mlreef_epf import errors, log, management, resources, web

BATCH = 1000
PENDING_MAX = 500_000
_SEND_EVERY_S = 0.5
_FOLLOW_EVERY_S = 0.25
_SAMPLE_EVERY_S = 1.0
_FINISH_S = 60.0
_PAUSE_MAX_S = 10.0
_NOTHING, _SOME, _FULL, _AWAY = "nothing", "a batch", "more is waiting", "the service is away"
_FIELD = {"metrics": "points", "resources": "samples"}


class Stream:
    """The pending items of one stream and its batches' numbers."""

    def __init__(self, name: str) -> None:
        self.name, self.dropped, self._sequence = name, 0, 0
        self.pending: Deque[Any] = collections.deque()
        self._open: Optional[Dict[str, Any]] = None

    def add(self, items: Sequence[Any]) -> None:
        """Queue items; when the service has been away for very long the newest are given up."""
        room = PENDING_MAX - len(self.pending)
        self.dropped += max(0, len(items) - room)
        self.pending.extend(items[: max(0, room)])

    def batch(self) -> Optional[Dict[str, Any]]:
        """The batch to send now: the same one until it is done."""
        if self._open is None and self.pending:
            items = [self.pending.popleft() for _ in range(min(BATCH, len(self.pending)))]
            self._sequence += 1
            if self.name == "params":
                self._open = {"params": {k: v for item in items for k, v in item.items()}, "sequence": self._sequence}
            else:
                self._open = {_FIELD[self.name]: items, "sequence": self._sequence}
        return self._open

    def done(self) -> None:
        """The batch was taken."""
        self._open = None


class Reporter:
    """Follows and sends until it is closed."""

    def __init__(self, job: management.Job) -> None:
        self._job = job
        self._streams = {name: Stream(name) for name in ("metrics", "params", "resources")}
        self._guard, self._stop = threading.Lock(), threading.Event()
        self._followers: Sequence[Any] = ()
        self._meter: Optional[resources.Meter] = None
        self._threads: List[threading.Thread] = []
        self._refused, self._deadline = 0, 0.0

    def add_points(self, points: List[Any]) -> None:
        """Queue metric points."""
        self._add("metrics", points)

    def add_params(self, params: Dict[str, str]) -> None:
        """Queue parameters."""
        self._add("params", [params])

    def start(self, followers: Sequence[Any], meter: Optional[resources.Meter]) -> None:
        """Begin to follow files and to measure."""
        self._followers, self._meter = followers, meter
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._follow, self._send)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Read the rest; it is sent while the caller goes on, who comes back to `close`."""
        self._deadline = time.monotonic() + _FINISH_S
        self._stop.set()
        if self._threads:
            self._threads[0].join(_FINISH_S)
        if self._meter:
            self._meter.close()

    def close(self) -> None:
        """Wait until the rest is sent; gives up only after a minute without the service."""
        for thread in self._threads[1:]:
            thread.join(_FINISH_S + 15)
        lost = self._refused + sum(len(s.pending) + s.dropped for s in self._streams.values())
        if lost:
            log.say("warning: %d metric points or samples could not be delivered" % lost)

    def _add(self, name: str, items: Sequence[Any]) -> None:
        with self._guard:
            self._streams[name].add(items)

    def _follow(self) -> None:
        next_sample = time.monotonic() + 0.2
        while not self._stop.wait(_FOLLOW_EVERY_S):
            for follower in self._followers:
                follower.poll()
            if self._meter and time.monotonic() >= next_sample:
                next_sample += _SAMPLE_EVERY_S
                self._add("resources", [self._meter.sample()])
        for follower in self._followers:
            follower.finish()

    def _send(self) -> None:
        following, pause = self._threads[0], _SEND_EVERY_S
        while True:
            stopping = self._stop.wait(pause)
            if stopping:
                following.join(5)
            outcomes = [self._send_stream(stream) for stream in self._streams.values()]
            if _AWAY in outcomes:
                pause = min(pause * 2, _PAUSE_MAX_S)
                if stopping:
                    time.sleep(min(pause, 1.0))
            else:
                pause = 0.0 if _FULL in outcomes else _SEND_EVERY_S
            if stopping and (set(outcomes) == {_NOTHING} or time.monotonic() > self._deadline):
                return

    def _send_stream(self, stream: Stream) -> str:
        """Send one batch, if there is one."""
        with self._guard:
            batch = stream.batch()
        if batch is None:
            return _NOTHING
        try:
            self._job.post(stream.name, batch, patience=0)
        except web.HttpError as exc:
            if exc.status in (400, 404, 409, 413, 422):
                log.say("warning: the service refused %s: %s" % (stream.name, exc.message))
                self._refused += len(batch.get(_FIELD.get(stream.name, "params"), ()))
            else:
                return _AWAY
        except errors.Failure:
            return _AWAY
        stream.done()
        return _FULL if len(stream.pending) >= BATCH else _SOME


def metrics_path(directory: str) -> str:
    """An empty file for the first road, in a private directory."""
    path = os.path.join(directory, "metrics.jsonl")
    with open(path, "w"):
        return path
