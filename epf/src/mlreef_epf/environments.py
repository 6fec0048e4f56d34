"""Building environments: the images processors are built on, from definitions that come along as data.

`environment build` is for operators: it prints progress and, as its last line, one JSON document with the image's
digest. A definition is a base (Debian packages) or builds on one (Python packages).
"""

from __future__ import annotations

import argparse
import json
import os
import pkgutil
import shutil
import tempfile
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, cast

from mlreef_epf import debian, dependencies, errors, images, layers, log, registry, rootfs, web

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

    def run(self) -> Dict[str, Any]:
        """Build and push; returns what the last line says."""
        if self._definition.get("from"):
            base, added = self._derived(), []
            packages = tuple(filter(None, base.labels.get("mlreef.packages", "").split()))
        else:
            base, packages = images.Base(), ()
            added = self._base_layers()
        more, new = self._packages(base, packages)
        added += more
        packages = tuple(sorted(set(packages).union(new)))
        settings = {
            "Env": _ENV,
            "WorkingDir": "/mlreef/work",
            "User": "1000",
            "Cmd": ["python3"],
            "Labels": self._labels(packages),
        }
        content, manifest = images.assemble(base, added, settings, {"org.opencontainers.image.title": self._args.name})
        files = {layer.digest: layer.path for layer, _, _ in added}
        push = images.Push(self._registry, self._args.repository, self._scratch)
        log.say("pushing to %s/%s:%s" % (self._args.registry, self._args.repository, self._args.tag))
        digest, size = push.send(base, files, content, manifest, self._args.tag)
        host = self._registry.url.partition("//")[2]
        return {"name": self._args.name, "title": self._definition.get("title", self._args.name), "digest": digest,
                "framework": self._definition.get("framework"), "size": size, "packages": list(packages),
                "image": "%s/%s@%s" % (host, self._args.repository, digest)}  # fmt: skip

    def _derived(self) -> images.Base:
        wanted = self._args.base or "%s/%s:latest" % (os.path.dirname(self._args.repository), self._definition["from"])
        host = self._registry.url.partition("//")[2]
        if not wanted.startswith(host + "/"):
            wanted = host + "/" + wanted
        _, repository, reference = registry.split(wanted)
        log.say("building on %s" % wanted)
        return images.get_base(self._registry, repository, reference)

    def _base_layers(self) -> List[Any]:
        root = os.path.join(self._scratch, "root")
        os.makedirs(root)
        archive = debian.Archive(self._definition["suite"], self._scratch, self._environ)
        rootfs.Assembly(root, self._args.bwrap or "").build(
            archive, self._definition["debian"], self._definition["python"]
        )
        log.say("packing the file system")
        added = [
            (layers.build(root, os.path.join(self._scratch, "root.tar.gz"), keep_modes=True), "debian packages", None)
        ]
        if self._uv:
            tools = os.path.join(self._scratch, "tools")
            os.makedirs(tools)
            shutil.copyfile(self._uv, os.path.join(tools, "uv"))
            os.chmod(os.path.join(tools, "uv"), 0o755)  # noqa: S103 - a program
            added.append(
                (layers.build(tools, os.path.join(self._scratch, "tools.tar.gz"), "usr/local/bin"), "uv", None)
            )
        else:
            log.say(
                "warning: no uv binary was found; name one with --uv, or publishing will not work in this environment"
            )
        return added

    def _packages(self, base: images.Base, held: Sequence[str]) -> Tuple[List[Any], Tuple[str, ...]]:
        requirements = self._args.requirements and os.path.abspath(self._args.requirements)
        if not requirements and not self._definition.get("requirements"):
            return [], ()
        if not requirements:
            requirements = os.path.join(self._scratch, "requirements.txt")
            with open(requirements, "w") as out:
                out.write("\n".join(self._definition.get("requirements") or ()) + "\n")
        target = dependencies.Target(self._definition["python"], images.architecture())
        env = {k: v for k, v in self._environ.items() if "PASSWORD" not in k and "TOKEN" not in k}
        installer = dependencies.Installer(self._scratch, target, self._uv, True, env)
        lock = installer.lock(requirements, held)
        if not lock.packages:
            return [], ()
        log.say("installing %d packages: %s" % (len(lock.packages), " ".join(lock.packages)))
        directory = os.path.join(self._scratch, "deps")
        installer.install(lock, directory)
        self._compile(base, target, directory)
        log.say("packing the packages")
        layer = layers.build(directory, os.path.join(self._scratch, "deps.tar.gz"), dependencies.PLACE.lstrip("/"))
        return [
            (layer, "packages %s" % lock.key[:16], {"mlreef.lock": lock.key, "mlreef.diff_id": layer.diff_id})
        ], lock.packages

    def _compile(self, base: images.Base, target: dependencies.Target, directory: str) -> None:
        """Compile with this Python if it is the right one, else with the base image's own."""
        log.say("compiling")
        if target.ours:
            dependencies.compile_bytecode(directory)
            return
        root = os.path.join(self._scratch, "root")
        if base.source is not None:
            os.makedirs(root, exist_ok=True)
            for row in base.manifest["layers"]:
                packed = os.path.join(self._scratch, row["digest"].replace(":", "-"))
                base.source.fetch_blob(base.repository, row["digest"], packed)
                layers.unpack(packed, root)
        place = root + dependencies.PLACE
        shutil.rmtree(place, ignore_errors=True)
        shutil.move(directory, place)
        assembly = rootfs.Assembly(root, self._args.bwrap or "")
        argv = ["/usr/bin/python3", "-m", "compileall", "-q", "-j", "2", "--invalidation-mode", "unchecked-hash"]
        assembly.inside([*argv, dependencies.PLACE])
        shutil.move(place, directory)

    def _labels(self, packages: Sequence[str]) -> Dict[str, str]:
        return {
            "org.opencontainers.image.title": self._args.name,
            "mlreef.environment": self._args.name,
            "mlreef.python": self._definition["python"],
            "mlreef.framework": str(self._definition.get("framework") or ""),
            "mlreef.packages": " ".join(packages),
        }
