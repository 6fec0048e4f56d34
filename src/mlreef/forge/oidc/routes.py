"""OpenID discovery, the public keys, and the registry's token endpoint.

Sources: OpenID Connect Discovery 1.0; distribution "Token Authentication Specification" as GitLab's `/jwt/auth`
implements it.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from mlreef.forge import state as states
from mlreef.forge.access import identify
from mlreef.forge.access.principal import Principal
from mlreef.forge.oidc import service
from mlreef.kit.errors import Kind, PlatformError

router = APIRouter(tags=["OpenID and registry tokens"])

PUBLIC = {"policy": "public"}
SECRET = {"policy": "secret"}

_CLAIMS = [
    "iss", "sub", "aud", "exp", "iat", "nbf", "jti", "project_id", "project_path", "namespace_id", "namespace_path",
    "user_id", "user_login", "user_email", "pipeline_id", "pipeline_source", "job_id", "ref", "ref_type",
    "ref_protected", "runner_id", "sha",
]  # fmt: skip


@router.get("/.well-known/openid-configuration", openapi_extra=PUBLIC)
async def discovery(request: Request) -> JSONResponse:
    """Where the keys are and what identity tokens hold.

    Tokens go to CI jobs only, so there are no endpoints to log in at and no grants; the keys that OpenID requires of
    every document stay, with what is true here.
    """
    base = states.of(request).settings.external_url
    return JSONResponse({
        "issuer": base,
        "jwks_uri": f"{base}/oauth/discovery/keys",
        "response_types_supported": ["id_token"],
        "grant_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claim_types_supported": ["normal"],
        "claims_supported": _CLAIMS,
    })  # fmt: skip


@router.get("/oauth/discovery/keys", openapi_extra=PUBLIC)
async def keys(request: Request) -> JSONResponse:
    """The public keys that tokens are verified with."""
    return JSONResponse(states.of(request).key.jwks, headers={"cache-control": "public, max-age=60"})


@router.get("/jwt/auth", openapi_extra=SECRET)
async def registry_token(request: Request) -> JSONResponse:
    """A registry token for the scopes asked for, with the actions that the caller may do.

    The credential is checked here, not in front, because registries' clients need errors in their own form.
    """
    state = states.of(request)
    service_name = request.query_params.get("service")
    if service_name != state.settings.token_service:
        return _refused(404, "UNAVAILABLE", f"this endpoint serves {state.settings.token_service}")
    try:
        who = await identify.caller(state, request, basic=True)
    except PlatformError as exc:
        if exc.kind is Kind.RATE_LIMITED:
            raise
        return _refused(401, "UNAUTHORIZED", "HTTP Basic: Access denied. Use a personal access token or a password.")
    if who.blocked:
        return _refused(401, "UNAUTHORIZED", "the account has been blocked")
    scopes = service.parse(request.query_params.getlist("scope"))
    if who.anonymous and not scopes:
        return _refused(403, "DENIED", "access forbidden")
    return await _granted(request, who, scopes)


async def _granted(request: Request, who: Principal, scopes: list[service.Wanted]) -> JSONResponse:
    state = states.of(request)
    async with state.db.read() as tx:
        granted = await service.access(tx, who, scopes)
    answer: dict[str, Any] = service.token(state.key, state.settings, who, granted)
    return JSONResponse(answer, headers={"cache-control": "no-store"})


def _refused(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"errors": [{"code": code, "message": message}]}, status_code=status)
