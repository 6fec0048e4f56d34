"""A garbage collection that is killed at its n-th step: `python -m registry.dying_collection <folder> <n>`.

Steps are the moments before and after every commit and every removal of bytes; it prints how many there were when it
outlived them all.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

from mlreef.kit import logs
from mlreef.kit.db import Tx
from mlreef.registry import collection
from registry import world


class Death:
    """Comes at the n-th step."""

    def __init__(self, at: int) -> None:
        self.at, self.steps = at, 0

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


class DyingDatabase:
    def __init__(self, db: Any, death: Death) -> None:
        self._db, self._death = db, death

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        async with self._db.write() as tx:
            yield tx
            self._death.step()
        self._death.step()


class DyingObjects:
    def __init__(self, objects: Any, death: Death) -> None:
        self._objects, self._death = objects, death

    def __getattr__(self, name: str) -> Any:
        return getattr(self._objects, name)

    async def delete(self, digest: str) -> None:
        self._death.step()
        await self._objects.delete(digest)
        self._death.step()


def place(folder: str) -> tuple[str, str]:
    return f"sqlite:///{folder}/registry.db", f"file://{folder}/objects"


async def main(folder: str, at: int) -> None:
    async with world.ours(*place(folder), gc_hours=0, upload_hours=0) as reg:
        death = Death(at)
        db: Any = DyingDatabase(reg.state.db, death)
        objects: Any = DyingObjects(reg.state.objects, death)
        await collection.run(dataclasses.replace(reg.state, db=db, objects=objects))
        print(death.steps)


if __name__ == "__main__":
    logs.configure(json=False, level="WARNING")
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
