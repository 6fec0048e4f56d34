"""CI configuration for the forge, the framework for jobs, addresses for clients. All public: nothing here is secret.

A run's configuration is found only by the capability token in its URL.
"""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request, Response

from mlreef import __version__
from mlreef.extraction import manifest
from mlreef.kit.errors import not_found
from mlreef.management.access import guards
from mlreef.management.definitions import yaml_form
from mlreef.management.serving import store

router = APIRouter(tags=["serving"])
PUBLIC = {"policy": "public"}
_YAML = "application/yaml; charset=utf-8"


@router.get("/api/v1/ci/config.yml", openapi_extra=PUBLIC)
async def ci_config(state: guards.Resources) -> Response:
    """What connected projects have as `ci_config_path`."""
    remote = f"{state.settings.external_url}/api/v1/ci/runs/$MLREEF_CONFIG.yml"
    local = {"if": "$MLREEF_CONFIG == null", "exists": [".gitlab-ci.yml"]}
    include = [
        {"remote": remote, "rules": [{"if": "$MLREEF_CONFIG"}]},
        {"local": ".gitlab-ci.yml", "rules": [local]},
    ]
    return Response(yaml_form.dump({"include": include}), media_type=_YAML)


@router.get("/api/v1/ci/runs/{token}.yml", openapi_extra=PUBLIC)
async def ci_run(token: str, state: guards.Resources) -> Response:
    """The CI configuration of one run or publication."""
    async with state.db.read() as tx:
        found = await store.find_config(tx, token)
    if found is None:
        raise not_found("CI configuration")
    return Response(found, media_type=_YAML, headers={"cache-control": "no-store"})


@router.head("/api/v1/epf.pyz", openapi_extra=PUBLIC, include_in_schema=False)
@router.get("/api/v1/epf.pyz", openapi_extra=PUBLIC)
async def epf(request: Request, state: guards.Resources) -> Response:
    """The framework that jobs run."""
    framework = state.framework.required()
    headers = {"etag": f'"{framework.sha256}"', "x-content-type-options": "nosniff"}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    return Response(framework.content, media_type="application/zip", headers=headers)


@router.get("/api/v1/schemas/processor.json", openapi_extra=PUBLIC)
async def processor_schema(state: guards.Resources) -> Response:
    """The JSON schema of `processor.yaml`, for editors and checks elsewhere."""
    url = f"{state.settings.external_url}/api/v1/schemas/processor.json"
    content = json.dumps(manifest.schema(url), indent=2) + "\n"
    return Response(content, media_type="application/schema+json", headers={"access-control-allow-origin": "*"})


@router.get("/api/v1/server", openapi_extra=PUBLIC)
async def server(state: guards.Resources) -> dict[str, Any]:
    """Where the parts of this installation are."""
    settings = state.settings
    return {
        "version": __version__,
        "url": settings.external_url,
        "forge_url": settings.public_forge_url,
        "registry_url": settings.public_registry_url,
        "registry_host": settings.image_host,
        "epf_sha256": state.framework.sha256,
    }
