"""Settings of the forge, from `MLREEF_FORGE_*` variables or given by the composition."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

GITLAB_VERSION = "18.5.0"
"""The GitLab version whose protocol is spoken: clients compare it with what they need."""


class Settings(BaseSettings):
    """Where the forge keeps things, how it is reached, and its limits."""

    model_config = SettingsConfigDict(env_prefix="MLREEF_FORGE_", extra="ignore")

    database_url: str
    """`sqlite:////absolute/forge.db` or `postgresql://user:pw@host/db?schema=forge`."""

    repositories_dir: Path
    """Directory of the bare git repositories."""

    objects_url: str
    """Where LFS objects and artifacts lie: `file:///directory` or `s3://bucket/prefix?endpoint=...`."""

    secrets_dir: Path
    """Directory of the key that signs tokens; created at the first start, readable by the owner only."""

    external_url: str
    """The base URL that clients use; every absolute URL in answers begins with it."""

    registry_url: str = ""
    """Base URL of the container registry; empty means `external_url`."""

    registry_host: str = ""
    """Host and port in names of images; empty takes them from the registry's URL."""

    token_service: str = "container_registry"  # noqa: S105 - the audience of tokens, not a secret
    """The audience of registry tokens: what registries name as `service` in their challenge."""

    token_issuer: str = "mlreef-forge"  # noqa: S105 - a name, not a secret
    """`iss` of registry tokens."""

    registry_token_seconds: int = 300
    """Validity of a registry token; a pull of a large image asks for new ones on its way."""

    ci_remote_prefixes: Annotated[list[str], NoDecode] = Field(default_factory=list)
    """URL prefixes, separated by commas, that CI configurations may be fetched from; empty refuses all."""

    hook_origins: Annotated[list[str], NoDecode] = Field(default_factory=list)
    """Origins, separated by commas, that webhooks may reach although they are local addresses."""

    lease_seconds: float = 180.0
    """Silence after which a running job's runner counts as lost; runners report every 30 s at least."""

    acknowledge_seconds: float = 60.0
    """Silence after a claim before the job goes back to the queue: the answer never reached the runner."""

    system_retries: int = 1
    """How often a job is started again after its runner was lost or failed."""

    default_job_seconds: int = 3600
    """Time limit of a CI job that names none."""

    maximum_job_seconds: int = 7 * 86400
    """Longest time limit that a CI job may ask for."""

    long_poll_seconds: float = 20.0
    """How long a runner's request for work waits for a job."""

    max_trace_bytes: int = 64 << 20
    """Longest log of a CI job."""

    max_artifact_bytes: int = 10 << 30
    """Largest artifact of a CI job."""

    max_lfs_bytes: int = 1 << 40
    """Largest LFS object."""

    registration_token: str | None = None
    """Token of the legacy runner registration; without it that registration answers 410."""

    signup: bool = True
    """Whether strangers may register accounts."""

    session_idle_seconds: int = 7 * 86400
    """A browser session that is not used for this long ends."""

    session_seconds: int = 30 * 86400
    """A browser session ends after this long in any case."""

    login_attempts: int = 10
    """Failed logins of one account or from one address within `login_window_seconds` before they are refused."""

    login_window_seconds: int = 300
    """The time in which failed logins are counted."""

    token_days: int = 365
    """Longest lifetime of a personal access token, and what is given to one created without an end."""

    @field_validator("external_url", "registry_url")
    @classmethod
    def _no_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @field_validator("ci_remote_prefixes", "hook_origins", mode="before")
    @classmethod
    def _separated(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @property
    def image_host(self) -> str:
        """The first part of every image's name."""
        return self.registry_host or urlsplit(self.registry_url or self.external_url).netloc

    @property
    def secure_cookies(self) -> bool:
        """Cookies travel over TLS only, wherever there is TLS."""
        return self.external_url.startswith("https:")
