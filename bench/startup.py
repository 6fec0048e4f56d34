"""Time from `mlreef up` (prepared) to the first answered request, and the memory of the idle server (PSS)."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from measure import Live


def pss(pid: int) -> float:
    """Proportional set size of a process and its children, in MB."""
    total = 0
    for candidate in [pid, *children(pid)]:
        for line in Path(f"/proc/{candidate}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1000


def children(pid: int) -> list[int]:
    found = [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return found + [grandchild for child in found for grandchild in children(child)]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="mlreef-bench-") as folder:
        server = Live(Path(folder))
        seconds = []
        for _ in range(6):
            started = time.perf_counter()
            server.start()
            seconds.append(time.perf_counter() - started)
            time.sleep(3)
            assert server.process is not None
            memory = pss(server.process.pid)
            server.stop()
    print(f"start to first answer: first {seconds[0]:.2f} s, then median {statistics.median(seconds[1:]):.2f} s")
    print(f"idle memory (PSS): {memory:.0f} MB")


if __name__ == "__main__":
    main()
