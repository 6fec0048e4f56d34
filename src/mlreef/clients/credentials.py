"""With which right a request is made: one value, whatever form the credential has.

A credential is forwarded as it came and never written down; caches know it only by its fingerprint.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Credential:
    """Headers that authenticate a request; none for an anonymous visitor."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def anonymous(self) -> bool:
        """Whether it stands for nobody."""
        return not self.headers

    @property
    def fingerprint(self) -> str:
        """A key for caches that does not give the credential away."""
        hasher = hashlib.sha256()
        for name, value in sorted(self.headers.items()):
            # Lengths keep fields apart: without them two credentials could share a key.
            hasher.update(f"{len(name)}:{name}{len(value)}:{value}".encode())
        return hasher.hexdigest()


ANONYMOUS = Credential()


def pat(token: str) -> Credential:
    """A personal, project or group access token."""
    return Credential({"private-token": token})


def bearer(token: str) -> Credential:
    """An OAuth2 access token, or a personal one in the OAuth2 manner."""
    return Credential({"authorization": f"Bearer {token}"})


def job(token: str) -> Credential:
    """A CI job's own token."""
    return Credential({"job-token": token})


def session(cookie: str, *, csrf: str | None = None, origin: str | None = None) -> Credential:
    """A browser's session cookie, and for changes the CSRF token beside it."""
    headers = {"cookie": cookie}
    if csrf is not None:
        headers["x-csrf-token"] = csrf
    if origin is not None:
        headers["origin"] = origin
    return Credential(headers)
