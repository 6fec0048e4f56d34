"""The pipeline framework (EPF) jobs of steps run: fetched once per digest and shown to every job read-only."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from pathlib import Path

import httpx

from mlreef.runner.origins import Origin, same_origin

_DIGEST = re.compile(r"[0-9a-f]{64}")
_MAX_BYTES = 64 << 20


class Framework:
    """A directory of `<sha256>.pyz` files."""

    def __init__(self, directory: Path, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._directory = directory
        self._lock = asyncio.Lock()
        self._http = httpx.AsyncClient(transport=transport, timeout=30.0, trust_env=False)
        directory.mkdir(parents=True, exist_ok=True)

    async def close(self) -> None:
        """Close connections."""
        await self._http.aclose()

    async def find(self, url: str | None, digest: str | None, allowed: frozenset[Origin]) -> tuple[Path | None, str]:
        """The file with that digest, or None and why; the job then fetches it itself, if it can."""
        if not url or not digest:
            return None, ""
        if not _DIGEST.fullmatch(digest):
            return None, "MLREEF_EPF_SHA256 is not a SHA-256"
        path = self._directory / f"{digest}.pyz"
        async with self._lock:
            if path.is_file():
                return path, ""
            if not same_origin(url, allowed):
                return None, f"{url} is not at an origin this runner trusts (MLREEF_RUNNER_ALLOWED_ORIGINS)"
            return await self._fetch(url, digest, path)

    async def _fetch(self, url: str, digest: str, path: Path) -> tuple[Path | None, str]:
        problem, pause = "", 0.5
        for _ in range(6):
            try:
                data = await self._get(url)
            except httpx.HTTPError as exc:
                problem = f"{url}: {type(exc).__name__}: {exc}"
                await asyncio.sleep(pause)
                pause *= 2
                continue
            if hashlib.sha256(data).hexdigest() != digest:
                return None, f"{url} has another digest than {digest}"
            temporary = path.with_name(f".{secrets.token_hex(8)}")
            temporary.write_bytes(data)
            temporary.chmod(0o644)
            temporary.rename(path)
            return path, ""
        return None, problem

    async def _get(self, url: str) -> bytes:
        data = b""
        async with self._http.stream("GET", url) as answer:
            answer.raise_for_status()
            async for piece in answer.aiter_bytes():
                data += piece
                if len(data) > _MAX_BYTES:
                    raise httpx.HTTPError("larger than a framework can be")
        return data
