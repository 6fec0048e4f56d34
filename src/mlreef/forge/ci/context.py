"""What every part of CI is given: settings, clock, stores and neighbours, made once at start."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx

from mlreef.forge.ci.ports import Directory, IdTokens, Repositories
from mlreef.forge.ci.signals import Signals
from mlreef.kit.clock import Clock
from mlreef.kit.objects import ObjectStore


@dataclass(frozen=True, slots=True)
class CiSettings:
    """The settings of CI, as the forge's settings class fills them."""

    external_url: str
    """Base URL clients use, without a trailing slash."""
    remote_prefixes: tuple[str, ...] = ()
    """URL prefixes that configurations may be fetched from; everything else is refused."""
    registry_host: str | None = None
    """Host and port of the container registry; None when there is none."""
    lease_seconds: float = 180.0
    """Silence after which a running job's runner counts as lost; runners report every 30 s at least."""
    acknowledge_seconds: float = 60.0
    """Silence after a claim before the job goes back to the queue: the answer never reached the runner."""
    system_retries: int = 1
    """How often a job is started again after its runner was lost or failed."""
    default_timeout: int = 3600
    """Seconds a job may run when it says nothing."""
    maximum_timeout: int = 7 * 86400
    """Longest timeout a job may ask for, in seconds."""
    long_poll_seconds: float = 20.0
    """How long a request for work waits for a job before it answers 204."""
    maximum_trace_bytes: int = 64 << 20
    """Longest trace of a job; longer ones end it with trace_size_exceeded."""
    maximum_artifact_bytes: int = 10 << 30
    """Largest artifact a job may upload."""
    registration_token: str | None = None
    """Token of the legacy runner registration; None answers 410."""
    version: str = "18.5.0"
    """The GitLab version whose protocol is spoken."""


@dataclass(frozen=True, slots=True)
class Ci:
    """The collaborators of CI's services."""

    settings: CiSettings
    clock: Clock
    objects: ObjectStore
    repositories: Repositories
    directory: Directory
    id_tokens: IdTokens
    http: httpx.AsyncClient
    signals: Signals = field(default_factory=Signals)
