"""Request bodies of git: chunked or not, plain or gzip, never more than a piece of them in memory."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator

from mlreef.kit.errors import invalid

_PIECE = 1 << 20


async def plain(chunks: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    """The body with its `Content-Encoding` taken off; a bomb inflates piece by piece and is bounded downstream."""
    match encoding.strip().lower():
        case "" | "identity":
            async for chunk in chunks:
                if chunk:
                    yield chunk
        case "gzip" | "x-gzip":
            async for chunk in _inflated(chunks):
                yield chunk
        case _:
            raise invalid(f"Content-Encoding {encoding[:40]!r}: use gzip or none")


async def _inflated(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    inflater = zlib.decompressobj(31)
    try:
        async for chunk in chunks:
            data = chunk
            while data:
                piece = inflater.decompress(data, _PIECE)
                if piece:
                    yield piece
                data = inflater.unconsumed_tail
    except zlib.error as exc:
        raise invalid(f"the gzip body is damaged: {exc}") from exc
    if not inflater.eof:
        raise invalid("the gzip body ends too early")
