"""From a setting to an object store."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from mlreef.kit.errors import invalid
from mlreef.kit.objects.base import ObjectStore
from mlreef.kit.objects.local import LocalObjects
from mlreef.kit.objects.memory import MemoryObjects


def from_url(url: str) -> ObjectStore:
    """Open `file:///directory`, `memory://` or `s3://bucket/prefix?endpoint=...&region=...`.

    Keys of S3 come from the query (`access_key_id`, `secret_access_key`) or the usual AWS variables.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        return LocalObjects(Path(parts.path))
    if parts.scheme == "memory":
        return MemoryObjects()
    if parts.scheme == "s3":
        from obstore.store import S3Store

        from mlreef.kit.objects.s3 import S3Objects

        options: dict[str, Any] = dict(parse_qsl(parts.query))
        endpoint = options.get("endpoint", "")
        store = S3Store(parts.netloc, client_options={"allow_http": endpoint.startswith("http://")}, **options)
        return S3Objects(store, parts.path)
    raise invalid(f"object store {parts.scheme!r}: use file:///directory, s3://bucket/prefix or memory://")
