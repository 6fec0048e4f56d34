"""The RSA key that signs the forge's tokens: made at the first start, kept in the secrets directory.

Its id is the libtrust fingerprint, and a self-signed certificate goes into `x5c`: registries of the distribution
family find their trusted key by the one or the other.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import RSAKey

from mlreef.kit import secret_files
from mlreef.kit.errors import invalid

_KEY_FILE, _CERTIFICATE_FILE = "signing-key.pem", "signing-certificate.pem"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """Signs claims; `jwks` is what verifiers are given."""

    key: RSAKey
    key_id: str
    certificate: str
    """Base64 of the DER form, as in `x5c`."""

    @classmethod
    def load(cls, directory: Path) -> SigningKey:
        """The key of a secrets directory, made when there is none."""
        if not (directory / _KEY_FILE).exists():
            secret_files.make(directory / _KEY_FILE, _new_key())
        # Our own file: proving its numbers prime again would cost every start 40 ms.
        pem = (directory / _KEY_FILE).read_bytes()
        private = serialization.load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(private, rsa.RSAPrivateKey):
            raise invalid(f"{directory / _KEY_FILE} holds no RSA key; remove it to have a new one made")
        if not (directory / _CERTIFICATE_FILE).exists():
            secret_files.make(directory / _CERTIFICATE_FILE, _certificate(private))
        certificate = x509.load_pem_x509_certificate((directory / _CERTIFICATE_FILE).read_bytes())
        return cls(
            RSAKey(private, private),
            _fingerprint(private),
            base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode(),
        )

    @property
    def jwks(self) -> dict[str, Any]:
        """The public key as a JSON Web Key Set."""
        public = {name: value for name, value in self.key.as_dict(private=False).items() if name in {"kty", "n", "e"}}
        return {"keys": [{**public, "kid": self.key_id, "use": "sig", "alg": "RS256", "x5c": [self.certificate]}]}

    def sign(self, claims: Mapping[str, Any], *, chain: bool = False) -> str:
        """A signed JSON Web Token; with `chain` it carries the certificate."""
        header: dict[str, Any] = {"alg": "RS256", "typ": "JWT", "kid": self.key_id}
        if chain:
            header["x5c"] = [self.certificate]
        return jwt.encode(header, dict(claims), self.key, algorithms=["RS256"])


def _new_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _certificate(key: rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mlreef-forge")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM)


def _fingerprint(key: rsa.RSAPrivateKey) -> str:
    """The libtrust key id: base32 of 240 bits of the SHA-256 of the public key, in groups of four."""
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    text = base64.b32encode(hashlib.sha256(der).digest()[:30]).decode()
    return ":".join(text[start : start + 4] for start in range(0, len(text), 4))
