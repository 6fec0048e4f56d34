"""Server-sent events (HTML standard, section 9.2) read from a stream of lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its name, and its data decoded from JSON."""

    name: str
    data: Any


def parse(lines: Iterable[str]) -> Iterator[Event]:
    """Events in a stream of lines; comments (heartbeats) and events without data are passed over."""
    name = "message"
    data: list[str] = []
    for line in lines:
        if not line:
            if data:
                yield Event(name, json.loads("\n".join(data)))
            name, data = "message", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
