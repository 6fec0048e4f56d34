"""Runs jobs in containers of podman or docker, through the engine's socket, hardened.

One container per command: no network, read-only root, no capabilities, no new privileges, a user of its own, limits.
docker-py is synchronous, so its calls go to threads of this executor's own pool.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import docker
import docker.errors
import requests.exceptions

from mlreef.runner.executors import base, podman
from mlreef.runner.images.references import parse
from mlreef.runner.images.registry import PullFailed

T = TypeVar("T")

_LABEL = "mlreef.runner"
_KILLED = 137
# Engines carry standard output and error apart, which loses their order.
_ONE_STREAM = ["/bin/sh", "-c", 'exec "$@" 2>&1', "sh"]
_FAILURES = (docker.errors.DockerException, requests.exceptions.RequestException, OSError)


class EngineExecutor:
    """podman and docker speak one API; `name` says which one is asked for."""

    def __init__(
        self,
        name: str,
        key: str,
        *,
        socket: str,
        directory: Path,
        uid_base: int,
        insecure: tuple[str, ...],
        capacity: int,
    ) -> None:
        self.name = name
        self._key = key
        self._socket = socket
        self._directory = directory
        self._uid_base = uid_base
        self._insecure = insecure
        self._service: podman.Service | None = None
        self._client: docker.DockerClient | None = None
        self._rootless = False
        self._security: tuple[str, ...] = ()
        # Each command holds one thread for its log and one for its end.
        self._threads = ThreadPoolExecutor(4 * capacity + 4, thread_name_prefix="engine")

    async def probe(self) -> base.Capability:
        """Find a socket that answers; start podman's service on a private one if there is none."""
        try:
            self._client = await self._connect()
            info = await self._call(self._client.info)
        except _FAILURES as exc:
            await self.close()
            return base.Capability(False, f"{self.name}: {exc}")
        security = info.get("SecurityOptions") or []
        self._rootless = any("rootless" in str(option) for option in security)
        if self.name == "podman":
            self._security = podman.security(self._directory)
        old = str(info.get("CgroupVersion", "1")) == "1"
        unenforced = ["memory", "cpu", "pids"] if self._rootless and old else []
        if unenforced:
            return base.Capability(False, f"{self.name} without root cannot enforce limits on cgroups v1")
        return base.Capability(
            available=True,
            reason="",
            isolation=f"{self.name} {info.get('ServerVersion', '')} container{', rootless' if self._rootless else ''}; "
            "no network but the job's proxy; read-only root; no capabilities; no new privileges",
            enforced=["cpu", "memory", "pids", "time", "disk space (measured)"],
        )

    async def _connect(self) -> docker.DockerClient:
        for url in [self._socket] if self._socket else podman.sockets(self.name):
            with contextlib.suppress(*_FAILURES):
                client = await self._call(docker.DockerClient, base_url=url, timeout=120)
                await self._call(client.ping)
                return client
        if self.name == "podman" and not self._socket and shutil.which("podman"):
            self._service = await podman.start(self._directory, self._insecure)
            client = await self._call(docker.DockerClient, base_url=self._service.url, timeout=120)
            await self._call(client.ping)
            return client
        raise OSError("no engine answers on its socket")

    def root(self, directory: Path) -> str:
        """Where a job finds the parts of its directory."""
        del directory  # every sandbox shows it at the same place
        return base.SANDBOX_ROOT

    async def prepare(self, spec: base.Spec) -> base.Prepared:
        """Pull the image with the job's own credential."""
        if spec.image is None:
            raise base.PrepareFailed(
                f"this runner's executor ({self.name}) needs an image: name one in the job",
                reason="runner_configuration_error",
            )
        client = self._get()
        reference = parse(spec.image)
        login = next((item for item in spec.credentials if item.host == reference.host), None)
        auth = {"username": login.username, "password": login.password} if login else None
        repository = f"{reference.host}/{reference.path}"
        try:
            await self._call(_pull, client, repository, reference.wanted, auth)
            separator = "@" if reference.digest else ":"
            image = await self._call(client.images.get, f"{repository}{separator}{reference.wanted}")
        except _FAILURES as exc:
            raise PullFailed(f"{reference}: {exc}") from exc
        if os.geteuid() == 0:
            uid = self._uid(spec.slot)
            for part in base.PARTS:
                os.chown(spec.directory / part, uid, self._uid_base)
        config = image.attrs.get("Config") or {}
        env = dict(item.partition("=")[::2] for item in config.get("Env") or () if "=" in item)
        return base.Prepared(spec, base.SANDBOX_ROOT, env, f"{reference} ({image.id})", state=image.id)

    async def run(self, prepared: base.Prepared, command: base.Command) -> base.Handle:
        """Create and start the container."""
        client, options = self._get(), self._options(prepared, command)
        try:
            container = await self._call(client.containers.create, str(prepared.state), **options)
            handle = Container(container, self._call, command.timeout, prepared.spec.limits)
            await handle.start()
        except _FAILURES as exc:
            raise base.PrepareFailed(f"{self.name} could not start the container: {exc}") from exc
        return handle

    def _options(self, prepared: base.Prepared, command: base.Command) -> dict[str, Any]:
        spec, limits = prepared.spec, prepared.spec.limits
        volumes = {
            str(spec.directory / part): {"bind": f"{base.SANDBOX_ROOT}/{part}", "mode": "rw"} for part in base.PARTS
        }
        for mount in spec.mounts:
            volumes[str(mount.source)] = {"bind": mount.target, "mode": "rw" if mount.writable else "ro"}
        options: dict[str, Any] = {
            "command": list(command.argv),
            "entrypoint": _ONE_STREAM,
            "environment": dict(command.env),
            "working_dir": command.cwd,
            "name": f"mlreef-{spec.job_id}-{secrets.token_hex(4)}",
            "labels": {_LABEL: self._key},
            "network_mode": "none",
            "read_only": True,
            "tmpfs": {"/tmp": self._tmp_options(limits)},  # noqa: S108 - the container's own
            "shm_size": limits.tmp_bytes,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges", *self._security],
            "pids_limit": limits.pids,
            "volumes": volumes,
            "init": False,
            "detach": True,
            "hostname": "job",
        }
        if os.geteuid() == 0:
            options["user"] = f"{self._uid(spec.slot)}:{self._uid_base}"
        elif self._rootless:
            options.update(userns_mode="keep-id", user=f"{os.getuid()}:{os.getgid()}")
        if limits.memory_bytes:
            options.update(mem_limit=limits.memory_bytes, memswap_limit=limits.memory_bytes)
        if limits.cpus:
            options["nano_cpus"] = int(limits.cpus * 1e9)
        return options

    def _tmp_options(self, limits: base.Limits) -> str:
        # podman would take the mode, and the content, from the image's own /tmp.
        own = ",notmpcopyup" if self.name == "podman" else ""
        return f"rw,nosuid,nodev,mode=1777,size={limits.tmp_bytes}{own}"

    async def sweep(self) -> None:
        """Containers of an earlier life."""
        client = self._get()
        with contextlib.suppress(*_FAILURES):
            listed = await self._call(client.containers.list, all=True, filters={"label": f"{_LABEL}={self._key}"})
            for container in listed:
                with contextlib.suppress(*_FAILURES):
                    await self._call(container.remove, force=True)

    async def close(self) -> None:
        """End what `probe` started."""
        if self._client is not None:
            await self._call(self._client.close)
            self._client = None
        if self._service is not None:
            await self._service.stop()
            self._service = None
        self._threads.shutdown(wait=False)

    def _uid(self, slot: int) -> int:
        return self._uid_base + 1 + slot

    def _get(self) -> docker.DockerClient:
        if self._client is None:
            raise base.PrepareFailed(f"{self.name} is not connected")
        return self._client

    async def _call(self, function: Callable[..., T], *args: Any, **options: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: function(*args, **options))


class Container:
    """One command in its container."""

    def __init__(self, container: Any, call: Callable[..., Any], timeout: float, limits: base.Limits) -> None:
        self._container = container
        self._call = call
        self._timeout = timeout
        self._limits = limits
        self._canceled = False
        self._log: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._waiting: asyncio.Task[base.Outcome] | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Attach first, so that no output is missed, then start."""
        stream = await self._call(self._container.attach, stream=True, logs=True, stdout=True, stderr=True)
        await self._call(self._container.start)
        self._reading = asyncio.create_task(self._read(stream))
        self._waiting = asyncio.create_task(self._watch())

    async def output(self) -> AsyncIterator[bytes]:
        """Standard output and error as the engine hands them on."""
        while (data := await self._log.get()) is not None:
            yield data

    async def wait(self) -> base.Outcome:
        """The end of the container."""
        assert self._waiting is not None  # noqa: S101 - `start` came before
        return await asyncio.shield(self._waiting)

    async def cancel(self) -> None:
        """Kill it; its pid namespace goes with it."""
        self._canceled = True
        with contextlib.suppress(*_FAILURES):
            await self._call(self._container.kill)
        await self.wait()

    async def cleanup(self) -> None:
        """Remove it."""
        with contextlib.suppress(*_FAILURES):
            await self._call(self._container.remove, force=True, v=True)
        await self.wait()

    async def _read(self, stream: Any) -> None:
        loop = asyncio.get_running_loop()

        def pump() -> None:
            with contextlib.suppress(*_FAILURES):
                for data in stream:
                    asyncio.run_coroutine_threadsafe(self._log.put(data), loop).result()

        try:
            await self._call(pump)
        finally:
            self._log.put_nowait(None)

    async def _watch(self) -> base.Outcome:
        loop = asyncio.get_running_loop()
        started, timed_out = loop.time(), False
        waiting = asyncio.ensure_future(self._call(self._container.wait, timeout=self._timeout + 3600))
        done, _ = await asyncio.wait({waiting}, timeout=self._timeout)
        if not done:
            timed_out = True
            with contextlib.suppress(*_FAILURES):
                await self._call(self._container.kill)
        try:
            code = int((await waiting).get("StatusCode", 1))
        except _FAILURES:
            code = _KILLED  # removed under us, which ended it
        usage = base.Usage(wall_s=loop.time() - started)
        # Some engines forget to say so; a kill that nobody here ordered, with a limit in force, is the kernel's.
        ours = timed_out or self._canceled
        oom = code == _KILLED and not ours and bool(self._limits.memory_bytes) and await self._was_oom()
        return base.Outcome(code, oom=oom, timed_out=timed_out, usage=usage)

    async def _was_oom(self) -> bool:
        try:
            await self._call(self._container.reload)
        except _FAILURES:
            return False
        state = self._container.attrs.get("State") or {}
        return bool(state.get("OOMKilled")) or state.get("Status") == "exited"


def _pull(client: Any, repository: str, wanted: str, auth: dict[str, str] | None) -> None:
    """docker-py's own `pull` hides errors; they stand in the stream."""
    tag = wanted if not wanted.startswith("sha256:") else None
    name = repository if tag else f"{repository}@{wanted}"
    for line in client.api.pull(name, tag=tag, auth_config=auth, stream=True, decode=True):
        if "error" in line:
            raise docker.errors.APIError(str(line["error"]))
