"""`environment copy`: an image of any registry becomes an environment, unchanged and under its own digest.

It is copied blob by blob, so that it can be signed beside its content and outlives the registry it came from. What it
holds is read from its layers: whether Python is there, and the Debian packages for the bill of materials.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import tarfile
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping

from mlreef_epf import attestations, errors, images, log, packaging, provenance, registry, sbom, web

_PYTHON = re.compile(r"^(?:\./)?usr/(?:local/)?bin/python3\.(\d+)$")
_ANY_PYTHON = re.compile(r"^(?:\./)?(?:usr/)?(?:local/)?bin/python3$")
_STATUS = ("var/lib/dpkg/status", "./var/lib/dpkg/status")
_OLDEST = 8


@dataclass
class Content:
    """What the layers of an image hold, as far as it matters here."""

    python: str = ""
    has_python: bool = False
    components: List[Dict[str, Any]] = field(default_factory=list)


def command(args: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Run `environment copy`; the last line is one JSON document, as with `environment build`."""
    try:
        with tempfile.TemporaryDirectory(prefix="mlreef-environment-", dir=args.work) as scratch:
            result = _copy(args, environ, scratch)
    except errors.Failure as exc:
        log.say("failed: " + exc.message)
        return 1
    log.write((json.dumps(result, sort_keys=True) + "\n").encode())
    return 0


def _copy(args: argparse.Namespace, environ: Mapping[str, str], scratch: str) -> Dict[str, Any]:
    started = time.time()
    client = web.Client(patience=60.0)
    account = (environ.get("MLREEF_REGISTRY_USERNAME", ""), environ.get("MLREEF_REGISTRY_PASSWORD", ""))
    target = registry.Registry(client, args.registry, *account)
    host, repository, reference = registry.split(args.image)
    own = host == target.url.partition("//")[2]
    url = target.url if own else ("http://" if args.insecure or _local(host) else "https://") + host
    foreign = (environ.get("MLREEF_SOURCE_USERNAME", ""), environ.get("MLREEF_SOURCE_PASSWORD", ""))
    source = target if own else registry.Registry(client, url, *foreign)
    base = images.get_base(source, repository, reference)
    log.say("%s is %s" % (args.image, base.reference))
    content = Content()
    files: Dict[str, str] = {}
    for row in base.manifest["layers"]:
        path = os.path.join(scratch, row["digest"].replace(":", "-"))
        source.fetch_blob(repository, row["digest"], path)
        _look(path, content)
        files[row["digest"]] = path
    _check(content, base, args.image)
    body = registry.encode(base.config)
    if "sha256:%s" % registry.sha256(body) != base.manifest["config"]["digest"]:
        body = source.get_blob(repository, base.manifest["config"]["digest"])
    digest = _push(target, args.repository, base, files, body)
    image = "%s/%s@%s" % (target.url.partition("//")[2], args.repository, digest)
    told = _attest(target, args, image, base, content, started=started)
    pins = tuple(filter(None, base.labels.get(packaging.PINS, "").split()))
    return {"name": args.name, "image": image, "digest": digest, "python": content.python, "packages": list(pins),
            "source": {"kind": "copy", "from": "%s/%s@%s" % (host, repository, base.reference), "asked": args.image},
            "attestations": told}  # fmt: skip


def _push(target: registry.Registry, repository: str, base: images.Base, files: Mapping[str, str], body: bytes) -> str:
    """Push the image as it is: the same bytes of manifest, so the same digest."""
    for row in base.manifest["layers"]:
        if not target.has_blob(repository, row["digest"]):
            target.push_blob(repository, row["digest"], web.FileBody(files[row["digest"]]))
    target.push_small(repository, base.manifest["config"]["digest"], body)
    return target.put_raw(repository, base.reference, base.raw, base.manifest["mediaType"])


def _look(path: str, content: Content) -> None:
    try:
        with tarfile.open(path, mode="r:*") as archive:
            for member in archive:
                found = _PYTHON.match(member.name)
                if found:
                    content.python = "3." + found.group(1)
                content.has_python = content.has_python or bool(found or _ANY_PYTHON.match(member.name))
                if member.name in _STATUS and member.isfile():
                    handle = archive.extractfile(member)
                    text = handle.read().decode("utf-8", "replace") if handle else ""
                    content.components = debian_components(text)
    except (tarfile.TarError, OSError, EOFError) as exc:
        raise errors.Failure(
            "a layer of the image cannot be read here (%s): gzip or plain layers are needed" % exc
        ) from exc


def _check(content: Content, base: images.Base, name: str) -> None:
    minor = content.python.partition(".")[2]
    if not content.has_python:
        raise errors.Failure(
            "%s holds no python3, which builds and runs processors; add it with `apt` or a Containerfile" % name
        )
    if minor and int(minor) < _OLDEST:
        raise errors.Failure("%s holds Python %s; 3.%d or newer is needed" % (name, content.python, _OLDEST))
    wanted = images.architecture()
    if base.config.get("architecture") not in (None, "", wanted):
        raise errors.Failure("%s is for %s; runners here are %s" % (name, base.config["architecture"], wanted))


def debian_components(status: str) -> List[Dict[str, Any]]:
    """The installed packages of a dpkg status file."""
    found = []
    for block in status.split("\n\n"):
        told = dict(line.partition(": ")[::2] for line in block.splitlines() if line[:1] not in (" ", "\t"))
        if told.get("Package") and told.get("Version") and "installed" in told.get("Status", "").split():
            row = {"kind": "deb", "name": told["Package"], "version": told["Version"]}
            found.append(dict(row, architecture=told.get("Architecture", "")))
    return found


def _attest(
    target: registry.Registry,
    args: argparse.Namespace,
    image: str,
    base: images.Base,
    content: Content,
    *,
    started: float,
) -> Dict[str, str]:
    digest, name = image.partition("@")[2], image.partition("@")[0]
    subject = {"mediaType": base.manifest["mediaType"], "digest": digest, "size": len(base.raw)}
    parts = content.components + sbom.noted(base.manifest["layers"])
    about = {"name": args.name, "version": digest, "image": name, "properties": {}}
    run = {"builder": args.builder or args.registry, "started": started, "finished": time.time(),
           "invocation": "urn:uuid:%s" % uuid.uuid4()}  # fmt: skip
    asked = {"name": args.name, "image": args.image}
    statement = provenance.statement(
        {"name": name, "digest": digest}, provenance.ENVIRONMENT, asked, provenance.packages(parts), run
    )
    documents = {
        "sbom": (sbom.MEDIA_TYPE, sbom.document(digest, about, parts)),
        "provenance": (provenance.MEDIA_TYPE, statement),
    }
    return {
        kind: attestations.attach(target, args.repository, subject, media_type, document)
        for kind, (media_type, document) in documents.items()
    }


def _local(host: str) -> bool:
    return host.partition(":")[0] in ("localhost", "127.0.0.1")
