"""Which server, which user: from options, `MLREEF_URL`/`MLREEF_TOKEN`, or what `mlreef login` kept."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from mlreef.kit.errors import Kind, PlatformError
from mlreef.sdk import MLReef

DEFAULT_URL = "http://127.0.0.1:8080"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A server and a token of it."""

    url: str
    token: str


def file() -> Path:
    """Where `mlreef login` keeps the credentials (readable by their owner alone)."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "mlreef" / "credentials.json"


def save(credentials: Credentials) -> Path:
    """Keep credentials for later commands."""
    path = file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump({"url": credentials.url, "token": credentials.token}, stream)
    return path


def load() -> Credentials:
    """The credentials in force; raises with the way to get some when there are none."""
    url, token = os.environ.get("MLREEF_URL"), os.environ.get("MLREEF_TOKEN")
    if not token and file().is_file():
        kept = json.loads(file().read_text())
        if url is None or url.rstrip("/") == kept["url"]:
            url, token = kept["url"], kept["token"]
    if not token:
        message = "not logged in: run `mlreef login URL`, or set MLREEF_URL and MLREEF_TOKEN"
        raise PlatformError(Kind.UNAUTHENTICATED, message)
    return Credentials((url or DEFAULT_URL).rstrip("/"), token)


def connect() -> MLReef:
    """The SDK's client for the credentials in force."""
    credentials = load()
    return MLReef(credentials.url, credentials.token)
