"""Publishing a processor: its source at a commit and its locked packages become an image on top of an environment.

Three kinds of layers: the environment's (taken over inside the registry), the packages', the code's. A change of code
alone sends a few kilobytes. The image is pushed by its digest together with what tells of it (bill of materials,
provenance); the management service signs it and only then gives it its tag.
"""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, Mapping, Optional, Sequence

from mlreef_epf import (
    attestations,
    cache,
    dependencies,
    errors,
    forge,
    images,
    inputs,
    layers,
    log,
    management,
    packaging,
    provenance,
    registry,
    sbom,
    seal,
    step,
    web,
)
from mlreef_epf import settings as settings_module


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
            result = _Publication(settings, client, job, spec, scratch).run()
    except errors.Canceled:
        result = step.failed("killed", "the job was canceled", 143)
    except errors.Failure as exc:
        result = step.failed(exc.reason, exc.message, exc.exit_code)
    except Exception as exc:  # noqa: BLE001 - the edge of the process: whatever it is, it is reported
        result = step.failed("epf_error", "%s: %s" % (type(exc).__name__, exc), 1)
    result.setdefault("duration_s", round(time.monotonic() - started, 3))
    return _report(job, result)


def _report(job: management.Job, result: Dict[str, Any]) -> int:
    """Tell how it ended; a publication has succeeded only when the management service says so."""
    if result["status"] != "success":
        return step.report(job, result)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        answer = job.put_result(result)
    except errors.Failure as exc:
        log.say("the result could not be reported: %s" % exc.message)
        return 1
    if answer.get("status") == "failed":
        log.say("failed: %s" % (answer.get("reason") or "the image was not accepted"))
        return 1
    log.say("published")
    return 0


class _Publication:
    def __init__(
        self,
        settings: settings_module.Settings,
        client: web.Client,
        job: management.Job,
        spec: Dict[str, Any],
        scratch: str,
    ) -> None:
        self._settings, self._client, self._job, self._spec, self._scratch = settings, client, job, spec, scratch
        self._what = spec["publication"]
        self._started = time.time()
        self._clock = time.monotonic()
        self._host, self._repository, _ = registry.split(self._what["target"])
        self._target = registry.Registry(client, spec["registry"]["url"], "gitlab-ci-token", settings.job_token)
        base_host, self._base_repository, self._base_reference = registry.split(self._what["base_image"])
        scopes = [registry.push(self._repository), registry.pull(self._repository)]
        if base_host == self._host:
            scopes.append(registry.pull(self._base_repository))
        self._target.expect(scopes)
        self._base_host = base_host

    def run(self) -> Dict[str, Any]:
        log.say("publishing %s %s" % (self._what["target"], self._what["tag"]))
        with ThreadPoolExecutor(3) as pool:
            with log.section("mlreef_fetch", "Fetching the source"):
                reading = pool.submit(self._read_registry)
                source = self._fetch_source()
                base, previous = reading.result()
            self._passed("source and environment")
            packages = packaging.Packages()
            wanted = self._what.get("requirements")
            if wanted:
                with log.section("mlreef_packages", "Packages"):
                    workshop = packaging.Workshop(self._settings, self._job, base, self._scratch, self._mount)
                    packages = workshop.get(packaging.as_text(source, wanted), previous)
                self._passed("packages")
            with log.section("mlreef_push", "Building and pushing the image"):
                return self._push(source, base, previous, packages, pool)

    def _push(
        self,
        source: str,
        base: images.Base,
        previous: Optional[packaging.Previous],
        packages: packaging.Packages,
        pool: ThreadPoolExecutor,
    ) -> Dict[str, Any]:
        added = [(packages.layer, "packages %s" % packages.key[:16], packages.notes)] if packages.layer else []
        code = layers.build(source, os.path.join(self._scratch, "code.tar.gz"), "mlreef/code")
        added.append((code, "source at %s" % self._what["commit"], None))
        held = tuple(filter(None, base.labels.get(packaging.PINS, "").split()))
        pins = packaging.all_pins(held, packages.pins)
        content, manifest = images.assemble(base, added, self._config(pins), self._annotations())
        push = images.Push(self._target, self._repository, self._scratch)
        files = {layer.digest: layer.path for layer, _, _ in added if layer.path}
        known = {row["digest"] for row in previous.manifest["layers"]} if previous and self._same(previous) else set()
        digest, size = push.send(base, files, content, manifest, None, known=known, source=packages.source, pool=pool)
        self._passed("image")
        told = self._attest(digest, manifest, packages, pool)
        self._passed("attestations")
        image = "%s/%s@%s" % (self._host, self._repository, digest)
        log.say("pushed %s (%s)" % (image, log.size(size)))
        return {"status": "success", "reason": None, "message": "", "image": image, "digest": digest, "size": size,
                "packages": list(pins), "lock": packages.lock, "attestations": told, "exit_code": 0}  # fmt: skip

    def _mount(self, digest: str, source: str) -> bool:
        return self._target.mount(self._repository, digest, source)

    def _same(self, previous: packaging.Previous) -> bool:
        return previous.repository == self._repository

    def _passed(self, what: str) -> None:
        now = time.monotonic()
        log.say("%s: %.0f ms" % (what, (now - self._clock) * 1000))
        self._clock = now

    def _read_registry(self) -> Any:
        return self._base(), self._previous()

    def _previous(self) -> Optional[packaging.Previous]:
        """The version before, when there is one and it can still be read; it only saves work."""
        told = self._what.get("previous") or {}
        with contextlib.suppress(errors.Failure, web.HttpError, OSError, KeyError):
            host, repository, reference = registry.split(told["image"])
            if host == self._host:
                found = self._target.find_manifest(repository, reference)
                if found is not None:
                    return packaging.Previous(repository, found[0], told.get("lock") or "")
        return None

    def _fetch_source(self) -> str:
        source = os.path.join(self._scratch, "source")
        project, commit = self._what["project_id"], self._what["commit"]
        with cache.opened(self._settings.cache) as held:
            fetcher = inputs.Fetcher(self._client, self._spec["forge"], self._settings.job_token, held, None)
            most = self._what.get("source_limits") or {}
            wanted = {"type": "git", "project_id": project, "commit": commit, "path": "",
                      "max_files": most.get("files"), "max_bytes": most.get("bytes")}  # fmt: skip
            try:
                files, size = fetcher.fetch(wanted, source)
            except errors.Failure as exc:
                raise _too_much(exc, most) from exc
        log.say("source: %d files, %s" % (files, log.size(size)))
        if most.get("bytes") and size > most["bytes"]:
            raise _too_much(errors.Failure("the commit has %s" % log.size(size)), most)
        for name in ("entry", "requirements"):
            path = self._what.get(name)
            if path and isinstance(path, str) and not os.path.isfile(os.path.join(source, forge.safe_path(path))):
                raise errors.Failure("the %s file %s is not in commit %s" % (name, path, commit[:12]))
        return source

    def _base(self) -> images.Base:
        source = self._target
        if self._base_host != self._host:
            url = _url(self._base_host)
            source = registry.Registry(self._client, url, "gitlab-ci-token", self._settings.job_token)
        return images.get_base(source, self._base_repository, self._base_reference)

    def _attest(
        self, digest: str, manifest: Mapping[str, Any], packages: packaging.Packages, pool: ThreadPoolExecutor
    ) -> Dict[str, str]:
        subject = attestations.subject(manifest, digest)
        parts = sbom.noted(manifest["layers"])
        bill = sbom.document(digest, self._about(), parts, self._what["base_image"])
        run = {"builder": self._settings.url, "started": self._started, "finished": time.time()}
        run["invocation"] = self._settings.job_url or "urn:mlreef:publication:" + self._what["id"]
        statement = provenance.statement(
            {"name": self._what["target"], "digest": digest}, provenance.PROCESSOR, self._asked(),
            self._used(parts, packages), run,
        )  # fmt: skip
        documents = {"sbom": (sbom.MEDIA_TYPE, bill), "provenance": (provenance.MEDIA_TYPE, statement)}
        making = {
            name: pool.submit(attestations.attach, self._target, self._repository, subject, kind, document)
            for name, (kind, document) in documents.items()
        }
        return {name: future.result() for name, future in making.items()}

    def _asked(self) -> Dict[str, Any]:
        what = self._what
        return {"project": what["project_path"], "commit": what["commit"], "entry": what.get("entry"),
                "manifest": what.get("manifest") or {}}  # fmt: skip

    def _used(self, parts: Sequence[Mapping[str, Any]], packages: packaging.Packages) -> Any:
        used = [provenance.git(self._source_url(), self._what["commit"]), provenance.image(self._what["base_image"])]
        if packages.key:
            used.append(provenance.lock(packages.key))
        return used + provenance.packages(parts)

    def _about(self) -> Dict[str, Any]:
        what = self._what
        properties = {"mlreef:entry": what.get("entry") or "", "mlreef:commit": what["commit"]}
        properties["mlreef:project"] = what["project_path"]
        licence = (what.get("manifest") or {}).get("licence")
        return {"name": what["name"], "version": what["tag"], "image": what["target"], "licence": licence,
                "source": self._source_url(), "commit": what["commit"], "properties": properties}  # fmt: skip

    def _source_url(self) -> str:
        return "%s/%s" % (self._spec["forge"]["url"].rstrip("/"), self._what["project_path"])

    def _config(self, packages: Sequence[str]) -> Dict[str, Any]:
        labels = dict(self._annotations(), **(self._what.get("labels") or {}))
        labels[packaging.PINS] = " ".join(packages)
        return {
            "WorkingDir": "/mlreef/work",
            "User": "1000",
            "Env": ["PYTHONPATH=" + dependencies.PLACE],
            "Cmd": self._what.get("command") or ["python3", "/mlreef/code/" + self._what["entry"]],
            "Labels": {str(k): str(v) for k, v in labels.items()},
        }

    def _annotations(self) -> Dict[str, str]:
        what = self._what
        return {
            "org.opencontainers.image.title": what["name"],
            "org.opencontainers.image.version": what["tag"],
            "org.opencontainers.image.revision": what["commit"],
            "org.opencontainers.image.source": self._source_url(),
            "org.opencontainers.image.base.name": what["base_image"],
            "mlreef.publication": "%s/%s@%s" % (what["project_path"], what["name"], what["tag"]),
            "mlreef.project": what["project_path"],
            "mlreef.entry": what.get("entry") or "",
        }


def _too_much(exc: errors.Failure, most: Mapping[str, Any]) -> errors.Failure:
    """The failure with what to do about it, if it is one of size."""
    if not exc.message.startswith("the commit has "):
        return exc
    allowed = "%d files and %s" % (most.get("files") or 0, log.size(most.get("bytes") or 0))
    remedy = "keep data in a data project and give it to the processor as an input"
    return errors.Failure("%s; a code project may have %s: %s" % (exc.message, allowed, remedy))


def _url(host: str) -> str:
    local = host.partition(":")[0] in ("localhost", "127.0.0.1")
    return ("http://" if local else "https://") + host
