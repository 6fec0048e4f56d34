"""Shared by the benchmarks: a server as users start it, alternating rounds, medians and ratios."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.live import Live

__all__ = ["Live", "alternate", "live", "show", "timed"]


@contextmanager
def live(executor: str = "process", *, base: str | None = None, log_level: str = "WARNING") -> Iterator[Live]:
    """A fresh server with a user; its data lies below `base` (a fast file system, when small files matter)."""
    with tempfile.TemporaryDirectory(prefix="mlreef-bench-", dir=base) as folder:
        server = Live(Path(folder), executor=executor, log_level=log_level)
        server.start()
        try:
            server.people()
            yield server
        finally:
            server.stop()


def timed(action: Callable[[], object]) -> float:
    """Seconds that an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def alternate(rounds: int, **actions: Callable[[], object]) -> dict[str, list[float]]:
    """Time the actions in turn, A B A B ..., so that drift of the machine hits all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            seconds[name].append(timed(action))
    return seconds


def show(title: str, seconds: dict[str, list[float]], *, against: str) -> None:
    """Medians, ranges, and each median's ratio to one of them."""
    base = statistics.median(seconds[against])
    print(f"\n{title}")
    for name, values in seconds.items():
        median = statistics.median(values)
        spread = f"[{min(values):.3f}..{max(values):.3f}]"
        print(f"  {name:<28} {median:8.3f} s {spread:<20} {median / base:6.2f} x {against}")
