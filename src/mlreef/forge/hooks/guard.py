"""Which addresses the server may speak to on a user's behalf (server-side request forgery).

A URL below an operator's prefix is trusted. Any other is resolved here, every address is checked, and the connection
goes to the checked address itself, so that a second look-up cannot answer differently (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from mlreef.kit.errors import Kind, PlatformError

_PORTS = {"http": 80, "https": 443}
_DOTS = re.compile(r"(^|/)(\.|%2e){1,2}(/|$)", re.IGNORECASE)


class Refused(PlatformError):
    """The URL may not be spoken to."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(Kind.INVALID, f"URL is blocked: {why}")
        self.url = url


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart, its host resolved and checked."""

    url: str
    host: str
    port: int
    address: str


def parse(url: str) -> tuple[str, str, int, str]:
    """Scheme, host, port and path of an acceptable http(s) URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise Refused(url, "it is not a valid URL") from exc
    if parts.scheme not in _PORTS:
        raise Refused(url, "only http and https are allowed")
    if not parts.hostname or parts.username is not None or parts.password is not None:
        raise Refused(url, "a host is needed, and no user name or password")
    if any(ord(char) <= 32 or char in "\\\x7f" for char in url):
        raise Refused(url, "it contains control characters, blanks or backslashes")
    return parts.scheme, parts.hostname.lower().rstrip("."), port or _PORTS[parts.scheme], parts.path or "/"


def trusted(url: str, prefixes: Iterable[str]) -> bool:
    """Whether the URL lies below one of the operator's prefixes: same scheme, host and port, path segment-wise."""
    scheme, host, port, path = parse(url)
    if _DOTS.search(path):
        return False
    for prefix in prefixes:
        start = parse(prefix)
        base = start[3] if start[3].endswith("/") else start[3] + "/"
        if start[:3] == (scheme, host, port) and (path + "/").startswith(base):
            return True
    return False


async def resolve(url: str) -> Target:
    """Resolve and check an untrusted URL; raises Refused when any of its addresses is not public."""
    _scheme, host, port, _path = parse(url)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise Refused(url, f"the host {host} cannot be resolved") from exc
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not is_public(address):
            raise Refused(url, f"requests to the local network are not allowed ({host})")
    if not addresses:
        raise Refused(url, f"the host {host} has no address")
    return Target(url, host, port, addresses[0])


def is_public(address: str) -> bool:
    """Whether an address belongs to the public internet."""
    parsed = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if inner is not None:
            return is_public(str(inner))
        if parsed in ipaddress.ip_network("64:ff9b::/96"):  # NAT64 carries IPv4 in its last 32 bits
            return is_public(str(ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)))
    return parsed.is_global and not parsed.is_multicast
