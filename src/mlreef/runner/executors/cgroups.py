"""A cgroup per job: limits the kernel enforces, figures nobody can forge, and a sure way to kill everything.

Works with v1 (also hybrid) and v2. Groups are made below the runner's own, so that limits around the runner hold for
its jobs too. Source: Linux `Documentation/admin-guide/cgroup-v1`, `cgroup-v2.rst`.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlreef.runner.executors.base import Limits, PrepareFailed, Usage

ROOT = Path("/sys/fs/cgroup")
_V1 = ("cpu", "cpuacct", "memory", "pids", "freezer", "blkio")
_NAME = "mlreef"


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Where this runner may make groups: one directory for v2, one per controller for v1."""

    v2: bool
    parents: Mapping[str, Path]

    @property
    def controllers(self) -> set[str]:
        """Controllers whose limits can be set."""
        if not self.v2:
            return set(self.parents)
        # The parents' files are visible to everybody; whether limits can be set shows in the child's controllers.
        return set(_read(self.parents[""] / "cgroup.controllers").split())


def find(key: str, *, delegated: str = "", root: Path = ROOT) -> Hierarchy | None:
    """The hierarchy below which a runner called `key` can make groups; None when it may not make any."""
    try:
        if (root / "cgroup.controllers").exists():
            return _find_v2(key, Path(delegated) if delegated else root, root)
        return _find_v1(key, root)
    except OSError:
        return None


def _find_v2(key: str, parent: Path, root: Path) -> Hierarchy | None:
    base = (parent if parent.is_absolute() and parent.is_relative_to(root) else root / str(parent).lstrip("/")) / _NAME
    place = base / key
    place.mkdir(parents=True, exist_ok=True)
    for directory in (base.parent, base, place):
        for controller in ("cpu", "memory", "pids", "io"):
            with contextlib.suppress(OSError):
                _write(directory / "cgroup.subtree_control", f"+{controller}")
    return Hierarchy(True, {"": place})


def _find_v1(key: str, root: Path) -> Hierarchy | None:
    own = {}
    for line in _read(Path("/proc/self/cgroup")).splitlines():
        _, names, path = line.split(":", 2)
        own.update(dict.fromkeys(names.split(","), path))
    parents = {}
    for controller in _V1:
        top = root / controller
        if not (top / "cgroup.procs").exists():
            continue
        inside = top / own.get(controller, "/").lstrip("/")
        place = (inside if inside.is_dir() else top) / _NAME / key
        with contextlib.suppress(OSError):
            place.mkdir(parents=True, exist_ok=True)
            parents[controller] = place
    return Hierarchy(False, parents) if parents else None


@dataclass(slots=True)
class Cgroup:
    """The group of one job."""

    hierarchy: Hierarchy
    name: str
    limits: Limits
    failed: list[str] = field(default_factory=list)

    @property
    def directories(self) -> list[Path]:
        """One directory for v2, one per controller for v1."""
        return [parent / self.name for parent in self.hierarchy.parents.values()]

    @property
    def entrances(self) -> list[Path]:
        """Files into which a process writes 0 to enter."""
        return [directory / "cgroup.procs" for directory in self.directories]

    def create(self) -> None:
        """Make the group and set its limits; `failed` names those the kernel refused."""
        for directory in self.directories:
            directory.mkdir(parents=True, exist_ok=True)
        for what, settings in (self._v2_settings() if self.hierarchy.v2 else self._v1_settings()).items():
            for path, value, needed in settings:
                try:
                    _write(path, value)
                except OSError:
                    if needed:
                        self.failed.append(what)

    def _v1_settings(self) -> dict[str, list[tuple[Path, str, bool]]]:
        here = {controller: parent / self.name for controller, parent in self.hierarchy.parents.items()}
        limits, settings = self.limits, {}
        if limits.memory_bytes and "memory" in here:
            value = str(limits.memory_bytes)
            settings["memory"] = [
                (here["memory"] / "memory.limit_in_bytes", value, True),
                (here["memory"] / "memory.memsw.limit_in_bytes", value, False),
            ]
        if limits.cpus and "cpu" in here:
            settings["cpu"] = [
                (here["cpu"] / "cpu.cfs_period_us", "100000", True),
                (here["cpu"] / "cpu.cfs_quota_us", str(max(1000, int(limits.cpus * 100_000))), True),
            ]
        if limits.pids and "pids" in here:
            settings["pids"] = [(here["pids"] / "pids.max", str(limits.pids), True)]
        return settings

    def _v2_settings(self) -> dict[str, list[tuple[Path, str, bool]]]:
        here, limits = self.directories[0], self.limits
        settings = {}
        if limits.memory_bytes:
            settings["memory"] = [
                (here / "memory.max", str(limits.memory_bytes), True),
                (here / "memory.swap.max", "0", False),
                (here / "memory.oom.group", "1", False),
            ]
        if limits.cpus:
            settings["cpu"] = [(here / "cpu.max", f"{max(1000, int(limits.cpus * 100_000))} 100000", True)]
        if limits.pids:
            settings["pids"] = [(here / "pids.max", str(limits.pids), True)]
        return settings

    def oom_kills(self) -> int:
        """How many processes the kernel ended for want of memory."""
        if self.hierarchy.v2:
            return _table(self.directories[0] / "memory.events").get("oom_kill", 0)
        memory = self.hierarchy.parents.get("memory")
        return _table(memory / self.name / "memory.oom_control").get("oom_kill", 0) if memory else 0

    def usage(self, wall_s: float) -> Usage:
        """What was used in it so far."""
        if self.hierarchy.v2:
            here = self.directories[0]
            cpu = _table(here / "cpu.stat").get("usage_usec")
            peak = _read(here / "memory.peak").strip()
            return Usage(
                wall_s=wall_s,
                cpu_s=cpu / 1e6 if cpu is not None else None,
                memory_peak_bytes=int(peak) if peak.isdigit() else None,
                pids_refused=_table(here / "pids.events").get("max"),
                read_bytes=_moved(here / "io.stat", "rbytes="),
                written_bytes=_moved(here / "io.stat", "wbytes="),
            )
        here_of = {controller: parent / self.name for controller, parent in self.hierarchy.parents.items()}
        nothing = Path("/nonexistent")
        nanos = _read(here_of.get("cpuacct", nothing) / "cpuacct.usage").strip()
        peak = _read(here_of.get("memory", nothing) / "memory.max_usage_in_bytes").strip()
        return Usage(
            wall_s=wall_s,
            cpu_s=int(nanos) / 1e9 if nanos.isdigit() else None,
            memory_peak_bytes=int(peak) if peak.isdigit() else None,
            pids_refused=_table(here_of.get("pids", nothing) / "pids.events").get("max"),
            # Some kernels count nothing here; nothing is then said, rather than zero.
            read_bytes=_moved(here_of.get("blkio", nothing) / "blkio.throttle.io_service_bytes", "Read ") or None,
            written_bytes=_moved(here_of.get("blkio", nothing) / "blkio.throttle.io_service_bytes", "Write ") or None,
        )

    def processes(self) -> set[int]:
        """Who is in it, subgroups included."""
        found: set[int] = set()
        for directory in self.directories:
            for place, _, _ in os.walk(directory):
                found.update(int(pid) for pid in _read(Path(place) / "cgroup.procs").split())
        return found

    async def kill(self) -> None:
        """Kill everybody in it; returns when it is empty, or after ten seconds."""
        freezer = self.hierarchy.parents.get("freezer")
        deadline = asyncio.get_running_loop().time() + 10
        while self.processes() and asyncio.get_running_loop().time() < deadline:
            if self.hierarchy.v2:
                with contextlib.suppress(OSError):
                    _write(self.directories[0] / "cgroup.kill", "1")
            state = freezer / self.name / "freezer.state" if freezer else None
            _try_write(state, "FROZEN")  # nobody forks while the signals go round
            for pid in self.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            _try_write(state, "THAWED")
            await asyncio.sleep(0.01)

    async def remove(self) -> None:
        """Kill what is left and remove the group."""
        await self.kill()
        for directory in self.directories:
            for _ in range(100):
                if _removed(directory):
                    break
                await asyncio.sleep(0.02)


async def demand(group: Cgroup) -> None:
    """Remove a group again and refuse the job when it lacks a limit that must hold."""
    if group.limits.strict and group.failed:
        await group.remove()
        words = ", ".join(group.failed)
        raise PrepareFailed(f"the kernel refuses these limits: {words}", reason="runner_configuration_error")


async def sweep(hierarchy: Hierarchy) -> int:
    """Remove every group of an earlier life of this runner, with whoever still lives in it."""
    names = {entry.name for parent in hierarchy.parents.values() for entry in _children(parent)}
    for name in names:
        await Cgroup(hierarchy, name, Limits()).remove()
    return len(names)


def forget(hierarchy: Hierarchy | None) -> None:
    """Remove the runner's own directories if they are empty, as they are when no job runs."""
    for parent in hierarchy.parents.values() if hierarchy else ():
        with contextlib.suppress(OSError):
            parent.rmdir()


def _children(parent: Path) -> Sequence[Path]:
    with contextlib.suppress(OSError):
        return [entry for entry in parent.iterdir() if entry.is_dir()]
    return []


def _removed(directory: Path) -> bool:
    try:
        for place, _, _ in os.walk(directory, topdown=False):
            Path(place).rmdir()
    except OSError as exc:
        return exc.errno == errno.ENOENT
    return True


def _table(path: Path) -> dict[str, int]:
    rows = (line.split() for line in _read(path).splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}


def _moved(path: Path, word: str) -> int | None:
    """The sum over all devices; v2 has `rbytes=1`, v1 `8:0 Read 1`."""
    found = re.findall(re.escape(word) + r"(\d+)", _read(path))
    return sum(map(int, found)) if found else None


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _write(path: Path, value: str) -> None:
    with path.open("w") as file:
        file.write(value)


def _try_write(path: Path | None, value: str) -> None:
    if path is not None:
        with contextlib.suppress(OSError):
            _write(path, value)
