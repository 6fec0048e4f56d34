"""The management service's API of the current job: the spec in, metrics and the result out.

Every call may be repeated: batches carry a sequence number, outputs and results are idempotent by address.
"""

from __future__ import annotations

import hashlib
import json

from mlreef_epf import errors, web


def canonical(manifest):
    """The bytes whose SHA-256 is a tree manifest's digest."""
    return json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


class Job:
    """The job this process runs, as the management service knows it."""

    def __init__(self, client, url, id_token):
        self._client, self._base = client, url + "/api/v1/jobs/current"
        self._headers = {"Authorization": "Bearer " + id_token}

    def get_spec(self):
        """What this job is to do."""
        return self._client.request("GET", self._base, headers=self._headers).json()

    def get_manifest(self, digest):
        """The entries of an upstream step's output, verified against their digest."""
        url = "%s/manifests/%s" % (self._base, digest)
        try:
            manifest = self._client.request("GET", url, headers=self._headers).json()
        except web.HttpError as exc:
            raise errors.InputUnavailable("the input's manifest cannot be read: %s" % exc.message) from exc
        if hashlib.sha256(canonical(manifest)).hexdigest() != digest:
            raise errors.InputUnavailable("the input's manifest does not match its digest %s" % digest)
        return manifest["entries"]

    def put_output(self, name, manifest):
        """Register the tree of an output."""
        headers = dict(self._headers, **{"Content-Type": "application/json"})
        self._client.request("PUT", "%s/outputs/%s" % (self._base, name), headers=headers, body=canonical(manifest))

    def put_result(self, result, patience=None):
        """Report how the job ended."""
        self._client.request("PUT", self._base + "/result", headers=self._headers, data=result, patience=patience)

    def post(self, stream, payload, patience):
        """Send one batch of a stream: metrics, params or resources."""
        self._client.request("POST", self._base + "/" + stream, headers=self._headers, data=payload, patience=patience)
