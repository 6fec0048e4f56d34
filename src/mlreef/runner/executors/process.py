"""Runs jobs as plain processes of this machine, for trusted code only: it sees whatever the runner's user sees.

The image is unpacked for its files only (`/mlreef/code`, `/opt/deps`); programs, python3 among them, are the host's.
As root, each job gets a pid namespace, so that nothing outlives it; otherwise its processes carry a mark.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from mlreef.runner.executors import base, cgroups, children
from mlreef.runner.images.store import Images

_MARK = "MLREEF_RUNNER_MARK"
# The first process of a pid namespace ignores signals it does not handle, so the job is its child.
_INIT = '"$@"; exit $?'


class ProcessExecutor:
    """Host processes with limits where the kernel grants them."""

    name = "process"

    def __init__(self, images: Images, key: str, hierarchy: cgroups.Hierarchy | None) -> None:
        self._images = images
        self._key = key
        self._hierarchy = hierarchy
        self._wrapper: tuple[str, ...] = ()

    async def probe(self) -> base.Capability:
        """Always works; what it can enforce differs."""
        self._wrapper = await _wrapper()
        controllers = self._hierarchy.controllers if self._hierarchy else set()
        limits = {"memory", "cpu", "pids"}
        return base.Capability(
            available=True,
            reason="",
            isolation="NONE: the job runs as this runner's own user with the machine's files and network; "
            "trusted code only" + ("; own pid namespace" if self._wrapper else ""),
            enforced=[*sorted(limits & controllers), "time", "file size", "disk space (measured)"],
            unenforced=sorted(limits - controllers),
        )

    def root(self, directory: Path) -> str:
        """Where a job finds the parts of its directory."""
        return str(directory)

    async def prepare(self, spec: base.Spec) -> base.Prepared:
        """Link the image's code beside the job's directories."""
        env = {"PATH": _path(), "LANG": os.environ.get("LANG", "C.UTF-8"), "MLREEF_ROOT": str(spec.directory)}
        places = {mount.target: str(mount.source) for mount in spec.mounts}
        if spec.image is None:
            return base.Prepared(spec, str(spec.directory), env, "none: programs of this machine", places)
        lease = await self._images.get(spec.image, spec.credentials)
        try:
            rootfs = await self._images.merged(lease)
        except BaseException:
            lease.release()
            raise
        (spec.directory / "code").symlink_to(rootfs / "mlreef/code")
        path = [_moved(place, spec.directory, rootfs) for place in lease.env.get("PYTHONPATH", "").split(":") if place]
        env.update({"PYTHONPATH": ":".join(path), "MLREEF_IMAGE_ROOT": str(rootfs)})
        words = f"{lease.words} (unpacked; programs and python3 are this machine's)"
        return base.Prepared(spec, str(spec.directory), env, words, places, release=lease.release)

    async def run(self, prepared: base.Prepared, command: base.Command) -> base.Handle:
        """Start it in a session, cgroup and pid namespace of its own, as far as they are to be had."""
        limits = prepared.spec.limits
        group = None
        name = f"job-{prepared.spec.job_id}-{secrets.token_hex(4)}"
        if self._hierarchy is not None:
            group = cgroups.Cgroup(self._hierarchy, name, limits)
            group.create()
            await cgroups.demand(group)
        mark = f"{self._key}-{name}"
        argv = ["setpriv", "--pdeathsig", "KILL", *self._wrapper, *_rlimits(limits), *command.argv]
        process = children.spawn(
            children.entering(group, argv), env={**command.env, _MARK: mark}, cwd=Path(command.cwd)
        )

        async def kill_tree() -> None:
            with contextlib.suppress(ProcessLookupError):
                if process.returncode is None:
                    os.killpg(process.pid, signal.SIGKILL)
            if group is not None:
                await group.kill()
            else:
                await children.kill_marked(f"{_MARK}={mark}")

        return children.Child(process, timeout=command.timeout, cgroup=group, kill_tree=kill_tree)

    async def sweep(self) -> None:
        """Processes and groups of an earlier life."""
        await children.kill_marked(f"{_MARK}={self._key}-")
        if self._hierarchy is not None:
            await cgroups.sweep(self._hierarchy)

    async def close(self) -> None:
        """Leave no directory behind."""
        cgroups.forget(self._hierarchy)


async def _wrapper() -> tuple[str, ...]:
    argv = ("unshare", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "/bin/sh", "-c", _INIT, "sh")
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return ()
    code, _ = await children.communicate([*argv, "true"])
    return argv if code == 0 else ()


def _rlimits(limits: base.Limits) -> Sequence[str]:
    return ["prlimit", "--core=0", *([f"--fsize={limits.file_bytes}"] if limits.file_bytes else []), "--"]


def _path() -> str:
    """The host's programs, this Python's own before others; version managers' shims are slow and looked past."""
    real = Path(sys.executable).resolve().parent
    own = real if (real / "python3").exists() else Path(sys.executable).parent
    others = [p for p in os.environ.get("PATH", os.defpath).split(":") if p and not p.endswith("/shims")]
    return ":".join(dict.fromkeys([str(own), *others]))


def _moved(place: str, directory: Path, rootfs: Path) -> str:
    """A directory of the image as a path of this machine."""
    if place.startswith("/mlreef/"):
        return str(directory / place.removeprefix("/mlreef/"))
    return str(rootfs / place.lstrip("/"))
