"""CI jobs: known by the OIDC `id_token` that the forge signed for them, and by nothing they say themselves.

Source: GitLab "OpenID Connect (OIDC) Authentication Using ID Tokens"; keys at `/oauth/discovery/keys`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import httpx
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet

from mlreef.kit.errors import unauthenticated, unavailable
from mlreef.management.settings import Settings

_ALGORITHMS = ["RS256", "ES256"]
_KEYS_SECONDS = 300.0
_RETRY_SECONDS = 10.0
_LEEWAY = 30


@dataclass(frozen=True, slots=True)
class JobIdentity:
    """What the forge says of a job."""

    project_id: int
    project_path: str
    pipeline_id: int
    job_id: int
    user_id: int
    username: str
    ref: str
    sha: str


class JobVerifier:
    """Checks signature, audience, issuer and validity."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._settings = settings
        self._http = http
        self._keys: KeySet | None = None
        self._fetched = 0.0

    async def identify(self, authorization: str | None) -> JobIdentity:
        """The job behind an Authorization header; raises `unauthenticated`."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise unauthenticated("jobs bring the id_token of the forge: Authorization: Bearer $MLREEF_ID_TOKEN")
        claims = await self._claims(token.strip())
        try:
            return JobIdentity(
                project_id=int(claims["project_id"]),
                project_path=str(claims["project_path"]),
                pipeline_id=int(claims["pipeline_id"]),
                job_id=int(claims["job_id"]),
                user_id=int(claims["user_id"]),
                username=str(claims.get("user_login", "")),
                ref=str(claims.get("ref", "")),
                sha=str(claims.get("sha", "")),
            )
        except (KeyError, TypeError, ValueError):
            raise unauthenticated("the token is none of a CI job") from None

    async def _claims(self, token: str) -> dict[str, Any]:
        try:
            key_id = jws.extract_compact(token.encode()).headers().get("kid")
        except (JoseError, ValueError) as exc:
            raise unauthenticated("the token is not a signed one") from exc
        for refresh in (False, True):
            for key in _candidates(await self._key_set(refresh=refresh), key_id):
                try:
                    claims = jwt.decode(token, key, algorithms=_ALGORITHMS).claims
                except (JoseError, ValueError):
                    continue
                self._check(claims)
                return claims
        raise unauthenticated("the token is not signed by the forge")

    def _check(self, claims: dict[str, Any]) -> None:
        now = time.time()
        audience = claims.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        if self._settings.external_url not in [str(one).rstrip("/") for one in named]:
            raise unauthenticated("the token is for another service")
        if str(claims.get("iss", "")).rstrip("/") != self._settings.public_forge_url:
            raise unauthenticated("the token comes from another forge")
        if not _number(claims.get("exp")) > now - _LEEWAY or _number(claims.get("nbf"), now) > now + _LEEWAY:
            raise unauthenticated("the token is not valid now; its job may be over")

    async def _key_set(self, *, refresh: bool) -> KeySet:
        # A refresh is asked for by any token with a foreign signature, so it is limited.
        age = time.monotonic() - self._fetched
        if self._keys is not None and age < (_RETRY_SECONDS if refresh else _KEYS_SECONDS):
            return self._keys
        url = f"{self._settings.forge_url}/oauth/discovery/keys"
        try:
            answer = await self._http.get(url)
            answer.raise_for_status()
            self._keys = KeySet.import_key_set(answer.json())
        except (httpx.HTTPError, ValueError, JoseError) as exc:
            raise unavailable(f"the forge's keys at {url} cannot be read: {type(exc).__name__}") from exc
        self._fetched = time.monotonic()
        return self._keys


def _candidates(keys: KeySet, key_id: object) -> list[Key]:
    named = [key for key in keys.keys if key.kid == key_id]
    return named or list(keys.keys)


def _number(value: object, default: float = 0.0) -> float:
    return float(value) if isinstance(value, (int, float)) else default
