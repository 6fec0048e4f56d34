"""Who may do what: bearer tokens of the forge, verified with its published keys.

Source: distribution "Token Authentication Specification"; claims as GitLab's `/jwt/auth` issues them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from mlreef.kit.errors import Kind, unavailable
from mlreef.registry.settings import Settings
from mlreef.registry.wire import RegistryError


class _Tokens(JWSRegistry):
    """Which signatures count. The header carries a certificate (`x5c`), so it is longer than joserfc expects."""

    max_header_length = 8192
    max_payload_length = 64_000


_REGISTRY = _Tokens(algorithms=["RS256", "ES256"])
_KEYS_SECONDS = 300.0
_LEEWAY = 10
_REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class Grant:
    """What a valid token says: who holds it, until when (seconds since 1970), and what it allows."""

    account: str
    until: float
    repositories: Mapping[str, frozenset[str]]
    is_administrator: bool
    """Holds `registry:catalog:*`, which the forge gives to administrators only."""

    def allows(self, repository: str, *actions: str) -> bool:
        """Whether every action is allowed on the repository."""
        granted = self.repositories.get(repository, frozenset())
        return "*" in granted or granted.issuperset(actions)


class TokenVerifier:
    """Checks signatures, audience and validity, and says which actions a token grants on a repository."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._settings = settings
        self._http = http
        self._keys: KeySet | None = None
        self._fetched = 0.0
        self._verified: dict[str, Grant] = {}

    def challenge(self, scope: str | None, *, known: bool = False) -> RegistryError:
        """The 401 that tells a client where to get a token, and for what; `known` callers hold one that is too weak."""
        parts = [f'Bearer realm="{self._settings.token_realm}"', f'service="{self._settings.token_service}"']
        if scope is not None:
            parts.append(f'scope="{scope}"')
        message = "authentication required"
        if known:
            parts.append('error="insufficient_scope"')
            message = f"the token does not grant {scope}"
        return RegistryError(Kind.UNAUTHENTICATED, "UNAUTHORIZED", message, www_authenticate=",".join(parts))

    async def verify(self, authorization: str | None) -> Grant | None:
        """What the caller's token grants; None when there is no valid token."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None
        token = token.strip()
        found = self._verified.get(token)
        if found is None:
            claims = await self._claims(token)
            found = None if claims is None else _grant(claims)
            if found is None:
                return None
            # One push sends the same token with hundreds of requests; a signature costs more than all else of a HEAD.
            while len(self._verified) >= _REMEMBERED:
                del self._verified[next(iter(self._verified))]
            self._verified[token] = found
        return found if found.until > time.time() - _LEEWAY else None

    async def _claims(self, token: str) -> dict[str, Any] | None:
        for refresh in (False, True):
            keys = await self._key_set(refresh=refresh)
            for key in keys.keys:
                try:
                    decoded = jwt.decode(token, key, registry=_REGISTRY)
                except (JoseError, ValueError):
                    continue
                return decoded.claims if self._acceptable(decoded.claims) else None
        return None

    def _acceptable(self, claims: dict[str, Any]) -> bool:
        now = time.time()
        audience = claims.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        issuer = self._settings.token_issuer
        return (
            self._settings.token_service in named
            and (not issuer or claims.get("iss") == issuer)
            and _instant(claims.get("exp")) > now - _LEEWAY
            and _instant(claims.get("nbf")) < now + _LEEWAY
        )

    async def _key_set(self, *, refresh: bool) -> KeySet:
        # A refresh is asked for by any token with a foreign signature: once in ten seconds is enough.
        age = time.monotonic() - self._fetched
        if self._keys is not None and age < (10.0 if refresh else _KEYS_SECONDS):
            return self._keys
        try:
            answer = await self._http.get(self._settings.jwks_url)
            answer.raise_for_status()
            self._keys = KeySet.import_key_set(answer.json())
        except (httpx.HTTPError, ValueError, JoseError) as exc:
            raise unavailable(f"the forge's keys at {self._settings.jwks_url} cannot be read: {exc}") from exc
        self._fetched = time.monotonic()
        # A key that was withdrawn takes its tokens along.
        self._verified.clear()
        return self._keys


def _grant(claims: dict[str, Any]) -> Grant:
    allowed: dict[str, set[str]] = {}
    is_administrator = False
    entries = claims.get("access")
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict):
            continue
        name, actions = str(entry.get("name")), {str(one) for one in entry.get("actions") or []}
        if entry.get("type") == "repository":
            allowed.setdefault(name, set()).update(actions)
        elif entry.get("type") == "registry" and name == "catalog" and "*" in actions:
            is_administrator = True
    granted = {name: frozenset(actions) for name, actions in allowed.items()}
    return Grant(str(claims.get("sub") or ""), _instant(claims.get("exp")), granted, is_administrator)


def _instant(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
