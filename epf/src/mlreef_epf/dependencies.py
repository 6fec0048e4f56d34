"""Python packages for an image: requirements are locked with hashes, then installed into a directory of their own.

uv does the work when it is there, pip otherwise. What the base image already holds constrains the resolution and is not
installed again: two versions of one package never end up over each other.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Sequence, Set, Tuple

from mlreef_epf import errors, installed, log, pip_settings, stubs

PLACE = "/opt/deps"
_FORMAT = "2"  # raise when the same lock must give another layer
_PLATFORMS = {"amd64": "x86_64-manylinux_2_36", "arm64": "aarch64-manylinux_2_36"}
_UNMET = "the requirements cannot be met"
_UNMET_HERE = "the requirements cannot be met together with the packages the environment holds"
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")


@dataclass(frozen=True)
class Target:
    """The Python the packages are for."""

    python: str = "%d.%d" % sys.version_info[:2]
    architecture: str = ""

    @property
    def ours(self) -> bool:
        """Whether this interpreter can compile for it."""
        return self.python == "%d.%d" % sys.version_info[:2]


@dataclass(frozen=True)
class Lock:
    """A resolved set of packages: the text to install from, and its key."""

    text: str
    packages: Tuple[str, ...]
    key: str


def request_key(target: Target, text: str, held: Sequence[str]) -> str:
    """What a lock is asked for, as a key: the same request may be answered with the same lock."""
    lines = sorted({line.strip() for line in text.splitlines()} - {""})
    state = [_FORMAT, target.python, target.architecture, *lines, "", *sorted(held)]
    return hashlib.sha256("\n".join(state).encode()).hexdigest()


def pins(text: str) -> Tuple[str, ...]:
    """The name==version pairs of a lock file."""
    found = (_PINNED.match(line) for line in text.splitlines())
    return tuple("%s==%s" % (installed.canonical_name(m.group(1)), m.group(2)) for m in found if m)


class Installer:
    """Locks and installs with the tools of this machine."""

    def __init__(
        self,
        scratch: str,
        target: Target,
        uv: str = "",
        only_binary: bool = True,
        env: Optional[Mapping[str, str]] = None,
        *,
        torch_backend: str = "",
    ) -> None:
        self._scratch, self._target, self._only_binary = scratch, target, only_binary
        self._uv = find_uv(uv)
        self._env = _environment(env or {}, scratch)
        self._backend = torch_backend

    def lock(self, requirements: str, held: Sequence[str] = (), python_path: Sequence[str] = ()) -> Lock:
        """Resolve a requirements file under the base image's packages; those are left out of the result."""
        constraints: List[str] = []
        pinned = list(held)
        if self._backend and self._local_torch():
            pinned.append(self._local_torch())
        if pinned:
            constraints = ["--constraint", os.path.join(self._scratch, "held.txt")]
            with open(constraints[1], "w") as out:
                out.write("".join(pin + "\n" for pin in pinned))
        if self._uv:
            found = stubs.write(held, python_path, os.path.join(self._scratch, "held"))
            text = self._compile(requirements, constraints, found)
        else:
            text = self._freeze(requirements, constraints)
        text = _without(text, set(held))
        state = f"{_FORMAT}\n{self._target.python}\n{self._target.architecture}\n{text}"
        return Lock(text, pins(text), hashlib.sha256(state.encode()).hexdigest())

    def wheel_hashes(self, lock: Lock) -> Dict[str, str]:
        """The SHA-256 of the wheel that each package of a lock is installed from, as far as it can be told."""
        if not self._uv or not self._target.architecture:
            return {}
        path, out = os.path.join(self._scratch, "lock.txt"), os.path.join(self._scratch, "pylock.toml")
        with open(path, "w") as handle:
            handle.write(lock.text)
        argv = [self._uv, "pip", "compile", path, "--format", "pylock.toml", "--no-deps", "--quiet"]
        try:
            self._run([*argv, "--output-file", out, *self._common()], "the lock cannot be read back")
            with open(out) as handle:
                return installed.wheel_hashes(handle.read())
        except (errors.Failure, OSError) as exc:
            log.say("note: single packages go without their hash into the bill of materials (%s)" % exc)
            return {}

    def install(self, lock: Lock, directory: str) -> None:
        """Install a lock's packages into a directory, compiled for images whose files are never written again."""
        path = os.path.join(self._scratch, "lock.txt")
        with open(path, "w") as out:
            out.write(lock.text)
        os.makedirs(directory, exist_ok=True)
        if self._uv:
            argv = [self._uv, "pip", "install", "--target", directory, "--no-deps", "--require-hashes", "-r", path]
            argv += ["--link-mode", "copy", *self._common()]
        else:
            argv = [
                sys.executable,
                "-m",
                "pip",
                "install",
                "--target",
                directory,
                "--no-deps",
                "--no-compile",
                "-r",
                path,
            ]
            argv += ["--only-binary", ":all:"] if self._only_binary else []
        self._run(argv, "the packages cannot be installed")
        _tidy(directory)

    def _compile(self, requirements: str, options: Sequence[str], links: str) -> str:
        out = os.path.join(self._scratch, "compiled.txt")
        argv = [self._uv, "pip", "compile", requirements, *options, "--generate-hashes"]
        argv += ["--no-header", "--no-annotate", "--output-file", out, *self._common()]
        places = [place for place in (self._env.get("UV_FIND_LINKS"), links) if place]
        env = dict(self._env, UV_FIND_LINKS=",".join(places)) if links else self._env
        self._run(argv, _UNMET_HERE if options else _UNMET, env)
        with open(out) as handle:
            return handle.read()

    def _common(self) -> List[str]:
        argv = ["--python", sys.executable, "--python-version", self._target.python]
        if self._target.architecture in _PLATFORMS:
            argv += ["--python-platform", _PLATFORMS[self._target.architecture]]
        if self._backend and not self._local_torch():
            argv += ["--torch-backend", self._backend]
        return argv + (["--only-binary", ":all:"] if self._only_binary else [])

    def _local_torch(self) -> str:
        """A build of torch for the wanted backend among the operator's own wheels, as a pin."""
        for place in self._env.get("UV_FIND_LINKS", "").split(","):
            for name in sorted(os.listdir(place) if os.path.isdir(place) else (), reverse=True):
                parts = name.split("-")
                if parts[0] == "torch" and len(parts) > 2 and parts[1].endswith("+" + self._backend):
                    return "torch==" + parts[1]
        return ""

    def _freeze(self, requirements: str, constraints: Sequence[str]) -> str:
        """What pip would install; pip lists no hashes, so the versions alone are the lock."""
        trial = os.path.join(self._scratch, "trial")
        argv = [sys.executable, "-m", "pip", "install", "--target", trial, "--no-compile", "-r", requirements]
        argv += [*constraints, *(["--only-binary", ":all:"] if self._only_binary else [])]
        self._run(argv, _UNMET_HERE if constraints else _UNMET)
        argv = [sys.executable, "-m", "pip", "freeze", "--all", "--path", trial]
        frozen = self._run(argv, "the packages cannot be listed")
        shutil.rmtree(trial, ignore_errors=True)
        return frozen

    def _run(self, argv: Sequence[str], problem: str, env: Optional[Mapping[str, str]] = None) -> str:
        done = subprocess.run(
            argv, cwd=self._scratch, env=env or self._env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, encoding="utf-8", errors="replace",
        )  # fmt: skip
        for line in done.stderr.splitlines():
            log.write(line.encode() + b"\n")
        if done.returncode != 0:
            lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
            raise errors.Failure("%s:\n%s" % (problem, "\n".join(lines[-12:])))
        return done.stdout


def uv_component(path: str) -> Dict[str, str]:
    """The uv binary as part of a bill of materials."""
    told = subprocess.run([path, "--version"], stdout=subprocess.PIPE, encoding="utf-8").stdout.split()
    state = hashlib.sha256()
    with open(path, "rb") as handle:
        for piece in iter(lambda: handle.read(1 << 20), b""):
            state.update(piece)
    version = told[1] if len(told) > 1 else "unknown"
    return {"kind": "generic", "name": "uv", "version": version, "sha256": state.hexdigest()}


def find_uv(given: str = "") -> str:
    """The uv binary: the one named, the one of the image, of the path or of this Python."""
    for path in (given, "/usr/local/bin/uv", shutil.which("uv") or ""):
        if path and os.access(path, os.X_OK) and _is_program(path):
            return os.path.abspath(path)
    try:
        import uv

        return uv.find_uv_bin()
    except (ImportError, FileNotFoundError):
        return ""


def _is_program(path: str) -> bool:
    """A real binary, no shim script that means something else elsewhere."""
    with open(path, "rb") as handle:
        return handle.read(4) == b"\x7fELF"


def _environment(env: Mapping[str, str], scratch: str) -> Dict[str, str]:
    kept = {k: v for k, v in env.items() if not k.startswith(("CI_", "GITLAB_", "FF_", "MLREEF_", "PYTHON"))}
    kept.update(pip_settings.for_uv(kept))
    kept.setdefault("UV_CACHE_DIR", os.path.join(scratch, "uv-cache"))
    kept.update(UV_NO_PROGRESS="1", NO_COLOR="1", UV_PYTHON_DOWNLOADS="never", HOME=scratch, PYTHONHASHSEED="0")
    return kept


def _without(text: str, held: Set[str]) -> str:
    """A lock without the packages the base image already holds in the same version."""
    kept, skipping = [], False
    for line in text.splitlines():
        if not line[:1].isspace():
            skipping = bool(set(pins(line)) & held)
        if not skipping and line.strip():
            kept.append(line)
    return "".join(line + "\n" for line in kept)


def _tidy(directory: str) -> None:
    """Remove what installers leave that differs from one time to the next."""
    for name in (".lock", ".gitignore", "CACHEDIR.TAG", "__pycache__"):
        path = os.path.join(directory, name)
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif os.path.exists(path):
            os.unlink(path)
