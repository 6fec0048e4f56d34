"""Finds out which executors work on this machine and takes the strongest, or the one asked for. Never guesses."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from mlreef.kit import logs
from mlreef.kit.errors import unavailable
from mlreef.runner.executors import base, cgroups
from mlreef.runner.executors.bubblewrap import BubblewrapExecutor
from mlreef.runner.executors.engine import EngineExecutor
from mlreef.runner.executors.process import ProcessExecutor
from mlreef.runner.images.store import Images
from mlreef.runner.settings import Settings

log = logs.get(__name__)

ORDER = ("bubblewrap", "podman", "docker", "process")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The executor that jobs run on, and why the others do not serve."""

    executor: base.Executor
    capability: base.Capability
    refused: dict[str, str] = field(default_factory=dict)


async def choose(settings: Settings, images: Images) -> Chosen:
    """Probe in order of strength; raises `unavailable` when nothing acceptable works."""
    names = [name for name in ORDER if settings.executor in {"auto", name}]
    if settings.executor == "auto" and not settings.allow_unsafe:
        names.remove("process")
    refused: dict[str, str] = {}
    for name in names:
        executor = make(name, settings, images)
        capability = await executor.probe()
        missing = _missing(settings, capability)
        if capability.available and missing:
            await executor.close()
            refused[name] = f"it cannot enforce {', '.join(missing)}, and MLREEF_RUNNER_LIMITS=enforce wants that"
        elif capability.available:
            report = log.warning if name == "process" else log.info
            report("executor chosen", executor=name, isolation=capability.isolation, others=refused)
            return Chosen(executor, capability, refused)
        else:
            refused[name] = capability.reason
    reasons = "; ".join(f"{name}: {reason}" for name, reason in refused.items())
    raise unavailable(f"no executor works on this machine: {reasons}")


def make(name: str, settings: Settings, images: Images) -> base.Executor:
    """The executor of that name, not yet probed."""
    key = runner_key(settings)
    hierarchy = cgroups.find(key, delegated=settings.cgroup_parent)
    if name == "process":
        return ProcessExecutor(images, key, hierarchy)
    if name == "bubblewrap":
        return BubblewrapExecutor(
            images,
            key,
            hierarchy,
            directory=settings.work_dir / "sandbox",
            uid_base=settings.uid_base,
            program=settings.bubblewrap_path,
            use_seccomp=settings.seccomp,
        )
    plain = [urlsplit(url).netloc for url in (settings.url, *settings.allowed_origins) if url.startswith("http://")]
    return EngineExecutor(
        name,
        key,
        socket=settings.engine_socket,
        directory=settings.work_dir / "engine",
        uid_base=settings.uid_base,
        insecure=tuple(dict.fromkeys([*plain, *settings.insecure_registries])),
        capacity=settings.capacity,
    )


def _missing(settings: Settings, capability: base.Capability) -> list[str]:
    """Limits that are wanted and that nothing would enforce."""
    if settings.limits != "enforce":
        return []
    cpus = settings.cpus or any(machine.cpus for machine in settings.machine_classes.values())
    wanted = {"memory", "pids", *(["cpu"] if cpus else [])}
    return sorted(wanted & set(capability.unenforced))


def runner_key(settings: Settings) -> str:
    """A short name of this runner on this machine, the same in every life: its work directory is its own."""
    return hashlib.sha256(str(settings.work_dir).encode()).hexdigest()[:12]
