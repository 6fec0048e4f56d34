"""Where configuration files come from: the repository at the pipeline's commit, and allow-listed URLs."""

from __future__ import annotations

from collections.abc import Collection

import httpx

from mlreef.forge.ci.config import document
from mlreef.forge.ci.config.errors import fault
from mlreef.forge.ci.context import Ci
from mlreef.forge.hooks import guard
from mlreef.kit.errors import PlatformError

TIMEOUT = 10.0
_WILD = frozenset("*?[")


class ProjectSources:
    """Configuration files for one project at one commit."""

    def __init__(self, ci: Ci, project_id: int, sha: str) -> None:
        self._ci = ci
        self._project_id = project_id
        self._sha = sha
        self._fetched: dict[str, bytes] = {}

    async def local(self, path: str) -> bytes | None:
        """A file of the repository."""
        return await self._ci.repositories.find_file(self._project_id, self._sha, path)

    async def present(self, globs: Collection[str]) -> frozenset[str]:
        """Paths for `exists`: single look-ups where there are no wildcards, the whole tree otherwise."""
        if any(_WILD & set(glob) for glob in globs):
            return await self._ci.repositories.paths(self._project_id, self._sha)
        found = [glob.lstrip("/") for glob in dict.fromkeys(globs) if await self.local(glob.lstrip("/")) is not None]
        return frozenset(found)

    async def remote(self, url: str, shown: str) -> bytes:
        """A file by URL, if it lies below a prefix the operator allows; redirects are not followed."""
        if url not in self._fetched:
            try:
                allowed = guard.trusted(url, self._ci.settings.remote_prefixes)
            except PlatformError:
                allowed = False
            if not allowed:
                raise fault(f"Remote file `{shown}` could not be fetched because its address is not allowed!")
            self._fetched[url] = await self._fetch(url, shown)
        return self._fetched[url]

    async def _fetch(self, url: str, shown: str) -> bytes:
        body = b""
        try:
            request = self._ci.http.build_request("GET", url, timeout=TIMEOUT)
            response = await self._ci.http.send(request, stream=True, follow_redirects=False)
            try:
                if response.status_code != 200:
                    code = response.status_code
                    raise fault(f"Remote file `{shown}` could not be fetched because of HTTP code `{code}`!")
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > document.MAX_BYTES:
                        raise fault(f"Remote file `{shown}` is larger than {document.MAX_BYTES} bytes!")
            finally:
                await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as exc:
            raise fault(f"Remote file `{shown}` could not be fetched: {type(exc).__name__}") from exc
        return body
