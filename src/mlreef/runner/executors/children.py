"""Child processes on the event loop: started by vfork, read through one pipe, awaited by a pidfd, killed whole.

asyncio's own subprocesses are not used: under uvloop they fork, which a server with much memory pays for.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from mlreef.runner.executors import base
from mlreef.runner.executors.cgroups import Cgroup

# Enter the cgroups named before `--`, then become the command. The shell enters itself, so no process escapes.
_ENTER = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done; shift; exec "$@"'
_DRAIN_SECONDS = 2.0

KillTree = Callable[[], Awaitable[None]]


def entering(cgroup: Cgroup | None, argv: Sequence[str]) -> list[str]:
    """The command line that runs `argv` inside a cgroup."""
    if cgroup is None:
        return list(argv)
    return ["/bin/sh", "-c", _ENTER, "sh", *map(str, cgroup.entrances), "--", *argv]


async def exited(process: subprocess.Popen[bytes]) -> int:
    """Wait for a child without a thread; its return code."""
    if process.poll() is None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        descriptor = os.pidfd_open(process.pid)
        loop.add_reader(descriptor, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)
    return process.wait()


async def communicate(argv: Sequence[str], *, seconds: float = 30.0, pass_fds: Sequence[int] = ()) -> tuple[int, str]:
    """Run a small command to its end: exit code and output."""
    process = spawn(argv, pass_fds=pass_fds)
    reader, transport = await reading(process)
    try:
        async with asyncio.timeout(seconds):
            output = await reader.read()
            return base.exit_code(await exited(process)), output.decode("utf-8", "replace")
    except TimeoutError:
        return 124, f"no end within {seconds} s"
    finally:
        transport.close()
        if process.poll() is None:
            process.kill()
            process.wait()


def spawn(
    argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None, pass_fds: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, standard output and error in one pipe."""
    return subprocess.Popen(
        list(argv),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=None if env is None else dict(env),
        cwd=cwd,
        pass_fds=pass_fds,
        start_new_session=True,
    )


async def reading(process: subprocess.Popen[bytes]) -> tuple[asyncio.StreamReader, asyncio.ReadTransport]:
    """The child's output as a stream."""
    assert process.stdout is not None  # noqa: S101 - `spawn` opens the pipe
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 18)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), process.stdout)
    return reader, transport


class Child:
    """A `base.Handle` around one child process and everything it starts."""

    def __init__(
        self, process: subprocess.Popen[bytes], *, timeout: float, cgroup: Cgroup | None, kill_tree: KillTree
    ) -> None:
        self._process = process
        self._timeout = timeout
        self._cgroup = cgroup
        self._kill_tree = kill_tree
        self._started = asyncio.get_running_loop().time()
        self._over = asyncio.Event()
        self._waiting = asyncio.create_task(self._watch(), name=f"child {process.pid}")

    async def output(self) -> AsyncIterator[bytes]:
        """Everything the command wrote; ends soon after the command even if something kept the pipe open."""
        reader, transport = await reading(self._process)
        closing = asyncio.create_task(self._close_late(transport))
        try:
            while data := await reader.read(1 << 16):
                yield data
        finally:
            closing.cancel()
            transport.close()

    async def _close_late(self, transport: asyncio.ReadTransport) -> None:
        await self._over.wait()
        await asyncio.sleep(_DRAIN_SECONDS)
        transport.close()

    async def wait(self) -> base.Outcome:
        """The end of the command; afterwards its whole tree is dead."""
        return await asyncio.shield(self._waiting)

    async def cancel(self) -> None:
        """Kill the tree and wait until it is gone."""
        await self._kill_tree()
        await asyncio.shield(self._waiting)

    async def cleanup(self) -> None:
        """Remove the cgroup."""
        await self._kill_tree()
        await asyncio.shield(self._waiting)
        if self._cgroup is not None:
            await self._cgroup.remove()

    async def _watch(self) -> base.Outcome:
        timed_out = False
        try:
            async with asyncio.timeout(self._timeout):
                code = await exited(self._process)
        except TimeoutError:
            timed_out = True
            await self._kill_tree()
            code = await exited(self._process)
        await self._kill_tree()
        self._over.set()
        code, wall = base.exit_code(code), asyncio.get_running_loop().time() - self._started
        usage = self._cgroup.usage(wall) if self._cgroup else base.Usage(wall_s=wall)
        oom = bool(code) and not timed_out and self._cgroup is not None and self._cgroup.oom_kills() > 0
        return base.Outcome(code, oom=oom, timed_out=timed_out, usage=usage)


def marked(mark: str) -> set[int]:
    """Processes whose environment carries the mark: children that left session, group and parent are found too."""
    needle, found = mark.encode(), set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if needle in (entry / "environ").read_bytes():
                    found.add(int(entry.name))
    return found


async def kill_marked(mark: str) -> int:
    """Kill all processes that carry the mark, until none is left."""
    count = 0
    for _ in range(200):
        alive = {pid for pid in marked(mark) if not _zombie(pid)}
        if not alive:
            break
        for pid in alive:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
                count += 1
        await asyncio.sleep(0.01)
    return count


def _zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except OSError:
        return True
