"""Server-sent event frames: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

from __future__ import annotations

import math
from typing import Any

import msgspec

HEARTBEAT = b": still here\n\n"


def frame(event: str, data: Any) -> bytes:
    """One event with its JSON on one line."""
    return b"event: %s\ndata: %s\n\n" % (event.encode(), msgspec.json.encode(data))


def number(value: float) -> float | None:
    """A measured value as JSON has it: what is not finite is null."""
    return value if math.isfinite(value) else None
