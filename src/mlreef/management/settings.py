"""Settings of the management service, from `MLREEF_MANAGEMENT_*` variables or given by the composition."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class MachineClass(BaseModel):
    """A named kind of runner capacity; CI jobs ask for it by tag."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    title: str = ""
    memory_bytes: int = Field(gt=0)
    cpus: float = Field(gt=0)
    gpus: int = 0
    price_per_hour: float = Field(default=0.0, ge=0)
    currency: str = "EUR"


_GIB = 1 << 30
_MACHINES = [
    MachineClass(name="cpu-small", title="1 CPU, 2 GiB", memory_bytes=2 * _GIB, cpus=1, price_per_hour=0.05),
    MachineClass(name="cpu-large", title="2 CPUs, 8 GiB", memory_bytes=8 * _GIB, cpus=2, price_per_hour=0.15),
]


class Settings(BaseSettings):
    """Where the service keeps things, where the other services are, and its limits."""

    model_config = SettingsConfigDict(env_prefix="MLREEF_MANAGEMENT_", extra="ignore")

    database_url: str
    """`sqlite:////absolute/management.db` or `postgresql://user:pw@host/db?schema=management`."""

    objects_url: str = "memory://"
    """Where large content of its own lies: `file:///directory` or `s3://bucket/prefix?endpoint=...`."""

    external_url: str
    """The service's own base URL as browsers, jobs and the forge see it, without `/api/v1`."""

    forge_url: str
    """Base URL of the forge (GitLab or the embedded one), without `/api/v4`."""

    forge_external_url: str = ""
    """The forge's base URL as jobs see it and as it names itself in tokens; empty means `forge_url`."""

    registry_url: str = ""
    """Base URL of the registry; empty means `external_url`."""

    registry_host: str = ""
    """Host and port in names of images; empty takes them from the registry's URL."""

    service_token: str = ""
    """Access token (scope `api`) of the service account; without it nothing happens that nobody is present for."""

    hook_secret: str
    """What webhooks of the forge must bring in `X-Gitlab-Token`."""

    machine_classes: list[MachineClass] = _MACHINES
    """The machine classes that steps may ask for; the first is the default."""

    publication_machine: str = ""
    """Machine class of jobs that build images; empty means the first class."""

    publication_seconds: int = 3600
    """Time limit of a job that builds an image: installing large frameworks takes minutes."""

    source_max_files: int = 20_000
    """Files that a code project may have to be published from; data belongs into data projects."""

    source_max_bytes: int = 1 << 30
    """Bytes that the files of a code project may have together to be published from."""

    access_seconds: float = 1.0
    """How long an answer of the forge about users and rights is believed: revocation counts within this time."""

    visible_seconds: float = 3.0
    """How long the lists of a caller's own and starred projects are believed (marketplace only)."""

    mirror_seconds: float = 60.0
    """How often visibility and stars of projects are taken over from the forge for the marketplace."""

    verify_seconds: float = 86_400.0
    """How often each processor's latest version is run on its reference data; 0 switches it off."""

    reconcile_seconds: float = 30.0
    """How often states are compared with the forge's, for webhooks that were lost."""

    job_wait_seconds: float = 3.0
    """How long a job that asks for its work waits until its CI pipeline is known here."""

    session_cookie: str = "mlreef_session"
    """The browser session's cookie, forwarded to the forge; also accepted with the `__Host-` prefix."""

    csrf_cookie: str = "mlreef_csrf"
    """The readable cookie whose value browsers repeat in `X-CSRF-Token`."""

    epf_path: Path | None = None
    """The framework handed to jobs; by default the packaged one, or one built from the checkout."""

    signing_key_file: Path | None = None
    """The private key that vouches for images (PEM, ECDSA or Ed25519), made when it is missing; by default
    `management/signing.key` beside a SQLite database."""

    signing_earlier_keys: list[Path] = Field(default_factory=list)
    """Files of public keys (PEM) that vouched for images before; handed to runners beside the present one."""

    max_request_bytes: int = 4 << 20
    """Upper bound of JSON bodies that are held in memory."""

    max_job_request_bytes: int = 64 << 20
    """Upper bound of job bodies with manifests or metrics that are held in memory."""

    @field_validator("external_url", "forge_url", "forge_external_url", "registry_url")
    @classmethod
    def _no_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @field_validator("machine_classes")
    @classmethod
    def _some_machine(cls, value: list[MachineClass]) -> list[MachineClass]:
        if not value:
            raise ValueError("name at least one machine class")
        return value

    @property
    def public_forge_url(self) -> str:
        """The forge as jobs see it."""
        return self.forge_external_url or self.forge_url

    @property
    def public_registry_url(self) -> str:
        """The registry as jobs see it."""
        return self.registry_url or self.external_url

    @property
    def image_host(self) -> str:
        """The first part of every image's name."""
        return self.registry_host or urlsplit(self.public_registry_url).netloc

    @property
    def signing_key_path(self) -> Path | None:
        """The file of the signing key; None when neither it nor a directory for it is known."""
        if self.signing_key_file is not None or not self.database_url.startswith("sqlite:///"):
            return self.signing_key_file
        return Path(self.database_url.removeprefix("sqlite:///")).parent / "management" / "signing.key"

    @property
    def hook_url(self) -> str:
        """Where the forge delivers webhooks."""
        return f"{self.external_url}/api/v1/hooks/forge"

    @property
    def ci_config_url(self) -> str:
        """What connected projects have as `ci_config_path`."""
        return f"{self.external_url}/api/v1/ci/config.yml"

    @property
    def epf_url(self) -> str:
        """Where jobs download the framework."""
        return f"{self.external_url}/api/v1/epf.pyz"

    @property
    def build_machine(self) -> str:
        """The machine class of publications."""
        return self.publication_machine or self.machine_classes[0].name

    def find_machine(self, name: str) -> MachineClass | None:
        """The machine class of a name."""
        return next((one for one in self.machine_classes if one.name == name), None)
