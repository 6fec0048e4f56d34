"""Finds the sockets of container engines, and runs podman's own service on a private one where none answers."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from mlreef.runner.executors import seccomp

_START_SECONDS = 20.0
_PROFILES = ("/etc/containers/seccomp.json", "/usr/share/containers/seccomp.json")


def sockets(engine: str) -> list[str]:
    """Where an engine's socket usually is, most private first."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    if engine == "podman":
        places = [f"{runtime}/podman/podman.sock", "/run/podman/podman.sock"]
    else:
        named = os.environ.get("DOCKER_HOST", "")
        places = [named.removeprefix("unix://") if named.startswith("unix://") else ""]
        places += [f"{runtime}/docker.sock", "/run/docker.sock", "/var/run/docker.sock"]
    return [f"unix://{place}" for place in dict.fromkeys(places) if place and Path(place).is_socket()]


def security(directory: Path) -> tuple[str, ...]:
    """podman's own system call filter, less what lets a container make user namespaces; its default allows that."""
    found = next((path for path in map(Path, _PROFILES) if path.is_file()), None)
    if found is None:
        return ()
    profile = json.loads(found.read_text())
    closed = {*seccomp.DENIED, "clone", "clone3"}
    rules = [{**rule, "names": [n for n in rule["names"] if n not in closed]} for rule in profile["syscalls"]]
    flag = {"index": 0, "value": seccomp.CLONE_NEWUSER, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
    profile["syscalls"] = [
        *(rule for rule in rules if rule["names"]),
        {"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [flag]},
        {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
    ]
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "seccomp.json"
    path.write_text(json.dumps(profile))
    return (f"seccomp={path}",)


@dataclass(slots=True)
class Service:
    """A running `podman system service`."""

    process: subprocess.Popen[bytes]
    url: str

    async def stop(self) -> None:
        """End it."""
        self.process.terminate()
        for _ in range(100):
            if self.process.poll() is not None:
                return
            await asyncio.sleep(0.05)
        self.process.kill()
        self.process.wait()


async def start(directory: Path, insecure: tuple[str, ...]) -> Service:
    """Start the service; registries that are spoken to over http are named in a configuration of its own."""
    directory.mkdir(parents=True, exist_ok=True)
    directory = directory.resolve()
    socket = directory / "podman.sock"
    socket.unlink(missing_ok=True)
    registries = directory / "registries.conf"
    registries.write_text("".join(f'[[registry]]\nlocation = "{host}"\ninsecure = true\n' for host in insecure))
    engine = directory / "containers.conf"
    engine.write_text(_engine_configuration())
    env = {**os.environ, "CONTAINERS_REGISTRIES_CONF": str(registries), "CONTAINERS_CONF": str(engine)}
    argv = ["setpriv", "--pdeathsig", "TERM", "podman", "system", "service", "--time=0", f"unix://{socket}"]
    with (directory / "podman.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - vfork takes a millisecond
            argv,
            cwd=directory,  # where its monitors leave a file for each container that ran out of memory
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=env,
        )
    deadline = asyncio.get_running_loop().time() + _START_SECONDS
    while not socket.is_socket():
        if process.poll() is not None or asyncio.get_running_loop().time() > deadline:
            process.kill()
            process.wait()
            said = (directory / "podman.log").read_text(errors="replace")[-300:]
            raise OSError(f"podman's service did not start: {said}")
        await asyncio.sleep(0.05)
    return Service(process, f"unix://{socket}")


def _engine_configuration() -> str:
    """runc where it is installed (crun refuses hybrid cgroups), and limits below what the runner itself has."""
    lines = ["[containers]", 'default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]', "[engine]"]
    if shutil.which("runc"):
        lines.append('runtime = "runc"')
    if not Path("/run/systemd/system").is_dir():
        lines += ['cgroup_manager = "cgroupfs"', 'events_logger = "file"']
    return "\n".join(lines) + "\n"
