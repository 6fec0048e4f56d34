"""The only place that runs the `git` binary.

Every command is an argv list with a clean environment: no system, user or hook configuration, nothing that asks or
fetches. Processes start through `subprocess.Popen` (vfork), because asyncio's own spawn under uvloop forks the whole
server, and talk through socket pairs on the event loop: uvloop closes the descriptor of a pipe twice, which in a
process with threads closes somebody else's file. Whoever leaves a `running` block early kills the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from mlreef.kit import logs
from mlreef.kit.errors import Kind, PlatformError

log = logs.get(__name__)

CHUNK = 256 << 10
_BUFFER_BYTES = 1 << 20
_MESSAGE_BYTES = 8 << 10

_CONFIG = {
    # Acknowledged means durable: objects, packs and references reach the disk before git says so.
    "core.fsync": "all",
    "core.hooksPath": os.devnull,
    "core.alternateRefsCommand": "true",
    "core.logAllRefUpdates": "false",
    "safe.directory": "*",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "receive.autogc": "false",
    "receive.fsckObjects": "true",
    "receive.advertiseAtomic": "true",
    "receive.advertisePushOptions": "true",
    "receive.denyCurrentBranch": "ignore",
    "receive.unpackLimit": "100",
    # Old but harmless histories, as GitLab lets them in.
    "receive.fsck.badTimezone": "ignore",
    "receive.fsck.missingSpaceBeforeDate": "ignore",
    "receive.fsck.zeroPaddedFilemode": "ignore",
    "uploadpack.allowFilter": "true",
    "uploadpack.allowAnySHA1InWant": "true",
    "protocol.allow": "never",
    "pack.threads": "2",
    "pack.writeReverseIndex": "true",
    "init.defaultBranch": "main",
}


class GitFailed(PlatformError):
    """A git command ended badly; the message holds the end of what it said."""

    def __init__(self, command: str, code: int, said: str) -> None:
        super().__init__(Kind.UNAVAILABLE, f"git {command} failed ({code}): {said.strip()[-500:] or 'no message'}")
        self.code = code
        self.said = said


def environment(extra: Mapping[str, str] | None = None, config: Sequence[tuple[str, str]] = ()) -> dict[str, str]:
    """All that git gets to see: a search path, fixed configuration, and what the caller adds."""
    settings = [*_CONFIG.items(), *config]
    found = {
        "PATH": os.defpath,
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_ADVICE": "0",
        "GIT_CONFIG_COUNT": str(len(settings)),
    }
    for index, (key, value) in enumerate(settings):
        found[f"GIT_CONFIG_KEY_{index}"] = key
        found[f"GIT_CONFIG_VALUE_{index}"] = value
    return found | dict(extra or {})


class Process:
    """A running git: `write` and `close_input` feed it, `read` and `wait` hear it."""

    def __init__(
        self, popen: subprocess.Popen[bytes], streams: Sequence[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
    ) -> None:
        self._popen = popen
        (_, self._input), (self._output, _), (errors, _) = streams
        self._writers = [writer for _, writer in streams]
        self._said = bytearray()
        self._listening = asyncio.create_task(self._listen(errors))

    async def write(self, data: bytes) -> None:
        """Give input; raises BrokenPipeError or ConnectionResetError when git no longer listens."""
        self._input.write(data)
        await self._input.drain()

    def close_input(self) -> None:
        """The input ends here."""
        self._input.close()

    async def read(self, size: int = CHUNK) -> bytes:
        """The next output; empty at its end."""
        return await self._output.read(size)

    async def wait(self) -> int:
        """The exit status, once git has ended and said all it had to say; read its output first."""
        pause = 0.0002
        while (code := self._popen.poll()) is None:
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.05)
        await self._listening
        return code

    @property
    def said(self) -> str:
        """The end of what git wrote to standard error."""
        return self._said.decode(errors="replace")

    async def end(self) -> None:
        """Kill the whole process group if it still runs, and let go of the sockets."""
        if self._popen.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._popen.pid, signal.SIGKILL)
            await asyncio.to_thread(self._popen.wait)
        self._listening.cancel()
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)

    async def _listen(self, errors: asyncio.StreamReader) -> None:
        while part := await errors.read(_MESSAGE_BYTES):
            self._said += part
            del self._said[:-_MESSAGE_BYTES]


@asynccontextmanager
async def running(
    *args: str | Path, env: Mapping[str, str] | None = None, config: Sequence[tuple[str, str]] = ()
) -> AsyncIterator[Process]:
    """Run `git <args>` while the block lasts; what still runs at its end is killed."""
    pairs = [socket.socketpair() for _ in range(3)]
    try:
        popen = subprocess.Popen(  # noqa: ASYNC220 - vfork takes a millisecond, see the module docstring
            ["git", *map(str, args)],
            stdin=pairs[0][1].fileno(),
            stdout=pairs[1][1].fileno(),
            stderr=pairs[2][1].fileno(),
            env=environment(env, config),
            process_group=0,
        )
    except BaseException:
        for ours, _ in pairs:
            ours.close()
        raise
    finally:
        for _, theirs in pairs:
            theirs.close()
    streams = [await asyncio.open_unix_connection(sock=ours, limit=CHUNK) for ours, _ in pairs]
    process = Process(popen, streams)
    try:
        yield process
    finally:
        await asyncio.shield(process.end())


async def run(
    repo: Path,
    *args: str,
    input: bytes = b"",  # noqa: A002 - the word everybody uses
    limit: int = 64 << 20,
    seconds: float = 120,
    accept: Sequence[int] = (0,),
    env: Mapping[str, str] | None = None,
    config: Sequence[tuple[str, str]] = (),
) -> bytes:
    """The output of one command in a repository; raises GitFailed on other exit codes than `accept`."""
    async with _deadline(args[0], seconds), running("-C", repo, "--git-dir", ".", *args, env=env, config=config) as git:
        feeding = asyncio.create_task(_feed(git, input))
        try:
            output = await _collect(git, limit, args[0])
            code = await git.wait()
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
        if code not in accept:
            raise GitFailed(args[0], code, git.said)
        return output


async def stream(repo: Path, *args: str, config: Sequence[tuple[str, str]] = ()) -> AsyncIterator[bytes]:
    """The output of one command in pieces; raises GitFailed at the end when the command failed."""
    async with running("-C", repo, "--git-dir", ".", *args, config=config) as git:
        git.close_input()
        while part := await git.read():
            yield part
        if code := await git.wait():
            raise GitFailed(args[0], code, git.said)


async def _feed(git: Process, data: bytes) -> None:
    view = memoryview(data)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the exit status tells what happened
        for start in range(0, len(view), _BUFFER_BYTES):
            await git.write(bytes(view[start : start + _BUFFER_BYTES]))
        git.close_input()


async def _collect(git: Process, limit: int, command: str) -> bytes:
    output = bytearray()
    while part := await git.read():
        output += part
        if len(output) > limit:
            raise PlatformError(Kind.TOO_LARGE, f"git {command} answered more than {limit} bytes; ask for less")
    return bytes(output)


@asynccontextmanager
async def _deadline(command: str, seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise PlatformError(Kind.UNAVAILABLE, f"git {command} took longer than {seconds:g} s; try again") from None
