"""HTTP of signing keys: what runners and people verify images with."""

from __future__ import annotations

from fastapi import APIRouter, Response

from mlreef.management.access import guards
from mlreef.management.attestations import service

router = APIRouter(prefix="/api/v1", tags=["attestations"])


@router.get("/keys/signing", openapi_extra={"policy": "public"})
async def get_signing_keys(state: guards.Resources) -> Response:
    """The public keys that vouch for images, as PEM: the one in use first, then its predecessors."""
    return Response(service.desk(state).signer.public_pem, media_type="application/x-pem-file")
