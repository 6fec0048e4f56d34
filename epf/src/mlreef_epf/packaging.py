"""The layer of a processor's Python packages: found where it has been made before, built only when it is new.

Found means: in the previous version's image when the same was asked of the same environment (then nothing is even
resolved), or in any image of this instance that the publisher may read. The name of a layer's content
is the hash of its lock, so that projects with the same lock share one layer.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, Mapping, Optional, Sequence, Tuple

from mlreef_epf import bytecode, dependencies, images, installed, layers, log, management, relay, sbom
from mlreef_epf import settings as settings_module

LOCK, DIFF_ID, PINS, REQUEST = "mlreef.lock", "mlreef.diff_id", "mlreef.packages", "mlreef.request"

HEADING = "# mlreef-lock: "
KEPT = "# mlreef-lock-kept: "
"""Heads the lock of a version whose packages another version's job built: see `layers` of the management service."""


@dataclass(frozen=True)
class Previous:
    """An earlier version of the same processor: what its image says, where it lies, and what was locked for it."""

    repository: str
    manifest: Mapping[str, Any]
    lock: str


@dataclass(frozen=True)
class Packages:
    """What the image gets: none or one layer with its annotations, its lock, where it lies when it is not here."""

    layer: Optional[layers.Layer] = None
    notes: Optional[Dict[str, str]] = None
    lock: str = ""
    key: str = ""
    pins: Tuple[str, ...] = ()
    source: str = ""
    """Another repository that holds the layer."""


class Workshop:
    """Finds or builds the layer for one publication."""

    def __init__(
        self,
        settings: settings_module.Settings,
        job: management.Job,
        base: images.Base,
        scratch: str,
        mount: Callable[[str, str], bool],
    ) -> None:
        self._settings, self._job, self._base, self._scratch = settings, job, base, scratch
        self._mount = mount
        ours = "mlreef.python" in base.labels
        self._target = dependencies.Target(
            base.labels.get("mlreef.python") or dependencies.Target.python,
            base.config.get("architecture", "") if ours else "",
        )
        self._held = tuple(filter(None, base.labels.get(PINS, "").split()))

    def get(self, requirements: str, previous: Optional[Previous]) -> Packages:
        """The packages for the text of a requirements file."""
        key = dependencies.request_key(self._target, requirements, self._held)
        found = _again(key, previous)
        if found is not None:
            log.say("packages: as in the version before")
            return found
        with contextlib.ExitStack() as stack:
            env = self._environment(stack)
            installer = dependencies.Installer(
                self._scratch, self._target, self._settings.uv, self._settings.only_binary, env
            )
            lock = self._lock(installer, requirements)
            if not lock.packages:
                log.say("every package is in the environment already")
                return Packages()
            found = self._elsewhere(lock) or self._build(installer, lock)
        notes = dict(found.notes or {}, **{LOCK: lock.key, REQUEST: key})
        return Packages(found.layer, notes, HEADING + lock.key + "\n" + lock.text, lock.key, lock.packages)

    def _lock(self, installer: dependencies.Installer, requirements: str) -> dependencies.Lock:
        path = os.path.join(self._scratch, "requirements.txt")
        with open(path, "w", encoding="utf-8") as out:
            out.write(requirements)
        started = time.monotonic()
        lock = installer.lock(path, self._held, os.environ.get("PYTHONPATH", "").split(os.pathsep))
        log.say("locked in %.1f s" % (time.monotonic() - started))
        return lock

    def _environment(self, stack: contextlib.ExitStack) -> Dict[str, str]:
        env = dict(os.environ)
        # Nothing that jobs before could write to is believed: others take this layer over.
        env.pop("UV_CACHE_DIR", None)
        if self._settings.proxy_socket:
            proxy = stack.enter_context(relay.listening(self._settings.proxy_socket))
            env.update(dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy))
            env.update(NO_PROXY="", no_proxy="", ALL_PROXY=proxy)
        return env

    def _elsewhere(self, lock: dependencies.Lock) -> Optional[Packages]:
        """The layer of the same lock in another image of this instance."""
        for row in self._job.list_layers(lock.key):
            notes = row.get("annotations") or {}
            fits = notes.get(LOCK) == lock.key and DIFF_ID in notes
            # The registry decides whether this job may take it over; if not, the packages are built as if it were not.
            if fits and self._mount(row["digest"], row["repository"]):
                log.say("packages: as in %s" % row["repository"])
                layer = layers.Layer("", row["digest"], notes[DIFF_ID], row["size"])
                return Packages(layer, _lasting(notes))
        return None

    def _build(self, installer: dependencies.Installer, lock: dependencies.Lock) -> Packages:
        directory = os.path.join(self._scratch, "deps")
        installer.install(lock, directory)
        parts = installed.components(directory, installer.wheel_hashes(lock))
        if self._target.ours:
            bytecode.compile_directory(directory, dependencies.PLACE)
        layer = layers.build(directory, os.path.join(self._scratch, "deps.tar.gz"), dependencies.PLACE.lstrip("/"))
        log.say("packages: %d, %s packed" % (len(lock.packages), log.size(layer.size)))
        return Packages(layer, {DIFF_ID: layer.diff_id, sbom.COMPONENTS: sbom.note(parts)})


def _again(key: str, previous: Optional[Previous]) -> Optional[Packages]:
    """The previous version's packages, when the same was asked of the same environment for it."""
    if previous is None:
        return None
    for row in previous.manifest.get("layers") or ():
        notes = row.get("annotations") or {}
        if notes.get(REQUEST) == key and LOCK in notes and DIFF_ID in notes and previous.lock:
            layer = layers.Layer("", row["digest"], notes[DIFF_ID], row["size"])
            pins = dependencies.pins(previous.lock)
            lock = KEPT + notes[LOCK] + "\n" + previous.lock.partition("\n")[2]
            return Packages(layer, dict(notes), lock, notes[LOCK], pins, previous.repository)
    return None


def _lasting(notes: Mapping[str, str]) -> Dict[str, str]:
    return {name: value for name, value in notes.items() if name in (DIFF_ID, sbom.COMPONENTS)}


def as_text(source: str, requirements: Any) -> str:
    """The requirements of a processor as text: a file of its source, or lines of its description."""
    if isinstance(requirements, (list, tuple)):
        return "".join("%s\n" % line for line in requirements)
    with open(os.path.join(source, requirements), encoding="utf-8", errors="replace") as handle:
        return handle.read()


def all_pins(*parts: Sequence[str]) -> Tuple[str, ...]:
    """The pins of several sets of packages together."""
    return tuple(sorted({pin for part in parts for pin in part}))
