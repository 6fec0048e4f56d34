"""Who may do what: bearer tokens of the forge, verified with its published keys.

Source: distribution "Token Authentication Specification"; claims as GitLab's `/jwt/auth` issues them.
"""

from __future__ import annotations

import time
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


class TokenVerifier:
    """Checks signatures, audience and validity, and says which actions a token grants on a repository."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._settings = settings
        self._http = http
        self._keys: KeySet | None = None
        self._fetched = 0.0

    def challenge(self, scope: str | None) -> RegistryError:
        """The 401 that tells a client where to get a token, and for what."""
        parts = [f'Bearer realm="{self._settings.token_realm}"', f'service="{self._settings.token_service}"']
        if scope is not None:
            parts.append(f'scope="{scope}"')
        return RegistryError(
            Kind.UNAUTHENTICATED, "UNAUTHORIZED", "authentication required", www_authenticate=",".join(parts)
        )

    async def granted(self, authorization: str | None, repository: str | None) -> frozenset[str] | None:
        """Actions granted on `repository` (empty when the token names none), None when there is no valid token."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None
        claims = await self._claims(token.strip())
        if claims is None:
            return None
        actions: set[str] = set()
        for entry in claims.get("access") or []:
            if entry.get("type") == "repository" and entry.get("name") == repository:
                actions.update(entry.get("actions") or [])
        return frozenset(actions)

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
        now, leeway = time.time(), 10
        audience = claims.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        issuer = self._settings.token_issuer
        return (
            self._settings.token_service in named
            and (not issuer or claims.get("iss") == issuer)
            and float(claims.get("exp", 0)) > now - leeway
            and float(claims.get("nbf", 0)) < now + leeway
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
        return self._keys
