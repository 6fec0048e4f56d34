"""Extraction in processes of its own, so that no source can take the server down, slow it or fill its memory.

A few workers live on between extractions, for starting one costs more than most extractions; one that fails, takes too
long or has done enough is replaced. Idle ones end.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from mlreef.extraction import source
from mlreef.extraction.model import Extraction, Fault, Position, extraction_from_json

MAX_TOTAL = 8 << 20
STACK = 64 << 20
"""Bytes: CPython's parser recurses in C, and a small stack, such as musl gives to threads, would end the process."""
_START_S = 20.0
READY = b"r"
_FAILED = ("the program cannot be read within the limits of time and memory", "publish a smaller script")


class _Lost(Exception):
    """The worker ended or took too long."""


@dataclass(eq=False, slots=True)
class _Worker:
    process: asyncio.subprocess.Process
    uses: int = 0


class Pool:
    """At most `size` workers; `timeout` and `idle` in seconds, a worker is replaced after `uses` extractions."""

    def __init__(
        self,
        *,
        size: int = 2,
        timeout: float = 5.0,
        uses: int = 200,
        idle: float = 60.0,
        stack: int = STACK,
    ) -> None:
        self._stack = stack
        self._timeout, self._uses, self._idle_after = timeout, uses, idle
        self._slots = asyncio.Semaphore(size)
        self._idle: list[_Worker] = []
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End all workers."""
        if self._timer is not None:
            self._timer.cancel()
        workers, self._idle = self._idle, []
        for worker in workers:
            await _end(worker)

    async def extract(
        self, content: bytes, file: str, files: Mapping[str, bytes] | None = None, *, subcommand: str | None = None
    ) -> Extraction:
        """As `service.extract`, with the project's other files that are known so far; never raises for the source."""
        if len(content) > source.MAX_BYTES:
            return _refused(
                file, f"the file is larger than {source.MAX_BYTES >> 20} MiB", "move data out of the source"
            )
        request = _request(content, file, files or {}, subcommand)
        async with self._slots:
            for attempt in range(2):
                worker = self._idle.pop() if self._idle and not attempt else None
                fresh = worker is None
                try:
                    worker = worker or await _start(self._stack)
                    answer = await self._ask(worker, request)
                except (_Lost, TimeoutError, OSError):
                    if fresh:
                        break
                    continue  # it may have been lost before
                return extraction_from_json(answer)
        return _refused(file, *_FAILED)

    async def _ask(self, worker: _Worker, request: bytes) -> dict[str, Any]:
        done = False
        try:
            async with asyncio.timeout(self._timeout):
                answer = await _exchange(worker.process, request)
            done = True
        except (TimeoutError, OSError, asyncio.IncompleteReadError, ValueError) as exc:
            raise _Lost from exc
        finally:
            worker.uses += 1
            if done and worker.uses < self._uses:
                self._keep(worker)
            else:
                await _end(worker)
        return answer

    def _keep(self, worker: _Worker) -> None:
        self._idle.append(worker)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(self._idle_after, self._dismiss)

    def _dismiss(self) -> None:
        for worker in self._idle:
            if worker.process.stdin is not None:
                worker.process.stdin.close()  # it ends when there is nothing more to read
        self._idle = []


def _request(content: bytes, file: str, files: Mapping[str, bytes], subcommand: str | None) -> bytes:
    taken: dict[str, bytes] = {file: content}
    size = len(content)
    for path, other in files.items():
        if path != file and size + len(other) <= MAX_TOTAL:
            taken[path] = other
            size += len(other)
    head = {"file": file, "subcommand": subcommand, "files": [(path, len(one)) for path, one in taken.items()]}
    text = json.dumps(head).encode()
    return b"".join([len(text).to_bytes(4, "big"), text, *taken.values()])


async def _exchange(process: asyncio.subprocess.Process, request: bytes) -> dict[str, Any]:
    if process.stdin is None or process.stdout is None:
        raise ValueError
    process.stdin.write(request)
    await process.stdin.drain()
    size = int.from_bytes(await process.stdout.readexactly(4), "big")
    answer = json.loads(await process.stdout.readexactly(size))
    return dict(answer)


async def _start(stack: int) -> _Worker:
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    command = (sys.executable, "-I", "-m", "mlreef.extraction.worker", str(stack))
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=nothing, env={})
    worker = _Worker(process)
    try:
        async with asyncio.timeout(_START_S):
            if process.stdout is None or await process.stdout.read(1) != READY:
                raise _Lost
    except BaseException:
        await _end(worker)
        raise
    return worker


async def _end(worker: _Worker) -> None:
    with contextlib.suppress(ProcessLookupError):
        worker.process.kill()
    if worker.process.stdin is not None:
        worker.process.stdin.close()
    await worker.process.wait()


def _refused(file: str, message: str, remedy: str) -> Extraction:
    return Extraction(errors=[Fault(Position(file, 1, 1), message, remedy)])
