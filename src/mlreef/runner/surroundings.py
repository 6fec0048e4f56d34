"""What a job finds when its script starts: source, artifacts, variables, image, proxy, framework, caches.

Everything that comes from repositories or other jobs is put in place before any of the job's code runs, by the runner;
then the executor hands the directories over.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

import mlreef
from mlreef.runner import collecting, origins, payload, scripts, sources, variables
from mlreef.runner.executors import base
from mlreef.runner.executors.choice import Chosen
from mlreef.runner.framework import Framework
from mlreef.runner.images.signatures import Signatures
from mlreef.runner.images.store import Images
from mlreef.runner.protocol import RunnerApi
from mlreef.runner.proxy import Proxy
from mlreef.runner.settings import MachineClass, Settings
from mlreef.runner.trace import Trace
from mlreef.runner.upstreams import Policy
from mlreef.runner.workplace import Workplace

_SOCKET, _FRAMEWORK, _CACHE, _CA = "/mlreef/proxy.sock", "/mlreef/epf.pyz", "/mlreef/cache", "/mlreef/ca.pem"
_NUMBER = re.compile(r"[0-9]{1,15}")
_SMALLEST_MEMORY = 256 << 20
_FEWEST = 16
_CORES = re.compile(r"[0-9]{1,4}(\.[0-9]{1,6})?")
_FEWEST_CORES = 0.05
"""Processes that the framework and a shell need by themselves."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What all jobs of a runner share."""

    settings: Settings
    api: RunnerApi
    chosen: Chosen
    images: Images
    framework: Framework
    signatures: Signatures


class Surroundings:
    """Async context of one job; `prepare` makes everything ready, leaving undoes it."""

    def __init__(self, tools: Tools, job: payload.Job, place: Workplace, trace: Trace) -> None:
        self._tools = tools
        self._job = job
        self._place = place
        self._trace = trace
        self._proxy: Proxy | None = None
        self._prepared: base.Prepared | None = None
        self._root = tools.chosen.executor.root(place.job)
        self.env: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._proxy is not None:
            await self._proxy.stop()
        if self._prepared is not None:
            self._prepared.release()

    def moved(self) -> tuple[int, int]:
        """Bytes that came to the job through its proxy and that it sent."""
        return (self._proxy.received, self._proxy.sent) if self._proxy is not None else (0, 0)

    def script(self, step: payload.Step) -> str:
        """Where the job finds a step's script."""
        return f"{self._root}/vars/.{step.name}"

    async def prepare(self) -> base.Prepared:
        """Make everything ready; the log tells what the job will run in."""
        job, trace = self._job, self._trace
        self._greet()
        resolved = variables.resolve(job.variables, self._own())
        values = {key: variable.value for key, variable in resolved.items()}
        await self._get_sources(values.get("GIT_STRATEGY", "fetch"))
        await collecting.download(self._tools, job, self._place, trace)
        environment = variables.environment(resolved, self._place.job / "vars", f"{self._root}/vars")
        for step in job.steps:
            (self._place.job / "vars" / f".{step.name}").write_text(scripts.render(step.script))
        mounts, extra = await self._mounts(values)
        image = _expanded(job.image.name, values) if job.image else None
        spec = base.Spec(
            job_id=job.id,
            slot=self._place.slot,
            directory=self._place.job,
            image=image,
            credentials=job.credentials,
            mounts=mounts,
            limits=self._limits(values),
        )
        with trace.section("prepare_executor", "Preparing the image"):
            await self._tools.signatures.check(job, image, trace)
            self._prepared = await self._tools.chosen.executor.prepare(spec)
            trace.say(f"Image: {self._prepared.image}")
        shown = {name: self._prepared.place(value) for name, value in extra.items()}
        self.env = {
            "HOME": f"{self._root}/home",
            **self._prepared.env,
            **environment,
            **shown,
        }
        if image is not None:
            self.env["CI_JOB_IMAGE"] = image
        return self._prepared

    def _greet(self) -> None:
        chosen, trace, settings = self._tools.chosen, self._trace, self._tools.settings
        trace.say(f"Running with mlreef-runner {mlreef.__version__} on {settings.name}")
        trace.say(f"Executor: {chosen.executor.name}")
        if chosen.executor.name == "process":
            trace.warn(f"WARNING: isolation: {chosen.capability.isolation}")
        else:
            trace.say(f"Isolation: {chosen.capability.isolation}")
        trace.say(f"Limits enforced: {', '.join(chosen.capability.enforced)}")
        if chosen.capability.unenforced:
            trace.warn(f"Limits NOT enforced here: {', '.join(chosen.capability.unenforced)}")
        if self._job.services:
            message = "this runner does not start services: remove `services` or use a runner that does"
            raise base.PrepareFailed(message, reason="runner_configuration_error")
        if self._job.cache:
            trace.warn("The keyword `cache` is ignored by this runner")

    def _own(self) -> dict[str, str]:
        """Variables that only the runner knows."""
        root = self._root
        return {
            "CI_PROJECT_DIR": f"{root}/work",
            "CI_BUILDS_DIR": root,
            "CI_SERVER": "yes",
            "CI_CONCURRENT_ID": str(self._place.slot),
            "CI_CONCURRENT_PROJECT_ID": str(self._place.slot),
            "CI_JOB_TIMEOUT": str(self._job.timeout),
            "CI_JOB_STATUS": "running",
            "CI_RUNNER_VERSION": mlreef.__version__,
            "CI_RUNNER_REVISION": "mlreef",
            "CI_DISPOSABLE_ENVIRONMENT": "true",
        }

    async def _get_sources(self, strategy: str) -> None:
        with self._trace.section("get_sources", "Getting source from Git repository"):
            if strategy in {"none", "empty"}:
                self._trace.say("Skipping Git repository setup")
                return
            await sources.get(self._job.git, self._place.job / "work", self._place.private, self._trace)

    async def _mounts(self, values: Mapping[str, str]) -> tuple[list[base.Mount], dict[str, str]]:
        """What is shown in the sandbox besides the job's own directories, and the variables that say where."""
        settings, job = self._tools.settings, self._job
        allowed = origins.vouched(settings, job, self._registries())
        mounts, env = [], {}
        framework, problem = await self._tools.framework.find(
            values.get("MLREEF_EPF_URL"), values.get("MLREEF_EPF_SHA256"), allowed
        )
        if framework is not None:
            mounts.append(base.Mount(framework, _FRAMEWORK))
            env["MLREEF_EPF"] = _FRAMEWORK
        elif problem:
            self._trace.warn(f"WARNING: pipeline framework: {problem}")
        mounts.append(base.Mount(self._cache(), _CACHE, writable=True))
        env.update(MLREEF_CACHE=_CACHE, MLREEF_CACHE_BYTES=str(settings.input_cache_bytes))
        network = values.get("MLREEF_NETWORK", "none")
        if network == "open" and not settings.allow_open_network:
            message = (
                "the job wants an open network, which this runner does not allow (MLREEF_RUNNER_ALLOW_OPEN_NETWORK)"
            )
            raise base.PrepareFailed(message, reason="runner_configuration_error")
        indexes = network in {"package-index", "open"}
        if indexes:
            env.update(origins.index_environment(origins.environment()))
            bundle = origins.ca_bundle(origins.environment())
            if bundle is not None:
                mounts.append(base.Mount(bundle, _CA))
                env.update(origins.ca_environment(_CA))
        if self._tools.chosen.executor.name != "process":
            mounts.append(base.Mount(await self._start_proxy(allowed, network), _SOCKET, writable=True))
            env["MLREEF_PROXY_SOCKET"] = _SOCKET
        return mounts, env

    def _registries(self) -> list[str]:
        """Registries the forge gave a login for, with the scheme they are spoken to."""
        http = {login.host: f"http://{login.host}" for login in self._job.credentials}
        return [url for host, plain in http.items() for url in (plain, f"https://{host}")]

    async def _start_proxy(self, allowed: frozenset[origins.Origin], network: str) -> Path:
        settings, trace = self._tools.settings, self._trace
        hosts = origins.index_hosts(settings, origins.environment()) if network != "none" else frozenset()
        path = self._place.private / "proxy.sock"
        self._proxy = Proxy(
            path,
            Policy(allowed, hosts, public=network == "open"),
            refused=lambda name: trace.warn(f"Network: {name} was refused; jobs reach only the platform"),
        )
        await self._proxy.start()
        return path

    def _cache(self) -> Path:
        """Inputs by project, protected refs apart: no job reads or spoils what others have fetched."""
        name = f"{self._job.project_id}-{'protected' if self._job.git.protected else 'any'}"
        path = self._tools.settings.cache_dir / "inputs" / name
        path.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0 and self._tools.chosen.executor.name != "process":
            # Slots have user ids of their own and this group in common; whoever is not in it has no way in.
            path.parent.chmod(0o700)
            os.chown(path, 0, self._tools.settings.uid_base)
            path.chmod(0o2770)
        return path

    def _limits(self, values: Mapping[str, str]) -> base.Limits:
        settings = self._tools.settings
        _refuse_missing_gpus(values.get("MLREEF_GPUS"), self._tools.chosen.executor.name)
        wanted = self._machine_class(values)
        memory = wanted.memory_bytes or settings.memory_bytes
        if not memory:
            share = psutil.virtual_memory().total * 4 // 5 // settings.capacity
            memory = max(_SMALLEST_MEMORY, share)
        memory = max(_SMALLEST_MEMORY, _least(memory, values.get("MLREEF_MEMORY_BYTES")))
        limits = base.Limits(
            memory_bytes=memory,
            cpus=_fewer_cores(wanted.cpus or settings.cpus, values.get("MLREEF_CPUS")),
            pids=_least(wanted.pids or settings.pids, values.get("MLREEF_PROCESSES")),
            file_bytes=settings.file_bytes,
            tmp_bytes=min(settings.tmp_bytes, memory),
            disk_bytes=_least(settings.disk_bytes, values.get("MLREEF_DISK_BYTES")),
            strict=settings.limits == "enforce",
        )
        cores = f"{limits.cpus:g} cores" if limits.cpus else "all cores"
        self._trace.say(f"Limits: {memory / 1e6:.0f} MB of memory, {cores}, {limits.pids} processes")
        return limits

    def _machine_class(self, values: Mapping[str, str]) -> MachineClass:
        """The class the job names if the operator knows it, else the only one among the runner's tags."""
        known = self._tools.settings.machine_classes
        named = values.get("MLREEF_MACHINE_CLASS", "")
        tagged = [tag for tag in re.findall(r"[\w.-]+", values.get("CI_RUNNER_TAGS", "")) if tag in known]
        name = named if named in known else tagged[0] if len(tagged) == 1 else ""
        return known.get(name, MachineClass())


def _least(limit: int, asked: str | None) -> int:
    """The runner's limit (0: none), or what the job asks for where that is less; a job can only lower it."""
    if asked is None or not _NUMBER.fullmatch(asked) or int(asked) == 0:
        return limit
    return max(_FEWEST, min(limit or int(asked), int(asked)))


def _fewer_cores(limit: float, asked: str | None) -> float:
    """The same for processor cores, which come in parts."""
    if asked is None or not _CORES.fullmatch(asked) or float(asked) == 0:
        return limit
    return max(_FEWEST_CORES, min(limit or float(asked), float(asked)))


def _refuse_missing_gpus(asked: str | None, executor: str) -> None:
    if asked is None or not _NUMBER.fullmatch(asked) or int(asked) == 0:
        return
    # Sandboxes have a /dev of their own, without the machine's GPUs.
    found = len(list(Path("/dev").glob("nvidia[0-9]*"))) if executor == "process" else 0
    if found < int(asked):
        message = f"the processor asks for {int(asked)} GPUs and this runner gives jobs {found}: choose another machine"
        raise base.PrepareFailed(message, reason="runner_unsupported")


def _expanded(name: str, values: Mapping[str, str]) -> str:
    found = variables.resolve([payload.Variable("IMAGE", name)], values)
    return found["IMAGE"].value
