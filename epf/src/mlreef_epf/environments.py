"""Building environments: the images processors are built on, from definitions that come along as data.

`environment build` is for operators: it prints progress and, as its last line, one JSON document with the image's
digest. A definition is a base (Debian packages) or builds on one (further Debian packages, Python packages).
"""

from __future__ import annotations

import argparse
import json
import os
import pkgutil
import shutil
import tempfile
import time
import uuid
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, cast

from mlreef_epf import (
    attestations,
    bytecode,
    debian,
    dependencies,
    errors,
    images,
    installed,
    layers,
    log,
    packaging,
    provenance,
    registry,
    rootfs,
    sbom,
    web,
)

_ENV = [
    "PATH=/opt/deps/bin:/usr/local/bin:/usr/bin:/bin",
    "PYTHONPATH=" + dependencies.PLACE,
    "LANG=C.UTF-8",
    "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
    "PYTHONDONTWRITEBYTECODE=1",
]


def command(args: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Run `environment build`; returns the process's exit code."""
    try:
        os.umask(0o022)  # permissions in images are not the operator's business
        definition = load(args.name, args.definition)
        with tempfile.TemporaryDirectory(prefix="mlreef-environment-", dir=args.work) as scratch:
            result = _Build(args, environ, definition, scratch).run()
    except errors.Failure as exc:
        log.say("failed: " + exc.message)
        return 1
    log.write((json.dumps(result, sort_keys=True) + "\n").encode())
    return 0


def load(name: str, path: Optional[str] = None) -> Dict[str, Any]:
    """A definition from a file, or one of those that come along."""
    try:
        if path:
            with open(path, "rb") as handle:
                return cast("Dict[str, Any]", json.load(handle))
        return cast("Dict[str, Any]", json.loads(_packaged(name)))
    except (OSError, ValueError) as exc:
        raise errors.Failure("there is no readable definition of an environment %r: %s" % (name, exc)) from exc


def _packaged(name: str) -> bytes:
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "environments", name + ".json")
    if os.path.isfile(here):
        with open(here, "rb") as handle:
            return handle.read()
    found = pkgutil.get_data("mlreef_epf", "environments/%s.json" % name)
    return found or b""


class _Build:
    def __init__(
        self, args: argparse.Namespace, environ: Mapping[str, str], definition: Dict[str, Any], scratch: str
    ) -> None:
        self._args, self._environ, self._definition, self._scratch = args, environ, definition, scratch
        username = environ.get("MLREEF_REGISTRY_USERNAME") or environ.get("MLREEF_REGISTRY_USER") or ""
        password = environ.get("MLREEF_REGISTRY_PASSWORD", "")
        self._registry = registry.Registry(web.Client(patience=60.0), args.registry, username, password)
        self._uv = dependencies.find_uv(args.uv or "")
        self._python = definition.get("python") or "3.11"
        self._root = os.path.join(scratch, "root")
        self._assembly = rootfs.Assembly(self._root, args.bwrap or "")
        self._base: images.Base = images.Base()
        self._started = time.time()
        self._lock = ""

    def run(self) -> Dict[str, Any]:
        """Build and push; returns what the last line says."""
        os.makedirs(self._root)
        added: List[Any] = []
        if self._definition.get("from"):
            self._base = self._derived()
        else:
            added += self._base_layers()
        added += self._debian_layer()
        held = tuple(filter(None, self._base.labels.get(packaging.PINS, "").split()))
        more, new = self._packages(held)
        added += more
        pins = packaging.all_pins(held, new)
        settings = {
            "Env": _ENV,
            "WorkingDir": "/mlreef/work",
            "User": "1000",
            "Cmd": ["python3"],
            "Labels": self._labels(pins),
        }
        title = {"org.opencontainers.image.title": self._args.name}
        content, manifest = images.assemble(self._base, added, settings, title)
        files = {layer.digest: layer.path for layer, _, _ in added}
        push = images.Push(self._registry, self._args.repository, self._scratch)
        log.say("pushing to %s/%s:%s" % (self._args.registry, self._args.repository, self._args.tag))
        digest, size = push.send(self._base, files, content, manifest, self._args.tag)
        host = self._registry.url.partition("//")[2]
        image = "%s/%s@%s" % (host, self._args.repository, digest)
        return {"name": self._args.name, "title": self._definition.get("title", self._args.name), "digest": digest,
                "framework": self._definition.get("framework"), "flavour": self._definition.get("flavour") or "cpu",
                "description": self._definition.get("description"), "size": size, "packages": list(pins),
                "lock": self._lock, "image": image, "attestations": self._attest(image, manifest)}  # fmt: skip

    def _derived(self) -> images.Base:
        wanted = self._args.base or "%s/%s:latest" % (os.path.dirname(self._args.repository), self._definition["from"])
        host = self._registry.url.partition("//")[2]
        if not wanted.startswith(host + "/"):
            wanted = host + "/" + wanted
        _, repository, reference = registry.split(wanted)
        log.say("building on %s" % wanted)
        base = images.get_base(self._registry, repository, reference)
        self._python = base.labels.get("mlreef.python") or self._python
        return base

    def _base_layers(self) -> List[Any]:
        archive = debian.Archive(self._definition["suite"], self._scratch, self._environ)
        self._assembly.build(archive, self._definition["debian"], self._python)
        log.say("packing the file system")
        layer = layers.build(self._root, os.path.join(self._scratch, "root.tar.gz"), keep_modes=True)
        added: List[Any] = [(layer, "debian packages", {sbom.COMPONENTS: sbom.note(self._assembly.parts)})]
        if not self._uv:
            log.say(
                "warning: no uv binary was found; name one with --uv, or publishing will not work in this environment"
            )
            return added
        tools = os.path.join(self._scratch, "tools")
        os.makedirs(tools)
        shutil.copyfile(self._uv, os.path.join(tools, "uv"))
        os.chmod(os.path.join(tools, "uv"), 0o755)  # noqa: S103 - a program
        packed = layers.build(tools, os.path.join(self._scratch, "tools.tar.gz"), "usr/local/bin")
        return [*added, (packed, "uv", {sbom.COMPONENTS: sbom.note([dependencies.uv_component(self._uv)])})]

    def _debian_layer(self) -> List[Any]:
        """Further Debian packages, with what they need, over the base's."""
        wanted = self._definition.get("apt") or ()
        if not wanted:
            return []
        present = [row for row in sbom.noted(self._base.manifest["layers"]) if row["kind"] == "deb"]
        suite = self._definition.get("suite") or (present[0]["distribution"].partition("-")[2] if present else "")
        if not suite:
            raise errors.Failure("Debian packages need a base of such packages, or `suite` in the definition")
        archive = debian.Archive(suite, self._scratch, self._environ)
        names = archive.resolve(wanted, present)
        if not names:
            return []
        extra = os.path.join(self._scratch, "extra")
        os.makedirs(extra)
        over = rootfs.Assembly(extra, self._args.bwrap or "")
        parts = over.unpack(archive, names)
        self._unpack_base()
        self._assembly.unpack(archive, names)
        if self._assembly.inside(["/usr/sbin/ldconfig"]):
            os.makedirs(os.path.join(extra, "etc"), exist_ok=True)
            shutil.copyfile(os.path.join(self._root, "etc/ld.so.cache"), os.path.join(extra, "etc/ld.so.cache"))
        layer = layers.build(extra, os.path.join(self._scratch, "extra.tar.gz"), keep_modes=True)
        return [(layer, "debian packages " + " ".join(wanted), {sbom.COMPONENTS: sbom.note(parts)})]

    def _packages(self, held: Sequence[str]) -> Tuple[List[Any], Tuple[str, ...]]:
        requirements = self._args.requirements and os.path.abspath(self._args.requirements)
        if not requirements and not self._definition.get("requirements"):
            return [], ()
        if not requirements:
            requirements = os.path.join(self._scratch, "requirements.txt")
            with open(requirements, "w") as out:
                out.write("\n".join(self._definition.get("requirements") or ()) + "\n")
        target = dependencies.Target(self._python, images.architecture())
        env = {k: v for k, v in self._environ.items() if "PASSWORD" not in k and "TOKEN" not in k}
        installer = dependencies.Installer(
            self._scratch, target, self._uv, True, env, torch_backend=self._definition.get("torch_backend") or ""
        )
        lock = installer.lock(requirements, held)
        if not lock.packages:
            return [], ()
        log.say("installing %d packages: %s" % (len(lock.packages), " ".join(lock.packages)))
        directory = os.path.join(self._scratch, "deps")
        installer.install(lock, directory)
        parts = installed.components(directory, installer.wheel_hashes(lock))
        self._compile(directory, target)
        log.say("packing the packages")
        layer = layers.build(directory, os.path.join(self._scratch, "deps.tar.gz"), dependencies.PLACE.lstrip("/"))
        self._lock = lock.text
        notes = {packaging.LOCK: lock.key, packaging.DIFF_ID: layer.diff_id, sbom.COMPONENTS: sbom.note(parts)}
        return [(layer, "packages %s" % lock.key[:16], notes)], lock.packages

    def _compile(self, directory: str, target: dependencies.Target) -> None:
        """Compile with the image's own Python, so that the operator's machine does not show; else with this one."""
        log.say("compiling")
        self._unpack_base()
        place = self._root + dependencies.PLACE
        python = self._assembly.command(["/usr/bin/python3"])
        if not python:
            if target.ours:
                bytecode.compile_directory(directory, dependencies.PLACE)
            return
        shutil.rmtree(place, ignore_errors=True)
        shutil.move(directory, place)
        bytecode.compile_directory(place, dependencies.PLACE, python, dependencies.PLACE)
        shutil.move(place, directory)

    def _unpack_base(self) -> None:
        if self._base.source is None or os.listdir(self._root):
            return
        for row in self._base.manifest["layers"]:
            packed = os.path.join(self._scratch, row["digest"].replace(":", "-"))
            self._base.source.fetch_blob(self._base.repository, row["digest"], packed)
            layers.unpack(packed, self._root)

    def _attest(self, image: str, manifest: Mapping[str, Any]) -> Dict[str, str]:
        digest = image.partition("@")[2]
        subject = attestations.subject(manifest, digest)
        parts = sbom.noted(manifest["layers"])
        name = image.partition("@")[0]
        about = {"name": self._args.name, "version": self._args.tag, "image": name, "properties": {}}
        bill = sbom.document(digest, about, parts)
        used = [provenance.image(self._base.repository + "@" + self._base.reference)] if self._base.reference else []
        run = {"builder": self._args.builder or self._args.registry, "started": self._started, "finished": time.time(),
               "invocation": "urn:uuid:%s" % uuid.uuid4()}  # fmt: skip
        asked = {"name": self._args.name, "definition": self._definition}
        statement = provenance.statement(
            {"name": name, "digest": digest}, provenance.ENVIRONMENT, asked, used + provenance.packages(parts), run
        )
        documents = {"sbom": (sbom.MEDIA_TYPE, bill), "provenance": (provenance.MEDIA_TYPE, statement)}
        return {
            kind: attestations.attach(self._registry, self._args.repository, subject, media_type, document)
            for kind, (media_type, document) in documents.items()
        }

    def _labels(self, packages: Sequence[str]) -> Dict[str, str]:
        return {
            "org.opencontainers.image.title": self._args.name,
            "mlreef.environment": self._args.name,
            "mlreef.python": self._python,
            "mlreef.framework": str(self._definition.get("framework") or ""),
            packaging.PINS: " ".join(packages),
        }
