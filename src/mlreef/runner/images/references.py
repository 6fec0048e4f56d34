"""Image names: `host/path[:tag][@digest]`, and how its registry is spoken to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from mlreef.kit.errors import invalid

_PATH = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HUB = "registry-1.docker.io"


@dataclass(frozen=True, slots=True)
class Reference:
    """One image at one registry."""

    host: str
    path: str
    tag: str
    digest: str | None

    @property
    def wanted(self) -> str:
        """What to ask the registry for: the digest when there is one."""
        return self.digest or self.tag

    def __str__(self) -> str:
        return f"{self.host}/{self.path}" + (f"@{self.digest}" if self.digest else f":{self.tag}")


def parse(name: str) -> Reference:
    """Read an image name; short names belong to the public hub, as with every container tool."""
    rest, _, digest = name.partition("@")
    first, slash, path = rest.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        host = first
    else:
        host, path = _HUB, rest if slash else f"library/{rest}"
    path, _, tag = path.partition(":")
    tag = tag or "latest"
    if not _PATH.fullmatch(path) or not _TAG.fullmatch(tag) or (digest and not _DIGEST.fullmatch(digest)):
        raise invalid(f"{name!r} is not an image name: write host/path:tag or host/path@sha256:...")
    if not re.fullmatch(r"[A-Za-z0-9.-]+(?::\d{1,5})?|\[[0-9a-fA-F:]+\](?::\d{1,5})?", host):
        raise invalid(f"{name!r} names no valid registry host")
    return Reference(host, path, tag, digest or None)


def base_url(host: str, *, known: Sequence[str], insecure: Sequence[str]) -> str:
    """The registry's base URL: http for loopback, listed hosts and where a known origin of that host is http."""
    for origin in known:
        parts = urlsplit(origin)
        if parts.netloc == host:
            return f"{parts.scheme}://{host}"
    bare = host.rsplit(":", 1)[0] if not host.startswith("[") else host.partition("]")[0] + "]"
    loopback = bare in {"localhost", "[::1]"} or bare.startswith("127.")
    return f"{'http' if loopback or host in insecure else 'https'}://{host}"
