"""Pictures of users, groups and projects: small raster images, kept by content and served as nothing but images."""

from __future__ import annotations

from collections.abc import AsyncIterator

from mlreef.kit.errors import Detail, invalid
from mlreef.kit.objects import ObjectStore

LIMIT = 200 << 10
_KINDS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
    (b"BM", "image/bmp"),
)


async def keep(objects: ObjectStore, data: bytes | None) -> str | None:
    """Store an uploaded picture and return its digest."""
    if data is None:
        return None
    fault = "is too big (should be at most 200 KiB)" if len(data) > LIMIT else None
    if fault is None and kind_of(data) is None:
        fault = "is not a supported image: use PNG, JPEG, GIF, WebP or BMP"
    if fault is not None:
        raise invalid(f"avatar {fault}", details=[Detail("avatar", fault)])

    async def chunks() -> AsyncIterator[bytes]:
        yield data

    return (await objects.put(chunks())).digest


def kind_of(data: bytes) -> str | None:
    """The media type of a picture, from its first bytes; never from what a client says."""
    return next((kind for start, kind in _KINDS if data.startswith(start)), None)
