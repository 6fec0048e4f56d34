"""Fetches and pushes: git does the work, this decides what a push may do and when it is acknowledged.

A push's commands are read before git sees them, so protected references, hidden namespaces and bad names are refused
without hooks. Git's report is held back until everything is on disk and the listeners have heard of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlreef.forge.repos import durability, events, git, moving, objects, refs
from mlreef.forge.repos.transport import packets

UPLOAD, RECEIVE = "upload-pack", "receive-pack"
_PROTOCOL = re.compile(r"version=[012]")
_HIDDEN_ON_FETCH = [("uploadpack.hideRefs", "refs/keep-around"), ("uploadpack.hideRefs", "refs/tmp")]
_HIDDEN_ON_PUSH = [("receive.hideRefs", prefix.rstrip("/")) for prefix in refs.INTERNAL]


class Rules(Protocol):
    """What the person pushing may do to a reference, by full name."""

    def refuse_push(self, ref: str, *, deletes: bool) -> str | None:
        """Why the reference may not be moved or deleted; None when it may."""
        ...

    def may_rewrite(self, ref: str) -> bool:
        """Whether history may be thrown away."""
        ...


Record = Callable[[Sequence[moving.Move]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Push:
    """One push: to which repository, by whom, within which limits."""

    repo: Path
    project_id: int
    user_id: int
    rules: Rules
    max_bytes: int
    record: Record
    """Told what has moved, before anybody else."""


async def advertise(repo: Path, service: str, protocol: str) -> bytes:
    """The answer to `info/refs`."""
    config = _HIDDEN_ON_FETCH if service == UPLOAD else _HIDDEN_ON_PUSH
    env = _protocol(protocol)
    async with git.running(service, "--stateless-rpc", "--advertise-refs", repo, env=env, config=config) as process:
        process.close_input()
        out = bytearray()
        while part := await process.read():
            out += part
        if code := await process.wait():
            raise git.GitFailed(service, code, process.said)
    if env.get("GIT_PROTOCOL") == "version=2" and service == UPLOAD:
        return bytes(out)
    return packets.encode(f"# service=git-{service}\n".encode()) + packets.FLUSH + bytes(out)


async def fetch(repo: Path, protocol: str, body: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Answer `git-upload-pack`: a reference listing, a negotiation or a pack."""
    async with git.running(
        UPLOAD, "--stateless-rpc", "--strict", repo, env=_protocol(protocol), config=_HIDDEN_ON_FETCH
    ) as process:
        async with _feeding(process, body):
            while part := await process.read():
                yield part
            await process.wait()


async def receive(push: Push, hooks: events.PushHooks, body: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Answer `git-receive-pack`: the last bytes leave only when what they report is durable."""
    reader = packets.Reader(body)
    head = await packets.read_head(reader)
    if not head.commands:  # git asks with an empty push whether it may push at all
        return
    refused = _refused(push.rules, head.commands)
    if refused:
        async for _ in reader.rest():
            pass
        yield packets.rejection(head, [(one.ref, "pre-receive hook declined") for one in head.commands], refused)
        return
    sorter = packets.Demultiplexer(sideband=head.sideband)
    config = [*_HIDDEN_ON_PUSH, ("receive.maxInputSize", str(push.max_bytes))]
    if not all(push.rules.may_rewrite(command.ref) for command in head.commands):
        config.append(("receive.denyNonFastForwards", "true"))
    async with git.running(RECEIVE, "--stateless-rpc", push.repo, config=config) as process:
        async with _feeding(process, _chain(head.raw, reader)):
            while part := await process.read():
                if ready := sorter.feed(part):
                    yield ready
            await process.wait()
    await _acknowledge(push, hooks, head, bytes(sorter.report))
    if sorter.held:
        yield bytes(sorter.held)


async def _acknowledge(push: Push, hooks: events.PushHooks, head: packets.Head, report: bytes) -> None:
    done = await _moved(push.repo, head, report)
    if not done:
        return
    await durability.settle(push.repo)
    await push.record([moving.Move(one.ref, one.before, one.after) for one in done])
    adopted = await moving.adopt_default(push.repo, [one.ref for one in done if one.after != refs.ZERO])
    if adopted is not None:
        await hooks.changed_default(push.project_id, adopted)
    for one in done:
        await hooks.publish(
            events.PushEvent(push.project_id, one.ref, one.before, one.after, push.user_id, head.options)
        )


async def _moved(repo: Path, head: packets.Head, report: bytes) -> list[packets.Command]:
    if head.reports:
        names = packets.accepted(report)
        return [command for command in head.commands if command.ref in names]
    done = []
    for command in head.commands:
        found = await asyncio.to_thread(objects.find_reference, repo, command.ref)
        if (found.target if found else refs.ZERO) == command.after:
            done.append(command)
    return done


def _refused(rules: Rules, commands: Sequence[packets.Command]) -> str | None:
    for command in commands:
        if not refs.is_valid(command.ref) and command.after != refs.ZERO:
            return f"{command.ref[:200]} is not a name for a branch or tag here"
        if command.ref.startswith(refs.INTERNAL):
            return f"{command.ref[:200]} belongs to the server"
        reason = rules.refuse_push(command.ref, deletes=command.after == refs.ZERO)
        if reason is not None:
            return reason
    return None


async def _chain(first: bytes, reader: packets.Reader) -> AsyncIterator[bytes]:
    yield first
    async for chunk in reader.rest():
        yield chunk


@contextlib.asynccontextmanager
async def _feeding(process: git.Process, body: AsyncIterator[bytes]) -> AsyncIterator[None]:
    """Write the body to git while the block reads its answer; a body that breaks off kills git."""

    async def feed() -> None:
        try:
            async for chunk in body:
                await process.write(chunk)
            process.close_input()
        except (BrokenPipeError, ConnectionResetError):
            async for _ in body:  # git has its reasons and says them; the client must get to read them
                pass
        except BaseException:
            await process.end()
            raise

    task = asyncio.create_task(feed())
    try:
        yield
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _protocol(header: str) -> dict[str, str]:
    return {"GIT_PROTOCOL": header} if _PROTOCOL.fullmatch(header) else {}
