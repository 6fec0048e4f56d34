"""What the processor's process tree uses, read from /proc: CPU, memory, disk, network, and GPUs through nvidia-smi.

The tree is every descendant of this process: orphans come back to it because it is a child subreaper. Memory is the
proportional share (PSS) where the kernel tells it, since summed RSS counts shared pages several times.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from typing import IO, Any, Dict, Iterable, List, Optional, Sequence, Set, Tuple, cast

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_NVIDIA_SMI = ("nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "--loop=1")


def descendants(of: int) -> List[int]:
    """The process ids below a process, parents before children."""
    children: Dict[int, List[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = _stat(name)
            if fields and fields[0] not in ("Z", "X"):
                children.setdefault(int(fields[1]), []).append(int(name))
    found, front = [], [of]
    while front:
        front = [child for parent in front for child in children.get(parent, ())]
        found.extend(front)
    return found


def kill_descendants(of: int, deadline_s: float = 5.0) -> None:
    """End every process below this one, including what is born meanwhile, and collect the orphans among them."""
    end = time.monotonic() + deadline_s
    met: Set[int] = set()
    while time.monotonic() < end:
        pids = descendants(of)
        for pid in met:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        if not pids:
            return
        met.update(pids)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def memory(pids: Iterable[int]) -> int:
    """Bytes of memory in use by these processes together."""
    pids = list(pids)
    return sum((_pss(pid) if len(pids) > 1 else None) or _rss(pid) for pid in pids)


class Meter:
    """Turns the kernel's counters of a changing set of processes into samples."""

    def __init__(self, pid: int) -> None:
        self._pid, self._when = pid, time.monotonic()
        self._last: Dict[int, Tuple[int, int, int]] = {}
        self._read = self._written = 0
        self.gpu_s: Optional[float] = None
        self._gpu = Gpu() if shutil.which("nvidia-smi") else None

    def sample(self) -> Dict[str, Any]:
        """One sample of the tree, shaped for the management service."""
        now, pids = time.monotonic(), descendants(self._pid)
        current = {pid: _counters(pid) for pid in pids}
        cpu = 0
        for pid, (ticks, read, written) in current.items():
            before = self._last.get(pid, (0, 0, 0))
            cpu += max(0, ticks - before[0])
            self._read += max(0, read - before[1])
            self._written += max(0, written - before[2])
        elapsed, self._last, self._when = max(now - self._when, 1e-6), current, now
        received, sent = _network()
        if self._gpu and self._gpu.percent is not None:
            self.gpu_s = (self.gpu_s or 0.0) + self._gpu.percent / 100 * self._gpu.count * elapsed
        return {
            "time_ms": int(time.time() * 1000),
            "cpu_percent": round(100.0 * cpu / _TICKS / elapsed, 1),
            "memory_bytes": memory(pids),
            "gpu_percent": self._gpu.percent if self._gpu else None,
            "read_bytes": self._read,
            "write_bytes": self._written,
            "net_rx": received,
            "net_tx": sent,
        }

    def close(self) -> None:
        """Stop watching the GPUs."""
        if self._gpu:
            self._gpu.close()


class Gpu:
    """The mean utilisation of the visible GPUs, from one nvidia-smi that reports every second."""

    def __init__(self, command: Sequence[str] = _NVIDIA_SMI) -> None:
        self.percent: Optional[float] = None
        self.count = 0
        self._process = subprocess.Popen(
            list(command), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
        self._stdout = cast("IO[bytes]", self._process.stdout)
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        recent: List[float] = []
        last = 0.0
        for line in self._stdout:
            now = time.monotonic()
            if now - last > 0.5:  # a new round; the lines of one round come together
                recent = []
            last = now
            with contextlib.suppress(ValueError):
                recent.append(float(line.strip()))
                self.percent, self.count = round(sum(recent) / len(recent), 1), len(recent)

    def close(self) -> None:
        """End nvidia-smi."""
        self._process.kill()
        self._process.wait()
        self._thread.join(1)
        self._stdout.close()


def used_by_children() -> Optional[Tuple[float, int, int]]:
    """Seconds of processor time, bytes read from and written to disks, of all ended children; None where unknown."""
    try:
        import resource
    except ImportError:
        return None
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime, used.ru_inblock * 512, used.ru_oublock * 512


def peak_of_children() -> int:
    """The largest resident size of any ended child, in bytes (0 where unknown)."""
    try:
        import resource

        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    except ImportError:
        return 0


def oom_kills() -> int:
    """How often the kernel ended a process of this container for want of memory (0 where unknown)."""
    for path in ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"):
        for line in _read(path).splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill" and value.strip().isdigit():
                return int(value)
    return 0


def _stat(pid: Any) -> Optional[List[str]]:
    text = _read("/proc/%s/stat" % pid)
    return text.rpartition(") ")[2].split() if text else None


def _counters(pid: int) -> Tuple[int, int, int]:
    fields = _stat(pid)
    if not fields:
        return 0, 0, 0
    ticks = sum(int(value) for value in fields[11:15])  # own and reaped children's time
    values = dict(line.split(": ") for line in _read("/proc/%d/io" % pid).splitlines() if ": " in line)
    return ticks, int(values.get("read_bytes", 0)), int(values.get("write_bytes", 0))


def _pss(pid: int) -> Optional[int]:
    for line in _read("/proc/%d/smaps_rollup" % pid).splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return None


def _rss(pid: int) -> int:
    fields = _read("/proc/%d/statm" % pid).split()
    return int(fields[1]) * _PAGE if len(fields) > 1 else 0


def _network() -> Tuple[int, int]:
    received = sent = 0
    for line in _read("/proc/net/dev").splitlines():
        name, colon, rest = line.partition(":")
        if colon and name.strip() != "lo":
            fields = rest.split()
            received += int(fields[0])
            sent += int(fields[8])
    return received, sent


def _read(path: str) -> str:
    try:
        with open(path) as handle:
            return handle.read()
    except (OSError, ValueError):
        return ""
