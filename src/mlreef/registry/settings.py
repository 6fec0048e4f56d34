"""Settings of the registry, from `MLREEF_REGISTRY_*` variables or given by the composition."""

from __future__ import annotations

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where the registry keeps things and whom it believes."""

    model_config = SettingsConfigDict(env_prefix="MLREEF_REGISTRY_", extra="ignore")

    database_url: str
    """`sqlite:////absolute/registry.db` or `postgresql://user:pw@host/db?schema=registry`."""

    objects_url: str
    """Where blobs lie: `file:///directory` or `s3://bucket/prefix?endpoint=...`."""

    external_url: str
    """The registry's own base URL as clients see it, without `/v2`."""

    token_realm: str
    """The forge's token endpoint, e.g. `http://localhost:8080/jwt/auth`."""

    jwks_url: str
    """Where the forge publishes the keys that sign its tokens."""

    token_service: str = "container_registry"  # noqa: S105 - the audience of tokens, not a secret
    """The audience that tokens must name; GitLab's own name by default."""

    token_issuer: str = ""
    """The issuer that tokens must name; empty accepts whatever the keys at `jwks_url` signed."""

    max_manifest_bytes: int = 4 << 20
    """Manifests are held in memory: 4 MiB is what other registries accept."""

    max_blob_bytes: int = 64 << 30
    """Upper bound of one layer."""

    upload_hours: float = 24.0
    """How long an unfinished upload may rest before it is swept."""

    quota_bytes: int = 0
    """Bytes of distinct blobs that a namespace may hold unless it was given a quota of its own; 0 is no limit."""

    gc_hours: float = 24.0
    """The grace: what lost its last tag or use this long ago is removed by the garbage collection."""

    gc_interval_hours: float = 6.0
    """Between two garbage collections; 0 leaves them to `mlreef registry gc`."""

    service_account: str = "mlreef-bot"
    """The account whose signatures pin images: only it and administrators may delete what it has signed."""
