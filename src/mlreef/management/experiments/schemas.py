"""What jobs send about their measurements, decoded straight from the body's bytes.

JSON cannot carry NaN or infinity, so they come as the words "NaN", "Infinity", "-Infinity" or null; the bare words that
Python's encoder writes are taken too.
"""

from __future__ import annotations

import json
import math
from typing import Any, NamedTuple

import msgspec

from mlreef.kit.errors import invalid
from mlreef.management.experiments.packing import Point

MAX_POINTS = 1000
RESOURCES = ("cpu_percent", "memory_bytes", "gpu_percent", "read_bytes", "write_bytes", "net_rx", "net_tx")
_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf, None: math.nan}


class WirePoint(msgspec.Struct):
    """One point as it comes."""

    key: str
    value: float | str | None
    step: float = 0.0
    time_ms: float = 0.0


class Metrics(msgspec.Struct):
    """A batch of points."""

    points: list[WirePoint]
    sequence: int | None = None


class Sample(msgspec.Struct):
    """What the job used at one moment."""

    time_ms: float
    cpu_percent: float | None = None
    memory_bytes: float | None = None
    gpu_percent: float | None = None
    read_bytes: float | None = None
    write_bytes: float | None = None
    net_rx: float | None = None
    net_tx: float | None = None


class Resources(msgspec.Struct):
    """A batch of samples."""

    samples: list[Sample]
    sequence: int | None = None


class Parameters(msgspec.Struct):
    """Parameters a program reports."""

    params: dict[str, Any]


class Report(NamedTuple):
    """What a body held: points by key, and the batch's number if it had one."""

    points: dict[str, list[Point]]
    sequence: int | None


_metrics = msgspec.json.Decoder(Metrics)
_resources = msgspec.json.Decoder(Resources)
_parameters = msgspec.json.Decoder(Parameters)


def metrics(body: bytes) -> Report:
    """Points by key, in the order sent; refuses more than a thousand and keys out of bounds."""
    batch: Metrics = _decode(_metrics, body)
    points = batch.points
    if len(points) > MAX_POINTS:
        raise invalid(f"at most {MAX_POINTS} points a call; this one has {len(points)}")
    found: dict[str, list[Point]] = {}
    for index, point in enumerate(points):
        value = point.value
        if not isinstance(value, float):
            if value not in _WORDS:
                raise invalid(f'points[{index}].value is {value!r}; send a number, "NaN", "Infinity" or "-Infinity"')
            value = _WORDS[value]
        series = found.get(point.key)
        if series is None:
            if not 0 < len(point.key) <= 250 or not point.key.isprintable():
                raise invalid(f"points[{index}].key must be 1 to 250 printable characters")
            series = found[point.key] = []
        series.append(Point(point.step, point.time_ms, value))
    return Report(found, batch.sequence)


def resources(body: bytes) -> Report:
    """Samples as one series for each resource."""
    batch: Resources = _decode(_resources, body)
    samples = batch.samples
    if len(samples) > MAX_POINTS:
        raise invalid(f"at most {MAX_POINTS} samples a call; this one has {len(samples)}")
    found: dict[str, list[Point]] = {}
    for sample in samples:
        for name in RESOURCES:
            value = getattr(sample, name)
            if value is not None:
                found.setdefault(name, []).append(Point(0.0, sample.time_ms, value))
    return Report(found, batch.sequence)


def parameters(body: bytes) -> dict[str, Any]:
    """Reported parameters."""
    found: dict[str, Any] = _decode(_parameters, body).params
    return found


def _decode(decoder: Any, body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as exc:
        raise invalid(f"the body does not have the right shape: {exc}") from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        return _lenient(decoder, body, exc)


def _lenient(decoder: Any, body: bytes, cause: Exception) -> Any:
    """Bodies with bare NaN and Infinity, as `json.dumps` writes them."""
    try:
        document = json.loads(body, parse_constant=str)
        return msgspec.convert(document, decoder.type)
    except (ValueError, RecursionError) as exc:
        raise invalid(f"the body is not JSON of the right shape: {cause}") from exc
