"""Short-lived proofs that a batch request allowed one transfer: an HMAC over length-prefixed fields.

A ticket says who may do what with which object; whether that person still may is asked again when it is used.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path

from mlreef.kit import secret_files

USER = "lfs"
SECONDS = 1800

_PREFIX = "glpt-lfs."
_MAC_BYTES = 32


@dataclass(frozen=True, slots=True)
class Ticket:
    """One transfer that was allowed; `user_id` 0 is an anonymous reader."""

    operation: str
    project_id: int
    user_id: int
    oid: str
    size: int
    expires: int


def load_secret(directory: Path) -> bytes:
    """The key of this installation, made at the first start; several processes agree on the first one's."""
    path = directory / "lfs-tickets.key"
    if not path.exists():
        secret_files.make(path, secrets.token_bytes(32))
    return path.read_bytes()


def _message(ticket: Ticket) -> bytes:
    fields = ("mlreef-lfs-1", ticket.operation, ticket.project_id, ticket.user_id, ticket.oid, ticket.size)
    out = bytearray()
    for field in (*fields, ticket.expires):
        raw = str(field).encode()
        out += len(raw).to_bytes(4, "big") + raw
    return bytes(out)


def issue(secret: bytes, ticket: Ticket) -> str:
    """The ticket as an `Authorization` header."""
    mac = hmac.new(secret, _message(ticket), hashlib.sha256).digest()
    body = f"{ticket.project_id}.{ticket.user_id}.{ticket.expires}.{base64.urlsafe_b64encode(mac).decode()}"
    return "Basic " + base64.b64encode(f"{USER}:{_PREFIX}{body}".encode()).decode()


def find_ticket(secret: bytes, header: str | None, *, operation: str, oid: str, size: int, now: int) -> Ticket | None:
    """The valid ticket in an `Authorization` header for this transfer, or None; its project is for callers to check."""
    body = _body(header)
    if body is None:
        return None
    try:
        project, user, expires, encoded = body.split(".")
        ticket = Ticket(operation, int(project), int(user), oid, size, int(expires))
        mac = base64.urlsafe_b64decode(encoded)
    except (ValueError, binascii.Error):
        return None
    expected = hmac.new(secret, _message(ticket), hashlib.sha256).digest()
    if len(mac) != _MAC_BYTES or not hmac.compare_digest(mac, expected) or ticket.expires < now:
        return None
    return ticket


def _body(header: str | None) -> str | None:
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        return None
    return password.removeprefix(_PREFIX) if user == USER and password.startswith(_PREFIX) else None
