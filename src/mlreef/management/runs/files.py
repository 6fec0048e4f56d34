"""Bytes of stored files, streamed from the LFS store of the forge.

Source: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md. Which file a caller may read is decided
before; a content hash alone opens nothing, since the store is asked for one project's objects.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx

from mlreef.kit.errors import PlatformError, not_found, unavailable
from mlreef.management.settings import Settings

_LFS = "application/vnd.git-lfs+json"
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Stored:
    """An object of a project's LFS store."""

    project_path: str
    oid: str
    size: int


async def opened(http: httpx.AsyncClient, settings: Settings, stored: Stored) -> AsyncIterator[bytes]:
    """The object's bytes as they arrive; raises before the first byte when there are none to be had."""
    action = await _download(http, settings, stored)
    href = _inside(action["href"], settings)
    # The forge may point to an object store elsewhere, which is not to learn our credential.
    own = _authorization(settings) if href.startswith(f"{settings.forge_url}/") else {}
    headers = _without_length({**own, **action.get("header", {})})
    request = http.build_request("GET", href, headers=headers)
    try:
        answer = await http.send(request, stream=True)
    except httpx.HTTPError as exc:
        raise unavailable(f"the forge's LFS store does not answer: {type(exc).__name__}") from exc
    if answer.status_code != 200:
        await answer.aclose()
        raise _refused(answer.status_code)
    return _chunks(answer)


def _inside(href: str, settings: Settings) -> str:
    # The forge names itself as jobs see it; here it may have another address.
    public = settings.public_forge_url
    return settings.forge_url + href.removeprefix(public) if href.startswith(f"{public}/") else href


def _without_length(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in {"transfer-encoding", "content-type"}}


async def _chunks(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.aiter_bytes(CHUNK):
            yield chunk
    finally:
        await answer.aclose()


async def _download(http: httpx.AsyncClient, settings: Settings, stored: Stored) -> dict[str, Any]:
    url = f"{settings.forge_url}/{stored.project_path}.git/info/lfs/objects/batch"
    body = {"operation": "download", "transfers": ["basic"], "objects": [{"oid": stored.oid, "size": stored.size}]}
    headers = {"accept": _LFS, "content-type": _LFS, **_authorization(settings)}
    try:
        answer = await http.post(url, json=body, headers=headers)
        if answer.status_code != 200:
            raise _refused(answer.status_code)
        found = answer.json()["objects"][0]
        action: dict[str, Any] = found["actions"]["download"]
    except httpx.HTTPError as exc:
        raise unavailable(f"the forge's LFS store does not answer: {type(exc).__name__}") from exc
    except (ValueError, KeyError, IndexError, TypeError) as exc:
        raise not_found("File content") from exc
    return action


def _authorization(settings: Settings) -> dict[str, str]:
    given = base64.b64encode(f"mlreef-bot:{settings.service_token}".encode()).decode()
    return {"authorization": f"Basic {given}"}


def _refused(status: int) -> PlatformError:
    if status in {401, 403, 404}:
        return not_found("File content")
    return unavailable(f"the forge's LFS store answered {status}")
