"""Bodies that are read raw: bounded while they arrive, whatever their headers claim."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import Request

from mlreef.kit.errors import Kind, PlatformError, invalid


async def read(request: Request, limit: int) -> bytes:
    """The whole body; raises `too_large` as soon as it is more than `limit` bytes."""
    announced = request.headers.get("content-length", "")
    content = bytearray()
    if announced.isdigit() and int(announced) > limit:
        raise PlatformError(Kind.TOO_LARGE, f"the body is larger than {limit} bytes")
    async for chunk in request.stream():
        content += chunk
        if len(content) > limit:
            raise PlatformError(Kind.TOO_LARGE, f"the body is larger than {limit} bytes")
    return bytes(content)


async def read_json(request: Request, limit: int) -> Any:
    """The body as a JSON document."""
    try:
        return msgspec.json.decode(await read(request, limit))
    except (msgspec.DecodeError, RecursionError) as exc:
        raise invalid(f"the body is no JSON document: {exc}") from exc
