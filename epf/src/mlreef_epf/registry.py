"""An OCI registry over HTTP: manifests and blobs, with bearer tokens (distribution spec 1.1, Docker token spec).

Blobs a repository already holds are not sent; those another repository holds are mounted where the registry allows it.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import threading
import time
import urllib.parse
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple, cast

from mlreef_epf import errors, web

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
_COLLISIONS = 5
_ACCEPT = f"{OCI_MANIFEST}, {DOCKER_MANIFEST}, {OCI_INDEX}, {DOCKER_LIST}"


class Registry:
    """One registry, used with one account."""

    def __init__(self, client: web.Client, url: str, username: str, password: str) -> None:
        self._client, self.url = client, url.rstrip("/")
        self._account = (username, password)
        self._tokens: Dict[Tuple[str, ...], str] = {}
        self._expected: Tuple[str, ...] = ()
        self._listing = threading.Lock()
        self._sent: Set[Tuple[str, str]] = set()

    def expect(self, scopes: Iterable[str]) -> None:
        """Ask for one token that does for all of these scopes, in place of one for each."""
        self._expected = tuple(dict.fromkeys(scopes))

    def find_manifest(self, repository: str, reference: str) -> Optional[Tuple[Dict[str, Any], str]]:
        """A manifest as (document, digest), or None."""
        found = self.find_raw(repository, reference)
        return (json.loads(found[0].decode("utf-8")), found[1]) if found else None

    def find_raw(self, repository: str, reference: str) -> Optional[Tuple[bytes, str]]:
        """A manifest as (its own bytes, digest), or None."""
        url = "%s/v2/%s/manifests/%s" % (self.url, repository, reference)
        answer = self._call("GET", url, [pull(repository)], headers={"Accept": _ACCEPT}, allow=(404,))
        if answer.status == 404:
            return None
        digest = "sha256:" + sha256(answer.body)
        if reference.startswith("sha256:") and reference != digest:
            raise errors.Failure("the registry's manifest of %s does not match %s" % (repository, reference))
        return answer.body, digest

    def list_tags(self, repository: str) -> List[str]:
        """The repository's tags; none when it does not exist yet."""
        url = "%s/v2/%s/tags/list" % (self.url, repository)
        answer = self._call("GET", url, [pull(repository)], allow=(401, 403, 404))
        return (answer.json().get("tags") or []) if answer.status == 200 else []

    def get_config(self, repository: str, manifest: Mapping[str, Any]) -> Dict[str, Any]:
        """The configuration an image manifest names."""
        return cast(
            "Dict[str, Any]", json.loads(self.get_blob(repository, manifest["config"]["digest"]).decode("utf-8"))
        )

    def get_blob(self, repository: str, digest: str) -> bytes:
        """A small blob, verified."""
        url = "%s/v2/%s/blobs/%s" % (self.url, repository, digest)
        answer = self._call("GET", url, [pull(repository)])
        if "sha256:" + sha256(answer.body) != digest:
            raise errors.Failure("the blob %s is damaged" % digest)
        return answer.body

    def fetch_blob(self, repository: str, digest: str, target: str) -> None:
        """Download a blob into a file, verified."""
        url = "%s/v2/%s/blobs/%s" % (self.url, repository, digest)

        def receive(response: http.client.HTTPResponse) -> None:
            state = hashlib.sha256()
            with open(target, "wb") as out:
                for piece in iter(lambda: response.read(web.CHUNK), b""):
                    state.update(piece)
                    out.write(piece)
            if "sha256:" + state.hexdigest() != digest:
                raise OSError("the blob %s arrived damaged" % digest)

        scopes = (pull(repository),)
        self._call("HEAD", url, scopes)
        self._client.download(url, receive, headers=self._authorization(self._key(scopes)))

    def has_blob(self, repository: str, digest: str) -> bool:
        """Whether the repository holds a blob."""
        url = "%s/v2/%s/blobs/%s" % (self.url, repository, digest)
        return self._call("HEAD", url, [push(repository)], allow=(404,)).status == 200

    def mount(self, repository: str, digest: str, source: str) -> bool:
        """Take a blob over from another repository; False when the registry does not do that."""
        query = urllib.parse.urlencode({"mount": digest, "from": source})
        url = "%s/v2/%s/blobs/uploads/?%s" % (self.url, repository, query)
        answer = self._call("POST", url, [push(repository), pull(source)], body=b"", allow=(401, 403, 404, 405))
        return answer.status == 201

    def push_blob(self, repository: str, digest: str, body: Any) -> None:
        """Send a blob (bytes or web.FileBody) in one piece."""
        scopes = [push(repository)]
        start = self._call("POST", "%s/v2/%s/blobs/uploads/" % (self.url, repository), scopes, body=b"")
        location = urllib.parse.urljoin(self.url + "/", start.headers["Location"])
        target = location + ("&" if "?" in location else "?") + urllib.parse.urlencode({"digest": digest})
        self._call("PUT", target, scopes, body=body, headers={"Content-Type": "application/octet-stream"})

    def push_small(self, repository: str, digest: str, body: bytes) -> None:
        """Send a blob in one request where the registry takes that; one it holds already changes nothing."""
        if (repository, digest) in self._sent:
            return
        scopes, query = [push(repository)], urllib.parse.urlencode({"digest": digest})
        url = "%s/v2/%s/blobs/uploads/?%s" % (self.url, repository, query)
        headers = {"Content-Type": "application/octet-stream"}
        answer = self._call("POST", url, scopes, body=body, headers=headers)
        if answer.status == 201:
            self._sent.add((repository, digest))
            return
        location = urllib.parse.urljoin(self.url + "/", answer.headers["Location"])
        target = location + ("&" if "?" in location else "?") + query
        self._call("PUT", target, scopes, body=body, headers=headers)

    def put_manifest(self, repository: str, reference: Optional[str], manifest: Any) -> str:
        """Register a manifest under a tag, or under its digest alone; returns its digest."""
        return self._put_manifest(repository, reference, manifest)[0]

    def put_raw(self, repository: str, reference: str, body: bytes, media_type: str) -> str:
        """Register a manifest by its own bytes; returns its digest."""
        url = "%s/v2/%s/manifests/%s" % (self.url, repository, reference)
        self._call("PUT", url, [push(repository)], body=body, headers={"Content-Type": media_type})
        return "sha256:" + sha256(body)

    def put_referrer(self, repository: str, manifest: Any) -> str:
        """Register a manifest that refers to another; returns its digest."""
        digest, answer = self._put_manifest(repository, None, manifest)
        if not answer.headers.get("OCI-Subject"):
            with self._listing:
                self._list_referrer(repository, manifest, digest)
        return digest

    def _put_manifest(self, repository: str, reference: Optional[str], manifest: Any) -> Tuple[str, web.Answer]:
        body = encode(manifest)
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        url = "%s/v2/%s/manifests/%s" % (self.url, repository, reference or digest)
        headers = {"Content-Type": manifest["mediaType"]}
        return digest, self._call("PUT", url, [push(repository)], body=body, headers=headers)

    def _list_referrer(self, repository: str, manifest: Any, digest: str) -> None:
        """Keep the list of referrers under the tag for registries that keep none themselves."""
        tag = manifest["subject"]["digest"].replace(":", "-")
        found = self.find_manifest(repository, tag)
        rows = [row for row in (found[0].get("manifests") or () if found else ()) if row["digest"] != digest]
        rows.append(
            {
                "mediaType": manifest["mediaType"],
                "digest": digest,
                "size": len(encode(manifest)),
                "artifactType": manifest["artifactType"],
                "annotations": manifest.get("annotations") or {},
            }
        )
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": sorted(rows, key=lambda row: row["digest"])}
        self._put_manifest(repository, tag, index)

    def _call(
        self,
        method: str,
        url: str,
        scopes: Sequence[str],
        *,
        headers: Any = None,
        body: Any = None,
        allow: Iterable[int] = (),
    ) -> web.Answer:
        key = self._key(scopes)
        asked, collided = False, 0
        while True:
            sent = dict(headers or {}, **self._authorization(key))
            answer = self._client.request(method, url, headers=sent, body=body, allow=(401, 409, *allow))
            challenge = answer.headers.get("WWW-Authenticate", "")
            if answer.status == 401 and challenge and not asked:
                asked = True
                self._tokens[key] = self._log_in(challenge, key)
            elif answer.status == 409 and collided < _COLLISIONS:
                # Two of our own requests may create one repository at the same moment.
                collided += 1
                time.sleep(0.05 * collided)
            else:
                break
        if answer.status in (401, 409) and answer.status not in allow:
            raise web.HttpError(method, url, answer.status, answer.body)
        return answer

    def _key(self, scopes: Sequence[str]) -> Tuple[str, ...]:
        return self._expected if set(scopes) <= set(self._expected) else tuple(scopes)

    def _authorization(self, key: Tuple[str, ...]) -> Dict[str, str]:
        return {"Authorization": self._tokens[key]} if key in self._tokens else {}

    def _log_in(self, challenge: str, scopes: Sequence[str]) -> str:
        basic = "Basic " + base64.b64encode(":".join(self._account).encode()).decode()
        kind, _, rest = challenge.partition(" ")
        if kind.lower() == "basic":
            return basic
        fields = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        query = [("service", fields.get("service", "")), ("account", self._account[0])]
        query += [("scope", scope) for scope in scopes]
        url = fields["realm"] + ("&" if "?" in fields["realm"] else "?") + urllib.parse.urlencode(query)
        headers = {"Authorization": basic} if self._account[1] else {}
        found = self._client.request("GET", url, headers=headers).json()
        return "Bearer " + (found.get("token") or found.get("access_token") or "")


def sha256(content: bytes) -> str:
    """The hexadecimal SHA-256 of some bytes."""
    return hashlib.sha256(content).hexdigest()


def pull(repository: str) -> str:
    """The token scope that reads a repository."""
    return "repository:%s:pull" % repository


def push(repository: str) -> str:
    """The token scope that writes a repository."""
    return "repository:%s:pull,push" % repository


def encode(document: Any) -> bytes:
    """A document's canonical bytes, so that the same image has the same digest."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def split(reference: str) -> Tuple[str, str, str]:
    """An image reference as (host, repository, tag or digest)."""
    name, at, digest = reference.partition("@")
    host, _, path = name.partition("/")
    if not path or not re.match(r"^[A-Za-z0-9.\-]+(:\d+)?$|^\[", host):
        raise errors.Failure("%r is not an image reference with a registry host" % reference)
    repository, _, tag = path.partition(":")
    return host, repository, digest if at else tag or "latest"
