"""The marketplace and how versions stand, as methods of the client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlreef.sdk.http import Http

Document = dict[str, Any]
_VERSIONS = "/api/v1/processor-versions"


class Market:
    """What `MLReef` can do with processors and versions beyond publishing them."""

    http: Http

    def marketplace(self, **query: Any) -> Document:
        """A page of processors: search, kind, tag, owner..., mine, starred, verified, min_stars, sort, facets, page."""
        return self._answer("GET", "/api/v1/processors", params=query)

    def version(self, version: str) -> Document:
        """One version by its id."""
        return self._answer("GET", f"{_VERSIONS}/{version}")

    def changes(self, version: str, *, origin: str | None = None) -> Document:
        """What differs from another version (by id), or from the one before."""
        return self._answer("GET", f"{_VERSIONS}/{version}/changes", params={"from": origin} if origin else {})

    def deprecate(self, version: str, *, message: str, replacement: str | None = None) -> Document:
        """Warn of a version."""
        return self._change(version, "deprecate", {"message": message, "replacement": replacement})

    def undeprecate(self, version: str) -> Document:
        """Warn no more."""
        return self._change(version, "undeprecate", None)

    def unpublish(self, version: str, *, reason: str) -> Document:
        """Let nobody choose a version any more; its runs can still be repeated."""
        return self._change(version, "unpublish", {"reason": reason})

    def republish(self, version: str, *, number: str | None = None, changelog: str | None = None) -> Document:
        """Build a version's commit again as a new version; gives the publication."""
        return self._change(version, "republish", {"version": number, "changelog": changelog})

    def verify(self, version: str) -> Document:
        """Run a version on its reference data; gives the verification."""
        return self._change(version, "verify", None)

    def verifications(self, version: str) -> Iterator[Document]:
        """Verifications of a version, newest first."""
        return self.http.pages(f"{_VERSIONS}/{version}/verifications")

    def publish_on_tag(self, project: int, *, wanted: bool | None) -> Document:
        """Decide whether tags of a project publish; None leaves it to whether anything was published by hand."""
        path = f"/api/v1/projects/{project}/publish-on-tag"
        return self._answer("PUT", path, json={"publish_on_tag": wanted})

    def _change(self, version: str, verb: str, body: Any) -> Document:
        return self._answer("POST", f"{_VERSIONS}/{version}/{verb}", json=body)

    def _answer(self, method: str, path: str, **given: Any) -> Document:
        answer: Document = self.http.call(method, path, **given)
        return answer
