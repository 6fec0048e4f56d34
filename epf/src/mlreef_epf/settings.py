"""The job's environment, read once. Secrets are taken out of it before anything else happens.

Names are documented in epf/README.md; a test keeps the two in step.
"""

from __future__ import annotations

import os
from typing import List, Mapping, NamedTuple

SECRETS = (
    "MLREEF_ID_TOKEN",
    "CI_JOB_TOKEN",
    "CI_JOB_JWT",
    "CI_JOB_JWT_V1",
    "CI_JOB_JWT_V2",
    "CI_REPOSITORY_URL",
    "CI_REGISTRY_PASSWORD",
    "CI_DEPENDENCY_PROXY_PASSWORD",
    "CI_DEPLOY_PASSWORD",
    "DOCKER_AUTH_CONFIG",
    "MLREEF_CONFIG",
)


class Settings(NamedTuple):
    """What a job needs to know to begin; everything else comes from the management service."""

    url: str = ""
    id_token: str = ""
    job_token: str = ""
    proxy_socket: str = ""
    root: str = "/mlreef"
    cache: str = ""
    cache_limit: int = 20 * 10**9
    max_files: int = 200_000
    max_bytes: int = 200 * 10**9
    only_binary: bool = True
    uv: str = ""
    job_url: str = ""

    def path(self, *parts: str) -> str:
        """A path below the job's root."""
        return str(os.path.join(self.root, *parts))

    def mapped(self, item: str) -> str:
        """A command item with a leading /mlreef/ moved to this job's root."""
        return self.root + item[len("/mlreef") :] if item.startswith("/mlreef/") else item


def read(environ: Mapping[str, str]) -> Settings:
    """Read the settings of a job from its environment."""
    return Settings(
        url=environ.get("MLREEF_URL", "").rstrip("/"),
        id_token=environ.get("MLREEF_ID_TOKEN", ""),
        job_token=environ.get("CI_JOB_TOKEN", ""),
        proxy_socket=environ.get("MLREEF_PROXY_SOCKET", ""),
        root=(environ.get("MLREEF_ROOT") or "/mlreef").rstrip("/"),
        cache=environ.get("MLREEF_CACHE", ""),
        cache_limit=int(environ.get("MLREEF_CACHE_BYTES") or 20 * 10**9),
        max_files=int(environ.get("MLREEF_OUTPUT_MAX_FILES") or 200_000),
        max_bytes=int(environ.get("MLREEF_OUTPUT_MAX_BYTES") or 200 * 10**9),
        only_binary=environ.get("MLREEF_ONLY_BINARY", "1") != "0",
        uv=environ.get("MLREEF_UV", ""),
        job_url=environ.get("CI_JOB_URL", ""),
    )


def secret_names(environ: Mapping[str, str]) -> List[str]:
    """The variables to remove: the known ones, and any that repeats one of the job's tokens in its value."""
    tokens = [environ[name] for name in ("MLREEF_ID_TOKEN", "CI_JOB_TOKEN") if environ.get(name)]
    repeats = [name for name, value in environ.items() if any(token in value for token in tokens)]
    return sorted({name for name in SECRETS if name in environ}.union(repeats))
