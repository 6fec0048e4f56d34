"""Which servers a job without a network may talk to, and what it is told about package indexes.

Only what the operator or the forge itself vouches for counts. CI variables do not: anybody who can write a
`.gitlab-ci.yml` can set them, and they would open the runner's own machine and network to hostile code.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from mlreef.runner.payload import Job
from mlreef.runner.settings import Settings

_PORTS = {"http": 80, "https": 443}
_PASSED = (
    "UV_INDEX", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_INDEX_STRATEGY", "UV_INSECURE_HOST",
    "UV_HTTP_TIMEOUT", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT", "PIP_RETRIES",
)  # fmt: skip
_INDEXES = (
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
)
_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE")

Origin = tuple[str, str, int]


def origin(url: str) -> Origin | None:
    """Scheme, host and port of a URL; None when it is not http(s)."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not host:
        return None
    return parts.scheme, host.lower(), port or _PORTS[parts.scheme]


def vouched(settings: Settings, job: Job, registries: Iterable[str]) -> frozenset[Origin]:
    """Origins of the forge, the registries it gave logins for, and what the operator added."""
    urls = [settings.url, job.git.repo_url, *settings.allowed_origins, *registries]
    return frozenset(found for found in map(origin, urls) if found is not None)


def same_origin(url: str, allowed: frozenset[Origin]) -> bool:
    """Whether a URL lies at one of the origins."""
    return origin(url) in allowed


def index_hosts(settings: Settings, environment: Mapping[str, str]) -> frozenset[str]:
    """Hosts of package indexes: those of the settings and those pip and uv use on this machine."""
    hosts = {host.lower() for host in settings.package_index_hosts}
    values = [environment.get(name, "") for name in _INDEXES] + [_pip_configuration(environment) or ""]
    for value in " ".join(values).replace("=http", " http").split():
        found = origin(value) if "://" in value else None
        if found is not None:
            hosts.add(found[1])
    return frozenset(hosts)


def index_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables by which pip and uv in a job find the operator's indexes."""
    passed = {name: environment[name] for name in _PASSED if environment.get(name)}
    passed = {name: value for name, value in passed.items() if "file:" not in value and not value.startswith("/")}
    configured = _pip_configuration(environment)
    if configured and not set(_INDEXES) & set(passed):
        passed.update(PIP_INDEX_URL=configured, UV_DEFAULT_INDEX=configured)
    return passed


def ca_bundle(environment: Mapping[str, str]) -> Path | None:
    """The file of certificate authorities the runner itself believes."""
    for name in _CA_VARIABLES:
        path = Path(environment.get(name) or "/nonexistent")
        if path.is_file():
            return path
    system = Path("/etc/ssl/certs/ca-certificates.crt")
    return system if system.is_file() else None


def ca_environment(place: str) -> dict[str, str]:
    """The variables that make the usual clients use a bundle."""
    return dict.fromkeys(_CA_VARIABLES, place)


def _pip_configuration(environment: Mapping[str, str]) -> str | None:
    """`index-url` of pip's configuration files."""
    home = Path(environment.get("HOME") or "/nonexistent")
    named = environment.get("PIP_CONFIG_FILE")
    for path in [named, home / ".config/pip/pip.conf", home / ".pip/pip.conf", "/etc/pip.conf"]:
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parser.read(path or ())
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
        url = parser.get("global", "index-url", fallback="")
        if url.startswith(("http://", "https://")):
            return url
    return None


def environment() -> Mapping[str, str]:
    """The runner's own environment, for what concerns package indexes."""
    return os.environ
