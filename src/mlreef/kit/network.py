"""The way to other machines over HTTP, made when it is first taken."""

from __future__ import annotations

import functools

import httpx


class Network(httpx.AsyncBaseTransport):
    """httpx's own transport, whose making reads every certificate that the machine trusts."""

    def __init__(self, *, retries: int = 0) -> None:
        self._retries = retries

    @functools.cached_property
    def _transport(self) -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(retries=self._retries)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Close what was opened."""
        if "_transport" in self.__dict__:
            await self._transport.aclose()
