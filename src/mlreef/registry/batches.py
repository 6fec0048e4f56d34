"""Work that waits for the database together: what several requests ask at the same moment becomes one transaction.

The first request of a repository starts at once. Those that come while it waits for the disk are done with the next
transaction, all of them, and share its wait. When one of them must be refused, the others are done again without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

_MOST = 64

Work = Callable[[Sequence[Any]], Awaitable[None]]


class Batches:
    """One line of work per key; what is done is durable when `add` returns."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[tuple[Any, asyncio.Future[None]]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def add(self, key: str, item: Any, work: Work) -> None:
        """Have `work` done for the item, with others of the same key; raises what it raises for this one."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if key in self._waiting:
            self._waiting[key].append((item, done))
        else:
            self._waiting[key] = [(item, done)]
            # A task of its own: the request that came first may be given up while others wait for the same.
            task = asyncio.create_task(self._run(key, work))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await done

    async def close(self) -> None:
        """Wait for what was begun."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _run(self, key: str, work: Work) -> None:
        while waiting := self._waiting[key]:
            batch, self._waiting[key] = waiting[:_MOST], waiting[_MOST:]
            await _do(batch, work)
        del self._waiting[key]


async def _do(batch: list[tuple[Any, asyncio.Future[None]]], work: Work) -> None:
    try:
        await work([item for item, _ in batch])
    except Exception as exc:  # noqa: BLE001 - whatever it is belongs to those who wait
        if len(batch) > 1:
            for one in batch:
                await _do([one], work)
        else:
            _settle(batch[0][1], exc)
        return
    for _, done in batch:
        _settle(done, None)


def _settle(done: asyncio.Future[None], failure: Exception | None) -> None:
    if done.done():  # nobody waits any more
        return
    if failure is None:
        done.set_result(None)
    else:
        done.set_exception(failure)
