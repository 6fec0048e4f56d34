"""The instance's signing key: ECDSA P-256, made once, readable by its owner alone.

Its public half lies beside it and is what runners trust. Earlier public keys stay listed until nothing that they
signed is used any more (docs/operations.md, "Signing keys").
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from mlreef.kit import secret_files
from mlreef.kit.errors import unavailable
from mlreef.management.settings import Settings

_Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class Signer:
    """Signs with one key; `public_pem` is the key and its predecessors."""

    def __init__(self, key: _Private, earlier: Sequence[str] = ()) -> None:
        self._key = key
        public = key.public_key()
        own = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        shape = serialization.PublicFormat.SubjectPublicKeyInfo
        self.key_id = hashlib.sha256(public.public_bytes(serialization.Encoding.DER, shape)).hexdigest()
        self.own_pem = own.decode()
        self.public_pem = "".join([self.own_pem, *(text.strip() + "\n" for text in earlier)])

    def sign(self, content: bytes) -> str:
        """The signature of some bytes, as base64 (ECDSA with SHA-256 in DER, or Ed25519: what cosign verifies)."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return base64.b64encode(self._key.sign(content)).decode()
        return base64.b64encode(self._key.sign(content, ec.ECDSA(hashes.SHA256()))).decode()


def open_signer(settings: Settings) -> Signer:
    """The signer of this instance; its key is made when there is none yet."""
    path = settings.signing_key_path
    if path is None:
        raise unavailable("nothing can be signed: set MLREEF_MANAGEMENT_SIGNING_KEY_FILE")
    try:
        if not path.exists():
            secret_files.make(path, _new_key())
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        earlier = [one.read_text() for one in settings.signing_earlier_keys]
    except (OSError, ValueError) as exc:
        raise unavailable(f"the signing key {path} cannot be read: {exc}") from exc
    if not isinstance(key, _Private):
        raise unavailable(f"the signing key {path} is neither ECDSA nor Ed25519")
    signer = Signer(key, earlier)
    _show(path.with_suffix(".pub"), signer.public_pem)
    return signer


def _new_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _show(path: Path, text: str) -> None:
    if path.is_file() and path.read_text() == text:
        return
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    temporary.write_text(text)
    temporary.replace(path)
