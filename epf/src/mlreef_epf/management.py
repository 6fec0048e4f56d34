"""The management service's API of the current job: the spec in, metrics and the result out.

Every call may be repeated: batches carry a sequence number, outputs and results are idempotent by address.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Dict, List, Optional, cast

from mlreef_epf import errors, web


def canonical(manifest: Any) -> bytes:
    """The bytes whose SHA-256 is a tree manifest's digest."""
    return json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


class Job:
    """The job this process runs, as the management service knows it."""

    def __init__(self, client: web.Client, url: str, id_token: str) -> None:
        self._client, self._base = client, url + "/api/v1/jobs/current"
        self._headers = {"Authorization": "Bearer " + id_token}

    def get_spec(self) -> Dict[str, Any]:
        """What this job is to do."""
        return cast("Dict[str, Any]", self._client.request("GET", self._base, headers=self._headers).json())

    def get_manifest(self, digest: str, known: Optional[Dict[str, Any]] = None) -> List[Any]:
        """The entries of an upstream step's output, verified against their digest; `known` when the spec held it."""
        url = "%s/manifests/%s" % (self._base, digest)
        try:
            manifest = known or self._client.request("GET", url, headers=self._headers).json()
        except web.HttpError as exc:
            raise errors.InputUnavailable("the input's manifest cannot be read: %s" % exc.message) from exc
        if hashlib.sha256(canonical(manifest)).hexdigest() != digest:
            raise errors.InputUnavailable("the input's manifest does not match its digest %s" % digest)
        return list(manifest["entries"])

    def put_output(self, name: str, manifest: Any) -> None:
        """Register the tree of an output."""
        headers = dict(self._headers, **{"Content-Type": "application/json"})
        self._client.request("PUT", "%s/outputs/%s" % (self._base, name), headers=headers, body=canonical(manifest))

    def put_result(self, result: Dict[str, Any], patience: Optional[float] = None) -> Dict[str, Any]:
        """Report how the job ended; returns what was made of it."""
        url = self._base + "/result"
        answer = self._client.request("PUT", url, headers=self._headers, data=result, patience=patience)
        found = answer.json() if answer.body else {}
        return found if isinstance(found, dict) else {}

    def list_layers(self, lock: str) -> List[Dict[str, Any]]:
        """Layers with the packages of a lock in images of this instance; none where the service does not know."""
        url = "%s/layers/%s" % (self._base, lock)
        answer = self._client.request("GET", url, headers=self._headers, allow=(404, 405))
        return list(answer.json().get("layers") or ()) if answer.status == 200 else []

    def post(self, stream: str, payload: Dict[str, Any], patience: float) -> None:
        """Send one batch of a stream: metrics, params or resources."""
        self._client.request("POST", self._base + "/" + stream, headers=self._headers, data=payload, patience=patience)
