"""What every executor offers: find out whether it works here, prepare a job's surroundings, run commands in them.

A job's directory has the same parts everywhere: `in`, `out`, `work`, `home`, `vars`. A sandbox shows them below
`/mlreef`; the process executor shows them where they are. `Prepared.root` is the one name for either.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mlreef.kit.errors import Kind, PlatformError
from mlreef.runner.payload import Credential

PARTS = ("in", "out", "work", "home", "vars")
SANDBOX_ROOT = "/mlreef"


class PrepareFailed(PlatformError):
    """The job cannot start; `reason` is the forge's word for why."""

    def __init__(self, message: str, *, reason: str = "runner_system_failure") -> None:
        super().__init__(Kind.UNAVAILABLE, message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Capability:
    """What probing found out."""

    available: bool
    reason: str
    """Why it does not work here; empty when it does."""
    isolation: str = ""
    """One line for the log: what keeps jobs apart from the machine and from each other."""
    enforced: Sequence[str] = ()
    """Limits that the kernel enforces."""
    unenforced: Sequence[str] = ()
    """Limits that nothing enforces here."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one job may use; zero leaves a limit out."""

    memory_bytes: int = 0
    cpus: float = 0.0
    pids: int = 1024
    file_bytes: int = 0
    tmp_bytes: int = 1 << 30
    disk_bytes: int = 0
    strict: bool = False
    """Whether a job must not start when the kernel refuses one of its limits."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or directory of the machine shown in the sandbox."""

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Spec:
    """The surroundings a job asks for."""

    job_id: int
    slot: int
    directory: Path
    image: str | None
    credentials: Sequence[Credential] = ()
    mounts: Sequence[Mount] = ()
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Surroundings that are ready: where things are, as the job sees them."""

    spec: Spec
    root: str
    env: Mapping[str, str]
    """The image's own environment."""
    image: str
    """The image in words, with its digest, for the log."""
    places: Mapping[str, str] = field(default_factory=dict)
    """Targets of mounts that this executor shows elsewhere."""
    state: object = None
    """The executor's own."""
    release: Callable[[], None] = lambda: None

    def place(self, target: str) -> str:
        """Where the job finds what was mounted at `target`."""
        return self.places.get(target, target)


@dataclass(frozen=True, slots=True)
class Command:
    """One command: an argv list, never a shell string."""

    argv: Sequence[str]
    env: Mapping[str, str] = field(repr=False)
    cwd: str
    timeout: float


@dataclass(frozen=True, slots=True)
class Usage:
    """What a command used, as far as it could be measured from outside."""

    wall_s: float = 0.0
    cpu_s: float | None = None
    memory_peak_bytes: int | None = None
    pids_refused: int | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended. A signal N is exit code 128+N, as shells have it."""

    exit_code: int
    oom: bool = False
    timed_out: bool = False
    usage: Usage = field(default_factory=Usage)


class Handle(Protocol):
    """A running command."""

    def output(self) -> AsyncIterator[bytes]:
        """Standard output and error, in order, until both are closed. Must be read, or the command blocks."""
        ...

    async def wait(self) -> Outcome:
        """Wait for the end or the timeout; afterwards nothing of the command is alive."""
        ...

    async def cancel(self) -> None:
        """Kill the whole process tree."""
        ...

    async def cleanup(self) -> None:
        """Remove what the command needed outside its directory."""
        ...


class Executor(Protocol):
    """One way to run jobs."""

    name: str

    async def probe(self) -> Capability:
        """Find out by trying whether it works here."""
        ...

    def root(self, directory: Path) -> str:
        """Where a job finds the parts of its directory."""
        ...

    async def prepare(self, spec: Spec) -> Prepared:
        """Make a job's surroundings; raises `PrepareFailed`."""
        ...

    async def run(self, prepared: Prepared, command: Command) -> Handle:
        """Start a command in them."""
        ...

    async def sweep(self) -> None:
        """End what an earlier life of this runner left behind."""
        ...

    async def close(self) -> None:
        """End what `probe` started."""
        ...


def exit_code(status: int) -> int:
    """A wait status as shells number it."""
    return 128 - status if status < 0 else status
