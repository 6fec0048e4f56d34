"""All loops of CI and webhooks, as the forge runs them while it is up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mlreef.forge.ci.context import Ci
from mlreef.forge.ci.jobs import store as jobs_store
from mlreef.forge.ci.pipelines import background as pipelines
from mlreef.forge.ci.pipelines.pushes import Pushes
from mlreef.forge.ci.runners.background import Leases, QueueWatch
from mlreef.forge.ci.traces import service as traces
from mlreef.forge.hooks import sending
from mlreef.kit import tasks
from mlreef.kit.db import Database


@asynccontextmanager
async def running(
    ci: Ci, db: Database, sender: sending.Sender, *, lease_interval: float = 5.0
) -> AsyncIterator[Pushes]:
    """Run the loops while the block lasts; gives the inbox of pushes, for the repository slice to fill."""
    pushes, leases, watch = Pushes(ci, db), Leases(ci, db), QueueWatch(ci, db)
    dispatcher = sending.Dispatcher(db, sender, ci.clock)

    async def expire() -> None:
        async with db.write() as tx:
            await jobs_store.drop_expired_artifacts(tx, ci.clock.now())

    loops = {
        "pushes": tasks.Loop("ci pushes", pushes.work, interval=10.0),
        "leases": tasks.Loop("ci leases", leases.sweep, interval=lease_interval),
        "queue watch": tasks.Loop("ci queue watch", watch.look, interval=1.0),
        "archive": tasks.Loop("ci traces", lambda: traces.archive(ci, db), interval=30.0),
        "begin": tasks.Loop("ci pipelines", lambda: pipelines.begin_left_behind(ci, db), interval=30.0),
        "expire": tasks.Loop("ci artifacts", expire, interval=3600.0),
        "hooks": tasks.Loop("webhooks", dispatcher.start_due, interval=1.0),
        "hooks clean": tasks.Loop("webhooks clean", lambda: sending.clean(db, ci.clock), interval=3600.0),
    }
    for topic in ("pushes", "archive", "hooks"):
        ci.signals.on(topic, loops[topic].wake)
    try:
        async with tasks.running(loops.values()):
            yield pushes
    finally:
        await dispatcher.close()
