"""Publishing a processor: its source at a commit and its locked packages become an image on top of an environment.

Three kinds of layers: the environment's (taken over inside the registry), the packages' (found again by the hash of
their lock), the code's. A change of code alone therefore sends a few kilobytes.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import tempfile
import time
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from mlreef_epf import (
    cache,
    dependencies,
    errors,
    forge,
    images,
    inputs,
    layers,
    log,
    management,
    registry,
    relay,
    seal,
    step,
    web,
)
from mlreef_epf import settings as settings_module

_TAGS_LOOKED_AT = 12
_LOCK, _DIFF_ID, _PACKAGES = "mlreef.lock", "mlreef.diff_id", "mlreef.packages"


def run(environ: Mapping[str, str]) -> int:
    """Build and push the image this job is for; returns the process's exit code."""
    settings = settings_module.read(environ)
    seal.seal(settings_module.secret_names(environ))
    client = web.Client(settings.proxy_socket)
    job = management.Job(client, settings.url, settings.id_token)
    signal.signal(signal.SIGTERM, step.cancel)
    started = time.monotonic()
    try:
        spec = job.get_spec()
        if spec.get("kind") != "publish":
            raise errors.Failure("this job is of kind %r, not a publication" % spec.get("kind"))
        with tempfile.TemporaryDirectory(prefix="mlreef-publish-") as scratch:
            result = _Publication(settings, client, spec, scratch).run()
    except errors.Canceled:
        result = step.failed("killed", "the job was canceled", 143)
    except errors.Failure as exc:
        result = step.failed(exc.reason, exc.message, exc.exit_code)
    except Exception as exc:  # noqa: BLE001 - the edge of the process: whatever it is, it is reported
        result = step.failed("epf_error", "%s: %s" % (type(exc).__name__, exc), 1)
    result.setdefault("duration_s", round(time.monotonic() - started, 3))
    return step.report(job, result)


class _Publication:
    def __init__(
        self, settings: settings_module.Settings, client: web.Client, spec: Dict[str, Any], scratch: str
    ) -> None:
        self._settings, self._client, self._spec, self._scratch = settings, client, spec, scratch
        self._what = spec["publication"]
        self._host, self._repository, _ = registry.split(self._what["target"])
        self._target = registry.Registry(client, spec["registry"]["url"], "gitlab-ci-token", settings.job_token)

    def run(self) -> Dict[str, Any]:
        log.say("publishing %s %s" % (self._what["target"], self._what["tag"]))
        with log.section("mlreef_fetch", "Fetching the source"):
            source = self._fetch_source()
        base = self._base()
        added, packages = [], tuple(filter(None, base.labels.get(_PACKAGES, "").split()))
        if self._what.get("requirements"):
            with log.section("mlreef_packages", "Packages"):
                more, new = self._packages(source, base, packages)
                added, packages = more, tuple(sorted(set(packages).union(new)))
        with log.section("mlreef_push", "Building and pushing the image"):
            code = layers.build(source, os.path.join(self._scratch, "code.tar.gz"), "mlreef/code")
            added.append((code, "source at %s" % self._what["commit"], None))
            content, manifest = images.assemble(base, added, self._config(packages), self._annotations())
            files = {layer.digest: layer.path for layer, _, _ in added if layer.path}
            push = images.Push(self._target, self._repository, self._scratch)
            digest, size = push.send(base, files, content, manifest, self._what["tag"])
        image = "%s/%s@%s" % (self._host, self._repository, digest)
        log.say("published %s (%s)" % (image, log.size(size)))
        return {"status": "success", "reason": None, "message": "", "image": image, "digest": digest, "size": size,
                "packages": list(packages), "exit_code": 0}  # fmt: skip

    def _fetch_source(self) -> str:
        source = os.path.join(self._scratch, "source")
        project, commit = self._what["project_id"], self._what["commit"]
        with cache.opened(self._settings.cache) as held:
            fetcher = inputs.Fetcher(self._client, self._spec["forge"], self._settings.job_token, held, None)
            wanted = {"type": "git", "project_id": project, "commit": commit, "path": ""}
            files, size = fetcher.fetch(wanted, source)
        log.say("source: %d files, %s" % (files, log.size(size)))
        for name in ("entry", "requirements"):
            path = self._what.get(name)
            if path and not os.path.isfile(os.path.join(source, forge.safe_path(path))):
                raise errors.Failure("the %s file %s is not in commit %s" % (name, path, commit[:12]))
        return source

    def _base(self) -> images.Base:
        host, repository, reference = registry.split(self._what["base_image"])
        url = self._target.url if host == self._host else _url(host)
        source = registry.Registry(self._client, url, "gitlab-ci-token", self._settings.job_token)
        return images.get_base(source, repository, reference)

    def _packages(self, source: str, base: images.Base, held: Sequence[str]) -> Tuple[List[Any], Tuple[str, ...]]:
        """The layers of the packages the base lacks (none or one), and the packages' pins."""
        target = dependencies.Target(
            base.labels.get("mlreef.python") or dependencies.Target.python,
            base.config.get("architecture", "") if "mlreef.python" in base.labels else "",
        )
        with contextlib.ExitStack() as stack:
            env = dict(os.environ)
            if self._settings.cache and os.access(self._settings.cache, os.W_OK):
                env.setdefault("UV_CACHE_DIR", os.path.join(self._settings.cache, "publish", "uv"))
            if self._settings.proxy_socket:
                proxy = stack.enter_context(relay.listening(self._settings.proxy_socket))
                env.update(dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy))
                env.update(NO_PROXY="", no_proxy="", ALL_PROXY=proxy)
            installer = dependencies.Installer(
                self._scratch, target, self._settings.uv, self._settings.only_binary, env
            )
            lock = installer.lock(os.path.join(source, self._what["requirements"]), held)
            if not lock.packages:
                log.say("every package is in the environment already")
                return [], ()
            layer = self._find_layer(lock) or self._kept_layer(lock) or self._build_layer(installer, lock, target)
        notes = {_LOCK: lock.key, _DIFF_ID: layer.diff_id}
        return [(layer, "packages %s" % lock.key[:16], notes)], lock.packages

    def _find_layer(self, lock: dependencies.Lock) -> Optional[layers.Layer]:
        """The layer of the same lock in an earlier version's image; it needs neither building nor sending."""
        for tag in sorted(self._target.list_tags(self._repository))[-_TAGS_LOOKED_AT:]:
            found = self._target.find_manifest(self._repository, tag)
            for row in found[0].get("layers", ()) if found else ():
                notes = row.get("annotations") or {}
                if notes.get(_LOCK) == lock.key and _DIFF_ID in notes:
                    log.say("packages: as in version %s" % tag)
                    return layers.Layer("", row["digest"], notes[_DIFF_ID], row["size"])
        return None

    def _kept_layer(self, lock: dependencies.Lock) -> Optional[layers.Layer]:
        """The layer of the same lock kept on this machine."""
        path = self._keep_path(lock)
        try:
            with open(path + ".json") as handle:
                row = json.load(handle)
            if os.path.getsize(path) == row["size"]:
                log.say("packages: as built here before")
                return layers.Layer(path, row["digest"], row["diff_id"], row["size"])
        except (OSError, ValueError, KeyError):
            pass
        return None

    def _build_layer(
        self, installer: dependencies.Installer, lock: dependencies.Lock, target: dependencies.Target
    ) -> layers.Layer:
        directory = os.path.join(self._scratch, "deps")
        installer.install(lock, directory)
        if target.ours:
            dependencies.compile_bytecode(directory)
        layer = layers.build(directory, os.path.join(self._scratch, "deps.tar.gz"), dependencies.PLACE.lstrip("/"))
        log.say("packages: %d, %s packed" % (len(lock.packages), log.size(layer.size)))
        self._keep(lock, layer)
        return layer

    def _keep_path(self, lock: dependencies.Lock) -> str:
        return os.path.join(self._settings.cache or "/nonexistent", "publish", "layers", lock.key)

    def _keep(self, lock: dependencies.Lock, layer: layers.Layer) -> None:
        path = self._keep_path(lock)
        with contextlib.suppress(OSError):
            if self._settings.cache:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                shutil.copyfile(layer.path, path + ".part")
                os.replace(path + ".part", path)
                row = {"digest": layer.digest, "diff_id": layer.diff_id, "size": layer.size}
                with open(path + ".json", "w") as out:
                    json.dump(row, out)

    def _config(self, packages: Sequence[str]) -> Dict[str, Any]:
        labels = dict(self._annotations(), **(self._what.get("labels") or {}))
        labels[_PACKAGES] = " ".join(packages)
        return {
            "WorkingDir": "/mlreef/work",
            "User": "1000",
            "Env": ["PYTHONPATH=" + dependencies.PLACE],
            "Cmd": ["python3", "/mlreef/code/" + self._what["entry"]],
            "Labels": {str(k): str(v) for k, v in labels.items()},
        }

    def _annotations(self) -> Dict[str, str]:
        what = self._what
        return {
            "org.opencontainers.image.title": what["name"],
            "org.opencontainers.image.version": what["tag"],
            "org.opencontainers.image.revision": what["commit"],
            "org.opencontainers.image.source": "%s/%s" % (self._spec["forge"]["url"].rstrip("/"), what["project_path"]),
            "org.opencontainers.image.base.name": what["base_image"],
            "mlreef.publication": what["id"],
            "mlreef.project": what["project_path"],
            "mlreef.entry": what["entry"],
        }


def _url(host: str) -> str:
    local = host.partition(":")[0] in ("localhost", "127.0.0.1")
    return ("http://" if local else "https://") + host
