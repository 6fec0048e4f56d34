"""The three roads of metrics out of a processor, turned into points.

JSON lines in the file $MLREEF_METRICS, an `experiment.json` that is read whenever it changes, and printed lines
`mlreef: epoch=3 loss=0.21`. What comes in is the user's code's work: odd files and lines are passed over, never fatal.
"""

from __future__ import annotations

import json
import math
import os
import stat
import time
from typing import IO, Any, Callable, Dict, List, Mapping, Optional, Tuple, Union

LINE_MAX = 1 << 20
FILE_MAX = 16 << 20
KEY_MAX = 250
STEP_KEYS = ("step", "epoch", "iteration")
_PREFIX = b"mlreef:"


class Points:
    """Gives every value its key, step and time, and hands it on."""

    def __init__(
        self,
        on_points: Callable[[List[Any]], None],
        on_params: Callable[[Dict[str, str]], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._on_points, self._on_params, self._clock = on_points, on_params, clock
        self._next: Dict[str, int] = {}
        self.skipped = 0

    def add(self, values: Mapping[Any, Any], step: Optional[int] = None) -> None:
        """Take a mapping of names to numbers measured at one step (counted per name when there is none)."""
        now, points = int(self._clock() * 1000), []
        for key, value in values.items():
            number = _number(value)
            if number is None or not isinstance(key, str) or not 0 < len(key) <= KEY_MAX or not key.isprintable():
                self.skipped += 1
                continue
            at = self._next.get(key, 0) if step is None else step
            self._next[key] = at + 1
            points.append({"key": key, "value": _on_the_wire(number), "step": at, "time_ms": now})
        if points:
            self._on_points(points)

    def add_params(self, params: Mapping[Any, Any]) -> None:
        """Take parameters the processor chose itself."""
        self._on_params({str(k)[:KEY_MAX]: v if isinstance(v, str) else json.dumps(v) for k, v in params.items()})


class MetricsFile:
    """Follows the JSON lines appended to one file."""

    def __init__(self, path: str, points: Points) -> None:
        self._path, self._points, self._offset, self._tail = path, points, 0, b""

    def poll(self) -> None:
        """Read what was appended since the last time."""
        with _opened(self._path) as handle:
            if handle is None:
                return
            if os.fstat(handle.fileno()).st_size < self._offset:  # rewritten from the start
                self._offset, self._tail = 0, b""
            handle.seek(self._offset)
            data = handle.read(FILE_MAX)
            self._offset += len(data)
        lines = (self._tail + data).split(b"\n")
        self._tail = lines.pop()[-LINE_MAX:]
        for line in lines:
            self._take(line)

    def finish(self) -> None:
        """Read the rest, also a last line that lacks its line end."""
        self.poll()
        self._take(self._tail)
        self._tail = b""

    def _take(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            row = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            self._points.skipped += 1
            return
        if isinstance(row.get("param"), dict):
            self._points.add_params(row["param"])
        found = row.get("metrics")
        values: Dict[Any, Any] = found if isinstance(found, dict) else {}
        if isinstance(row.get("name"), str):
            values = dict(values, **{row["name"]: row.get("value")})
        if values:
            self._points.add(values, _step(row))


class ExperimentFile:
    """Follows an experiment.json: `{"metrics": ...}` or flat names, each a number or the list of its values by step."""

    def __init__(self, path: str, points: Points) -> None:
        self._path, self._points = path, points
        self._stamp: Optional[Tuple[int, int, int]] = None
        self._sent: Dict[Any, Union[float, str]] = {}

    def poll(self) -> None:
        """Read the file if it changed; a half-written one is read again next time."""
        with _opened(self._path) as handle:
            if handle is None:
                return
            status = os.fstat(handle.fileno())
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if stamp == self._stamp or status.st_size > FILE_MAX:
                return
            try:
                content = json.loads(handle.read(FILE_MAX).decode("utf-8"))
            except (ValueError, RecursionError):
                return
        self._stamp = stamp
        self._take(content)

    finish = poll

    def _take(self, content: Any) -> None:
        metrics = content.get("metrics", content) if isinstance(content, dict) else content
        if isinstance(metrics, list):
            for index, row in enumerate(metrics):
                if isinstance(row, dict):
                    step = _step(row)
                    self._new(row, index if step is None else step)
        elif isinstance(metrics, dict):
            for key, value in metrics.items():
                if isinstance(value, list):
                    for index, item in enumerate(value):
                        self._new({key: item}, index)
                elif not isinstance(value, dict):
                    self._new({key: value}, None)

    def _new(self, row: Mapping[Any, Any], step: Optional[int]) -> None:
        fresh = {}
        for key, value in row.items():
            number = _number(value)
            if number is None or (key in STEP_KEYS and step is not None):
                continue
            if _on_the_wire(number) != self._sent.get((key, step)):  # NaN differs from itself, its word does not
                self._sent[(key, step)] = _on_the_wire(number)
                fresh[key] = number
        if fresh:
            self._points.add(fresh, step)


class Printed:
    """Finds metric lines in the processor's output, which comes in pieces of any size."""

    def __init__(self, points: Points) -> None:
        self._points, self._tail = points, b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the output."""
        lines = (self._tail + data).replace(b"\r", b"\n").split(b"\n")
        self._tail = lines.pop()[:4096]
        for line in lines:
            self.take(line)

    def finish(self) -> None:
        """Take the last line, which may lack its line end."""
        self.take(self._tail)
        self._tail = b""

    def take(self, line: bytes) -> None:
        """Take one line; anything but a metric line is none of our business."""
        line = line.strip()
        if not line.startswith(_PREFIX):
            return
        values, step = {}, None
        for word in line[len(_PREFIX) :].decode("utf-8", "replace").replace(",", " ").split():
            key, equals, text = word.partition("=")
            try:
                number = float(text)
            except ValueError:
                continue
            if equals and key in STEP_KEYS and step is None and number.is_integer():
                step = int(number)
            elif equals and key:
                values[key] = number
        if values:
            self._points.add(values, step)


def _number(value: Any) -> Optional[float]:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _on_the_wire(number: float) -> Union[float, str]:
    """JSON has no NaN and no infinity, but a loss that went there is news: they travel as words."""
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _step(row: Mapping[str, Any]) -> Optional[int]:
    for key in STEP_KEYS:
        number = _number(row.get(key))
        if number is not None and number.is_integer() and abs(number) < 2**53:
            return int(number)
    return None


class _opened:  # noqa: N801 - reads as the context manager it is
    """A regular file opened without following links or waiting on pipes; None when there is none."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._handle: Optional[IO[bytes]] = None

    def __enter__(self) -> Optional[IO[bytes]]:
        try:
            number = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        if not stat.S_ISREG(os.fstat(number).st_mode):
            os.close(number)
            return None
        self._handle = os.fdopen(number, "rb")
        return self._handle

    def __exit__(self, *exc: object) -> None:
        if self._handle:
            self._handle.close()
