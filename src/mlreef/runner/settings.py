"""Settings of a runner, from `MLREEF_RUNNER_*` variables or given by the composition.

Lists and maps are JSON in the environment. Every field is documented in docs/runners.md.
"""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ExecutorName = Literal["auto", "process", "bubblewrap", "podman", "docker"]


class MachineClass(BaseModel):
    """What one job of a machine class may use; zero means the runner's default."""

    memory_bytes: int = 0
    cpus: float = 0.0
    pids: int = 0


class Settings(BaseSettings):
    """Whom the runner works for, how many jobs at a time, and within which walls."""

    model_config = SettingsConfigDict(env_prefix="MLREEF_RUNNER_", extra="ignore")

    url: str
    """The forge's base URL, e.g. `http://localhost:8080`; a trailing `/` or `/ci` is dropped, as by GitLab's runner."""

    token: str = Field(repr=False)
    """The runner's authentication token (`glrt-...`)."""

    name: str = Field(default_factory=platform.node)
    """What the job's log calls this runner; also the base of its `system_id`."""

    capacity: int = Field(default=2, ge=1, le=1000)
    """Jobs at a time. Each gets a slot: a work directory and, when the runner is root, a user id of its own."""

    tags: list[str] = Field(default_factory=list)
    """Shown in logs only: which jobs a runner gets is decided by the tags kept at the forge."""

    executor: ExecutorName = "auto"
    """`auto` takes the strongest that works here: bubblewrap, then podman, then docker; process only by name."""

    allow_unsafe: bool = True
    """Whether `auto` may fall back to `process`, which does not contain hostile code; the log says so loudly."""

    work_dir: Path = Path("runner/work")
    """Where jobs work; wiped after each job and at start. Two runners never share it."""

    cache_dir: Path = Path("runner/cache")
    """Unpacked images, inputs of steps and the pipeline framework, used again by later jobs."""

    image_cache_bytes: int = 20 << 30
    """Unpacked images kept at most; the layers unused for longest go first, never one in use."""

    input_cache_bytes: int = 10 << 30
    """Handed to jobs as MLREEF_CACHE_BYTES: the framework keeps a project's input cache below it."""

    memory_bytes: int = 0
    """Memory of one job; 0 takes four fifths of the machine's memory divided by `capacity`."""

    cpus: float = 0.0
    """Processor time of one job in cores; 0 leaves it unlimited."""

    pids: int = Field(default=1024, ge=16)
    """Processes and threads of one job."""

    file_bytes: int = 64 << 30
    """Largest single file a job may write."""

    disk_bytes: int = Field(default=64 << 30, ge=0)
    """All files of one job together, measured while it runs; a job that writes more is ended. 0 leaves it unlimited."""

    limits: Literal["enforce", "best-effort"] = "best-effort"
    """`enforce` refuses to start, or to run a job, where a wanted limit cannot be enforced; else the log says so."""

    tmp_bytes: int = 1 << 30
    """Size of a sandbox's /tmp and /dev/shm, each; it counts towards the job's memory."""

    machine_classes: dict[str, MachineClass] = Field(default_factory=dict)
    """Limits by machine class, e.g. `{"cpu-small": {"memory_bytes": 2147483648, "cpus": 1}}`."""

    cgroup_parent: str = ""
    """A delegated cgroup below which jobs get their own, for runners that are not root (v2: `Delegate=yes`)."""

    uid_base: int = 210_000
    """A runner that is root runs slot N as user `uid_base + 1 + N`; nobody else may use these ids."""

    seccomp: bool = True
    """Refuse dangerous system calls in bubblewrap sandboxes; off only for kernels without seccomp."""

    bubblewrap_path: str = ""
    """The bwrap program; empty takes the packaged one, then the system's."""

    engine_socket: str = ""
    """Socket of podman or docker, such as `unix:///run/podman/podman.sock`; empty looks in the usual places."""

    allowed_origins: list[str] = Field(default_factory=list)
    """More origins that jobs without a network may reach, e.g. a management service of its own host."""

    package_index_hosts: list[str] = Field(default_factory=lambda: ["pypi.org", "files.pythonhosted.org"])
    """Hosts that jobs with MLREEF_NETWORK=package-index may reach, besides those of the runner's own pip and uv."""

    allow_open_network: bool = False
    """Whether jobs with MLREEF_NETWORK=open may reach public addresses; never this machine's, private or link-local."""

    insecure_registries: list[str] = Field(default_factory=list)
    """Registries (`host:port`) spoken to over plain http; loopback and the forge's own scheme need no entry."""

    signatures: Literal["require", "warn", "off"] = "require"
    """Whether images of processors must be signed by a trusted key before they run; `warn` says so in the log only."""

    trusted_keys: list[Path] = Field(default_factory=list)
    """Files of public keys (PEM); by default what the management service shows at first use, kept in `cache_dir`."""

    idle_seconds: float = 1.0
    """How soon a forge is asked again that has no job and does not hold the question."""

    trace_bytes: int = 16 << 20
    """Longest job log; what comes after is dropped with a note."""

    trace_seconds: float = 1.0
    """How often new log is sent while a job runs; the forge may ask for less often."""

    heartbeat_seconds: float = 5.0
    """How often a silent job reports itself, which is also how soon it hears of its cancellation."""

    report_seconds: float = 6 * 3600.0
    """How long the runner keeps trying to deliver the result of a finished job to a forge that is away."""

    stop_seconds: float = 10.0
    """How long a stopping runner tries to report the jobs it ended."""

    @field_validator("url")
    @classmethod
    def _base(cls, value: str) -> str:
        value = value.rstrip("/")
        return value.removesuffix("/ci")

    @field_validator("work_dir", "cache_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()
