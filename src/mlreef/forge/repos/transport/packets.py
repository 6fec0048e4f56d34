"""pkt-line framing (gitprotocol-common(5)): reading a push's commands, and what receive-pack answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from mlreef.kit.errors import Kind, PlatformError, invalid

FLUSH = b"0000"
MAX_COMMANDS = 10_000
MAX_HEAD_BYTES = 4 << 20
_MAX_PACKET = 65520


@dataclass(frozen=True, slots=True)
class Command:
    """One reference that a push wants moved."""

    before: str
    after: str
    ref: str


@dataclass(slots=True)
class Head:
    """The beginning of a push: what it wants, and the bytes read so far to hand to git."""

    commands: list[Command] = field(default_factory=list)
    capabilities: frozenset[str] = frozenset()
    options: tuple[str, ...] = ()
    raw: bytes = b""

    @property
    def sideband(self) -> bool:
        """Whether the client understands progress and messages beside the report."""
        return bool(self.capabilities & {"side-band", "side-band-64k"})

    @property
    def reports(self) -> bool:
        """Whether the client wants to hear what became of each reference."""
        return bool(self.capabilities & {"report-status", "report-status-v2"})


def encode(payload: bytes) -> bytes:
    """One packet."""
    return b"%04x" % (len(payload) + 4) + payload


class Reader:
    """Packets out of a stream of chunks."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = bytearray()
        self.raw = bytearray()
        """All packets read so far, as they came."""

    async def packet(self) -> bytes | None:
        """The next packet's payload, None for a flush packet; raises EOFError at a clean end."""
        if not await self._fill(4):
            if self._buffer:
                raise invalid("the request ends within a packet")
            raise EOFError
        try:
            length = int(bytes(self._buffer[:4]), 16)
        except ValueError:
            raise invalid("not a pkt-line: four hexadecimal digits are needed") from None
        if length in {0, 1, 2}:
            self._take(4)
            return None
        if not 4 <= length <= _MAX_PACKET + 4 or not await self._fill(length):
            raise invalid("the request ends within a packet")
        return self._take(length)[4:]

    async def rest(self) -> AsyncIterator[bytes]:
        """Everything after the packets read."""
        if self._buffer:
            yield bytes(self._buffer)
            self._buffer.clear()
        async for chunk in self._chunks:
            yield chunk

    async def _fill(self, size: int) -> bool:
        while len(self._buffer) < size:
            chunk = await anext(self._chunks, None)
            if chunk is None:
                return False
            self._buffer += chunk
        return True

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        self.raw += taken
        return taken


async def read_head(reader: Reader) -> Head:
    """The commands and push options of a push, as gitprotocol-pack(5) "Reference Update Request" writes them."""
    head = Head()
    try:
        while (packet := await reader.packet()) is not None:
            _read_command(head, packet)
            if len(reader.raw) > MAX_HEAD_BYTES or len(head.commands) > MAX_COMMANDS:
                raise PlatformError(Kind.TOO_LARGE, f"more than {MAX_COMMANDS} references in one push; push fewer")
        if "push-options" in head.capabilities and head.commands:
            head.options = tuple([option async for option in _options(reader)])
    except EOFError:
        if head.commands:
            raise invalid("the push ends before its list of references does") from None
    head.raw = bytes(reader.raw)
    return head


async def _options(reader: Reader) -> AsyncIterator[str]:
    while (packet := await reader.packet()) is not None:
        yield packet.decode(errors="replace").rstrip("\n")
        if len(reader.raw) > MAX_HEAD_BYTES:
            raise PlatformError(Kind.TOO_LARGE, "too many push options")


def _read_command(head: Head, packet: bytes) -> None:
    line, zero, capabilities = packet.rstrip(b"\n").partition(b"\x00")
    if zero and not head.commands:
        head.capabilities = frozenset(capabilities.decode(errors="replace").split())
    if line.startswith(b"shallow "):
        return
    if line.startswith(b"push-cert"):
        raise invalid("signed pushes are not supported; push without --signed")
    try:
        before, after, ref = line.decode().split(" ", 2)
    except ValueError:
        raise invalid("a command of the push is not '<old> <new> <reference>'") from None
    head.commands.append(Command(before, after, ref))


def rejection(head: Head, reasons: Sequence[tuple[str, str]], message: str) -> bytes:
    """A report that refuses every reference, with a message for the person pushing."""
    report = encode(b"unpack ok\n") + b"".join(encode(f"ng {ref} {why}\n".encode()) for ref, why in reasons) + FLUSH
    if not head.sideband:
        return report if head.reports else b""
    out = encode(b"\x02" + f"GitLab: {message}\n".encode()[:900])
    if head.reports:
        out += b"".join(encode(b"\x01" + report[at : at + 900]) for at in range(0, len(report), 900))
    return out + FLUSH


def accepted(report: bytes) -> set[str]:
    """The references that receive-pack says it moved; `report` is the demultiplexed report-status."""
    found, position = set(), 0
    while position + 4 <= len(report):
        length = int(report[position : position + 4], 16)
        line = report[position + 4 : position + length].decode(errors="replace").rstrip("\n")
        if line.startswith("ok "):
            found.add(line[3:])
        position += max(length, 4)
    return found


class Demultiplexer:
    """Splits receive-pack's answer into what may be forwarded at once and the report that must wait."""

    def __init__(self, *, sideband: bool) -> None:
        self._sideband = sideband
        self._buffer = bytearray()
        self.held = bytearray()
        """Bytes for the client that it must not see before everything is durable."""
        self.report = bytearray()

    def feed(self, data: bytes) -> bytes:
        """Take output of git; returns what may go to the client now."""
        if not self._sideband:
            self.held += data
            self.report += data
            return b""
        self._buffer += data
        ready = bytearray()
        while len(self._buffer) >= 4:
            length = max(4, int(bytes(self._buffer[:4]), 16))
            if len(self._buffer) < length:
                break
            packet = bytes(self._buffer[:length])
            del self._buffer[:length]
            self._sort(packet, ready)
        return bytes(ready)

    def _sort(self, packet: bytes, ready: bytearray) -> None:
        if packet == FLUSH or self.held or (packet[4:5] == b"\x01" and len(packet) > 5):
            self.held += packet
            if packet[4:5] == b"\x01":
                self.report += packet[5:]
        else:
            ready += packet
