"""Connections of a job's proxy to the servers it may reach: kept for the next request, made only to allowed addresses.

Origins that the operator or the forge vouches for are reached by name. Where a job's network is open, any other name
is resolved here, every address must be a public one, and the connection goes to the very address that was looked at:
a name that answers differently the second time gains nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

import psutil

from mlreef.runner import framing
from mlreef.runner.origins import Origin

_CONNECT_SECONDS = 20.0
_IDLE_SECONDS = 3.0  # servers close idle connections after five
_MOST_IDLE = 16
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]


class Forbidden(Exception):
    """The job may not reach this server; the text says why."""


class Unreachable(Exception):
    """The server does not answer."""


@dataclass(slots=True)
class Upstream:
    """One connection to a server."""

    source: framing.Source
    writer: asyncio.StreamWriter
    reused: bool = False
    since: float = 0.0

    @property
    def dead(self) -> bool:
        """Whether the server has closed it, or said something nobody asked for."""
        return self.source.ended or self.source.ahead or self.writer.is_closing()


@dataclass(frozen=True, slots=True)
class Policy:
    """Which servers a job may reach."""

    origins: frozenset[Origin]
    hosts: frozenset[str] = frozenset()
    """Reached on the web's ports only: package indexes."""
    public: bool = False
    """Whether every public address may be reached: the job's network is open."""

    def check(self, found: Origin, *, tunnel: bool) -> bool:
        """Whether the origin is vouched for; raises Forbidden when it is neither that nor perhaps a public one."""
        scheme, host, port = found
        if host in self.hosts and port in {80, 443}:
            return True
        if (found if not tunnel else ("https", host, port)) in self.origins and (tunnel or scheme == "http"):
            return True
        if self.public:
            return False
        raise Forbidden("this job may not reach it")


@dataclass(slots=True)
class Upstreams:
    """The connections of one job's proxy."""

    policy: Policy
    resolve: Resolve | None = None
    """From a name and port to addresses; the system's by default."""
    _idle: dict[Origin, list[Upstream]] = field(default_factory=dict)

    async def take(self, found: Origin) -> Upstream:
        """A connection for one request; an idle one if there is."""
        vouched = self.policy.check(found, tunnel=False)
        now = asyncio.get_running_loop().time()
        idle = self._idle.get(found, [])
        while idle:
            one = idle.pop()
            if one.dead or now - one.since > _IDLE_SECONDS:
                one.writer.close()
                continue
            one.reused = True
            return one
        return await self._connect(found, vouched=vouched)

    async def tunnel(self, found: Origin) -> Upstream:
        """A new connection for bytes that are not looked at."""
        return await self._connect(found, vouched=self.policy.check(found, tunnel=True))

    async def fresh(self, found: Origin) -> Upstream:
        """A new connection for a request."""
        return await self._connect(found, vouched=self.policy.check(found, tunnel=False))

    def give(self, found: Origin, one: Upstream) -> None:
        """Keep a connection for the next request."""
        idle = self._idle.setdefault(found, [])
        if one.dead or len(idle) >= _MOST_IDLE:
            one.writer.close()
            return
        one.since = asyncio.get_running_loop().time()
        idle.append(one)

    def close(self) -> None:
        """Let go of all idle connections."""
        for idle in self._idle.values():
            for one in idle:
                one.writer.close()
        self._idle.clear()

    async def _connect(self, found: Origin, *, vouched: bool) -> Upstream:
        _, host, port = found
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                targets = [host] if vouched else await self._public_addresses(host, port)
                return await _open_first(targets, port)
        except (OSError, TimeoutError) as exc:
            raise Unreachable(f"{host}:{port} cannot be reached: {exc or 'no answer'}") from exc

    async def _public_addresses(self, host: str, port: int) -> list[str]:
        found = await (self.resolve or _resolve)(host, port)
        own = _own_addresses() | await self._platform_addresses()
        for text in found:
            reason = refusal(text, own)
            if reason:
                raise Forbidden(f"it is {reason}")
        return found

    async def _platform_addresses(self) -> set[Address]:
        """Where the platform itself lives: reached by its origins only, never by a side door."""
        found: set[Address] = set()
        for _, host, port in self.policy.origins:
            try:
                found |= {_plain(text) for text in await (self.resolve or _resolve)(host, port)}
            except OSError:
                continue
        return found


def refusal(text: str, own: Iterable[Address]) -> str:
    """Why an address is none a job with an open network may reach; empty when it is a public one."""
    address = _plain(text)
    if address in set(own):
        return "an address of the platform or of this machine"
    if not address.is_global or address.is_multicast:
        return "not a public address"
    return ""


def _plain(text: str) -> Address:
    """The address itself, where another form carries it (RFC 4291, 3056 and 6052)."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is not None:
            return inner
        if address in _NAT64:
            return ipaddress.IPv4Address(address.packed[-4:])
        if address.packed[:12] == bytes(12) and address.packed[12:] != b"\0\0\0\1":
            return ipaddress.IPv4Address(address.packed[-4:])
    return address


async def _resolve(host: str, port: int) -> list[str]:
    rows = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


def _own_addresses() -> set[Address]:
    rows = [row for rows in psutil.net_if_addrs().values() for row in rows]
    return {_plain(row.address) for row in rows if row.family in {socket.AF_INET, socket.AF_INET6}}


async def _open_first(targets: list[str], port: int) -> Upstream:
    failure: OSError = OSError("the name has no address")
    for target in targets:
        try:
            reader, writer = await asyncio.open_connection(target, port)
        except OSError as exc:
            failure = exc
            continue
        return Upstream(framing.Source(reader), writer)
    raise failure
